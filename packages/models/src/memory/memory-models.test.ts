import assert from "node:assert/strict";
import type { Sequences } from "@magpie/data";
import { type History, silentWork } from "@magpie/domain";
import { describe, test } from "vitest";
import { bprMf } from "../factors/bpr-mf.ts";
import { FactorModel } from "../factors/factor-model.ts";
import { implicitAls } from "../factors/implicit-als.ts";
import type { Model } from "../model.ts";
import { modelByKind } from "../registry.ts";

const context = { seed: 1, threads: 1, ...silentWork() };

function sequencesOf(users: readonly (readonly number[])[], itemCount: number): Sequences {
  const offsets = new Int32Array(users.length + 1);
  users.forEach((user, u) => (offsets[u + 1] = offsets[u]! + user.length));
  return { userCount: users.length, itemCount, offsets, items: Int32Array.from(users.flat()) };
}

const past = (...items: number[]): History => ({ userIndex: -1, items: Int32Array.from(items) });

/** Baskets as a history: a basket's moment is its number. */
const bought = (...baskets: number[][]): History => ({
  userIndex: -1,
  items: Int32Array.from(baskets.flat()),
  timestampsMs: Float64Array.from(baskets.flatMap((basket, at) => basket.map(() => at))),
});

async function scores(kind: string, train: Sequences, history: History, changes: object = {}) {
  const model: Model = modelByKind(kind);
  const trained = await model.train({ train }, { ...model.defaults, ...changes }, context);
  const out = new Float32Array(train.itemCount + 1);
  await trained.scoreAll([history], out);
  await trained.dispose();
  return [...out];
}

const near = (actual: number | undefined, expected: number, tolerance = 1e-5) =>
  assert.ok(Math.abs(actual! - expected) <= tolerance, `${actual} is not near ${expected}`);

describe("RP3beta", () => {
  // Item 1 has users a, b; item 2 has a; item 3 has b.
  const users = sequencesOf(
    [
      [1, 2],
      [1, 3],
    ],
    3,
  );

  test("is the probability of the walk, divided by the end's degree", async () => {
    // From item 2: to a surely, from a to item 1 by a half; item 1 has degree 2.
    const changes = { alpha: 1, beta: 1, recency: 1 };
    near((await scores("rp3-beta", users, past(2), changes))[1], 0.5 / 2);
    // From item 1: to a or b by a half each, on by a half each; items 2 and 3 have degree 1.
    near((await scores("rp3-beta", users, past(1), changes))[2], 0.25);
  });

  test("takes each step's probability to the power of alpha", async () => {
    const changes = { alpha: 0.5, beta: 0, recency: 1 };
    near((await scores("rp3-beta", users, past(1), changes))[3], Math.sqrt(0.5) * Math.sqrt(0.5));
  });

  test("refuses settings that mean nothing", async () => {
    await assert.rejects(scores("rp3-beta", users, past(1), { alpha: 0 }), { code: "BAD_CONFIG" });
  });
});

describe("graph filter", () => {
  // R̃[a, :] = (1 / √(2·2), 1 / √(2·1), 0), R̃[b, :] = (1 / 2, 0, 1 / √2).
  const users = sequencesOf(
    [
      [1, 2],
      [1, 3],
    ],
    3,
  );
  const a = [0.5, Math.SQRT1_2, 0];
  const b = [0.5, 0, Math.SQRT1_2];
  const P = a.map((x, i) => a.map((y, j) => x * y + b[i]! * b[j]!));
  const apply = (x: readonly number[]) =>
    P.map((row) => row.reduce((sum, value, j) => sum + value * x[j]!, 0));

  test("without ideal filter and sharpening is one walk to the neighbours of neighbours", async () => {
    const found = await scores("graph-filter", users, past(2), { idealWeight: 0, sharpening: 0 });
    assert.equal(found[0], -Infinity);
    apply([0, 1, 0]).forEach((value, i) => near(found[i + 1], value));
  });

  test("with all directions, the ideal filter gives the past's own component back", async () => {
    // P has eigenvalues 1 and ½ here and rank 2; V spans the rows of R̃.
    const changes = { idealWeight: 2, sharpening: 0, rank: 3 };
    const found = await scores("graph-filter", users, past(2), changes);
    // Projection onto span(a, b) of x D^-½ = (0, 1, 0): a·a = ¾, a·b = ¼, x·a = 1/√2, x·b = 0.
    const [alpha, beta] = [(0.75 * Math.SQRT1_2) / 0.5, (-0.25 * Math.SQRT1_2) / 0.5];
    const ideal = a.map((value, i) => (alpha * value + beta * b[i]!) * (i === 0 ? Math.SQRT2 : 1));
    apply([0, 1, 0]).forEach((value, i) => near(found[i + 1], value + 2 * ideal[i]!));
  });

  test("sharpens by one Runge-Kutta step of order 4", async () => {
    const T = 2.5;
    const found = await scores("graph-filter", users, past(2), { idealWeight: 0, sharpening: T });
    let term = apply([0, 1, 0]);
    const sum = [...term];
    for (let k = 1; k <= 4; k++) {
      term = apply(term).map((value) => (-T / k) * value);
      term.forEach((value, i) => (sum[i]! += value));
    }
    sum.forEach((value, i) => near(found[i + 1], value));
  });

  test("answers more pasts than a block holds as it answers each", async () => {
    const model: Model = modelByKind("graph-filter");
    const trained = await model.train({ train: users }, model.defaults, context);
    const pasts = Array.from({ length: 21 }, (_, i) => past(1 + (i % 3)));
    const all = new Float32Array(21 * 4);
    await trained.scoreAll(pasts, all);
    for (let i = 3; i < 21; i++) {
      assert.deepEqual(all.subarray(i * 4, i * 4 + 4), all.subarray((i % 3) * 4, (i % 3) * 4 + 4));
    }
    await trained.dispose();
  });

  test("refuses settings that mean nothing, and stops when asked", async () => {
    await assert.rejects(scores("graph-filter", users, past(1), { rank: 0 }), {
      code: "BAD_CONFIG",
    });
    const model: Model = modelByKind("graph-filter");
    const stopped = { ...context, signal: AbortSignal.abort() };
    await assert.rejects(model.train({ train: users }, model.defaults, stopped), {
      name: "AbortError",
    });
  });
});

describe("session-kNN", () => {
  const plain = {
    fading: 1,
    closeness: 1,
    backward: 0.5,
    repeat: 0,
    lengthDamping: 0,
    rarity: 0,
    ageing: 0,
    secondHop: 0,
    popularityDamping: 0,
    trend: 0,
  };

  test("takes from the session that shares an item what stands close to it", async () => {
    const found = await scores("session-knn", sequencesOf([[4, 1, 2, 3]], 5), past(1), plain);
    near(found[2], 1); // right after the shared item
    near(found[3], Math.exp(-1)); // one place on
    near(found[4], 0.5); // right before it
    near(found[5], 0);
  });

  test("weighs a shared item by its place in the present session", async () => {
    const sessions = sequencesOf(
      [
        [1, 3],
        [2, 4],
      ],
      4,
    );
    const found = await scores("session-knn", sessions, past(1, 2), plain);
    near(found[4], 1);
    near(found[3], Math.exp(-1));
  });

  test("holds back old and long sessions", async () => {
    const sessions = sequencesOf(
      [
        [1, 2],
        [1, 3, 4, 4],
      ],
      4,
    );
    const aged = await scores("session-knn", sessions, past(1), { ...plain, ageing: 1 });
    near(aged[2], Math.exp(-1));
    near(aged[3], 1);
    const damped = await scores("session-knn", sessions, past(1), { ...plain, lengthDamping: 0.5 });
    near(damped[2], 1 / Math.SQRT2);
    near(damped[3], 1 / 2);
  });

  test("counts a return to what the session has seen, the newest most", async () => {
    const sessions = sequencesOf([[1, 2]], 2);
    const found = await scores("session-knn", sessions, past(1, 1, 2), { ...plain, repeat: 0.1 });
    const likeness = 1 + Math.exp(-1); // both items are shared, item 1 one place back
    near(found[2], 0.1 * likeness);
    near(found[1], 0.5 * likeness + 0.1 * likeness * Math.exp(-1));
  });

  test("reaches what follows the proposals, through items that no neighbour has", async () => {
    // Item 2 is proposed with 1, and itself followed by 3 alone outside of the session: 1 and 2 are present or
    // proposed, T(2, 1) = .5 / 1.5, T(2, 3) = 1 / 1.5; T(1, 2) = 1.
    const sessions = sequencesOf(
      [
        [1, 2],
        [2, 3],
      ],
      3,
    );
    const found = await scores("session-knn", sessions, past(1), { ...plain, secondHop: 0.5 });
    // All that is reached is item 3: half of the likeness there is goes to it.
    near(found[2], 1);
    near(found[3], 0.5);
    near(found[1], 0);
  });

  test("holds popular items back, but not those that the session has", async () => {
    // Taken 4, 2 and 3 times, 3 on average.
    const sessions = sequencesOf([[1, 2], [1, 2], [1, 3], [1, 3], [3]], 3);
    const changes = { ...plain, repeat: 0.1, popularityDamping: 1 };
    const found = await scores("session-knn", sessions, past(1), changes);
    near(found[1], 0.1 * 4);
    near(found[2], 2 * (4 / 3));
    near(found[3], 2 * (4 / 4));
  });

  test("follows fashion: what was taken more often lately than before", async () => {
    // Twenty sessions, the newest two of them lately: ages 0 and 1/19.
    const old = Array.from({ length: 18 }, (_, s) => (s % 2 === 0 ? [1, 2] : [1, 3]));
    const sessions = sequencesOf([...old, [1, 3], [1, 3]], 3);
    const [plainly, found] = [
      await scores("session-knn", sessions, past(1), plain),
      await scores("session-knn", sessions, past(1), { ...plain, trend: 1 }),
    ];
    near(found[2], plainly[2]! * (5 / (9 + 5)));
    near(found[3], plainly[3]! * ((2 * 10 + 5) / (11 + 5)));
  });

  test("asks only the nearest", async () => {
    const sessions = sequencesOf(
      [
        [1, 2, 5],
        [2, 3],
      ],
      5,
    );
    const found = await scores("session-knn", sessions, past(1, 2), { ...plain, neighbours: 1 });
    assert.ok(found[5]! > 0);
    near(found[3], 0);
  });
});

describe("personal frequency", () => {
  const train = sequencesOf([[1], [3], [3], [2]], 4);

  test("counts baskets, not pieces, and orders the rest by popularity", async () => {
    const own = bought([1, 2], [2], [2, 2]);
    const found = await scores("personal-frequency", train, own);
    near(found[1], 1 / 3);
    near(found[2], 1);
    assert.ok(found[3]! > found[4]! && found[3]! < 1e-5);
  });
});

describe("TIFU-kNN", () => {
  const alone = { neighbours: 0, own: 1, popularity: 0 };
  const train = sequencesOf([[1], [2]], 4);

  test("fades within groups and from group to group, by hand", async () => {
    // Four baskets in two groups; within a group .5, between groups .1.
    const changes = { ...alone, groups: 2, basketFading: 0.5, groupFading: 0.1 };
    const found = await scores("tifu-knn", train, bought([1], [2], [3], [4]), changes);
    near(found[4], 1 / 4);
    near(found[3], 0.5 / 4);
    near(found[2], 0.1 / 4);
    near(found[1], 0.05 / 4);
  });

  test("adds the habits of the nearest, the person itself left out", async () => {
    const users = sequencesOf([[1, 2], [1, 3], [4]], 4);
    const changes = { groups: 1, basketFading: 1, groupFading: 1, own: 0.5, popularity: 0 };
    const me = { userIndex: 0, items: Int32Array.of(1, 2) };
    const found = await scores("tifu-knn", users, me, { ...changes, neighbours: 1 });
    // Habits are ½ each; the nearest other has ½ of items 1 and 3.
    near(found[1], 0.5 * 0.5 + 0.5 * 0.5);
    near(found[2], 0.25);
    near(found[3], 0.25);
    near(found[4], 0);
  });

  test("refuses a fading that is none", async () => {
    await assert.rejects(scores("tifu-knn", train, past(1), { basketFading: 0 }), {
      code: "BAD_CONFIG",
    });
  });
});

describe("SLIM", () => {
  // Item 1 has users a, b, c; item 2 has a, b: x₁·x₂ = 2, ‖x₁‖² = 3, ‖x₂‖² = 2.
  const users = sequencesOf([[1, 2], [1, 2], [1]], 2);

  test("of one candidate is a soft threshold, by hand", async () => {
    const changes = { lasso: 0.5, ridge: 1, recency: 1 };
    near((await scores("slim", users, past(1), changes))[2], (2 - 0.5) / (3 + 1));
    near((await scores("slim", users, past(2), changes))[1], (2 - 0.5) / (2 + 1));
    near((await scores("slim", users, past(1), { ...changes, lasso: 3 }))[2], 0);
  });

  test("satisfies the conditions of its optimum", async () => {
    const taken = [
      [1, 2, 3],
      [1, 2],
      [2, 3],
      [1, 3, 4],
      [4, 2],
      [3, 4],
    ];
    const train = sequencesOf(taken, 4);
    const changes = { lasso: 0.2, ridge: 0.5, recency: 1 };
    const dot = (i: number, j: number) =>
      taken.filter((items) => items.includes(i) && items.includes(j)).length;
    const rows = await Promise.all([1, 2, 3].map((i) => scores("slim", train, past(i), changes)));
    const weight = (i: number) => rows[i - 1]![4]!; // what item i says of item 4
    for (const i of [1, 2, 3]) {
      const fit = [1, 2, 3].reduce((sum, k) => sum + dot(i, k) * weight(k), 0);
      const slope = fit + 0.5 * weight(i) + 0.2 - dot(i, 4);
      if (weight(i) > 0) near(slope, 0, 1e-3);
      else assert.ok(slope >= -1e-3);
    }
  });

  test("refuses settings that mean nothing", async () => {
    await assert.rejects(scores("slim", users, past(1), { ridge: 0 }), { code: "BAD_CONFIG" });
  });
});

describe("transition graph", () => {
  const plain = {
    reach: 2,
    fading: 0.5,
    backward: 0.25,
    popularityDamping: 0,
    secondHop: 0,
    recency: 1,
  };
  const chain = sequencesOf([[1, 2, 3]], 4);

  test("counts followers by distance, and what came before less", async () => {
    // From item 2: item 3 follows (1), item 1 came before (.25).
    const found = await scores("transitions", chain, past(2), plain);
    near(found[3], 1);
    near(found[1], 0.25);
    near((await scores("transitions", chain, past(1), plain))[3], 0.5);
  });

  test("reaches on over a second transition", async () => {
    const sessions = sequencesOf(
      [
        [1, 2],
        [2, 3],
      ],
      3,
    );
    const changes = { ...plain, backward: 0, secondHop: 0.5 };
    near((await scores("transitions", sessions, past(1), { ...changes, secondHop: 0 }))[3], 0);
    near((await scores("transitions", sessions, past(1), changes))[3], 0.5);
  });

  test("holds popular followers back", async () => {
    const sessions = sequencesOf([[1, 2], [1, 3], [3], [3], [3]], 3);
    const found = await scores("transitions", sessions, past(1), {
      ...plain,
      popularityDamping: 1,
    });
    near(found[2], 1);
    near(found[3], 1 / 4);
  });

  test("adds similarity of content, where there is any", async () => {
    const model: Model = modelByKind("transitions");
    // Items 3 and 4 point the same way, item 1 across, item 2 says nothing.
    const vectors = Float32Array.of(0, 0, 0, 2, 0, 0, 3, 0, 5, 0);
    const data = { train: chain, content: { width: 2, vectors } };
    const config = { ...model.defaults, ...plain, content: 0.5 };
    const trained = await model.train(data, config, context);
    const out = new Float32Array(5);
    await trained.scoreAll([past(3)], out);
    near(out[4], 0.5);
    // Before item 3 stood item 2, and item 1 at half its strength; the strongest becomes 1.
    near(out[2], 1);
    near(out[1], 0.5);
  });
});

describe("implicit ALS", () => {
  const users = sequencesOf(
    [
      [1, 2],
      [1, 2],
      [3, 4],
      [3, 4],
    ],
    4,
  );

  test("folds a past in as the exact solution of its least squares", async () => {
    const model = implicitAls;
    const config = { ...model.defaults, width: 1, unobserved: 0.5, ridge: 0.25 };
    const trained = await model.train({ train: users }, config, context);
    assert.ok(trained instanceof FactorModel);
    const q = trained.itemVectors;
    const out = new Float32Array(1);
    await trained.encode([past(1)], out);
    const squares = q.reduce((sum, value) => sum + value * value, 0);
    near(out[0], q[1]! / (q[1]! ** 2 + 0.5 * squares + 0.25));
    await trained.encode([past()], out);
    assert.equal(out[0], 0);
  });

  test("finds the two groups", async () => {
    const found = await scores("implicit-als", users, past(1), { width: 4 });
    assert.ok(found[2]! > found[3]! + 0.2 && found[2]! > found[4]! + 0.2);
  });

  test("refuses settings that mean nothing", async () => {
    await assert.rejects(scores("implicit-als", users, past(1), { ridge: 0 }), {
      code: "BAD_CONFIG",
    });
  });
});

describe("BPR-MF", () => {
  const users = sequencesOf(
    Array.from({ length: 40 }, (_, user) => (user % 2 === 0 ? [1, 2, 3] : [4, 5, 6])),
    6,
  );

  test("learns to put what was taken above what was not", async () => {
    const trained = await bprMf.train({ train: users }, bprMf.defaults, context);
    const [first, last] = [trained.curve[0]!.loss, trained.curve.at(-1)!.loss];
    near(first, Math.LN2, 0.05); // it starts from knowing nothing
    assert.ok(last < 0.5 * first, `loss ${last} after ${first}`);
    const out = new Float32Array(7);
    await trained.scoreAll([past(1, 2)], out);
    assert.ok(out[3]! > Math.max(out[4]!, out[5]!, out[6]!));
  });

  test("goes on where a user has taken everything", async () => {
    const everything = sequencesOf([[1, 2]], 2);
    const found = await scores("bpr-mf", everything, past(1));
    assert.ok(found.slice(1).every(Number.isFinite));
  });

  test("refuses settings that mean nothing", async () => {
    await assert.rejects(scores("bpr-mf", users, past(1), { learningRate: 0 }), {
      code: "BAD_CONFIG",
    });
  });
});
