import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { maxEditsFor, nearTerms } from "./spelling.ts";
import { compareTerms, TermDictionary } from "./term-dictionary.ts";

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

const anyWord = fc.string({
  minLength: 1,
  maxLength: 6,
  unit: fc.constantFrom("a", "b", "c", "ж"),
});
const dictionaryOf = (words: readonly string[]): TermDictionary =>
  TermDictionary.build([...new Set(words)].sort(compareTerms));

describe("terms near a word", () => {
  test("are exactly those within the distance", () => {
    fc.assert(
      fc.property(
        fc.array(anyWord, { maxLength: 60 }),
        anyWord,
        fc.constantFrom(1, 2),
        (words, word, maxEdits) => {
          const dictionary = dictionaryOf(words);
          const found = nearTerms(dictionary, word, maxEdits);
          const expected = [...new Set(words)]
            .map((term) => ({ term, edits: distance(word, term) }))
            .filter(({ edits }) => edits > 0 && edits <= maxEdits)
            .sort((a, b) => compareTerms(a.term, b.term));
          assert.deepEqual(
            found.map(({ term, edits }) => ({ term: dictionary.term(term), edits })),
            expected,
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("say whether they begin alike", () => {
    const found = nearTerms(dictionaryOf(["hoe", "shot"]), "shoe", 1);
    assert.deepEqual(
      found.map(({ sameStart }) => sameStart),
      [false, true],
    );
  });
});

test("short words, numbers and model names are taken as typed", () => {
  const edits = ["cat", "shoe", "sneaker", "sneakers", "z900", "3.5", "a".repeat(31), "чашка"];
  assert.deepEqual(edits.map(maxEditsFor), [0, 1, 1, 2, 0, 0, 0, 1]);
});
