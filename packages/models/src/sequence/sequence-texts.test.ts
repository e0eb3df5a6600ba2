import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { projectTexts } from "./sequence-texts.ts";

describe("the projection of texts", () => {
  test("of 2 numbers to 4, by hand", () => {
    // prettier-ignore
    const projection = Float32Array.of(1, 2, 3, 4,  10, 20, 30, 40);
    const out = projectTexts(Float32Array.of(0, 0, 1, 0.5), projection, { width: 4, textWidth: 2 });
    assert.deepEqual([...out], [0, 0, 0, 0, 6, 12, 18, 24]);
  });

  test("is the product with the matrix, for however many texts", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 1, max: 5 }), (n, C) => {
        const D = 4;
        const texts = Float32Array.from({ length: n * C }, (_, i) => ((i * 7) % 11) - 5);
        const projection = Float32Array.from({ length: C * D }, (_, i) => ((i * 5) % 7) - 3);
        const out = projectTexts(texts, projection, { width: D, textWidth: C });
        assert.equal(out.length, n * D);
        for (let i = 0; i < n; i++) {
          for (let d = 0; d < D; d++) {
            let sum = 0;
            for (let c = 0; c < C; c++) sum += texts[i * C + c]! * projection[c * D + d]!;
            assert.equal(out[i * D + d], sum);
          }
        }
      }),
      { numRuns: 30 },
    );
  });
});
