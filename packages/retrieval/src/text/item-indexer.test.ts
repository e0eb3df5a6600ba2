import assert from "node:assert/strict";
import type { Item } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { Analyser } from "./analysis/analyser.ts";
import { stemmedLanguageOf } from "./analysis/stemming/stem.ts";
import { IcuSegmenter, loadSegmenter, type Segmenter } from "./analysis/segmenter.ts";
import { ItemIndexer } from "./item-indexer.ts";
import { visitTexts } from "./item-texts.ts";
import { PostingsBuilder } from "./postings-builder.ts";
import { sourceFields } from "./postings.ts";
import { TextPlan } from "./text-plan.ts";
import { product } from "./text-index.suite.ts";

/** Each text through the analyser, each term by its name: what the indexer must equal. */
function indexPlainly(items: readonly (Item | undefined)[], analyser: Analyser): Uint8Array {
  const builder = new PostingsBuilder();
  for (const item of items) {
    const lengths = sourceFields.map(() => 0);
    let first = 0;
    if (item !== undefined) {
      visitTexts(item, new TextPlan(), (text, { field }, locale) => {
        const slot = sourceFields.indexOf(field);
        const { length, positions } = analyser.analyse(
          text,
          (term, position) =>
            builder.add(builder.numberOf(term), slot, position < 0 ? -1 : first + position),
          stemmedLanguageOf(locale),
        );
        first += positions + 1;
        lengths[slot]! += length;
        if (field === "title" || field === "brand") {
          analyser.analysePinyin(text, (term) => builder.add(builder.numberOf(term), 0, -1));
        }
      });
    }
    builder.endItem(lengths);
  }
  return builder.finish().toBytes({});
}

function indexFast(items: readonly (Item | undefined)[], analyser: Analyser): Uint8Array {
  const builder = new PostingsBuilder();
  const indexer = new ItemIndexer(analyser, builder);
  for (const item of items) indexer.add(item);
  // Compounds are parted behind this, which the plain way does not do.
  return builder.finish().toBytes({});
}

/** Both indexes of the same items; a new analyser each, so that neither learns from the other. */
function assertSame(items: readonly (Item | undefined)[], segmenter: Segmenter): void {
  const [fast, plain] = [indexFast, indexPlainly].map((make) =>
    make(items, new Analyser(segmenter, [], ["de", "fr"])),
  );
  assert.ok(Buffer.compare(fast!, plain!) === 0, JSON.stringify(items));
}

const words =
  "T-Shirt t-shirts men's O'Neill 3.5 3.5寸 3.5\" 500 ml 1.2.3 a--b -x x- _y_ _ ' 15-inch 15.6inch iPhone12Pro mate60 " +
  "dresses accessories bus 耐克 运动鞋 农业发展银行 跑步鞋 連衣裙 カメラ コーヒー ไทย 한국어 кроссовки Crème brûlée ﬁ Ｎｉｋｅ 𠮷野家 " +
  "Fußballschuhe Schuhe Fußball Trekking-Schuhe 2斤 1kg 1,5l 10.000mAh 1,000w 1,2,3kg 5 G usb-c USB 3.0 耐克Air 重庆 女装 , . ! ， 。 👟";
const anyText = fc
  .array(
    fc.oneof(
      fc.constantFrom(...words.split(" ")),
      fc.string({ maxLength: 6 }),
      fc.string({ unit: "binary", maxLength: 4 }),
      fc.string({ unit: fc.constantFrom(..."aB7.-'_ 运动鞋"), maxLength: 12 }),
    ),
    { maxLength: 10 },
  )
  .chain((parts) => fc.constantFrom(" ", "", ",").map((between) => parts.join(between)));
const anyItem = fc.option(
  fc
    .record({ title: anyText, brand: anyText, category: anyText, colour: anyText, text: anyText })
    .map(({ title, brand, category, colour, text }) =>
      product(title, {
        brand,
        categories: [category],
        attributes: { colour, sizes: [colour, "M"], isNew: true, weight: 5 },
        tags: [brand],
        description: text,
        locale: "de-AT",
        locales: { zh: { title: text, terms: { colour } }, fr: { title } },
      }),
    ),
  { nil: undefined },
);

describe("indexing items", () => {
  test("gives the postings that the analyser's terms give, over any text", async () => {
    const segmenter = await loadSegmenter([]);
    fc.assert(
      fc.property(fc.array(anyItem, { maxLength: 6 }), (items) => assertSame(items, segmenter)),
      { numRuns: 150 },
    );
  });

  test("gives them with ICU's words as well", () => {
    const segmenter = new IcuSegmenter();
    fc.assert(
      fc.property(fc.array(anyItem, { maxLength: 6 }), (items) => assertSame(items, segmenter)),
      { numRuns: 50 },
    );
  });

  test("keeps many different words apart", async () => {
    const items = Array.from({ length: 400 }, (_, i) =>
      product(
        Array.from({ length: 40 }, (_, k) => `w${(i * 40 + k) % 9_000}x ${k}鞋${i}子`).join(" "),
      ),
    );
    assertSame(items, await loadSegmenter([]));
  });

  test("counts a word no further than a posting has room for", async () => {
    assertSame([product("red ".repeat(300)), product("red")], await loadSegmenter([]));
  });
});
