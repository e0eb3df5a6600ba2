import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { evaluateLogit, fitConditionalLogit, type Choices } from "./conditional-logit.ts";

/** Choices drawn from known weights. */
function drawn(cases: number, weights: readonly number[]): Choices {
  const random = seededRandom(3, "choices");
  const F = weights.length;
  const size = 8;
  const features = Float32Array.from({ length: cases * size * F }, () => random.normal());
  const taken = new Uint8Array(cases * size);
  for (let c = 0; c < cases; c++) {
    const powers = Array.from({ length: size }, (_, i) =>
      Math.exp(weights.reduce((u, w, f) => u + w * features[(c * size + i) * F + f]!, 0)),
    );
    let left = random.next() * powers.reduce((a, b) => a + b, 0);
    const chosen = powers.findIndex((power) => (left -= power) <= 0);
    taken[c * size + Math.max(0, chosen)] = 1;
  }
  const offsets = Int32Array.from({ length: cases + 1 }, (_, c) => c * size);
  return { featureCount: F, features, offsets, taken };
}

describe("conditional logit", () => {
  test("finds the weights that choices were drawn from", () => {
    const { weights, iterations } = fitConditionalLogit(drawn(6_000, [1.5, -0.7, 0]), 1e-6);
    assert.ok(iterations < 15);
    [1.5, -0.7, 0].forEach((weight, f) => assert.ok(Math.abs(weights[f]! - weight) < 0.08));
  });

  test("its gradient and Hessian are those of central differences", () => {
    const choices = drawn(20, [0.5, -1, 2]);
    const at = Float64Array.of(0.2, -0.4, 0.9);
    const { gradient, hessian } = evaluateLogit(choices, at, 0.01);
    const h = 1e-5;
    for (let f = 0; f < 3; f++) {
      const [up, down] = [1, -1].map((sign) =>
        evaluateLogit(choices, at.with(f, at[f]! + sign * h), 0.01),
      );
      assert.ok(Math.abs(gradient[f]! - (up!.objective - down!.objective) / (2 * h)) < 1e-6);
      for (let g = 0; g < 3; g++) {
        const slope = (up!.gradient[g]! - down!.gradient[g]!) / (2 * h);
        assert.ok(Math.abs(hessian[f * 3 + g]! - slope) < 1e-6);
      }
    }
  });

  test("cases in which nothing was taken teach nothing", () => {
    const some = drawn(50, [1, 1]);
    const { offsets } = some;
    const padded: Choices = {
      ...some,
      features: Float32Array.from([...some.features, 9, 9, 9, 9]),
      taken: Uint8Array.from([...some.taken, 0, 0]),
      offsets: Int32Array.from([...offsets, offsets.at(-1)! + 2]),
    };
    assert.deepEqual(fitConditionalLogit(padded, 0.01), fitConditionalLogit(some, 0.01));
  });

  test("two features that say the same share what they say", () => {
    const one = drawn(500, [1]);
    const features = Float32Array.from(one.features, (x) => x);
    const twice = Float32Array.from({ length: 2 * features.length }, (_, i) => features[i >> 1]!);
    const { weights } = fitConditionalLogit({ ...one, featureCount: 2, features: twice }, 1e-4);
    assert.ok(Math.abs(weights[0]! - weights[1]!) < 1e-6);
  });
});
