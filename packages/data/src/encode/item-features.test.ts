import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { ItemFeatureEncoder, type DescribedItem, type ItemFeatureCard } from "./item-features.ts";

const item = (title: string, more: Partial<DescribedItem> = {}): DescribedItem => ({
  title,
  ...more,
});
const priced = (amount: number): Pick<DescribedItem, "variants"> => ({
  variants: [{ id: "v", price: { amount, currency: "CNY" }, availability: { available: true } }],
});

const catalogue = [
  item("red shoe", { brand: "Fox", categories: ["Shoes > Running"], ...priced(100) }),
  item("fast shoe", { brand: "Hen", categories: ["Shoes > Running"] }),
  item("blue shoe", { brand: "Fox", categories: ["Shoes > Walking"], ...priced(400) }),
  item("green hat", { brand: "Hen", categories: ["Hats"], ...priced(50) }),
  item("grey hat", { brand: "Hen", categories: ["Hats"] }),
];
const encoder = ItemFeatureEncoder.fit(catalogue, { buckets: 1_024 });

function product(a: DescribedItem, b: DescribedItem): number {
  const other = encoder.encode(b);
  const weights = new Map(Array.from(other.indices, (f, i) => [f, other.values[i]!]));
  const own = encoder.encode(a);
  return own.indices.reduce((sum, f, i) => sum + own.values[i]! * (weights.get(f) ?? 0), 0);
}

describe("ItemFeatureEncoder", () => {
  test("gives ascending features of length 1, whatever an item says", () => {
    const anyItem = fc.record({
      title: fc.string({ minLength: 1 }),
      brand: fc.constantFrom("Fox", "Hen", "New"),
      categories: fc.array(fc.constantFrom("Shoes > Running", "Hats", "Other > New")),
    });
    fc.assert(
      fc.property(anyItem, (any) => {
        const { indices, values } = encoder.encode(any);
        const square = values.reduce((sum, value) => sum + value * value, 0);
        assert.ok(indices.length === 0 || Math.abs(square - 1) < 1e-5);
        assert.ok(indices.every((f, i) => f < encoder.width && (i === 0 || f > indices[i - 1]!)));
      }),
    );
  });

  test("an item is most like those of its words, categories and brand", () => {
    const fresh = item("white shoe", { brand: "Fox", categories: ["Shoes > Running"] });
    const likeness = catalogue.map((one) => product(fresh, one));
    const [same, otherBrand, otherCategory, ...hats] = likeness as [number, number, number];
    assert.ok(same > Math.max(otherBrand, otherCategory));
    assert.ok(Math.min(otherBrand, otherCategory) > Math.max(...hats));
  });

  test("shares of nothing silence a part", () => {
    const wordless = ItemFeatureEncoder.fit(catalogue, {
      buckets: 64,
      shares: { words: 0, categories: 1, brand: 0, price: 0 },
    });
    // Categories of two items at least: "Shoes", "Shoes > Running" and "Hats".
    assert.equal(wordless.encode(catalogue[0]!).indices.length, 2);
    assert.deepEqual(wordless.encode(catalogue[3]!), wordless.encode(catalogue[4]!));
  });

  test("brands and categories of one item alone, and unknown ones, say nothing", () => {
    const plain = encoder.encode(item("hat"));
    assert.deepEqual(encoder.encode(item("hat", { brand: "New", categories: ["Other"] })), plain);
  });

  test("survives saving", () => {
    const card = JSON.parse(JSON.stringify(encoder.save())) as ItemFeatureCard;
    const opened = ItemFeatureEncoder.load(card);
    for (const one of catalogue) assert.deepEqual(opened.encode(one), encoder.encode(one));
  });

  test("puts rows where their items stand", () => {
    const matrix = encoder.matrix([undefined, catalogue[1], undefined, catalogue[3]]);
    assert.deepEqual([matrix.rows, matrix.columns], [4, encoder.width]);
    const { indices } = encoder.encode(catalogue[3]!);
    assert.deepEqual(matrix.indices.subarray(matrix.offsets[3], matrix.offsets[4]), indices);
    assert.equal(matrix.offsets[1], 0);
    assert.equal(matrix.offsets[2], matrix.offsets[3]);
  });
});
