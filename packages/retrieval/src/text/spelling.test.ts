import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { oneEditAway } from "./spelling.ts";

/** Restricted Damerau-Levenshtein distance, by the table that defines it. */
function distance(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const replace = table[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replace, table[i - 1]![j]! + 1, table[i]![j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, table[i - 2]![j - 2]! + 1);
      }
      table[i]![j] = best;
    }
  }
  return table[a.length]![b.length]!;
}

const anyWord = fc.string({ maxLength: 5, unit: fc.constantFrom("a", "b", "c") });

describe("words one edit away", () => {
  test("are exactly those at distance one", () => {
    fc.assert(
      fc.property(anyWord, anyWord, (word, other) => {
        const near = new Set(oneEditAway(word, "abc"));
        assert.equal(near.has(other), distance(word, other) === 1);
      }),
      { numRuns: 1_000 },
    );
  });
});
