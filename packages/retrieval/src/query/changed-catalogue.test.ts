import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import type { Item } from "@magpie/domain";
import { product } from "../text/text-index.suite.ts";
import { CatalogLexicon } from "./catalog-lexicon.ts";
import { categorisedTitles, CategoryPredictor } from "./category-predictor.ts";
import { catalogWords, SpellingCorrector } from "./spelling-corrector.ts";

const learned = [
  { text: "black watch", searches: 40, users: 9, weight: 9 },
  { text: "耐克", searches: 7, users: 5, weight: 3 },
];
const signals = [{ query: "watch", category: "Watches", weight: 5 }];
const words = ["black", "blank", "block", "watch", "watches", "match", "stitch", "stretch"];
const anyItem = fc
  .record({
    title: fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 }),
    brand: fc.option(fc.constantFrom("Black", "Stretch", "Zyntha"), { nil: undefined }),
    category: fc.option(fc.constantFrom("Watches > Black", "Watches", "Home"), { nil: undefined }),
    color: fc.option(fc.constantFrom("black", "BLACK", "blank"), { nil: undefined }),
    zh: fc.option(fc.constantFrom("黑色", "黑", "手表"), { nil: undefined }),
  })
  .map(({ title, brand, category, color, zh }): Item => {
    const own = category === undefined ? {} : { categories: [category] };
    return product(title.join(" "), {
      ...(brand !== undefined && { brand }),
      ...own,
      ...(color !== undefined && { attributes: { color } }),
      ...(zh !== undefined && {
        locales: {
          zh: { title: zh, ...own, ...(color !== undefined && { terms: { [color]: zh } }) },
        },
      }),
    });
  });
const anyChanges = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 8 }), fc.option(anyItem, { nil: undefined, freq: 3 })),
  { maxLength: 20 },
);
const asked = [...words, "zyntha", "home", "blak", "wach", "strech", "stich", "黑色", "黑", "耐客"];
const wordsOf = (text: string): readonly string[] => text.split(" ");

const lexiconOf = (items: readonly (Item | undefined)[]) => CatalogLexicon.build(items);
const spellingOf = (items: readonly (Item | undefined)[]) =>
  SpellingCorrector.build(catalogWords(items), learned);
const categoriesOf = (items: readonly (Item | undefined)[]) =>
  CategoryPredictor.build(signals, items.flatMap(categorisedTitles), wordsOf);

describe("what is known of a catalogue that changes", () => {
  test("is what is known of one that was read anew", () => {
    fc.assert(
      fc.property(
        fc.array(anyItem, { minLength: 1, maxLength: 5 }),
        anyChanges,
        (first, changes) => {
          const items: (Item | undefined)[] = [...first];
          const lexicon = CatalogLexicon.open(lexiconOf(items).toBytes());
          const spelling = SpellingCorrector.open(spellingOf(items).toBytes());
          const categories = CategoryPredictor.open(categoriesOf(items).toBytes());
          for (const [row, item] of changes) {
            const former = items[row - 1];
            while (items.length < row) items.push(undefined);
            items[row - 1] = item;
            lexicon.put(row, item, former);
            spelling.put(item, former);
            categories.put(row, item, wordsOf, former);
          }
          const rebuilt = {
            lexicon: lexiconOf(items),
            spelling: spellingOf(items),
            categories: categoriesOf(items),
          };
          assert.deepEqual(new Set(lexicon.names()), new Set(rebuilt.lexicon.names()));
          for (const text of asked) {
            assert.deepEqual(lexicon.nameOf(text), rebuilt.lexicon.nameOf(text), text);
            assert.deepEqual(lexicon.rowsNamed(text), rebuilt.lexicon.rowsNamed(text), text);
            assert.equal(spelling.usesOf(text), rebuilt.spelling.usesOf(text), text);
            assert.equal(spelling.begins(text), rebuilt.spelling.begins(text), text);
            assert.deepEqual(spelling.correct(text), rebuilt.spelling.correct(text), text);
            for (const query of [text, `${text} watch`]) {
              assert.deepEqual(
                categories.predict(query, wordsOf(query)),
                rebuilt.categories.predict(query, wordsOf(query)),
                query,
              );
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test("predicts the same of a word that more categories have than are looked at", () => {
    const titled = fc.tuple(fc.integer({ min: 10, max: 79 }), fc.constantFrom("lamp", "lamp desk"));
    fc.assert(
      fc.property(
        fc.array(titled, { minLength: 150, maxLength: 150 }),
        fc.array(fc.tuple(fc.nat(149), titled), { maxLength: 40 }),
        (first, changes) => {
          const itemOf = ([of, title]: readonly [number, string]): Item =>
            product(title, { categories: [`Category ${of}`] });
          const items = first.map(itemOf);
          const live = CategoryPredictor.open(categoriesOf(items).toBytes());
          for (const [i, next] of changes) {
            live.put(i + 1, itemOf(next), wordsOf, items[i]);
            items[i] = itemOf(next);
          }
          const rebuilt = categoriesOf(items);
          for (const query of ["lamp", "desk lamp"]) {
            const [found, expected] = [live, rebuilt].map((one) =>
              one.predict(query, wordsOf(query)),
            );
            assert.deepEqual(found, expected);
          }
        },
      ),
    );
  });
});
