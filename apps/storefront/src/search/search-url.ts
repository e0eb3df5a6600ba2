/**
 * The search page's address: what is asked for and chosen, in words a person can read and send on.
 *
 *     /search?q=shoes&brand=Strida&brand=Nordfell&category=Sports > Running&price=20-80&sort=price_asc
 */
export interface SearchAddress {
  readonly query: string;
  readonly brands: readonly string[];
  /** Path in the category tree: "Sports > Running". */
  readonly category?: string;
  /** Inclusive bounds in minor units, either of which may be open. */
  readonly price?: { readonly min?: number; readonly max?: number };
  readonly inStock: boolean;
  /** At least so many stars. */
  readonly rating?: number;
  /** "price_asc"; without it by relevance. */
  readonly sort?: SortName;
  /** From 1. */
  readonly page: number;
}

/** Orders that the page offers, as the names of indexes end. */
export const sortNames = ["price_asc", "price_desc", "rating_desc", "createdAt_desc"] as const;
export type SortName = (typeof sortNames)[number];

/** InstantSearch's name for the shop's catalogue; its orders are `products_price_asc` and so on. */
export const indexName = "products";

/** Attributes of the levels of the category tree, as InstantSearch's menus name them. */
export const categoryLevels = [0, 1, 2, 3].map((level) => `hierarchicalCategories.lvl${level}`);
const categoryTree = categoryLevels[0]!;

const maxQueryLength = 500;
const maxChoices = 50;
const lastPage = 10_000;

/** Reads an address. Whatever a hand has spoilt in it is left out. */
export function readAddress(search: string): SearchAddress {
  const given = new URLSearchParams(search);
  const category = given.get("category");
  const price = readBounds(given.get("price"));
  const rating = readWhole(given.get("rating"), 1, 5);
  const sort = sortNames.find((name) => name === given.get("sort"));
  return {
    query: (given.get("q") ?? "").trim().slice(0, maxQueryLength),
    brands: [...new Set(given.getAll("brand").filter(Boolean))].slice(0, maxChoices),
    ...(category && { category }),
    ...(price && { price }),
    inStock: given.get("stock") === "1",
    ...(rating !== undefined && { rating }),
    ...(sort && { sort }),
    page: readWhole(given.get("page"), 1, lastPage) ?? 1,
  };
}

/** Writes an address, shortest form: nothing is said that holds anyway. */
export function writeAddress(address: SearchAddress): string {
  const written = new URLSearchParams();
  if (address.query !== "") written.set("q", address.query);
  for (const brand of address.brands) written.append("brand", brand);
  if (address.category) written.set("category", address.category);
  const { min, max } = address.price ?? {};
  if (min !== undefined || max !== undefined) written.set("price", `${min ?? ""}-${max ?? ""}`);
  if (address.inStock) written.set("stock", "1");
  if (address.rating !== undefined) written.set("rating", String(address.rating));
  if (address.sort) written.set("sort", address.sort);
  if (address.page > 1) written.set("page", String(address.page));
  return written.size === 0 ? "" : `?${written}`;
}

function readWhole(text: string | null, min: number, max: number): number | undefined {
  if (text === null || !/^\d{1,9}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

function readBounds(text: string | null): SearchAddress["price"] {
  const [, from, to] = /^(\d{0,12})-(\d{0,12})$/.exec(text ?? "") ?? [];
  const min = from ? Number(from) : undefined;
  const max = to ? Number(to) : undefined;
  if ((min === undefined && max === undefined) || (min ?? 0) > (max ?? Infinity)) return undefined;
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

/** What the page's widgets hold, as far as this page uses them. */
export interface WidgetState {
  readonly query?: string;
  readonly page?: number;
  readonly sortBy?: string;
  readonly refinementList?: { readonly [attribute: string]: string[] };
  readonly hierarchicalMenu?: { readonly [attribute: string]: string[] };
  readonly range?: { readonly [attribute: string]: string };
  readonly toggle?: { readonly [attribute: string]: boolean };
}

/** An address as the state of the widgets. */
export function widgetStateOf(address: SearchAddress): WidgetState {
  const { min, max } = address.price ?? {};
  const range = {
    ...(address.price && { price: `${min ?? ""}:${max ?? ""}` }),
    ...(address.rating !== undefined && { rating: `${address.rating}:` }),
  };
  return {
    query: address.query,
    ...(address.page > 1 && { page: address.page }),
    ...(address.sort && { sortBy: `${indexName}_${address.sort}` }),
    ...(address.brands.length > 0 && { refinementList: { brand: [...address.brands] } }),
    ...(address.category && {
      hierarchicalMenu: { [categoryTree]: address.category.split(" > ") },
    }),
    ...(Object.keys(range).length > 0 && { range }),
    ...(address.inStock && { toggle: { available: true } }),
  };
}

/** The state of the widgets as an address: the inverse of `widgetStateOf`. */
export function addressOf(state: WidgetState): SearchAddress {
  const path = state.hierarchicalMenu?.[categoryTree] ?? [];
  const boundsOf = (attribute: string) =>
    readBounds(state.range?.[attribute]?.replace(":", "-") ?? null);
  const price = boundsOf("price");
  const rating = boundsOf("rating")?.min;
  const sort = sortNames.find((name) => state.sortBy === `${indexName}_${name}`);
  return {
    query: state.query ?? "",
    brands: state.refinementList?.["brand"] ?? [],
    ...(path.length > 0 && { category: path.join(" > ") }),
    ...(price && { price }),
    inStock: state.toggle?.["available"] === true,
    ...(rating !== undefined && { rating }),
    ...(sort && { sort }),
    page: state.page ?? 1,
  };
}
