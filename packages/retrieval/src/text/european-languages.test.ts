import assert from "node:assert/strict";
import type { Item } from "@magpie/domain";
import { describe, test } from "vitest";
import { InvertedTextIndex } from "./inverted-text-index.ts";
import { product } from "./text-index.suite.ts";

const spoken = (locale: string, ...titles: string[]): Item[] =>
  titles.map((title) => product(title, { locale }));

async function opened(items: readonly Item[]): Promise<InvertedTextIndex> {
  return InvertedTextIndex.open((await InvertedTextIndex.build(items)).toBytes());
}

async function find(items: readonly Item[], query: string, locale?: string): Promise<string[]> {
  const hits = (await opened(items)).search(query, { limit: 20, ...(locale && { locale }) });
  return Array.from(hits.items, (row) => items[row - 1]!.title);
}

const german = spoken(
  "de",
  "Fußballschuhe von Vela",
  "Schuhe für den Fußball",
  "Rote Bluse",
  "Müsli mit Nüssen",
  "Wasserkocher 1,7 l",
  "Powerbank 10.000 mAh",
  "Bücherregal",
  "Regal für ein Buch",
);

describe("a catalogue in a European language", () => {
  test("is found by any form of a word, the form that was asked for first", async () => {
    const items = spoken("fr", "Chaussure noire", "Chaussures noires", "Robe blanche");
    assert.deepEqual(await find(items, "noir chaussure"), ["Chaussure noire", "Chaussures noires"]);
    const blouses = spoken("de", "Bluse", "Blusen");
    assert.deepEqual(await find(blouses, "Blusen"), ["Blusen", "Bluse"]);
    assert.deepEqual(await find(items, "blanches robes"), ["Robe blanche"]);
    assert.deepEqual(await find(german, "rotes Blusen", "de"), ["Rote Bluse"]);
    const dutch = spoken("nl", "Rode tas", "Huis");
    assert.deepEqual(await find(dutch, "rood tassen", "nl-BE"), ["Rode tas"]);
  });

  test("is found by what is written with other letters than the shop's", async () => {
    for (const query of ["muesli", "Müsli", "musli", "MÜSLI"]) {
      assert.deepEqual(await find(german, query), ["Müsli mit Nüssen"], query);
    }
    assert.equal((await find(german, "fussballschuhe"))[0], "Fußballschuhe von Vela");
    assert.deepEqual(await find(spoken("da", "Rødt tæppe"), "roed taeppe"), ["Rødt tæppe"]);
  });

  test("finds compounds by their words, and their words by the compound", async () => {
    assert.deepEqual((await find(german, "Schuhe", "de")).toSorted(), [
      "Fußballschuhe von Vela",
      "Schuhe für den Fußball",
    ]);
    assert.deepEqual(await find(german, "Fußballschuhe", "de"), [
      "Fußballschuhe von Vela",
      "Schuhe für den Fußball",
    ]);
    assert.deepEqual(await find(german, "Buch Regal", "de"), ["Regal für ein Buch", "Bücherregal"]);
  });

  test("finds quantities as the language writes them", async () => {
    assert.deepEqual(await find(german, "1.7 l"), ["Wasserkocher 1,7 l"]);
    assert.deepEqual(await find(german, "1700ml", "de"), ["Wasserkocher 1,7 l"]);
    assert.deepEqual(await find(german, "10000mAh", "de"), ["Powerbank 10.000 mAh"]);
  });

  test("explains scores to their sum, and marks the word that was found", async () => {
    const index = await opened(german);
    for (const query of ["schuh", "Fußballschuhe", "Regal Buch", "rotes Blusen"]) {
      const { parts, scores } = index.search(query, { limit: 10, locale: "de" });
      assert.ok(parts.length > 0, query);
      for (const [i, own] of parts.entries()) {
        const sum = own.reduce((total, { amount }) => total + amount, 0);
        assert.ok(Math.abs(sum - scores[i]!) < 1e-6);
      }
    }
    const marked = (query: string, text: string) =>
      index.highlighter(query, "de").highlight(text).value;
    assert.equal(marked("Blusen", "Rote Bluse"), "Rote <mark>Bluse</mark>");
    assert.equal(marked("Schuh", "Fußballschuhe"), "Fußball<mark>schuhe</mark>");
    assert.equal(marked("Schuh", "Fußball-Schuhe"), "Fußball-<mark>Schuhe</mark>");
    assert.equal(marked("muesli", "Müsli mit"), "<mark>Müsli</mark> mit");
  });

  test("takes new items by the same rules", async () => {
    const index = await opened(german);
    await index.update(new Map([[9, product("Hallenschuhe", { locale: "de" })]]));
    const rows = [...index.search("Schuh", { limit: 10, locale: "de" }).items];
    assert.ok(!rows.includes(9), "Halle is no word of the catalogue yet");
    await index.update(new Map([[10, product("Halle Hallen", { locale: "de" })]]));
    await index.update(new Map([[9, product("Wanderschuhe, Wandern", { locale: "de" })]]));
    assert.ok([...index.search("Schuhe", { limit: 10, locale: "de" }).items].includes(9));
  });
});

describe("languages in one catalogue", () => {
  const items = [
    product("Black shoes", {
      locales: { de: { title: "Schwarze Schuhe" }, zh: { title: "黑鞋" } },
    }),
    product("Universal remote", { locales: { de: { title: "Fernbedienung" } } }),
    product("University hoodie", { locales: { de: { title: "Kapuzenpulli" } } }),
  ];

  test("are stemmed each by its own rules", async () => {
    assert.deepEqual(await find(items, "schwarzer schuh", "de"), ["Black shoes"]);
    assert.deepEqual(await find(items, "schwarzer schuh"), ["Black shoes"]);
    const index = await opened(items);
    const terms = index.tokens("Schuhe").map(({ term, kind }) => `${kind} ${term}`);
    assert.deepEqual(terms, ["word schuhe", "stem ^deschuh"]);
  });

  test("leave English and Chinese as they are", async () => {
    assert.deepEqual(await find(items, "universal", "en"), ["Universal remote"]);
    assert.deepEqual(await find(items, "shoe", "en"), ["Black shoes"]);
    assert.deepEqual(await find(items, "黑鞋", "zh"), ["Black shoes"]);
    const english = await InvertedTextIndex.build([product("Shoes")]);
    assert.deepEqual(
      english.tokens("Schuhe").map(({ term }) => term),
      ["schuhe"],
    );
  });
});
