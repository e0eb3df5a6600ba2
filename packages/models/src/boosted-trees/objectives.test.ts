import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { LambdaObjective, LogisticObjective, meanNdcg } from "./objectives.ts";

const near = (a: number, b: number, by: number): boolean => Math.abs(a - b) <= by;

/** The loss whose derivatives LambdaMART takes, |ΔNDCG| held at `heldAt`, pair by pair. */
function pairwiseLoss(
  grades: readonly number[],
  weights: readonly number[],
  cutoff: number,
  heldAt: Float64Array,
  scores: Float64Array,
): number {
  const order = grades.map((_, i) => i).sort((a, b) => heldAt[b]! - heldAt[a]! || a - b);
  const placeOf = grades.map((_, i) => order.indexOf(i));
  const gain = (i: number): number => 2 ** grades[i]! - 1;
  const discount = (place: number): number => (place < cutoff ? 1 / Math.log2(place + 2) : 0);
  const ideal = grades
    .toSorted((a, b) => b - a)
    .reduce((sum, grade, place) => sum + (2 ** grade - 1) * discount(place), 0);
  let loss = 0;
  for (let i = 0; i < grades.length; i++) {
    for (let j = 0; j < grades.length; j++) {
      if (grades[i]! <= grades[j]!) continue;
      const delta =
        Math.abs((gain(i) - gain(j)) * (discount(placeOf[i]!) - discount(placeOf[j]!))) / ideal;
      loss += weights[i]! * delta * Math.log1p(Math.exp(scores[j]! - scores[i]!));
    }
  }
  return loss;
}

describe("LambdaMART's objective", () => {
  test("pushes the taken one up by what the pair is worth", () => {
    // Two candidates at equal scores; the second was taken: ΔNDCG = (1 − 1/log2 3) / 1, half wrong.
    const objective = new LambdaObjective(
      { offsets: Int32Array.of(0, 2), grades: Uint8Array.of(0, 1) },
      10,
    );
    const [gradients, hessians] = [new Float64Array(2), new Float64Array(2)];
    objective.derive(new Float64Array(2), gradients, hessians);
    const delta = 1 - 1 / Math.log2(3);
    assert.deepEqual([...gradients], [delta / 2, -delta / 2]);
    assert.deepEqual([...hessians], [delta / 4, delta / 4]);
  });

  test("its gradient is that of the pairwise loss, by central differences", () => {
    const random = seededRandom(5, "lambdas");
    const h = 1e-5;
    for (let round = 0; round < 40; round++) {
      const size = 2 + random.int(8);
      const cutoff = 1 + random.int(6);
      const grades = Array.from({ length: size }, () => random.int(4));
      if (grades.every((grade) => grade === 0)) continue;
      const weights = grades.map(() => 0.5 + random.next());
      const scores = Float64Array.from(grades, () => random.normal());
      const [gradients, hessians] = [new Float64Array(size), new Float64Array(size)];
      new LambdaObjective(
        {
          offsets: Int32Array.of(0, size),
          grades: Uint8Array.from(grades),
          weights: Float32Array.from(weights),
        },
        cutoff,
      ).derive(scores, gradients, hessians);
      const at = (i: number, by: number): number =>
        pairwiseLoss(grades, weights, cutoff, scores, scores.with(i, scores[i]! + by));
      for (let i = 0; i < size; i++) {
        assert.ok(near(gradients[i]!, (at(i, h) - at(i, -h)) / (2 * h), 1e-6));
        assert.ok(near(hessians[i]!, (at(i, h) - 2 * at(i, 0) + at(i, -h)) / (h * h), 1e-4));
      }
    }
  });

  test("pushes as much up as down in every query, and queries without a taken one not at all", () => {
    const grade = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.tuple(grade, fc.double({ min: -3, max: 3, noNaN: true }))), {
          minLength: 1,
        }),
        (queries) => {
          const rows = queries.flat();
          const offsets = Int32Array.of(0, ...queries.map(({ length }) => length));
          for (let q = 1; q < offsets.length; q++) offsets[q]! += offsets[q - 1]!;
          const [gradients, hessians] = [
            new Float64Array(rows.length),
            new Float64Array(rows.length),
          ];
          new LambdaObjective({ offsets, grades: Uint8Array.from(rows, ([g]) => g) }, 5).derive(
            Float64Array.from(rows, ([, score]) => score),
            gradients,
            hessians,
          );
          queries.forEach((query, q) => {
            const own = gradients.subarray(offsets[q], offsets[q + 1]);
            assert.ok(
              near(
                own.reduce((sum, g) => sum + g, 0),
                0,
                1e-9,
              ),
            );
            if (query.every(([g]) => g === 0)) assert.ok(own.every((g) => g === 0));
          });
          assert.ok(hessians.every((hessian) => hessian >= 0));
        },
      ),
    );
  });
});

describe("mean NDCG", () => {
  test("is what the formula gives, with queries that have nothing taken left out", () => {
    const groups = { offsets: Int32Array.of(0, 3, 5), grades: Uint8Array.of(0, 2, 1, 0, 0) };
    // In order of score: grades 1, 2, 0.
    const dcg = 1 + 3 / Math.log2(3);
    const ideal = 3 + 1 / Math.log2(3);
    assert.equal(meanNdcg(groups, Float64Array.of(1, 2, 3, 0, 0), 10), dcg / ideal);
    assert.equal(meanNdcg({ ...groups, grades: new Uint8Array(5) }, new Float64Array(5), 10), 0);
  });

  test("counts a query by the weights of its graded rows", () => {
    const groups = {
      offsets: Int32Array.of(0, 1, 3),
      grades: Uint8Array.of(1, 0, 1),
      weights: Float32Array.of(1, 9, 3),
    };
    const second = 1 / Math.log2(3);
    assert.equal(meanNdcg(groups, Float64Array.of(0, 1, 0), 10), (1 + 3 * second) / 4);
  });
});

describe("the logistic objective", () => {
  test("its derivatives are those of its loss, by central differences", () => {
    const random = seededRandom(2, "logistic");
    const answers = Uint8Array.from({ length: 9 }, () => random.int(2));
    const weights = Float32Array.from(answers, () => 0.5 + random.next());
    const objective = new LogisticObjective(answers, weights);
    const scores = Float64Array.from(answers, () => 2 * random.normal());
    const [gradients, hessians] = [new Float64Array(9), new Float64Array(9)];
    objective.derive(scores, gradients, hessians);
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    const h = 1e-4;
    scores.forEach((score, row) => {
      const at = (by: number): number => all * objective.lossAt(scores.with(row, score + by));
      assert.ok(near(gradients[row]!, (at(h) - at(-h)) / (2 * h), 1e-6));
      assert.ok(near(hessians[row]!, (at(h) - 2 * at(0) + at(-h)) / (h * h), 1e-5));
    });
  });

  test("guesses by the share of yes, and never with certainty", () => {
    assert.equal(
      new LogisticObjective(Uint8Array.of(1, 0, 0, 0)).priorLogOdds,
      Math.log(1.5 / 3.5),
    );
    assert.equal(new LogisticObjective(Uint8Array.of(1, 1)).priorLogOdds, Math.log(2.5 / 0.5));
  });

  test("stays finite far out", () => {
    const objective = new LogisticObjective(Uint8Array.of(0, 1));
    assert.equal(objective.lossAt(Float64Array.of(800, -800)), 800);
  });
});
