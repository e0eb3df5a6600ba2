import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { itemIndex, silentWork, type History } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { TrainingContext } from "../model.ts";
import { ringWalks } from "./ring-walks.suite.ts";
import { SequenceEncoder } from "./sequence-encoder.ts";
import { sasRec, type SequenceModel } from "./sequence-model.ts";
import { SequenceTrainer } from "./sequence-trainer.ts";
import { trainSequenceModel, TrainingStopped } from "./sequence-training.ts";
import { sasRecDefaults, type SasRecConfig } from "./sasrec.ts";

const split = ringWalks();

const small: SasRecConfig = {
  ...sasRecDefaults,
  width: 16,
  blocks: 1,
  heads: 2,
  feedForward: 32,
  historyLimit: 8,
  dropout: 0.1,
  batchRows: 8,
  epochs: 30,
  validateEvery: 2,
  patience: 10,
  learningRate: 1e-2,
  loss: {
    kind: "sampled-softmax",
    negatives: 16,
    uniformShare: 0.5,
    logQ: "negatives",
    ownPast: true,
  },
};

const context = (more: Partial<TrainingContext> = {}): TrainingContext => ({
  ...silentWork(),
  seed: 1,
  ...more,
});

const past = (...items: number[]): History => ({ userIndex: -1, items: Int32Array.from(items) });

async function scoresOf(model: SequenceModel, history: History): Promise<Float32Array> {
  const out = new Float32Array(model.itemCount + 1);
  await model.scoreAll([history], out);
  return out;
}

let model: SequenceModel;
beforeAll(async () => {
  model = (await sasRec.train(split, small, context())) as SequenceModel;
});
afterAll(() => model.dispose());

describe("SASRec", () => {
  test("learns which step a shopper walks by: NDCG@10 above 0.9 on the held-out items", async () => {
    const { metrics } = await evaluate(model, split.test, { cutoffs: [10], metrics: ["ndcg"] });
    assert.ok(metrics["ndcgAt10"]! > 0.9, `NDCG@10 ${metrics["ndcgAt10"]}`);
  });

  test("uses the order of the past: 5 6 is followed by 7, 3 6 by 9", async () => {
    const best = (scores: Float32Array) => scores.indexOf(Math.max(...scores));
    assert.equal(best(await scoresOf(model, past(4, 5, 6))), 7);
    assert.equal(best(await scoresOf(model, past(40, 3, 6))), 9);
  });

  test("keeps a curve with a loss per epoch and the cost", () => {
    assert.deepEqual(
      model.curve.map(({ epoch }) => epoch),
      model.curve.map((_, i) => i + 1),
    );
    assert.ok(model.curve[0]!.loss > model.curve.at(-1)!.loss);
    assert.ok(model.curve[1]!.ndcgAt10! > 0);
    assert.ok(model.cost.wallSeconds > 0 && model.cost.peakRssBytes > 1e6);
  });

  test("scores are inner products of user and item vectors; padding never wins", async () => {
    const users = new Float32Array(2 * model.width);
    await model.encode([past(1, 2, 3), past(9, 12, 15, 18)], users);
    const scores = new Float32Array(2 * 41);
    await model.scoreAll([past(1, 2, 3), past(9, 12, 15, 18)], scores);
    for (const [user, item] of [
      [0, 4],
      [0, 40],
      [1, 21],
    ] as const) {
      let product = 0;
      for (let d = 0; d < model.width; d++) {
        product += users[user * model.width + d]! * model.itemVectors[item * model.width + d]!;
      }
      assert.ok(Math.abs(product - scores[user * 41 + item]!) < 1e-4);
    }
    assert.equal(scores[0], -Infinity);
    assert.equal(scores[41], -Infinity);
    assert.ok(model.itemVectors.subarray(0, model.width).every((value) => value === 0));
  });

  test("learns from the data whether an item of the past is wanted again", async () => {
    assert.ok(model.repeatBias < -1, `nobody takes an item twice: ${model.repeatBias}`);
    // Shoppers who take the item before the last again: a b a b …
    const pairs = Array.from({ length: 100 }, (_, u) => [1 + (u % 40), 1 + ((u * 7 + 3) % 40)]);
    const items = Int32Array.from(pairs.flatMap(([a, b]) => [a!, b!, a!, b!, a!, b!]));
    const offsets = Int32Array.from({ length: 101 }, (_, u) => u * 6);
    const train = { userCount: 100, itemCount: 40, offsets, items };
    const config = { ...small, epochs: 8 };
    const again = (await sasRec.train({ train }, config, context())) as SequenceModel;
    assert.ok(again.repeatBias > 0.5, `everybody takes items twice: ${again.repeatBias}`);
    await again.dispose();
  });

  test("adds the repeat bias to items of the past, in scores and in reasons", async () => {
    const user = new Float32Array(model.width);
    await model.encode([past(1, 2, 3)], user);
    const scores = await scoresOf(model, past(1, 2, 3));
    const product = (item: number) =>
      user.reduce((sum, value, d) => sum + value * model.itemVectors[item * model.width + d]!, 0);
    for (const item of [1, 2, 3]) {
      assert.ok(Math.abs(scores[item]! - product(item) - model.repeatBias) < 1e-4);
    }
    const [effects] = await model.explain(past(1, 2, 3), Int32Array.of(2));
    const without = await scoresOf(model, past(1, 3));
    const own = effects!.find(({ position }) => position === 1)!;
    assert.ok(Math.abs(own.effect - (scores[2]! - without[2]!)) < 1e-4);
  });

  test("gives an empty past the zero vector", async () => {
    const users = new Float32Array(2 * model.width).fill(7);
    await model.encode([past(), past(1)], users);
    assert.ok(users.subarray(0, model.width).every((value) => value === 0));
    assert.ok(users.subarray(model.width).some((value) => value !== 0));
  });

  test("encodes a past the same alone, in a batch of others and padded to another length", async () => {
    const pasts = Array.from({ length: 23 }, (_, i) =>
      past(...Array.from({ length: 1 + (i % 9) }, (_, j) => 1 + ((i + j) % 40))),
    );
    const together = new Float32Array(pasts.length * model.width);
    await model.encode(pasts, together);
    for (const [i, one] of pasts.entries()) {
      const alone = new Float32Array(model.width);
      await model.encode([one], alone);
      alone.forEach((value, d) =>
        assert.ok(Math.abs(value - together[i * model.width + d]!) < 1e-5),
      );
    }
  });

  test("leaves out items that it does not know", async () => {
    const scores = await scoresOf(model, past(4, 41, 5, 1_000, 6, 0));
    assert.deepEqual([...scores], [...(await scoresOf(model, past(4, 5, 6)))]);
  });

  test("looks at the newest items only, up to its limit", async () => {
    const newest = [11, 12, 13, 14, 15, 16, 17, 18];
    const one = await scoresOf(model, past(1, 2, 3, ...newest));
    const other = await scoresOf(model, past(...newest));
    assert.deepEqual([...one], [...other]);
  });

  test("explains a score by leaving items out, largest effect first", async () => {
    const [effects] = await model.explain(past(40, 3, 6), Int32Array.of(9));
    assert.equal(effects!.length, 3);
    assert.deepEqual(await model.explain(past(40, 3, 6), Int32Array.of(41, 0)), [[], []]);
    const whole = (await scoresOf(model, past(40, 3, 6)))[9]!;
    const withoutLast = (await scoresOf(model, past(40, 3)))[9]!;
    const last = effects!.find(({ position }) => position === 2)!;
    assert.ok(Math.abs(last.effect - (whole - withoutLast)) < 1e-4);
    const sizes = effects!.map(({ effect }) => effect);
    assert.deepEqual(
      sizes,
      sizes.toSorted((a, b) => b - a),
    );
  });

  test("explains with the ten newest items of a long past", async () => {
    const long = past(...Array.from({ length: 15 }, (_, i) => i + 1));
    const [effects] = await model.explain(long, Int32Array.of(itemIndex(16)));
    const positions = effects!.map(({ position }) => position).sort((a, b) => a - b);
    assert.deepEqual(positions, [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  });

  test("opens again as it was saved", async () => {
    const folder = await mkdtemp(join(tmpdir(), "magpie-sasrec-"));
    await model.save(folder);
    const opened = (await sasRec.load(folder)) as SequenceModel;
    assert.deepEqual(opened.config, model.config);
    assert.deepEqual(opened.curve, model.curve);
    assert.deepEqual(
      [...(await scoresOf(opened, past(4, 5, 6)))],
      [...(await scoresOf(model, past(4, 5, 6)))],
    );
    await opened.dispose();
    await rm(folder, { recursive: true });
  });

  test("learns with every loss, tied or not", async () => {
    const losses: SasRecConfig["loss"][] = [
      { kind: "full-softmax" },
      { kind: "bce" },
      { kind: "sampled-softmax", negatives: 16, uniformShare: 0.5, logQ: "all", ownPast: true },
    ];
    for (const [i, loss] of losses.entries()) {
      const config: SasRecConfig = { ...small, loss, tied: i !== 0, epochs: 12 };
      const trained = (await sasRec.train(split, config, context())) as SequenceModel;
      const { metrics } = await evaluate(trained, split.test, { cutoffs: [10], metrics: ["ndcg"] });
      // A ranking by chance has NDCG@10 of about 0.11 here.
      assert.ok(metrics["ndcgAt10"]! > 0.5, `${loss.kind}: ${metrics["ndcgAt10"]}`);
      await trained.dispose();
    }
  });

  test("states the memory that it will take, and grows with the catalogue", () => {
    const bytes = sasRec.expectedBytes(split, sasRecDefaults);
    assert.ok(bytes > 1e6 && bytes < 1e9);
    const large = { ...split, train: { ...split.train, itemCount: 100_000 } };
    // weights, two moments and gradient of 100,000 more rows of 64 floats
    assert.ok(sasRec.expectedBytes(large, sasRecDefaults) - bytes > 4 * 99_000 * 64 * 4);
  });

  test("says which setting cannot be", async () => {
    const refuses = (change: Partial<SasRecConfig>, pattern: RegExp) =>
      assert.rejects(sasRec.train(split, { ...small, ...change }, context()), {
        code: "BAD_CONFIG",
        message: pattern,
      });
    await refuses({ width: 30 }, /width must be a multiple of 4 and of its 2 heads, not 30/);
    await refuses({ dropout: 1 }, /dropout must be at least 0 and below 1, not 1/);
    await refuses({ historyLimit: 0 }, /historyLimit must be a whole number from 1, not 0/);
    await refuses({ learningRate: Number.NaN }, /learningRate must be above 0, not NaN/);
    await refuses(
      {
        loss: {
          kind: "sampled-softmax",
          negatives: 0,
          uniformShare: 1,
          logQ: "none",
          ownPast: false,
        },
      },
      /loss\.negatives must be a whole number from 1/,
    );
  });

  test("says so when there is nothing to learn from, and when the loss runs away", async () => {
    const single = {
      userCount: 2,
      itemCount: 3,
      offsets: Int32Array.of(0, 1, 2),
      items: Int32Array.of(1, 3),
    };
    await assert.rejects(sasRec.train({ train: single }, small, context()), {
      code: "NO_TRAINING_EXAMPLES",
    });
    await assert.rejects(sasRec.train(split, { ...small, learningRate: 1e30 }, context()), {
      code: "TRAINING_DIVERGED",
    });
  });
});

describe("training runs", () => {
  const request = (more: object = {}) => ({
    kind: "sasrec",
    config: { ...small, epochs: 6 },
    train: split.train,
    itemFeatures: undefined,
    validation: split.validation,
    seed: 5,
    threads: 1,
    checkpointDir: undefined,
    budgetSeconds: undefined,
    ...more,
  });
  const quiet = { onProgress: () => {}, isStopped: () => false };

  test("repeat bit for bit with the same seed, and differ with another", async () => {
    const one = await trainSequenceModel(request(), quiet);
    const same = await trainSequenceModel(request(), quiet);
    const other = await trainSequenceModel(request({ seed: 6 }), quiet);
    assert.deepEqual(one.inputItems, same.inputItems);
    assert.deepEqual(one.dense, same.dense);
    assert.notDeepEqual(one.inputItems, other.inputItems);
  });

  test("go on from a checkpoint as if they had not been stopped", async () => {
    const folder = await mkdtemp(join(tmpdir(), "magpie-checkpoint-"));
    const whole = await trainSequenceModel(request(), quiet);
    const half = request({ checkpointDir: folder, config: { ...small, epochs: 3 } });
    await trainSequenceModel(half, quiet);
    const messages: string[] = [];
    const rest = await trainSequenceModel(request({ checkpointDir: folder }), {
      ...quiet,
      onProgress: ({ message = "" }) => messages.push(message),
    });
    assert.deepEqual(rest.dense, whole.dense);
    assert.deepEqual(rest.inputItems, whole.inputItems);
    assert.deepEqual(
      rest.curve.map(({ loss }) => loss),
      whole.curve.map(({ loss }) => loss),
    );
    // Another seed does not go on from it, and says so.
    messages.length = 0;
    await trainSequenceModel(request({ checkpointDir: folder, seed: 9 }), {
      ...quiet,
      onProgress: ({ message = "" }) => messages.push(message),
    });
    assert.match(messages[0]!, /another recipe, seed or data: training starts anew/);
    await rm(folder, { recursive: true });
  });

  test("stop between two steps when asked to", async () => {
    let asked = 0;
    await assert.rejects(
      trainSequenceModel(request(), { ...quiet, isStopped: () => ++asked === 3 }),
      TrainingStopped,
    );
    assert.equal(asked, 3);
  });

  test("reject with the signal's reason, and tell what they do meanwhile", async () => {
    const controller = new AbortController();
    const stages = new Set<string>();
    const running = sasRec.train(
      split,
      { ...small, epochs: 10_000, patience: 10_000 },
      {
        ...context(),
        signal: controller.signal,
        onProgress: ({ stage, metrics }) => {
          stages.add(stage);
          if (metrics?.["loss"] !== undefined) controller.abort();
        },
      },
    );
    await assert.rejects(running, { name: "AbortError" });
    assert.deepEqual([...stages], ["sasrec/train"]);
  });

  test("stop early when validation no longer improves, and give the best weights", async () => {
    const config = { ...small, epochs: 500, patience: 3 };
    const result = await trainSequenceModel(request({ config }), quiet);
    assert.ok(result.curve.length < 500);
    const measured = result.curve.flatMap(({ ndcgAt10 = [] }) => ndcgAt10);
    const best = Math.max(...measured);
    assert.equal(measured.length - 1 - measured.indexOf(best), 3);
    const encoder = new SequenceEncoder(config, { ...result, outputItems: result.inputItems });
    const scorer = {
      name: "best",
      itemCount: 40,
      scoreAll: (histories: readonly History[], out: Float32Array) => encoder.score(histories, out),
    };
    const { metrics } = await evaluate(scorer, split.validation, { cutoffs: [10] });
    assert.ok(Math.abs(metrics["ndcgAt10"]! - best) < 1e-9);
    await encoder.dispose();
  });

  test("end when their time is used up", async () => {
    const config = { ...small, epochs: 100_000, patience: 100_000 };
    const result = await trainSequenceModel(request({ config, budgetSeconds: 0.5 }), quiet);
    assert.ok(result.curve.length >= 1 && result.curve.at(-1)!.seconds < 5);
  });

  test("without validation run all epochs and give the last weights", async () => {
    const config = { ...small, epochs: 2, averaging: 0 };
    const result = await trainSequenceModel(request({ validation: undefined, config }), quiet);
    const trainer = await SequenceTrainer.open(config, { sequences: split.train }, { seed: 5 });
    for (const epoch of [1, 2]) for await (const step of trainer.epoch(epoch)) void step;
    assert.deepEqual(result.inputItems, trainer.inputTable.weights.slice());
    await trainer.dispose();
  });
});
