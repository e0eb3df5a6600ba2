import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import {
  addressOf,
  readAddress,
  sortNames,
  widgetStateOf,
  writeAddress,
  type SearchAddress,
} from "./search-url.ts";

const nothing: SearchAddress = { query: "", brands: [], inStock: false, page: 1 };

const word = fc.string({ minLength: 1, maxLength: 12 });
const anyAddress: fc.Arbitrary<SearchAddress> = fc.record(
  {
    query: fc.string({ maxLength: 40 }).map((text) => text.trim()),
    brands: fc.uniqueArray(word, { maxLength: 4 }),
    category: fc
      .array(
        word.filter((text) => !text.includes(">")),
        { minLength: 1, maxLength: 4 },
      )
      .map((levels) => levels.join(" > ")),
    price: fc
      .tuple(fc.nat(1e6), fc.nat(1e6), fc.integer({ min: 0, max: 2 }))
      .map(([a, b, open]) => ({
        ...(open !== 1 && { min: Math.min(a, b) }),
        ...(open !== 2 && { max: Math.max(a, b) }),
      })),
    inStock: fc.boolean(),
    rating: fc.integer({ min: 1, max: 5 }),
    sort: fc.constantFrom(...sortNames),
    page: fc.integer({ min: 1, max: 9_000 }),
  },
  { requiredKeys: ["query", "brands", "inStock", "page"], noNullPrototype: true },
);

describe("the search page's address", () => {
  test("says what was asked for and chosen, and nothing else", () => {
    const address: SearchAddress = {
      query: "running shoes",
      brands: ["A & B", "C"],
      category: "Sports > Running",
      price: { min: 2000, max: 8000 },
      inStock: true,
      rating: 4,
      sort: "price_asc",
      page: 3,
    };
    assert.equal(
      writeAddress(address),
      "?q=running+shoes&brand=A+%26+B&brand=C&category=Sports+%3E+Running&price=2000-8000&stock=1&rating=4&sort=price_asc&page=3",
    );
    assert.equal(writeAddress(nothing), "");
    assert.equal(writeAddress({ ...nothing, price: { max: 500 } }), "?price=-500");
  });

  test("is read as it was written", () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        assert.deepEqual(readAddress(writeAddress(address)), address);
      }),
    );
  });

  test("becomes the widgets' state and back", () => {
    assert.deepEqual(widgetStateOf({ ...nothing, category: "A > B", price: { min: 5 } }), {
      query: "",
      hierarchicalMenu: { "hierarchicalCategories.lvl0": ["A", "B"] },
      range: { price: "5:" },
    });
    fc.assert(
      fc.property(anyAddress, (address) => {
        assert.deepEqual(addressOf(widgetStateOf(address)), address);
      }),
    );
  });

  test("is read without what a hand has spoilt", () => {
    const spoilt = "?q=x&brand=&price=9-1&rating=7&sort=price_up&page=-2&stock=yes&page=1e9";
    assert.deepEqual(readAddress(spoilt), { ...nothing, query: "x" });
    assert.deepEqual(readAddress("?price=-"), nothing);
    assert.deepEqual(readAddress("?price=abc-3&page=0"), nothing);
    assert.equal(readAddress(`?q=${"y".repeat(900)}`).query.length, 500);
    assert.deepEqual(readAddress("?brand=A&brand=A").brands, ["A"]);
  });
});
