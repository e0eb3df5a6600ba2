import type { Availability, Item, Money, Variant } from "@magpie/domain";
import sax from "sax";
import { given } from "../loose-fields.ts";
import { parsePrice, priceProblem } from "../prices.ts";
import { shown, type Problem, type Reader } from "../reader.ts";
import { openTable } from "../table.ts";
import { parseTime, zoneNamed } from "../timestamps.ts";
import { categoriesOf } from "./item-csv.ts";
import { plainText, VariantGrouper, type GroupedItems, type VariantRow } from "./item-draft.ts";

export interface MerchantFeedOptions {
  /** Currency of prices that name none; the feed's specification asks that each names its own. */
  readonly currency?: string;
  /** When sale prices with a period are judged: outside it the regular price holds. */
  readonly nowMs: number;
}

/** Values of one product by attribute name without `g:`; attributes may repeat. */
type Attributes = ReadonlyMap<string, readonly string[]>;

const optionNames = ["color", "size", "material", "pattern", "gender", "age_group", "size_system"];
const plainAttributes = ["condition", "mpn", "adult", "energy_efficiency_class", "shipping_weight"];
const maxProductChars = 1 << 20;

/** Google Merchant feed as tab-separated text (any delimiter is found). */
export function merchantTsvReader(options: MerchantFeedOptions): Reader<Item> {
  return {
    format: "merchant-tsv",
    groupsRows: true,
    async *read(text, progress) {
      const table = openTable(text);
      const keys = table.header.map(attributeName);
      const grouper = new VariantGrouper();
      for await (const { records, lines, problems: found } of table.rows(progress)) {
        const out: GroupedItems = { values: [], lines: [], widths: [] };
        const problems: Problem[] = [...found];
        for (let i = 0; i < records.length; i++) {
          const attributes = new Map<string, string[]>();
          records[i]!.forEach((cell, column) => add(attributes, keys[column]!, cell));
          const row = readProduct(attributes, lines[i]!, options, problems);
          if (row !== undefined) grouper.push(row, out, problems);
        }
        yield { ...out, problems };
      }
      yield last(grouper);
    },
  };
}

/**
 * Google Merchant feed as XML: RSS 2.0 (`item`) or Atom (`entry`), attributes with or without the
 * `g:` prefix. External entities are never followed. A product in which the XML is broken is
 * reported and the next one read.
 */
export function merchantXmlReader(options: MerchantFeedOptions): Reader<Item> {
  return {
    format: "merchant-xml",
    groupsRows: true,
    async *read(text, progress) {
      const grouper = new VariantGrouper();
      let out: GroupedItems = { values: [], lines: [], widths: [] };
      let problems: Problem[] = [];
      const products = new ProductScanner((attributes, line) => {
        const row = readProduct(attributes, line, options, problems);
        if (row !== undefined) grouper.push(row, out, problems);
      });
      for await (const block of text.blocks(progress)) {
        for (const [line, bad] of block.bad ?? []) problems.push({ line, ...bad });
        products.write(block.text, problems);
        yield { ...out, problems };
        out = { values: [], lines: [], widths: [] };
        problems = [];
      }
      products.close(problems);
      yield { ...out, problems };
      yield last(grouper);
    },
  };
}

function last(grouper: VariantGrouper) {
  const out: GroupedItems = { values: [], lines: [], widths: [] };
  const problems: Problem[] = [];
  grouper.flush(out, problems);
  return { ...out, problems };
}

/** Finds the products of an XML feed. */
class ProductScanner {
  readonly #parser = sax.parser(true, { trim: false, position: true });
  readonly #visit: (attributes: Attributes, line: number) => void;
  #attributes: Map<string, string[]> | undefined;
  #line = 0;
  #depth = 0;
  #text = "";
  #size = 0;
  #broken: string | undefined;

  constructor(visit: (attributes: Attributes, line: number) => void) {
    this.#visit = visit;
    const parser = this.#parser;
    parser.onopentag = ({ name }) => {
      if (isProduct(name) && (this.#attributes === undefined || this.#broken !== undefined)) {
        this.#attributes = new Map();
        this.#line = parser.line + 1;
        this.#depth = 0;
        this.#size = 0;
        return;
      }
      if (this.#attributes === undefined) return;
      this.#depth++;
      this.#text = "";
    };
    parser.ontext = (text) => this.#take(text);
    parser.oncdata = (text) => this.#take(text);
    parser.onerror = (error) => {
      this.#broken ??= error.message.split("\n")[0]!;
      parser.error = null;
      parser.resume();
    };
  }

  write(text: string, problems: Problem[]): void {
    this.#parser.onclosetag = (name) => this.#closed(name, problems);
    this.#parser.write(text);
  }

  close(problems: Problem[]): void {
    this.#parser.onclosetag = (name) => this.#closed(name, problems);
    const before = this.#attributes === undefined ? undefined : this.#line;
    this.#parser.close();
    if (before === undefined) return;
    const message = "the file ends in the middle of this product";
    problems.push({ rule: "unparsable", line: before, message });
  }

  #take(text: string): void {
    if (this.#attributes === undefined || this.#depth === 0) return;
    this.#size += text.length;
    if (this.#size <= maxProductChars) this.#text += text;
  }

  #closed(name: string, problems: Problem[]): void {
    const attributes = this.#attributes;
    if (attributes === undefined) return;
    if (isProduct(name)) {
      this.#attributes = undefined;
      if (this.#broken !== undefined) {
        const message = `the XML of this product is broken: ${this.#broken}`;
        problems.push({ rule: "unparsable", line: this.#line, message });
        this.#broken = undefined;
      } else if (this.#size > maxProductChars) {
        const message = `the product has ${this.#size} characters; up to ${maxProductChars} are read`;
        problems.push({ rule: "line-too-long", line: this.#line, message });
      } else this.#visit(attributes, this.#line);
      return;
    }
    // Only the direct children are attributes; shipping and its kin have parts of their own.
    if (this.#depth === 1) add(attributes, attributeName(name), this.#text);
    this.#depth = Math.max(0, this.#depth - 1);
    this.#text = "";
  }
}

function isProduct(tag: string): boolean {
  return tag === "item" || tag === "entry";
}

function attributeName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^g:/, "")
    .replaceAll(/[\s-]+/g, "_");
}

function add(attributes: Map<string, string[]>, name: string, value: string): void {
  const trimmed = value.trim();
  if (trimmed === "") return;
  const values = attributes.get(name);
  if (values === undefined) attributes.set(name, [trimmed]);
  else values.push(trimmed);
}

function readProduct(
  attributes: Attributes,
  line: number,
  options: MerchantFeedOptions,
  problems: Problem[],
): VariantRow | undefined {
  const text = (name: string): string | undefined => attributes.get(name)?.[0];
  const fail = (rule: Problem["rule"], field: string, message: string): undefined => {
    const value = text(field);
    problems.push({
      rule,
      line,
      field,
      ...(value !== undefined && { value: shown(value) }),
      message,
    });
    return undefined;
  };
  const money = (field: string): Money | undefined => {
    const read = parsePrice(text(field)!, options.currency);
    if (read.ok) return read.money;
    const isCurrency = read.problem === "no-currency" || read.problem === "bad-currency";
    return fail(
      isCurrency ? "bad-currency" : "impossible-price",
      field,
      priceProblem(read.problem),
    );
  };

  const id = text("id");
  if (id === undefined) return fail("missing-id", "id", "no id is given");
  const title = text("title");
  if (title === undefined) return fail("missing-title", "title", "no title is given");
  if (text("price") === undefined) return fail("missing-price", "price", "no price is given");
  const price = money("price");
  if (price === undefined) return undefined;
  let sale: Money | undefined;
  if (text("sale_price") !== undefined) {
    sale = money("sale_price");
    if (sale === undefined) return undefined;
    if (!isWithin(text("sale_price_effective_date"), options.nowMs)) sale = undefined;
  }
  const availability = availabilityOf(text("availability"));
  if (availability === undefined) {
    const message = "is not one of in_stock, out_of_stock, preorder, backorder";
    return fail("invalid", "availability", message);
  }

  const chosen: Record<string, string> = {};
  for (const name of optionNames) {
    const value = text(name);
    if (value !== undefined) chosen[name] = value;
  }
  const described: Record<string, string> = {};
  for (const name of plainAttributes) {
    const value = text(name);
    if (value !== undefined) described[name] = value;
  }
  const taxonomy = text("google_product_category");
  if (taxonomy !== undefined) described["google_product_category"] = taxonomy;
  // A number is Google's key of the category, no name that a person could read.
  const isPath = taxonomy !== undefined && !/^\d+$/.test(taxonomy);
  const types = attributes.get("product_type")?.flatMap((type) => categoriesOf(type) ?? []);
  const categories = types ?? (isPath ? categoriesOf(taxonomy) : undefined);
  const tags = [0, 1, 2, 3, 4].flatMap((i) => attributes.get(`custom_label_${i}`) ?? []);
  const images = [
    ...(attributes.get("image_link") ?? []),
    ...(attributes.get("additional_image_link") ?? []).flatMap((links) =>
      links.split(/,(?=https?:)/),
    ),
  ];
  const description = text("description");
  const groupId = text("item_group_id");
  const variant: Variant = {
    id,
    price: sale ?? price,
    availability,
    ...(sale !== undefined && { listPrice: price }),
    ...given("barcodes", attributes.get("gtin")?.slice(0, 20)),
    ...(groupId !== undefined && { title }),
    ...(Object.keys(chosen).length > 0 && { options: chosen }),
    ...given("imageUrl", groupId === undefined ? undefined : images[0]),
  };
  return {
    line,
    itemId: groupId ?? id,
    variant,
    item: {
      title,
      ...(description !== undefined && { description: plainText(description) }),
      ...given("url", text("link")),
      ...(images.length > 0 && { imageUrls: images }),
      ...given("brand", text("brand")),
      ...given("categories", categories),
      ...(tags.length > 0 && { tags }),
      ...given("locale", text("content_language")),
      ...(Object.keys(described).length > 0 && { attributes: described }),
    },
  };
}

function availabilityOf(word: string | undefined): Availability | undefined {
  switch (word?.toLowerCase().replaceAll(/[\s-]+/g, "_")) {
    case "in_stock":
    case undefined:
      return { available: true, status: "in_stock" };
    case "out_of_stock":
      return { available: false, status: "out_of_stock" };
    case "preorder":
    case "pre_order":
      return { available: true, status: "preorder" };
    case "backorder":
      return { available: true, status: "backorder" };
    default:
      return undefined;
  }
}

/** Whether a moment lies in "start/end"; a period that cannot be read, or none, holds always. */
function isWithin(period: string | undefined, nowMs: number): boolean {
  const [from, to] = (period?.split("/") ?? []).map(
    // Feeds write offsets without a colon: 2026-11-24T06:00-0800.
    (text) => parseTime(text.trim().replace(/([+-]\d{2})(\d{2})$/, "$1:$2"), zoneNamed("UTC"))?.ms,
  );
  return from === undefined || to === undefined || (nowMs >= from && nowMs < to);
}
