import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { areaUnderCurve, expectedCalibrationError, logLoss } from "./binary-metrics.ts";

describe("area under the ROC curve", () => {
  test("counts the pairs that are in order, ties by half", () => {
    // Positives .9 and .4 against negatives .4 and .1: right, right, half, right.
    assert.equal(areaUnderCurve([0.9, 0.4, 0.4, 0.1], [1, 1, 0, 0]), 3.5 / 4);
  });

  test("equals counting all pairs, and does not change when scores are stretched", () => {
    const anyPairs = fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.constantFrom(0, 1)), {
      minLength: 2,
    });
    fc.assert(
      fc.property(anyPairs, (pairs) => {
        const yes = pairs.filter(([, label]) => label === 1).map(([score]) => score);
        const no = pairs.filter(([, label]) => label === 0).map(([score]) => score);
        fc.pre(yes.length > 0 && no.length > 0);
        let right = 0;
        for (const a of yes) for (const b of no) right += a > b ? 1 : a === b ? 0.5 : 0;
        const labels = pairs.map(([, label]) => label);
        const scores = pairs.map(([score]) => score);
        const area = areaUnderCurve(scores, labels);
        assert.ok(Math.abs(area - right / (yes.length * no.length)) < 1e-12);
        assert.equal(
          areaUnderCurve(
            scores.map((s) => Math.exp(s)),
            labels,
          ),
          area,
        );
      }),
    );
  });

  test("needs both answers", () => {
    assert.throws(() => areaUnderCurve([1, 2], [1, 1]), { code: "NO_BOTH_ANSWERS" });
  });
});

describe("log loss", () => {
  test("is the mean surprise", () => {
    const expected = -(Math.log(0.8) + Math.log(0.9)) / 2;
    assert.ok(Math.abs(logLoss([0.8, 0.1], [1, 0]) - expected) < 1e-12);
  });

  test("stays finite where something impossible happened", () => {
    assert.ok(Number.isFinite(logLoss([0], [1])));
  });
});

describe("expected calibration error", () => {
  test("is 0 where what was said is what happened", () => {
    const labels = Array.from({ length: 100 }, (_, i) => Number(i % 4 === 0));
    assert.equal(expectedCalibrationError(Array(100).fill(0.25), labels, 5), 0);
  });

  test("is the gap where all is said alike and wrong", () => {
    const labels = Array.from({ length: 100 }, (_, i) => Number(i % 4 === 0));
    assert.ok(Math.abs(expectedCalibrationError(Array(100).fill(0.75), labels, 5) - 0.5) < 1e-12);
  });
});
