import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import {
  compileTraining,
  GRADIENT,
  Graph,
  LOSS,
  openSession,
  rowGradient,
  type Values,
} from "@magpie/tensor";
import { describe, test } from "vitest";
import { sasRecDefaults } from "./sasrec.ts";
import type { GeneralisedBceLoss, SequenceConfig } from "./sequence-config.ts";
import { itemRowsIn } from "./sequence-texts.ts";
import { nextItemLoss, repeatScale } from "./sequence-losses.ts";

const width = 4;
const itemCount = 101;
const loss: GeneralisedBceLoss = {
  kind: "gbce",
  calibration: 0.75,
  negatives: 5,
  uniformShare: 1,
  ownPast: false,
};

/** One row of places whose states are given; each place sees itself and those before. */
interface Places {
  readonly hidden: Float64Array;
  readonly items: Float64Array;
  readonly targets: Float64Array;
  readonly negatives: Float64Array;
  readonly weights: Float64Array;
  readonly itemIds: Int32Array;
  readonly targetIds: Int32Array;
  /** Whether the target stands in the past. */
  readonly repeats: Float64Array;
  readonly repeatBias: number;
}

/** Loss and its slopes by the states. */
async function lossOf(config: SequenceConfig, places: Places) {
  const length = places.weights.length;
  const g = new Graph({ type: "float64" });
  const later = Array.from({ length: length ** 2 }, (_, i) =>
    i % length <= Math.floor(i / length) ? 0 : -1e9,
  );
  const loss = nextItemLoss(g, config, {
    rows: 1,
    length,
    itemCount,
    hidden: g.rows("hidden", [length, width]),
    items: g.rows("items", [length, width]),
    itemRows: itemRowsIn(g, { width }),
    mask: g.constant(later, [1, 1, length, length]),
  });
  const graph = compileTraining(g, loss);
  const session = await openSession(graph);
  const value = new Float64Array(1);
  const outputs: Record<string, Values> = {
    [LOSS]: value,
    [GRADIENT]: new Float64Array(graph.parameterCount),
  };
  for (const name of ["hidden", "items", "targets", "negatives"] as const) {
    outputs[rowGradient(name)] = new Float64Array(places[name].length);
  }
  const K = places.negatives.length / width;
  const { repeatBias, ...given } = places;
  const inputs: Record<string, Values> = {
    ...given,
    negativeMask: new Float64Array(length * K),
    duplicates: new Uint8Array(length),
    repeatBias: Float64Array.of(repeatBias),
  };
  await session.bind(inputs, outputs).run();
  await session.dispose();
  return { loss: value[0]!, slopes: outputs[rowGradient("hidden")] as Float64Array };
}

const dot = (a: Float64Array, i: number, b: Float64Array, j: number): number => {
  let sum = 0;
  for (let d = 0; d < width; d++) sum += a[i * width + d]! * b[j * width + d]!;
  return sum;
};
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function randomPlaces(): Places {
  const random = seededRandom(3, "places");
  const normals = (rows: number) => new Float64Array(rows * width).map(() => random.normal());
  return {
    hidden: normals(3),
    items: normals(3),
    targets: normals(3),
    negatives: normals(loss.negatives),
    weights: Float64Array.of(0.5, 0.25, 0.25),
    itemIds: Int32Array.of(3, 8, 5),
    targetIds: Int32Array.of(8, 5, 3),
    repeats: Float64Array.of(0, 0, 1),
    repeatBias: -0.2,
  };
}

/** α = 5 / 100, t = .75: β = .05 (.75 (1 - 20) + 20) = .2875 */
const beta = 0.2875;

describe("gBCE", () => {
  test("is -log σ(s⁺)^β and -log (1 - σ(s⁻)) of the level log(β / K) and the products", async () => {
    const places = randomPlaces();
    const level = Math.log(beta / 5);
    let expected = 0;
    const slopes = new Float64Array(places.hidden.length);
    const push = (place: number, rows: Float64Array, row: number, slope: number) => {
      for (let d = 0; d < width; d++) {
        slopes[place * width + d]! += places.weights[place]! * slope * rows[row * width + d]!;
      }
    };
    for (let place = 0; place < 3; place++) {
      const yes = sigmoid(dot(places.hidden, place, places.targets, place) + level);
      expected -= places.weights[place]! * Math.log(yes ** beta);
      push(place, places.targets, place, -beta * (1 - yes));
      for (let k = 0; k < 5; k++) {
        const chance = sigmoid(dot(places.hidden, place, places.negatives, k) + level);
        expected -= places.weights[place]! * Math.log(1 - chance);
        push(place, places.negatives, k, chance);
      }
    }
    const actual = await lossOf({ ...sasRecDefaults, width, loss }, places);
    assert.ok(Math.abs(actual.loss - expected) < 1e-12, `${actual.loss} for ${expected}`);
    actual.slopes.forEach((slope, i) => assert.ok(Math.abs(slope - slopes[i]!) < 1e-12));
  });

  test("asks about each item of the past that is not the target, with the repeat bias", async () => {
    const places = randomPlaces();
    const config = { ...sasRecDefaults, width, loss: { ...loss, ownPast: true } };
    const level = Math.log(beta / 5);
    const bias = repeatScale * places.repeatBias;
    let expected = 0;
    for (let place = 0; place < 3; place++) {
      const target = dot(places.hidden, place, places.targets, place) + level;
      let sum = -beta * Math.log(sigmoid(target + places.repeats[place]! * bias));
      for (let k = 0; k < 5; k++) {
        sum -= Math.log(1 - sigmoid(dot(places.hidden, place, places.negatives, k) + level));
      }
      for (let past = 0; past <= place; past++) {
        if (places.itemIds[past] === places.targetIds[place]) continue;
        const logit = dot(places.hidden, place, places.items, past) + level + bias;
        sum -= Math.log(1 - sigmoid(logit));
      }
      expected += places.weights[place]! * sum;
    }
    const actual = await lossOf(config, places);
    assert.ok(Math.abs(actual.loss - expected) < 1e-12, `${actual.loss} for ${expected}`);
  });

  test("pulls by the target as hard as its negatives push, while nothing is known", async () => {
    // From logits of 0 the negatives pushed K / β times as hard, and all states learnt one direction.
    const places = {
      ...randomPlaces(),
      hidden: new Float64Array(3 * width),
      targets: new Float64Array(3 * width).fill(1),
      negatives: new Float64Array(5 * width).fill(1),
    };
    const { slopes } = await lossOf({ ...sasRecDefaults, width, loss }, places);
    for (const slope of slopes) assert.ok(Math.abs(slope) < 1e-12, `${slope}`);
  });
});
