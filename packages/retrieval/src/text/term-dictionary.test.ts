import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { compareTerms, TermDictionary } from "./term-dictionary.ts";

const anyTerm = fc.oneof(
  fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom("a", "b", "é", "鞋", "𠮷", "=") }),
  fc.string({ minLength: 1, maxLength: 6 }),
);
const anyTerms = fc
  .uniqueArray(anyTerm, { maxLength: 60 })
  .map((terms) => terms.sort(compareTerms));

describe("the order of terms", () => {
  test("is that of their UTF-8 bytes", () => {
    fc.assert(
      fc.property(anyTerm, anyTerm, (a, b) => {
        const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
        assert.equal(Math.sign(compareTerms(a, b)), bytes);
      }),
    );
  });
});

describe("the term dictionary", () => {
  test("finds every term by its number, and no other", () => {
    fc.assert(
      fc.property(anyTerms, anyTerm, (terms, other) => {
        const dictionary = TermDictionary.build(terms);
        assert.equal(dictionary.size, terms.length);
        terms.forEach((term, number) => {
          assert.equal(dictionary.find(term), number);
          assert.equal(dictionary.term(number), term);
        });
        assert.equal(dictionary.find(other), terms.indexOf(other));
      }),
    );
  });

  test("finds the terms with a prefix", () => {
    fc.assert(
      fc.property(anyTerms, anyTerm, (terms, prefix) => {
        const [from, to] = TermDictionary.build(terms).withPrefix(prefix);
        assert.deepEqual(
          terms.slice(from, to),
          terms.filter((term) => term.startsWith(prefix)),
        );
      }),
    );
  });
});
