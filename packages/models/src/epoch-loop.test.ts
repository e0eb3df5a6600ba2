import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { describe, test } from "vitest";
import { type EpochLearner, freshRun, learnInEpochs } from "./epoch-loop.ts";

const schedule = { epochs: 10, validateEvery: 2, patience: 2 };

/** Learns by a table: what each look finds; notes what it was asked to do. */
function learnerOf(looks?: readonly number[]): EpochLearner & { readonly done: string[] } {
  const done: string[] = [];
  let next = 0;
  return {
    done,
    learn: async (epoch) => {
      done.push(`learn ${epoch}`);
      return { loss: 1 / epoch, step: epoch * 100 };
    },
    ...(looks && {
      look: async () => {
        done.push("look");
        return looks[next++]!;
      },
    }),
    keep: () => done.push("keep"),
    onEpoch: () => undefined,
  };
}

describe("learning in epochs", () => {
  test("uses all epochs where nothing is held out, and keeps nothing aside", async () => {
    const learner = learnerOf();
    const curve = await learnInEpochs(learner, { ...schedule, epochs: 3 }, {});
    assert.deepEqual(learner.done, ["learn 1", "learn 2", "learn 3"]);
    assert.deepEqual(
      curve.map(({ epoch, step, loss }) => [epoch, step, loss]),
      [
        [1, 100, 1],
        [2, 200, 1 / 2],
        [3, 300, 1 / 3],
      ],
    );
  });

  test("looks every so many epochs, keeps the best, and gives up when looks stay worse", async () => {
    const learner = learnerOf([0.2, 0.3, 0.25, 0.3]);
    const curve = await learnInEpochs(learner, schedule, {});
    // The second 0.3 is no better, so two looks have gone by.
    assert.equal(curve.length, 8);
    assert.deepEqual(
      learner.done.filter((step) => !step.startsWith("learn")),
      ["look", "keep", "look", "keep", "look", "look"],
    );
    assert.deepEqual(
      curve.map(({ ndcgAt10 }) => ndcgAt10),
      [undefined, 0.2, undefined, 0.3, undefined, 0.25, undefined, 0.3],
    );
  });

  test("looks at the last epoch even where none is due", async () => {
    const learner = learnerOf([0.1, 0.2]);
    await learnInEpochs(learner, { ...schedule, epochs: 3 }, {});
    assert.deepEqual(learner.done.slice(-3), ["learn 3", "look", "keep"]);
  });

  test("ends with the epoch in which the time is up, after a look", async () => {
    const learner = learnerOf([0.1]);
    const slow: EpochLearner = {
      ...learner,
      learn: async (epoch) => {
        await pause(20);
        return learner.learn(epoch);
      },
    };
    const curve = await learnInEpochs(slow, schedule, { budgetSeconds: 0.01 });
    assert.deepEqual(learner.done, ["learn 1", "look", "keep"]);
    assert.ok(curve[0]!.seconds >= 0.01);
  });

  test("goes on from where a run stands, and counts the time from before", async () => {
    const first = freshRun();
    await learnInEpochs(learnerOf([0.2]), { ...schedule, epochs: 2 }, {}, first);
    const state = { ...first, seconds: 100 };
    const learner = learnerOf([0.1, 0.1, 0.1]);
    const curve = await learnInEpochs(learner, schedule, {}, state);
    assert.deepEqual(learner.done.slice(0, 3), ["learn 3", "learn 4", "look"]);
    assert.equal(curve.length, 6);
    assert.ok(curve.at(-1)!.seconds >= 100);
    assert.equal(state.bestNdcg, 0.2);
  });

  test("writes what to go on from when the run ends", async () => {
    const saved: number[] = [];
    const learner = { ...learnerOf([0.2, 0.1, 0.1]) };
    await learnInEpochs(
      { ...learner, save: async ({ epoch }) => void saved.push(epoch) },
      schedule,
      {},
    );
    assert.deepEqual(saved, [6]);
  });

  test("stops at a loss that is no number, and says where", async () => {
    const learner = learnerOf();
    const diverging: EpochLearner = {
      ...learner,
      learn: (epoch) => Promise.resolve({ loss: epoch < 3 ? 1 : NaN, step: epoch }),
    };
    await assert.rejects(learnInEpochs(diverging, schedule, {}), {
      code: "TRAINING_DIVERGED",
      message: /NaN in epoch 3/,
    });
  });
});
