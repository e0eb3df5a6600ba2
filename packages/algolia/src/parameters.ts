import type { SearchRequest } from "@magpie/contract";
import type { FieldConditions, FieldTest, GeoPoint } from "@magpie/domain";
import { parameterError } from "./errors.ts";
import { fieldOf } from "./fields.ts";
import { facetFilters, numericFilters, parseFilters, tagFilters } from "./filters.ts";

/** One search as the dialect asked it, and as our API takes it. */
export interface Asked {
  readonly index: string;
  readonly query: string;
  readonly page: number;
  readonly hitsPerPage: number;
  /** First hit and their number, where they were asked for in place of a page. */
  readonly slice?: { readonly offset: number; readonly length: number };
  /** Attributes whose values are counted, as they were asked for; "*" for all. */
  readonly facets: readonly string[];
  readonly maxValuesPerFacet: number;
  /** Attributes of hits that are wanted; undefined: all. */
  readonly attributesToRetrieve: readonly string[] | undefined;
  readonly attributesToHighlight: readonly string[] | undefined;
  readonly attributesToSnippet: readonly string[] | undefined;
  readonly getRankingInfo: boolean;
  /** The parameters as the answer repeats them. */
  readonly params: string;
  readonly request: SearchRequest;
}

/** A search in the values of one facet. */
export interface AskedFacet {
  readonly field: string;
  readonly attribute: string;
  readonly text: string;
  readonly limit: number;
  readonly highlight: { readonly open: string; readonly close: string };
  readonly asked: Asked;
}

/** How far lists can be paged, and how long a page is, as our API has it. */
const reachable = 10_000;
const maxHitsPerPage = 100;
const defaultHitsPerPage = 20;
const maxQueryLength = 500;
const maxContexts = 50;
const maxContextLength = 100;

/**
 * Reads the parameters of one search. Those that are not known here are passed over, as they are by
 * servers of the dialect that are older than a client.
 *
 * @param given  an object, or the same as a query string
 * @throws {RequestError} `INVALID_PARAMETER` naming the parameter
 */
export function readParameters(index: string, given: unknown): Asked {
  const read = new Reader(given);
  const query = read.text("query", "").slice(0, maxQueryLength);
  const hitsPerPage = read.wholeNumber("hitsPerPage", defaultHitsPerPage, maxHitsPerPage);
  const page = read.wholeNumber("page", 0, reachable);
  const offset = read.wholeNumber("offset", -1, reachable);
  const length = read.wholeNumber("length", -1, maxHitsPerPage);
  const slice =
    offset === -1 && length === -1
      ? undefined
      : { offset: Math.max(0, offset), length: length === -1 ? defaultHitsPerPage : length };
  const facets = read.list("facets") ?? [];
  const maxValuesPerFacet = read.wholeNumber("maxValuesPerFacet", 100, 1_000);
  const where = conditionsOf(read);
  const user = read.text("userToken", "");
  const contexts = contextsOf(read);
  const sort = sortOf(index) ?? nearestFirst(read);
  const language = read.list("queryLanguages")?.[0];
  const from = slice?.offset ?? page * hitsPerPage;
  const count = slice?.length ?? hitsPerPage;
  const getRankingInfo = read.flag("getRankingInfo");
  const isOff = (name: string): boolean =>
    ["false", false].includes(read.raw(name) as string | boolean);
  return {
    index,
    query,
    page,
    hitsPerPage,
    ...(slice && { slice }),
    facets,
    maxValuesPerFacet,
    attributesToRetrieve: read.list("attributesToRetrieve"),
    attributesToHighlight: read.list("attributesToHighlight"),
    attributesToSnippet: read.list("attributesToSnippet"),
    getRankingInfo,
    params: read.echo(),
    request: {
      query,
      // Nobody may ask for no item here; the answer then shows none.
      limit: Math.max(1, count),
      offset: Math.min(reachable, from),
      ...(where.length > 0 && { filter: { where: where.map((clause) => [...clause]) } }),
      ...(facets.length > 0 && { facets: facetRequests(facets, maxValuesPerFacet) }),
      ...(sort && { sort }),
      highlight: {
        open: read.text("highlightPreTag", "<em>"),
        close: read.text("highlightPostTag", "</em>"),
      },
      ...(user !== "" && { userId: user }),
      ...(contexts.length > 0 && { contexts: [...contexts] }),
      ...(language !== undefined && { locale: language }),
      ...(getRankingInfo && { explain: true }),
      ...(isOff("typoTolerance") && { correct: false }),
      ...(isOff("enablePersonalization") && { personalise: false }),
    },
  };
}

/**
 * Reads a search in the values of a facet.
 *
 * @throws {RequestError} `INVALID_PARAMETER` naming the parameter
 */
export function readFacetQuery(index: string, attribute: string, given: unknown): AskedFacet {
  const read = new Reader(given);
  const asked = readParameters(index, given);
  return {
    field: fieldOf(attribute).field,
    attribute,
    text: read.text("facetQuery", "").slice(0, 100),
    limit: Math.max(1, read.wholeNumber("maxFacetHits", 10, 100)),
    highlight: asked.request.highlight!,
    asked,
  };
}

/** Tags of the page that rules look at. */
function contextsOf(read: Reader): readonly string[] {
  const contexts = (read.list("ruleContexts") ?? []).filter((tag) => tag !== "");
  if (
    contexts.length <= maxContexts &&
    contexts.every(({ length }) => length <= maxContextLength)
  ) {
    return contexts;
  }
  throw parameterError(
    "ruleContexts",
    `has ${contexts.length} tags, the longest of ${Math.max(...contexts.map(({ length }) => length))} characters`,
    `At most ${maxContexts} tags of ${maxContextLength} characters are taken.`,
  );
}

/** `products_price_desc` is the index `products` in order of price, the dearest first. */
function sortOf(index: string): SearchRequest["sort"] {
  const parts = /_(price|rating|createdAt|popularity|attributes\..+)_(asc|desc)$/.exec(index);
  if (parts === null) return undefined;
  return { field: parts[1]!, order: parts[2] === "asc" ? "ascending" : "descending" };
}

/** Around a place the nearest comes first, as pages of the dialect expect. */
function nearestFirst(read: Reader): SearchRequest["sort"] {
  const around = read.text("aroundLatLng", "");
  if (around === "") return undefined;
  return { near: pointOf("aroundLatLng", around.split(",")), order: "ascending" };
}

/** One request per field; levels of a tree come out of one list of paths. */
function facetRequests(
  attributes: readonly string[],
  limit: number,
): NonNullable<SearchRequest["facets"]> {
  if (attributes.includes("*")) return [{ field: "*", limit }];
  const fields = new Map<string, number>();
  for (const attribute of attributes) {
    const { field, level } = fieldOf(attribute);
    fields.set(field, Math.max(fields.get(field) ?? 0, level === undefined ? limit : 1_000));
  }
  return Array.from(fields, ([field, own]) => ({ field, limit: own }));
}

function conditionsOf(read: Reader): FieldConditions {
  return [
    ...parseFilters(read.text("filters", "")),
    ...facetFilters(read.raw("facetFilters")),
    ...numericFilters(read.raw("numericFilters")),
    ...tagFilters(read.raw("tagFilters")),
    ...places(read),
  ];
}

function places(read: Reader): FieldConditions {
  const conditions: FieldTest[][] = [];
  const around = read.text("aroundLatLng", "");
  const radius = read.raw("aroundRadius");
  if (around !== "") {
    const near = pointOf("aroundLatLng", around.split(","));
    if (radius !== undefined && radius !== "all") {
      conditions.push([
        { near, radiusMeters: Math.max(1, read.wholeNumber("aroundRadius", 0, 20_000_000)) },
      ]);
    }
  }
  const boxes = boxesOf(read.raw("insideBoundingBox"));
  if (boxes.length > 0) conditions.push(boxes);
  if (read.raw("insidePolygon") !== undefined) {
    throw parameterError(
      "insidePolygon",
      "polygons are not known here",
      "Use insideBoundingBox, or aroundLatLng with aroundRadius.",
    );
  }
  return conditions;
}

function boxesOf(given: unknown): FieldTest[] {
  const name = "insideBoundingBox";
  if (given === undefined || given === null || given === "") return [];
  const lists =
    typeof given === "string"
      ? (given.replaceAll(/[[\]\s]/g, "").match(/[^,]+,[^,]+,[^,]+,[^,]+/g) ?? []).map((box) =>
          box.split(","),
        )
      : Array.isArray(given)
        ? given
        : [];
  if (lists.length === 0) throw parameterError(name, "is no box", "Write [[lat, lng, lat, lng]].");
  return lists.map((box: unknown) => {
    const numbers = Array.isArray(box) ? box : [];
    const a = pointOf(name, numbers.slice(0, 2));
    const b = pointOf(name, numbers.slice(2, 4));
    return {
      southWest: {
        latitude: Math.min(a.latitude, b.latitude),
        longitude: Math.min(a.longitude, b.longitude),
      },
      northEast: {
        latitude: Math.max(a.latitude, b.latitude),
        longitude: Math.max(a.longitude, b.longitude),
      },
    };
  });
}

function pointOf(name: string, parts: readonly unknown[]): GeoPoint {
  const [latitude, longitude] = parts.map((part) => (part === "" ? NaN : Number(part)));
  if (Math.abs(latitude ?? NaN) <= 90 && Math.abs(longitude ?? NaN) <= 180) {
    return { latitude: latitude!, longitude: longitude! };
  }
  throw parameterError(
    name,
    "needs a latitude from -90 to 90 and a longitude from -180 to 180",
    'Write "48.85,2.34".',
  );
}

/** Reads parameters by name and says which one is wrong. */
class Reader {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #given: unknown;

  constructor(given: unknown) {
    this.#given = given;
    if (given === undefined || given === null) this.#values = {};
    else if (typeof given === "string") {
      this.#values = Object.fromEntries(new URLSearchParams(given));
    } else if (typeof given === "object" && !Array.isArray(given)) {
      const { params, ...others } = given as { readonly params?: unknown };
      // Parameters may come as a string inside the object, beside others.
      const inner =
        typeof params === "string" ? Object.fromEntries(new URLSearchParams(params)) : {};
      this.#values = { ...inner, ...others };
    } else {
      throw parameterError("params", "must be an object or a query string", "Send { query: … }.");
    }
  }

  /** A query string with all parameters, for the answer. */
  echo(): string {
    if (typeof this.#given === "string") return this.#given;
    return new URLSearchParams(
      Object.entries(this.#values).map(([name, value]) => [
        name,
        typeof value === "string" ? value : (JSON.stringify(value) ?? ""),
      ]),
    ).toString();
  }

  raw(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  text(name: string, fallback: string): string {
    const value = this.raw(name);
    if (value === undefined || value === null) return fallback;
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    throw parameterError(name, "must be a text", `Send ${name} as one text.`);
  }

  flag(name: string): boolean {
    const value = this.raw(name);
    return value === true || value === "true" || value === 1 || value === "1";
  }

  wholeNumber(name: string, fallback: number, most: number): number {
    const value = this.raw(name);
    if (value === undefined || value === null || value === "") return fallback;
    const number = typeof value === "string" ? Number(value) : value;
    if (typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= most) {
      return number;
    }
    throw parameterError(
      name,
      `is ${JSON.stringify(value).slice(0, 60)}`,
      `It must be a whole number from 0 to ${most}.`,
    );
  }

  /** A list of texts; a text alone, or several joined by commas, is one, too. */
  list(name: string): readonly string[] | undefined {
    const value = this.raw(name);
    if (value === undefined || value === null || value === "") return undefined;
    const parsed = typeof value === "string" ? listIn(value) : value;
    if (Array.isArray(parsed) && parsed.every((one) => typeof one === "string")) {
      return parsed as string[];
    }
    throw parameterError(name, "must be a list of texts", `Send ["one", "two"].`);
  }
}

function listIn(text: string): unknown {
  if (!text.trimStart().startsWith("[")) return text.split(",").map((one) => one.trim());
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
