import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { QueryCoverage } from "./query-coverage.ts";

const words = (text: string): string[] => text.split(" ").filter((word) => word !== "");
const coverage = QueryCoverage.build(["red shoe", "blue shoe", "shoe"], words);

describe("how much of a query a text says", () => {
  test("weighs rare words more, by hand", () => {
    const [red, shoe] = [Math.log(1 + 3 / 2), Math.log(1 + 3 / 4)];
    assert.ok(Math.abs(coverage.of("red shoe", "old shoe") - shoe / (red + shoe)) < 1e-12);
    assert.equal(coverage.of("red shoe", "red shoe"), 1);
    assert.equal(coverage.of("", "red"), 0);
  });

  test("lies in [0, 1] and never falls when the text grows", () => {
    const text = fc
      .array(fc.constantFrom("red", "blue", "shoe", "hat"))
      .map((all) => all.join(" "));
    fc.assert(
      fc.property(text, text, text, (query, some, more) => {
        const [less, all] = [coverage.of(query, some), coverage.of(query, `${some} ${more}`)];
        assert.ok(less >= 0 && all <= 1 && all >= less);
      }),
    );
  });
});
