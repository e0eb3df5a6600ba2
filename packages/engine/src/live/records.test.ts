import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { Item } from "@magpie/domain";
import { ItemRecords } from "./records.ts";

const item = (id: string, title = id): Item => ({
  id,
  title,
  variants: [
    { id: "v", price: { amount: 100, currency: "EUR" }, availability: { available: true } },
  ],
});

class Catalogue {
  readonly items = new Map<string, Item>();
  reads: string[][] = [];
  async getMany(ids: readonly string[]): Promise<Map<string, Item>> {
    this.reads.push([...ids]);
    const found = new Map(
      ids.flatMap((id) => (this.items.has(id) ? [[id, this.items.get(id)!]] : [])),
    );
    await Promise.resolve();
    return found;
  }
}

const catalogueOf = (...ids: string[]) => {
  const catalogue = new Catalogue();
  for (const id of ids) catalogue.items.set(id, item(id));
  return catalogue;
};

const titles = (found: readonly (Item | undefined)[]) => found.map((record) => record?.title);

describe("item records", () => {
  test("come in the order asked for, and only missing ones are read", async () => {
    const catalogue = catalogueOf("a", "b", "c");
    const records = new ItemRecords(catalogue);
    assert.deepEqual(titles(await records.getMany(["b", "x", "a"])), ["b", undefined, "a"]);
    assert.deepEqual(titles(await records.getMany(["a", "c", "b"])), ["a", "c", "b"]);
    assert.deepEqual(catalogue.reads, [["b", "x", "a"], ["c"]]);
  });

  test("a change is in the next answer", async () => {
    const catalogue = catalogueOf("a");
    const records = new ItemRecords(catalogue);
    await records.getMany(["a"]);
    records.put(item("a", "A"));
    assert.deepEqual(titles(await records.getMany(["a"])), ["A"]);
    catalogue.items.delete("a");
    records.delete("a");
    assert.deepEqual(titles(await records.getMany(["a"])), [undefined]);
  });

  test("a read that began before a change is not kept", async () => {
    const catalogue = catalogueOf("a");
    const records = new ItemRecords(catalogue);
    const reading = records.getMany(["a"]);
    catalogue.items.set("a", item("a", "A"));
    records.put(item("a", "A"));
    await reading;
    assert.deepEqual(titles(await records.getMany(["a"])), ["A"]);
  });

  test("the record used longest ago leaves first", async () => {
    const catalogue = catalogueOf("a", "b", "c");
    const records = new ItemRecords(catalogue, 2);
    await records.getMany(["a"]);
    await records.getMany(["b"]);
    await records.getMany(["a"]);
    await records.getMany(["c"]);
    await records.getMany(["a", "c"]);
    assert.deepEqual(catalogue.reads, [["a"], ["b"], ["c"]]);
  });
});
