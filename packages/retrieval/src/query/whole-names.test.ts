import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { TextNumberList } from "./text-numbers.ts";
import { addNames, WholeNames, type ItemNames } from "./whole-names.ts";

const called = (titles: readonly string[], codes: readonly string[] = []): ItemNames => ({
  titles: new Set(titles),
  codes: new Set(codes),
});

/** @param items  of row 1, of row 2, and so on */
function namesOf(...items: readonly ItemNames[]): WholeNames {
  const list = new TextNumberList();
  items.forEach((item, i) => addNames(list, i + 1, item));
  const { firsts, seconds, marks } = WholeNames.build(list).arrays() as Record<
    "firsts" | "seconds" | "marks",
    Uint32Array
  >;
  return WholeNames.open({ firsts, seconds, marks });
}

describe("whole names", () => {
  const lamp = called(["red lamp", "红色台灯"], ["a", "lm-100"]);
  const bulb = called(["bulb for red lamp"], ["b", "4006381333931"]);
  const twin = called(["red lamp"], ["c", "red lamp"]);

  test("say which items are called so, and which of them first by title and by code", () => {
    const names = namesOf(lamp, bulb, twin);
    assert.deepEqual([...names.rowsNamed("red lamp")], [1, 3]);
    assert.equal(names.rowTitled("red lamp"), 1);
    assert.equal(names.rowCoded("red lamp"), 3);
    assert.equal(names.rowTitled("红色台灯"), 1);
    assert.equal(names.rowCoded("4006381333931"), 2);
    assert.equal(names.rowTitled("4006381333931"), undefined);
    assert.deepEqual([...names.rowsNamed("lamp")], []);
  });

  test("follow items that change and come", () => {
    const names = namesOf(lamp, bulb);
    names.put(1, called(["blue lamp"], ["a"]));
    names.put(9, called(["red lamp"], ["i"]));
    assert.deepEqual([...names.rowsNamed("red lamp")], [9]);
    assert.deepEqual([...names.rowsNamed("blue lamp")], [1]);
    assert.equal(names.rowCoded("lm-100"), undefined);
    names.put(9, called([]));
    assert.deepEqual([...names.rowsNamed("red lamp")], []);
  });

  test("after any changes are those of a store built anew", () => {
    const word = fc.constantFrom("lamp", "bulb", "oak", "灯", "x-1");
    const item = fc.record({ titles: fc.array(word), codes: fc.array(word) });
    const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), item));
    fc.assert(
      fc.property(fc.array(item, { maxLength: 5 }), changes, (before, changed) => {
        const items = before.map(({ titles, codes }) => called(titles, codes));
        const live = namesOf(...items);
        for (const [row, { titles, codes }] of changed) {
          while (items.length < row) items.push(called([]));
          items[row - 1] = called(titles, codes);
          live.put(row, items[row - 1]!);
        }
        const anew = namesOf(...items);
        for (const name of ["lamp", "bulb", "oak", "灯", "x-1", ""]) {
          assert.deepEqual(live.rowsNamed(name), anew.rowsNamed(name));
          assert.equal(live.rowTitled(name), anew.rowTitled(name));
          assert.equal(live.rowCoded(name), anew.rowCoded(name));
        }
      }),
    );
  });

  test("many items may share one name", () => {
    const names = namesOf(...Array.from({ length: 50_000 }, () => called(["t-shirt"])));
    assert.equal(names.rowsNamed("t-shirt").size, 50_000);
    assert.equal(names.rowTitled("t-shirt"), 1);
  });
});
