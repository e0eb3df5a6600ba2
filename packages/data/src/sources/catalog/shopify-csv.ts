import { DataError, type Availability, type Item, type Variant } from "@magpie/domain";
import { columnKey, mapColumns, names, requireColumns, type ColumnField } from "../columns.ts";
import { given } from "../loose-fields.ts";
import { parsePrice, priceProblem } from "../prices.ts";
import { shown, type Problem, type Reader } from "../reader.ts";
import { openTable } from "../table.ts";
import { categoriesOf } from "./item-csv.ts";
import { plainText, VariantGrouper, type GroupedItems, type VariantRow } from "./item-draft.ts";

type Name =
  | "handle"
  | "title"
  | "body"
  | "vendor"
  | "category"
  | "type"
  | "tags"
  | "published"
  | "status"
  | "option1Name"
  | "option1Value"
  | "option2Name"
  | "option2Value"
  | "option3Name"
  | "option3Value"
  | "sku"
  | "tracker"
  | "quantity"
  | "policy"
  | "price"
  | "compareAt"
  | "barcode"
  | "image"
  | "variantImage";

const fields: readonly ColumnField<Name>[] = [
  { name: "handle", aliases: names("url handle") },
  { name: "title", aliases: [] },
  { name: "body", aliases: names("body (html), description") },
  { name: "vendor", aliases: [] },
  { name: "category", aliases: names("product category") },
  { name: "type", aliases: [] },
  { name: "tags", aliases: [] },
  { name: "published", aliases: names("published on online store") },
  { name: "status", aliases: [] },
  { name: "option1Name", aliases: names("option1 name") },
  { name: "option1Value", aliases: names("option1 value") },
  { name: "option2Name", aliases: names("option2 name") },
  { name: "option2Value", aliases: names("option2 value") },
  { name: "option3Name", aliases: names("option3 name") },
  { name: "option3Value", aliases: names("option3 value") },
  { name: "sku", aliases: names("variant sku") },
  { name: "tracker", aliases: names("variant inventory tracker, inventory tracker") },
  { name: "quantity", aliases: names("variant inventory qty, inventory quantity") },
  {
    name: "policy",
    aliases: names("variant inventory policy, continue selling when out of stock"),
  },
  { name: "price", aliases: names("variant price") },
  { name: "compareAt", aliases: names("variant compare at price, compare-at price") },
  { name: "barcode", aliases: names("variant barcode") },
  { name: "image", aliases: names("image src, product image url") },
  { name: "variantImage", aliases: names("variant image, variant image url") },
];

export interface ShopifyCsvOptions {
  /** The shop's currency: the export does not name it. */
  readonly currency?: string;
}

/** True when a header is that of Shopify's product export. */
export function isShopifyHeader(header: readonly string[]): boolean {
  const keys = new Set(header.map(columnKey));
  return (
    (keys.has("handle") || keys.has("urlhandle")) && keys.has("option1name") && keys.has("title")
  );
}

/**
 * Shopify's product export: consecutive rows of one Handle are the variants of one item; rows
 * that hold only an image add it. The item's id is its handle; a variant's is its SKU, or handle
 * and option values where the SKU is missing or occurs twice.
 *
 * @throws {DataError} `MISSING_CURRENCY` when none is given
 */
export function shopifyCsvReader(options: ShopifyCsvOptions): Reader<Item> {
  return {
    format: "shopify-csv",
    groupsRows: true,
    async *read(text, progress) {
      const { currency } = options;
      if (currency === undefined) {
        throw new DataError(
          "MISSING_CURRENCY",
          "A Shopify product export does not say in which currency its prices are.",
          "State the shop's currency: --currency USD.",
        );
      }
      const table = openTable(text);
      const columns = mapColumns(table.header, fields);
      requireColumns(columns, table.header, ["handle", "title", "price"], "Shopify products");
      const grouper = new VariantGrouper();
      let item: CurrentItem = { handle: "", optionNames: [], variantIds: new Set() };

      for await (const { records, lines, problems: found } of table.rows(progress)) {
        const out: GroupedItems = { values: [], lines: [], widths: [] };
        const problems: Problem[] = [...found];
        for (let i = 0; i < records.length; i++) {
          const cell = (name: Name): string | undefined => {
            const column = columns.of[name];
            const value = column === undefined ? undefined : records[i]![column]!.trim();
            return value === "" ? undefined : value;
          };
          const handle = cell("handle");
          if (handle !== undefined && handle !== item.handle) {
            item = { handle, optionNames: [], variantIds: new Set() };
          }
          const row = readRow(cell, lines[i]!, item, currency, problems);
          if (row !== undefined) grouper.push(row, out, problems);
        }
        yield { ...out, problems };
      }
      const out: GroupedItems = { values: [], lines: [], widths: [] };
      const problems: Problem[] = [];
      grouper.flush(out, problems);
      yield { ...out, problems };
    },
  };
}

/** What later rows of an item lean on. */
interface CurrentItem {
  readonly handle: string;
  /** Named only on the item's first row. */
  readonly optionNames: (string | undefined)[];
  readonly variantIds: Set<string>;
  isHidden?: boolean;
}

function readRow(
  cell: (name: Name) => string | undefined,
  line: number,
  current: CurrentItem,
  currency: string,
  problems: Problem[],
): VariantRow | undefined {
  const handle = cell("handle");
  const fail = (rule: Problem["rule"], field: Name, message: string): undefined => {
    const value = cell(field);
    problems.push({
      rule,
      line,
      field,
      ...(value !== undefined && { value: shown(value) }),
      message,
    });
    return undefined;
  };
  if (handle === undefined) return fail("missing-id", "handle", "no handle is given");

  if (cell("title") !== undefined) {
    const status = cell("status")?.toLowerCase();
    const published = cell("published")?.toLowerCase();
    current.isHidden = published === "false" || (status !== undefined && status !== "active");
  }
  const body = cell("body");
  const image = cell("image");
  const item: VariantRow["item"] = {
    ...given("title", cell("title")),
    ...(body !== undefined && { description: plainText(body) }),
    ...given("brand", cell("vendor")),
    ...given("categories", categoriesOf(cell("category") ?? cell("type"))),
    ...given(
      "tags",
      cell("tags")
        ?.split(/\s*,\s*/)
        .filter((tag) => tag !== ""),
    ),
    ...(image !== undefined && { imageUrls: [image] }),
  };
  const priceText = cell("price");
  if (priceText === undefined) {
    if (image !== undefined && cell("option1Value") === undefined)
      return { line, itemId: handle, item };
    return fail("missing-price", "price", "no price is given");
  }
  const price = parsePrice(priceText, currency);
  if (!price.ok) return fail("impossible-price", "price", priceProblem(price.problem));
  const compareText = cell("compareAt");
  const compareAt = compareText === undefined ? undefined : parsePrice(compareText, currency);
  if (compareAt?.ok === false) {
    return fail("impossible-price", "compareAt", priceProblem(compareAt.problem));
  }

  const options: Record<string, string> = {};
  const values: string[] = [];
  for (const [place, nameOf, valueOf] of [
    [0, "option1Name", "option1Value"],
    [1, "option2Name", "option2Value"],
    [2, "option3Name", "option3Value"],
  ] as const) {
    const name = cell(nameOf) ?? current.optionNames[place];
    current.optionNames[place] = name;
    const value = cell(valueOf);
    // "Title: Default Title" is how an item without options is written.
    if (value === undefined || value === "Default Title") continue;
    options[name ?? `option ${place + 1}`] = value;
    values.push(value);
  }
  const sku = cell("sku");
  let id = sku ?? [handle, ...values].join("/");
  if (current.variantIds.has(id)) id = [handle, ...values].join("/");
  current.variantIds.add(id);

  const availability = availabilityOf(cell, current.isHidden === true);
  if (availability === undefined) {
    return fail("impossible-quantity", "quantity", "is not a whole number");
  }
  const variant: Variant = {
    id,
    price: price.money,
    availability,
    ...given("sku", sku),
    ...(compareAt?.ok === true && { listPrice: compareAt.money }),
    ...given("barcodes", cell("barcode") === undefined ? undefined : [cell("barcode")!]),
    ...(values.length > 0 && { title: values.join(" / "), options }),
    ...given("imageUrl", cell("variantImage")),
  };
  return { line, itemId: handle, item, variant };
}

function availabilityOf(
  cell: (name: Name) => string | undefined,
  isHidden: boolean,
): Availability | undefined {
  const text = cell("quantity");
  const quantity = text === undefined ? undefined : Number(text);
  if (quantity !== undefined && !Number.isInteger(quantity)) return undefined;
  // Stock below zero means oversold; a shop that does not track stock always has some.
  const stock = quantity === undefined ? {} : { quantity: Math.max(0, quantity) };
  if (isHidden) return { available: false, status: "discontinued", ...stock };
  if (cell("tracker") === undefined || (quantity ?? 1) > 0) {
    return { available: true, status: "in_stock", ...stock };
  }
  const sellsOn = ["continue", "true"].includes(cell("policy")?.toLowerCase() ?? "");
  return sellsOn
    ? { available: true, status: "backorder", ...stock }
    : { available: false, status: "out_of_stock", ...stock };
}
