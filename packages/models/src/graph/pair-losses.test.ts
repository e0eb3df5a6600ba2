import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import { afterAll, describe, test } from "vitest";
import { BprLoss, type PairBatch, type PairLoss, SharedSoftmax } from "./pair-losses.ts";

const width = 16;
const nodes = 9;
const random = seededRandom(1, "vectors");
const vectors = Float32Array.from({ length: nodes * width }, () => random.normal());
const at = (node: number) => vectors.subarray(node * width, (node + 1) * width);

const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);

function product(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, d) => sum + value * b[d]!, 0);
}
const cosine = (a: Float32Array, b: Float32Array): number =>
  product(a, b) / Math.sqrt(product(a, a) * product(b, b));

/** Slopes against what small steps measure, at every fifth number. */
async function hasItsSlopes(loss: PairLoss, batch: PairBatch): Promise<void> {
  const slopes = new Float32Array(vectors.length);
  await loss.measure(vectors, batch, slopes);
  const unused = new Float32Array(vectors.length);
  const step = 2 ** -6;
  for (let d = 0; d < vectors.length; d += 5) {
    const [up, down] = [vectors.slice(), vectors.slice()];
    up[d]! += step;
    down[d]! -= step;
    const rise =
      (await loss.measure(up, batch, unused)) - (await loss.measure(down, batch, unused));
    near(slopes[d]!, rise / (2 * step), 2e-3);
  }
}

describe("BPR", () => {
  const batch: PairBatch = {
    users: Int32Array.of(0, 1, 0),
    taken: Int32Array.of(4, 5, 6),
    others: Int32Array.of(5, 5, 8),
  };
  const loss = new BprLoss(width, 0.5);

  test("is the mean of -log σ of how much better the taken item scores", async () => {
    const expected = [0, 1, 2].map((b) => {
      const [user, taken, other] = [batch.users, batch.taken, batch.others].map((ids) =>
        at(ids[b]!),
      );
      return Math.log1p(Math.exp(-0.25 * (product(user!, taken!) - product(user!, other!))));
    });
    const measured = await loss.measure(vectors, batch, new Float32Array(vectors.length));
    near(measured, (expected[0]! + expected[1]! + expected[2]!) / 3, 1e-6);
  });

  test("has the slopes that small steps measure", () => hasItsSlopes(loss, batch));

  test("stays finite where scores are far apart", async () => {
    const wide = vectors.map((value) => 1e3 * value);
    const slopes = new Float32Array(wide.length);
    assert.ok(Number.isFinite(await loss.measure(wide, batch, slopes)));
    assert.ok(slopes.every(Number.isFinite));
  });
});

describe("softmax over shared items", async () => {
  const temperature = 0.5;
  const loss = await SharedSoftmax.open(width, 64, { negatives: 3, temperature });
  afterAll(() => loss.dispose());
  const batch: PairBatch = {
    users: Int32Array.of(0, 1, 0),
    taken: Int32Array.of(4, 5, 6),
    others: Int32Array.of(5, 7, 7),
  };

  /** Plain loops over one pair. */
  function pairLoss(b: number, others = batch.others): number {
    const score = (item: number) => Math.exp(cosine(at(batch.users[b]!), at(item)) / temperature);
    const taken = batch.taken[b]!;
    let all = score(taken);
    for (const other of others.subarray(0, 3)) if (other !== taken) all += score(other);
    return Math.log(all / score(taken));
  }

  test("compares a taken item with the shared ones, except with itself", async () => {
    const measured = await loss.measure(vectors, batch, new Float32Array(vectors.length));
    near(measured, (pairLoss(0) + pairLoss(1) + pairLoss(2)) / 3, 1e-5);
  });

  test("has the slopes that small steps measure", () => hasItsSlopes(loss, batch));

  test("compares each 64 pairs, as many as it was opened for, with items of their own", async () => {
    const times = 64;
    assert.equal(loss.othersOf(times * 3), 9);
    const repeat = (ids: Int32Array) =>
      Int32Array.from({ length: ids.length * times }, (_, b) => ids[b % ids.length]!);
    const many = {
      users: repeat(batch.users),
      taken: repeat(batch.taken),
      others: Int32Array.of(...batch.others, ...batch.others, 8, 8, 8),
    };
    const slopes = new Float32Array(vectors.length);
    const measured = await loss.measure(vectors, many, slopes);
    let expected = 0;
    for (let b = 0; b < 3 * times; b++) {
      expected += pairLoss(b % 3, many.others.subarray(3 * Math.floor(b / 64))) / (3 * times);
    }
    near(measured, expected, 1e-4);
  });

  test("gives vectors of zeros no slope that is not a number", async () => {
    const none = new Float32Array(vectors.length);
    const slopes = new Float32Array(vectors.length);
    near(await loss.measure(none, batch, slopes), Math.log((4 * 3 * 4) ** (1 / 3)), 1e-5);
    assert.ok(slopes.every(Number.isFinite));
  });
});
