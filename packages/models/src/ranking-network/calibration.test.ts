import assert from "node:assert/strict";
import { expectedCalibrationError } from "@magpie/evaluation";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import {
  isotonicCalibration,
  openCalibration,
  plattCalibration,
  type CalibrationCard,
} from "./calibration.ts";

/** Logits x with answers of probability σ(2 x − 1): said σ(x), the model is wrong in a known way. */
function misjudged(count: number) {
  const random = seededRandom(4, "calibration");
  const logits = Float32Array.from({ length: count }, () => random.normal());
  const labels = Uint8Array.from(logits, (x) =>
    Number(random.next() < 1 / (1 + Math.exp(1 - 2 * x))),
  );
  return { logits, labels };
}

describe("Platt calibration", () => {
  test("finds the line that answers were drawn by", () => {
    const { logits, labels } = misjudged(20_000);
    const { card } = plattCalibration(logits, labels);
    assert.ok(card.kind === "platt");
    assert.ok(Math.abs(card.slope - 2) < 0.1 && Math.abs(card.shift + 1) < 0.1);
  });

  test("stays finite where answers are separated", () => {
    const { probability } = plattCalibration(
      Float32Array.of(-2, -1, 1, 2),
      Uint8Array.of(0, 0, 1, 1),
    );
    assert.ok(probability(2) < 1 && probability(-2) > 0);
  });
});

describe("isotonic calibration", () => {
  test("pools what is out of order", () => {
    // Answers 0 1 0 1: the middle two become one step of 1/2.
    const { card } = isotonicCalibration(Float32Array.of(1, 2, 3, 4), Uint8Array.of(0, 1, 0, 1));
    assert.deepEqual(card, {
      kind: "isotonic",
      logits: [1, 2.5, 4],
      probabilities: [0, 0.5, 1],
    });
    const { probability } = openCalibration(card);
    assert.deepEqual([0, 1, 1.75, 2.5, 4, 9].map(probability), [0, 0, 0.25, 0.5, 1, 1]);
  });

  test("gives equal logits one probability", () => {
    const { probability } = isotonicCalibration(
      Float32Array.of(0, 0, 0, 0, 1),
      Uint8Array.of(0, 1, 0, 0, 1),
    );
    assert.equal(probability(0), 0.25);
  });
});

describe.each([
  ["Platt", plattCalibration],
  ["isotonic", isotonicCalibration],
] as const)("%s calibration", (_, calibrate) => {
  test("makes probabilities hold on examples it has not seen", () => {
    const { logits, labels } = misjudged(20_000);
    const half = logits.length / 2;
    const { probability } = calibrate(logits.subarray(0, half), labels.subarray(0, half));
    const unseen = logits.subarray(half);
    const said = (of: (logit: number) => number) =>
      expectedCalibrationError(Array.from(unseen, of), labels.subarray(half));
    // 20 bins of 500 answers: about .02 is chance.
    assert.ok(said(probability) < 0.03);
    assert.ok(said((x) => 1 / (1 + Math.exp(-x))) > 0.1);
  });

  test("never turns an order around, and survives saving", () => {
    const { logits, labels } = misjudged(500);
    const made = calibrate(logits, labels);
    const opened = openCalibration(JSON.parse(JSON.stringify(made.card)) as CalibrationCard);
    let last = 0;
    for (let x = -4; x <= 4; x += 0.1) {
      const p = made.probability(x);
      assert.ok(p >= last && p <= 1);
      assert.equal(opened.probability(x), p);
      last = p;
    }
  });

  test("needs both answers", () => {
    assert.throws(() => calibrate(Float32Array.of(1, 2), Uint8Array.of(1, 1)), {
      code: "NO_BOTH_ANSWERS",
    });
  });
});
