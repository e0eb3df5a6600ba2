import type { Availability, Item, Money, Variant } from "@magpie/domain";
import { mapColumns, names, requireColumns, type ColumnField } from "../columns.ts";
import { given } from "../loose-fields.ts";
import { parsePrice, priceProblem } from "../prices.ts";
import { shown, type Problem, type Reader } from "../reader.ts";
import { openTable } from "../table.ts";
import { isoOf, parseTime, zoneNamed } from "../timestamps.ts";
import { plainText, VariantGrouper, type GroupedItems, type VariantRow } from "./item-draft.ts";

type Name =
  | "id"
  | "groupId"
  | "title"
  | "description"
  | "url"
  | "image"
  | "brand"
  | "category"
  | "price"
  | "listPrice"
  | "currency"
  | "quantity"
  | "availability"
  | "tags"
  | "shopId"
  | "sku"
  | "barcode"
  | "variantTitle"
  | "rating"
  | "ratingCount"
  | "locale"
  | "createdAt";

/** What catalogue columns are called; also what `--map` may name. */
export const itemColumns: readonly ColumnField<Name>[] = [
  {
    name: "id",
    aliases: names(
      "item id, product id, sku id, goods id, stock code, code, product code, handle, asin, sku",
      "商品ID, 商品编号, 商品编码, 产品ID, 产品编号, 货号, 编号, 宝贝ID",
    ),
  },
  {
    name: "groupId",
    aliases: names("item group id, parent id, spu, spu id, 款号, SPU编号, 父商品ID"),
  },
  {
    name: "title",
    aliases: names(
      "name, product name, item name, product title, 商品名称, 商品标题, 标题, 名称, 产品名称, 品名",
    ),
  },
  {
    name: "description",
    aliases: names("desc, body, body (html), details, 描述, 商品描述, 详情, 商品详情, 简介"),
  },
  { name: "url", aliases: names("link, product url, 链接, 商品链接, 网址") },
  {
    name: "image",
    aliases: names(
      "image url, image link, image src, images, picture, 图片, 主图, 图片链接, 商品图片, 图片地址",
    ),
  },
  { name: "brand", aliases: names("vendor, manufacturer, brand name, 品牌, 品牌名称, 厂商") },
  {
    name: "category",
    aliases: names(
      "categories, category path, product type, product category, type, department",
      "类目, 分类, 商品分类, 品类, 类别, 商品类目",
    ),
  },
  {
    name: "price",
    aliases: names("sale price, unit price, 价格, 售价, 单价, 现价, 销售价, 商品价格"),
  },
  {
    name: "listPrice",
    aliases: names(
      "list price, compare at price, msrp, original price, 原价, 市场价, 划线价, 吊牌价",
    ),
  },
  { name: "currency", aliases: names("currency code, 币种, 货币") },
  {
    name: "quantity",
    aliases: names("stock, qty, inventory, stock quantity, inventory qty, 库存, 库存数量, 数量"),
  },
  { name: "availability", aliases: names("available, in stock, status, 状态, 是否有货, 上架状态") },
  { name: "tags", aliases: names("keywords, labels, 标签, 关键词") },
  {
    name: "shopId",
    aliases: names("shop, seller, seller id, store, store id, 店铺, 店铺ID, 商家, 卖家"),
  },
  { name: "sku", aliases: names("sku code, SKU编码") },
  { name: "barcode", aliases: names("gtin, ean, upc, isbn, 条码, 条形码") },
  { name: "variantTitle", aliases: names("variant, option, 规格, 规格名称") },
  { name: "rating", aliases: names("rating value, stars, 评分, 星级") },
  { name: "ratingCount", aliases: names("reviews, review count, 评论数, 评价数") },
  { name: "locale", aliases: names("language, lang, 语言") },
  { name: "createdAt", aliases: names("created, date added, 上架时间, 创建时间, 上新时间") },
];

export interface ItemCsvOptions {
  /** Field → column, where the names do not say it: `{ title: "Bezeichnung" }`. */
  readonly map?: Readonly<Record<string, string>>;
  /** Currency of prices that name none. */
  readonly currency?: string;
  /** Zone of times that name none (default UTC). */
  readonly zone?: string;
}

const inStock = new Set(
  names(
    "in stock, in_stock, instock, available, yes, true, 1, active, on sale, 有货, 在售, 上架, 是",
  ),
);
const outOfStock = new Set(
  names(
    "out of stock, out_of_stock, outofstock, sold out, unavailable, no, false, 0, inactive",
    "缺货, 无货, 售罄, 下架, 否",
  ),
);

/**
 * Delimited text with a header, one item a row, or one variant a row where a group column says
 * which item it belongs to. Columns that no field claims become attributes of the item.
 */
export function itemCsvReader(options: ItemCsvOptions = {}): Reader<Item> {
  return {
    format: "csv",
    groupsRows: true,
    async *read(text, progress) {
      const table = openTable(text);
      const columns = mapColumns(table.header, itemColumns, options.map);
      requireColumns(columns, table.header, ["id", "title", "price"], "items");
      const grouper = new VariantGrouper();
      for await (const { records, lines, problems: found } of table.rows(progress)) {
        const out: GroupedItems = { values: [], lines: [], widths: [] };
        const problems: Problem[] = [...found];
        for (let i = 0; i < records.length; i++) {
          const row = readRow(records[i]!, lines[i]!, columns, options, problems);
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

function readRow(
  record: readonly string[],
  line: number,
  columns: ReturnType<typeof mapColumns<Name>>,
  options: ItemCsvOptions,
  problems: Problem[],
): VariantRow | undefined {
  const text = (name: Name): string | undefined => {
    const column = columns.of[name];
    const value = column === undefined ? undefined : record[column]!.trim();
    return value === "" ? undefined : value;
  };
  const fail = (rule: Problem["rule"], field: Name, message: string): undefined => {
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
  const money = (name: "price" | "listPrice"): Money | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    const read = parsePrice(value, text("currency")?.toUpperCase() ?? options.currency);
    if (read.ok) return read.money;
    const isCurrency = read.problem === "no-currency" || read.problem === "bad-currency";
    return fail(isCurrency ? "bad-currency" : "impossible-price", name, priceProblem(read.problem));
  };

  const id = text("id");
  if (id === undefined) return fail("missing-id", "id", "no id is given");
  if (text("price") === undefined) return fail("missing-price", "price", "no price is given");
  const price = money("price");
  if (price === undefined) return undefined;
  const listPrice = money("listPrice");
  if (listPrice === undefined && text("listPrice") !== undefined) return undefined;

  const quantityText = text("quantity");
  const quantity = quantityText === undefined ? undefined : Number(quantityText);
  if (quantity !== undefined && (!Number.isInteger(quantity) || quantity < 0 || quantity > 1e9)) {
    return fail("impossible-quantity", "quantity", "is not a whole number of 0 or more");
  }
  const availability = availabilityOf(text("availability")?.toLowerCase(), quantity);
  if (availability === undefined) {
    return fail("invalid", "availability", 'is not understood; write "in stock" or "out of stock"');
  }
  const rating = text("rating");
  if (rating !== undefined && !(Number(rating) >= 0 && Number(rating) <= 5)) {
    return fail("invalid", "rating", "is not a rating from 0 to 5");
  }
  const created = text("createdAt");
  const createdMs = created && parseTime(created, zoneNamed(options.zone ?? "UTC"))?.ms;
  const createdAt = typeof createdMs === "number" ? isoOf(createdMs) : undefined;
  if (created !== undefined && createdAt === undefined) {
    return fail("bad-timestamp", "createdAt", "is not a time");
  }

  const groupId = text("groupId");
  const attributes: Record<string, string> = {};
  for (const { name, column } of columns.extra) {
    const value = record[column]!.trim();
    if (value !== "") attributes[name] = value.slice(0, 2000);
  }
  const images = text("image")
    ?.split(/[|;\s]+|,(?=https?:)/)
    .filter((url) => url !== "");
  const image = images?.[0];
  const description = text("description");
  const variant: Variant = {
    id,
    price,
    availability,
    ...given("sku", text("sku")),
    ...given("listPrice", listPrice),
    ...given("title", text("variantTitle")),
    ...given("barcodes", text("barcode")?.split(/[,;|\s]+/)),
    ...(groupId !== undefined && image !== undefined && { imageUrl: image }),
  };
  return {
    line,
    itemId: groupId ?? id,
    variant,
    item: {
      ...given("title", text("title")),
      ...(description !== undefined && { description: plainText(description) }),
      ...given("url", text("url")),
      ...given("imageUrls", images),
      ...given("brand", text("brand")),
      ...given("categories", categoriesOf(text("category"))),
      ...given(
        "tags",
        text("tags")
          ?.split(/\s*[,;|，；、]\s*/)
          .filter((tag) => tag !== ""),
      ),
      ...given("shopId", text("shopId")),
      ...given("locale", text("locale")),
      ...(createdAt !== undefined && { createdAt }),
      ...(rating !== undefined && {
        rating: {
          value: Number(rating),
          count: Math.max(0, Math.trunc(Number(text("ratingCount") ?? 0)) || 0),
        },
      }),
      ...(Object.keys(attributes).length > 0 && { attributes }),
    },
  };
}

/** Whether a row can be bought: by its word, else by its stock, else yes; undefined: not a word we know. */
function availabilityOf(
  word: string | undefined,
  quantity: number | undefined,
): Availability | undefined {
  const stock = quantity === undefined ? {} : { quantity };
  if (word === undefined) {
    const available = quantity === undefined || quantity > 0;
    return { available, status: available ? "in_stock" : "out_of_stock", ...stock };
  }
  if (inStock.has(word)) return { available: true, status: "in_stock", ...stock };
  if (outOfStock.has(word)) return { available: false, status: "out_of_stock", ...stock };
  if (word === "preorder" || word === "预售")
    return { available: true, status: "preorder", ...stock };
  if (word === "backorder") return { available: true, status: "backorder", ...stock };
  if (["discontinued", "archived", "停产"].includes(word)) {
    return { available: false, status: "discontinued", ...stock };
  }
  return undefined;
}

/** Paths from a cell: several are separated by `|` or `;`, their levels by `>` or ` / `. */
export function categoriesOf(cell: string | undefined): string[] | undefined {
  const paths = cell
    ?.split(/\s*[|;；]\s*/)
    .map((path) =>
      path
        .split(/\s*[>›»＞]\s*|\s+\/\s+/)
        .filter((level) => level !== "")
        .join(" > "),
    )
    .filter((path) => path !== "");
  return paths === undefined || paths.length === 0 ? undefined : paths;
}
