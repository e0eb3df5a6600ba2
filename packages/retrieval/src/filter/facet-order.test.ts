import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import type { FacetCounts } from "./facet-index.ts";
import { byUsefulness } from "./facet-order.ts";

const facet = (field: string, ...counts: number[]): FacetCounts => ({
  field,
  values: counts.map((count, i) => ({ value: `${field} ${i}`, count })),
});

const numbers = (field: string, min: number, max: number, count: number): FacetCounts => ({
  field,
  values: [],
  statistics: { min, max, sum: count * min, avg: min, count },
});

const order = (facets: FacetCounts[], total: number, ...chosen: string[]): string[] =>
  byUsefulness(facets, total, new Set(chosen)).map(({ field }) => field);

describe("facets by usefulness", () => {
  test("a field that splits what was found goes before one that most agree on", () => {
    assert.deepEqual(order([facet("stock", 98, 2), facet("brand", 40, 30, 30)], 100), [
      "brand",
      "stock",
    ]);
  });

  test("a field that few items have goes behind one that all have", () => {
    assert.deepEqual(order([facet("length", 5, 5), facet("colour", 50, 50)], 100), [
      "colour",
      "length",
    ]);
  });

  test("a field that is another for each item goes last", () => {
    const model = facet("model", ...Array.from({ length: 100 }, () => 1));
    assert.deepEqual(order([model, facet("brand", 60, 40)], 100), ["brand", "model"]);
  });

  test("prices that differ are worth two halves, equal ones nothing", () => {
    const facets = [
      facet("stock", 98, 2),
      numbers("price", 5, 90, 100),
      numbers("weight", 3, 3, 100),
    ];
    assert.deepEqual(order(facets, 100), ["price", "stock", "weight"]);
  });

  test("fields with a choice stay in front, so that it can be seen and undone", () => {
    const facets = [facet("brand", 40, 30, 30), facet("stock", 100)];
    assert.deepEqual(order(facets, 100, "stock"), ["stock", "brand"]);
  });

  test("nothing is lost or added, and equals keep their order", () => {
    const anyFacet = fc.record({
      counts: fc.array(fc.nat(50), { maxLength: 30 }),
      chosen: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anyFacet, { maxLength: 12 }), fc.nat(200), (all, total) => {
        const facets = all.map(({ counts }, i) => facet(`f${i}`, ...counts));
        const chosen = facets.flatMap(({ field }, i) => (all[i]!.chosen ? [field] : []));
        const ordered = order(facets, total, ...chosen);
        assert.deepEqual(ordered.toSorted(), facets.map(({ field }) => field).toSorted());
        assert.deepEqual(ordered.slice(0, chosen.length), chosen);
        assert.deepEqual(
          order(byUsefulness(facets, total, new Set(chosen)), total, ...chosen),
          ordered,
        );
      }),
    );
  });
});
