import assert from "node:assert/strict";
import type { Item } from "@magpie/domain";
import { describe, test } from "vitest";
import { itemCsvReader } from "./catalog/item-csv.ts";
import { itemJsonlReader } from "./catalog/item-jsonl.ts";
import { merchantTsvReader, merchantXmlReader } from "./catalog/merchant-feed.ts";
import { shopifyCsvReader } from "./catalog/shopify-csv.ts";
import { eventCsvReader } from "./events/event-csv.ts";
import { eventJsonlReader } from "./events/event-jsonl.ts";
import { ga4Reader } from "./events/ga4.ts";
import { interactionReader } from "./events/interactions.ts";
import { segmentReader } from "./events/segment.ts";
import type { EventDraft } from "./reader.ts";
import { behavesAsReader, readAll } from "./reader.suite.ts";

const nowMs = Date.UTC(2026, 10, 24);
const morning = Date.UTC(2026, 10, 20, 2);

behavesAsReader("event JSON lines", eventJsonlReader(), {
  row: (n) =>
    `{"type":"view","timestamp":"2026-11-20T02:00:00Z","userId":"用户${n}","items":[{"itemId":"p${n}"}]}`,
  brokenRow: '{"type":"view"',
});
behavesAsReader("event CSV", eventCsvReader({ zone: "+08:00" }), {
  before: "用户,商品,行为,时间",
  row: (n) => `u${n},"p,${n}",浏览,2026-11-20 10:00:00`,
  brokenRow: "u1,p1,浏览",
});
behavesAsReader("interactions", interactionReader(), {
  row: (n) => `u${n}\tp${n}\t${1_700_000_000 + n}`,
  brokenRow: "u1\tp1\tnever",
});
behavesAsReader("GA4", ga4Reader(), {
  row: (n) =>
    `{"event_name":"view_item","event_timestamp":"1700000000${n % 10}00000","user_pseudo_id":"${n}.1","items":[{"item_id":"p${n}"}]}`,
  brokenRow: '{"event_name":"scroll","event_timestamp":"1700000000000000","user_pseudo_id":"1"}',
});
behavesAsReader("Segment", segmentReader(), {
  row: (n) =>
    `{"type":"track","event":"Product Viewed","userId":"u${n}","timestamp":"2026-11-20T02:00:00Z","properties":{"product_id":"p${n}"}}`,
  brokenRow: '{"type":"identify","userId":"u1","traits":{}}',
});
behavesAsReader("item JSON lines", itemJsonlReader(), {
  row: (n) =>
    `{"id":"p${n}","title":"跑步鞋 ${n}","variants":[{"id":"p${n}","price":{"amount":100,"currency":"CNY"},"availability":{"available":true}}]}`,
  brokenRow: '{"id":"x","title":"no variants"}',
});
behavesAsReader("item CSV", itemCsvReader({ currency: "USD" }), {
  before: "id;title;price",
  row: (n) => `p${n};Shoe ${n};"1.299,00"`,
  brokenRow: "p;Shoe;free",
});
behavesAsReader("Merchant TSV", merchantTsvReader({ nowMs }), {
  before: "id\ttitle\tlink\timage_link\tprice\tavailability",
  row: (n) => `p${n}\tShoe ${n}\thttp://x\thttp://x/i\t19.99 USD\tin stock`,
  brokenRow: "p\tShoe\thttp://x\thttp://x/i\tfree\tin stock",
});
behavesAsReader("Merchant XML", merchantXmlReader({ nowMs }), {
  before:
    '<?xml version="1.0"?>\n<rss xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>',
  after: "</channel></rss>",
  row: (n) =>
    `<item><g:id>p${n}</g:id><title>Shoe &amp; sock ${n}</title><g:price>19.99 USD</g:price></item>`,
  brokenRow: "<item><g:id>p</g:id><title>a & b</title><g:price>1 USD</g:price></item>",
});
behavesAsReader("Shopify CSV", shopifyCsvReader({ currency: "USD" }), {
  before: "Handle,Title,Option1 Name,Option1 Value,Variant Price",
  row: (n) => `shoe-${n},Shoe ${n},Title,Default Title,19.99`,
  brokenRow: ",No handle,Title,Default Title,19.99",
});

const only = async <T>(
  reading: Promise<{ values: readonly T[]; problems: readonly object[] }>,
): Promise<T> => {
  const { values, problems } = await reading;
  assert.deepEqual(problems, []);
  assert.equal(values.length, 1);
  return values[0]!;
};

describe("positions of dialects", () => {
  const items = (draft: EventDraft) =>
    draft.items!.map(({ itemId, position }) => [itemId, position]);

  test("GA4 counts from 0 in both shapes, we from 1", async () => {
    const exported = {
      event_name: "select_item",
      event_timestamp: "1700000000000000",
      user_pseudo_id: "1.2",
      items: [
        { item_id: "a", item_list_index: "0" },
        { item_id: "b", item_list_index: "4" },
        { item_id: "c", item_list_index: "(not set)" },
      ],
    };
    const call = {
      client_id: "1.2",
      timestamp_micros: "1700000000000000",
      events: [
        {
          name: "select_item",
          params: {
            items: [
              { item_id: "a", index: 0 },
              { item_id: "b", index: 4 },
            ],
          },
        },
      ],
    };
    assert.deepEqual(items(await only(readAll(ga4Reader(), JSON.stringify(exported)))), [
      ["a", 1],
      ["b", 5],
      ["c", undefined],
    ]);
    assert.deepEqual(items(await only(readAll(ga4Reader(), JSON.stringify(call)))), [
      ["a", 1],
      ["b", 5],
    ]);
  });

  test("Segment and our own files count from 1", async () => {
    const call = {
      type: "track",
      event: "Product Clicked",
      anonymousId: "v",
      timestamp: "2026-11-20T02:00:00Z",
      properties: { product_id: "a", position: 1 },
    };
    assert.deepEqual(items(await only(readAll(segmentReader(), JSON.stringify(call)))), [["a", 1]]);
    const csv = "user,item,type,time,position\nu,a,click,2026-11-20T02:00:00Z,1\n";
    assert.deepEqual(items(await only(readAll(eventCsvReader(), csv))), [["a", 1]]);
  });
});

describe("what dialects mean", () => {
  test("a GA4 purchase of the BigQuery export", async () => {
    const row = {
      event_name: "purchase",
      event_timestamp: "1763604000123456",
      user_id: "u1",
      user_pseudo_id: "1.2",
      event_params: [
        { key: "currency", value: { string_value: "usd" } },
        { key: "value", value: { double_value: 45.48 } },
        { key: "ga_session_id", value: { int_value: "77" } },
        { key: "coupon", value: { string_value: "SUMMER" } },
      ],
      ecommerce: { transaction_id: "T-1" },
      items: [{ item_id: "a", price: 19.99, quantity: "2", item_variant: "red" }],
    };
    assert.deepEqual(await only(readAll(ga4Reader(), JSON.stringify(row))), {
      type: "purchase",
      timestampMs: 1_763_604_000_123,
      userId: "u1",
      visitorId: "1.2",
      sessionId: "77",
      orderId: "T-1",
      items: [
        { itemId: "a", variantId: "red", quantity: 2, price: { amount: 1999, currency: "USD" } },
      ],
      couponIds: ["SUMMER"],
      value: { amount: 4548, currency: "USD" },
    });
  });

  test("each event of a Measurement Protocol call is a row", async () => {
    const call = {
      client_id: "1.2",
      timestamp_micros: 1_700_000_000_000_000,
      events: [
        { name: "search", params: { search_term: "跑步鞋" } },
        { name: "scroll", params: {} },
        { name: "page_view", params: { page_location: "https://shop.example/?utm=1" } },
      ],
    };
    const { values, problems, rows } = await readAll(ga4Reader(), JSON.stringify(call));
    assert.deepEqual(
      values.map(({ type, query }) => [type, query]),
      [
        ["search", "跑步鞋"],
        ["home_view", undefined],
      ],
    );
    assert.deepEqual(
      problems.map(({ rule, value }) => [rule, value]),
      [["unmapped-type", "scroll"]],
    );
    assert.equal(rows, 3);
  });

  test("a Segment order", async () => {
    const call = {
      type: "track",
      event: "Order Completed",
      messageId: "m1",
      userId: "u1",
      anonymousId: "v1",
      timestamp: "2026-11-20T10:00:00+08:00",
      properties: {
        order_id: "o1",
        total: 27.5,
        currency: "EUR",
        coupon: "hasbros",
        products: [
          { product_id: "a", price: 19, quantity: 1, position: 1 },
          { sku: "b", price: "8.50", quantity: 1 },
        ],
      },
    };
    assert.deepEqual(await only(readAll(segmentReader(), JSON.stringify(call))), {
      eventId: "m1",
      type: "purchase",
      timestampMs: morning,
      userId: "u1",
      visitorId: "v1",
      orderId: "o1",
      items: [
        { itemId: "a", position: 1, quantity: 1, price: { amount: 1900, currency: "EUR" } },
        { itemId: "b", quantity: 1, price: { amount: 850, currency: "EUR" } },
      ],
      couponIds: ["hasbros"],
      value: { amount: 2750, currency: "EUR" },
    });
  });

  test("event CSV: a negative purchase is a return; --map and --type stand in for headers", async () => {
    const csv = "kunde|artikel|wann|menge\nu1|a|1763604000|-2\n";
    const reader = eventCsvReader({
      map: { userId: "kunde", itemId: "artikel", timestamp: "wann", quantity: "menge" },
      type: "purchase",
    });
    assert.deepEqual(await only(readAll(reader, csv)), {
      type: "refund",
      userId: "u1",
      timestampMs: 1_763_604_000_000,
      items: [{ itemId: "a", quantity: 2 }],
    });
  });

  test("interactions without times keep the order of the file", async () => {
    const { values } = await readAll(interactionReader(), "u1 a\nu1 b\n".replaceAll(" ", ","));
    assert.deepEqual(
      values.map(({ items, timestampMs }) => [items![0]!.itemId, timestampMs - Date.UTC(2000, 0)]),
      [
        ["a", 0],
        ["b", 1],
      ],
    );
  });

  test("interactions with a header, a weight and a least weight", async () => {
    const csv = "userId,movieId,rating,timestamp\n1,10,4.5,964982703\n1,11,2,964982704\n";
    const { values, problems } = await readAll(interactionReader({ minWeight: 4 }), csv);
    assert.deepEqual(
      values.map(({ items, timestampMs, attributes }) => [
        items![0]!.itemId,
        timestampMs,
        attributes,
      ]),
      [["10", 964_982_703_000, { weight: 4.5 }]],
    );
    assert.deepEqual(
      problems.map(({ rule, line }) => [rule, line]),
      [["low-weight", 3]],
    );
  });
});

describe("what catalogues mean", () => {
  test("Merchant rows of one item_group_id are variants; a sale price holds in its period", async () => {
    const header =
      "id\ttitle\tdescription\tprice\tsale_price\tsale_price_effective_date\titem_group_id\tsize\tavailability\tproduct_type\timage_link\tgtin\tcustom_label_0";
    const row = (id: string, size: string, until: string, stock: string): string =>
      `${id}\tShoe ${size}\t<p>Soft &amp; light</p>\t20.00 USD\t15.00 USD\t2026-11-01T00:00+0000/${until}\tshoe\t${size}\t${stock}\tShoes > Running\thttp://x/${id}.jpg\t4006381333931\tnew`;
    const tsv = [
      header,
      row("s1", "40", "2026-12-01T00:00+0000", "in stock"),
      row("s2", "41", "2026-11-10T00:00+0000", "out of stock"),
    ].join("\n");
    const item = await only(readAll(merchantTsvReader({ nowMs }), tsv));
    assert.deepEqual(item, {
      id: "shoe",
      title: "Shoe 40",
      description: "Soft & light",
      imageUrls: ["http://x/s1.jpg", "http://x/s2.jpg"],
      categories: ["Shoes > Running"],
      tags: ["new"],
      variants: [
        {
          id: "s1",
          title: "Shoe 40",
          price: { amount: 1500, currency: "USD" },
          listPrice: { amount: 2000, currency: "USD" },
          availability: { available: true, status: "in_stock" },
          barcodes: ["4006381333931"],
          options: { size: "40" },
          imageUrl: "http://x/s1.jpg",
        },
        {
          id: "s2",
          title: "Shoe 41",
          price: { amount: 2000, currency: "USD" },
          availability: { available: false, status: "out_of_stock" },
          barcodes: ["4006381333931"],
          options: { size: "41" },
          imageUrl: "http://x/s2.jpg",
        },
      ],
    } satisfies Item);
  });

  test("Merchant XML reads Atom, CDATA and repeated attributes", async () => {
    const xml = `<feed><entry>
      <id>p1</id><title><![CDATA[Tea & cup]]></title><g:price>5.00 GBP</g:price>
      <g:additional_image_link>http://x/2</g:additional_image_link>
      <g:additional_image_link>http://x/3</g:additional_image_link>
      <g:shipping><g:price>3.00 GBP</g:price></g:shipping></entry></feed>`;
    const item = await only(readAll(merchantXmlReader({ nowMs }), xml));
    assert.deepEqual(
      [item.title, item.imageUrls, item.variants[0]!.price],
      ["Tea & cup", ["http://x/2", "http://x/3"], { amount: 500, currency: "GBP" }],
    );
  });

  test("Shopify rows of one Handle are variants; rows with only an image add it", async () => {
    const csv = [
      "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Image Src",
      'tee,Tee,"<p>Soft</p>",Acme,Shirts,"cotton, summer",true,Size,S,TEE-S,shopify,3,deny,10.00,12.00,http://x/1',
      "tee,,,,,,,,M,TEE-M,shopify,0,deny,10.00,,http://x/2",
      "tee,,,,,,,,L,TEE-L,shopify,-2,continue,11.00,,",
      "tee,,,,,,,,,,,,,,,http://x/3",
    ].join("\n");
    const { values, rows } = await readAll(shopifyCsvReader({ currency: "USD" }), csv);
    assert.equal(rows, 4);
    const item = values[0]!;
    assert.deepEqual(
      [item.id, item.title, item.description, item.brand, item.tags],
      ["tee", "Tee", "Soft", "Acme", ["cotton", "summer"]],
    );
    assert.deepEqual(item.imageUrls, ["http://x/1", "http://x/2", "http://x/3"]);
    assert.deepEqual(
      item.variants.map(({ id, options, price, listPrice, availability }) => [
        id,
        options,
        price.amount,
        listPrice?.amount,
        availability,
      ]),
      [
        ["TEE-S", { Size: "S" }, 1000, 1200, { available: true, status: "in_stock", quantity: 3 }],
        [
          "TEE-M",
          { Size: "M" },
          1000,
          undefined,
          { available: false, status: "out_of_stock", quantity: 0 },
        ],
        [
          "TEE-L",
          { Size: "L" },
          1100,
          undefined,
          { available: true, status: "backorder", quantity: 0 },
        ],
      ],
    );
  });

  test("item CSV with Chinese headers; columns nobody claims become attributes", async () => {
    const csv =
      "商品编号,商品名称,售价,原价,库存,分类,标签,材质\np1,跑步鞋,￥199,￥299,0,服饰 > 鞋,新品；运动,网布\n";
    assert.deepEqual(await only(readAll(itemCsvReader({ currency: "CNY" }), csv)), {
      id: "p1",
      title: "跑步鞋",
      categories: ["服饰 > 鞋"],
      tags: ["新品", "运动"],
      attributes: { 材质: "网布" },
      variants: [
        {
          id: "p1",
          price: { amount: 19900, currency: "CNY" },
          listPrice: { amount: 29900, currency: "CNY" },
          availability: { available: false, status: "out_of_stock", quantity: 0 },
        },
      ],
    } satisfies Item);
  });
});
