import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leaveOneOut, type Sequences } from "@magpie/data";
import { silentWork, type History } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { csrFromEntries, seededRandom } from "@magpie/numerics";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { Model, TrainedModel } from "../model.ts";
import { Int8SequenceModel } from "./int8-sequence-model.ts";
import {
  eSasRec,
  fuxiModel,
  gru4Rec,
  hstuModel,
  sasRec,
  type SequenceModel,
} from "./sequence-model.ts";
import type { SequenceConfig } from "./sequence-config.ts";
import { batchTimeGaps, timeGap } from "./sequence-times.ts";

const hourMs = 3_600_000;

/**
 * Shoppers who walk through a ring of 30 items: by 1 after a short pause, by 4 after a long one. The last
 * two items tell the step, and so do their times.
 */
function timedWalks(): Sequences {
  const random = seededRandom(4, "walks");
  const offsets = [0];
  const items: number[] = [];
  const times: number[] = [];
  for (let user = 0; user < 240; user++) {
    const [step, pauseMs] = user % 2 === 0 ? [1, hourMs / 4] : [4, 400 * hourMs];
    const start = random.int(30);
    const length = 4 + random.int(6);
    for (let i = 0; i < length; i++) {
      items.push(1 + ((start + i * step!) % 30));
      times.push(1e12 + i * pauseMs!);
    }
    offsets.push(items.length);
  }
  return {
    userCount: 240,
    itemCount: 30,
    offsets: Int32Array.from(offsets),
    items: Int32Array.from(items),
    timestampsMs: Float64Array.from(times),
  };
}

const split = leaveOneOut(timedWalks());

const small = {
  width: 16,
  historyLimit: 8,
  dropout: 0.1,
  batchRows: 8,
  epochs: 24,
  validateEvery: 4,
  learningRate: 1e-2,
  loss: {
    kind: "sampled-softmax",
    negatives: 16,
    uniformShare: 0.5,
    popularFrom: "batch",
    logQ: "negatives",
    ownPast: true,
  },
} as const satisfies Partial<SequenceConfig>;

const past = (...items: number[]): History => ({ userIndex: -1, items: Int32Array.from(items) });

async function scoresOf(model: TrainedModel, history: History): Promise<Float32Array> {
  const out = new Float32Array(model.itemCount + 1);
  await model.scoreAll([history], out);
  return out;
}

const families: readonly Model<SequenceConfig>[] = [
  sasRec as Model<SequenceConfig>,
  eSasRec as Model<SequenceConfig>,
  hstuModel as Model<SequenceConfig>,
  fuxiModel as Model<SequenceConfig>,
  gru4Rec as Model<SequenceConfig>,
];

for (const family of families) {
  describe(family.kind, () => {
    let model: SequenceModel;
    beforeAll(async () => {
      const context = { ...silentWork(), seed: 1 };
      model = (await family.train(
        split,
        { ...family.defaults, ...small },
        context,
      )) as SequenceModel;
    });
    afterAll(() => model.dispose());

    test("learns which step a shopper walks by", async () => {
      const { metrics } = await evaluate(model, split.test, { cutoffs: [10], metrics: ["ndcg"] });
      assert.ok(metrics["ndcgAt10"]! > 0.8, `NDCG@10 ${metrics["ndcgAt10"]}`);
    });

    test("encodes a past the same alone, in a batch of others and padded to another length", async () => {
      const pasts = Array.from({ length: 7 }, (_, i) =>
        past(...Array.from({ length: 1 + i }, (_, j) => 1 + ((i + j) % 30))),
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

    test("opens again as it was saved", async () => {
      const folder = await mkdtemp(join(tmpdir(), `magpie-${family.kind}-`));
      await model.save(folder);
      const opened = (await family.load(folder)) as SequenceModel;
      assert.deepEqual([opened.kind, opened.name], [family.kind, model.name]);
      assert.deepEqual(opened.config, model.config);
      assert.deepEqual(
        [...(await scoresOf(opened, past(4, 5, 6)))],
        [...(await scoresOf(model, past(4, 5, 6)))],
      );
      await opened.dispose();
      await rm(folder, { recursive: true });
    });

    test("states the memory that it will take", () => {
      const bytes = family.expectedBytes(split, family.defaults);
      assert.ok(bytes > 1e8 && bytes < 1e9, `${bytes}`);
    });
  });
}

describe("features of items", () => {
  /** Items 1 to 30 have a feature each, half of them one of two kinds besides; 31 is said to be as 7 is. */
  const features = csrFromEntries(
    32,
    32,
    Int32Array.from({ length: 62 }, (_, i) => 1 + (i >> 1)),
    Int32Array.from({ length: 62 }, (_, i) => {
      const item = 1 + (i >> 1) === 31 ? 7 : 1 + (i >> 1);
      return i % 2 === 0 ? item - 1 : 30 + (item % 2);
    }),
  );
  const train = { ...split.train, itemCount: 31 };

  test("speak for an item that nobody has taken", async () => {
    const config = { ...sasRec.defaults, ...small, itemFeatures: true };
    const context = { ...silentWork(), seed: 1 };
    const data = { train, validation: split.validation, itemFeatures: features };
    const model = (await sasRec.train(data, config, context)) as SequenceModel;
    const scores = await scoresOf(model, past(4, 5, 6));
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
    assert.equal(order[0], 7);
    // Its own embedding was a negative again and again; what is said of it still lifts it.
    assert.ok(order.indexOf(31) < 10, `place ${order.indexOf(31)}`);
    assert.ok(sasRec.expectedBytes(data, config) > sasRec.expectedBytes({ train }, config));
    await model.dispose();
  });

  test("are left out of the recipe where there are none, and refused where they cannot be", async () => {
    const config = { ...sasRec.defaults, ...small, epochs: 1, itemFeatures: true };
    const context = { ...silentWork(), seed: 1 };
    const model = await sasRec.train({ train }, config, context);
    assert.equal((model.config as SequenceConfig).itemFeatures, false);
    await model.dispose();
    await assert.rejects(sasRec.train({ train }, { ...config, tied: false }, context), {
      code: "BAD_CONFIG",
      message: /itemFeatures must be left out with two item tables/,
    });
  });

  test("survive a stop: the training goes on from its checkpoint as if there had been none", async () => {
    const folder = await mkdtemp(join(tmpdir(), "magpie-features-"));
    const config = { ...eSasRec.defaults, ...small, epochs: 4, itemFeatures: true };
    const data = { train, itemFeatures: features };
    const context = { ...silentWork(), seed: 1 };
    const whole = (await eSasRec.train(data, config, context)) as SequenceModel;
    const resumable = { ...context, checkpointDir: folder };
    const half = await eSasRec.train(data, { ...config, epochs: 2 }, resumable);
    const rest = (await eSasRec.train(data, config, resumable)) as SequenceModel;
    assert.deepEqual(rest.itemVectors, whole.itemVectors);
    for (const model of [whole, half, rest]) await model.dispose();
    await rm(folder, { recursive: true });
  });
});

describe("texts of items", () => {
  const textWidth = 6;
  /** Texts at random, but that 31 reads nearly as 7 does. */
  const content = (() => {
    const random = seededRandom(4, "texts");
    const vectors = Float32Array.from({ length: 32 * textWidth }, () => random.normal());
    vectors.fill(0, 0, textWidth);
    const row = (item: number) => vectors.subarray(item * textWidth, (item + 1) * textWidth);
    row(31).set(row(7).map((value) => value + 0.05 * random.normal()));
    return { width: textWidth, vectors };
  })();
  const train = { ...split.train, itemCount: 31 };
  const config = { ...sasRec.defaults, ...small, itemTexts: true };
  const context = { ...silentWork(), seed: 1 };
  const trained = async (data: object, changes: object = {}): Promise<SequenceModel> =>
    (await sasRec.train({ train, ...data }, { ...config, ...changes }, context)) as SequenceModel;
  const placeOf = (scores: Float32Array, item: number): number =>
    [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!).indexOf(item);

  describe("in a model", () => {
    let model: SequenceModel;
    beforeAll(async () => {
      model = await trained({ validation: split.validation, content });
    });
    afterAll(() => model.dispose());

    test("speak for an item that nobody has taken, and for one that comes later", async () => {
      const scores = await scoresOf(model, past(4, 5, 6));
      assert.equal(placeOf(scores, 7), 0);
      assert.ok(placeOf(scores, 31) < 8, `place ${placeOf(scores, 31)}`);
      // What nobody took is its text alone, in training as afterwards.
      const later = model.itemsOfTexts(content.vectors.subarray(31 * textWidth));
      assert.equal(later.length, model.width);
      later.forEach((value, d) => {
        assert.ok(Math.abs(value - model.itemVectors[31 * model.width + d]!) < 1e-5);
      });
    });

    test("stand on its recipe, and are there when it is opened again, and in 8 bits", async () => {
      assert.equal(model.config.textWidth, textWidth);
      const folder = await mkdtemp(join(tmpdir(), "magpie-texts-"));
      await model.save(folder);
      const opened = (await sasRec.load(folder)) as SequenceModel;
      const whole = await scoresOf(model, past(4, 5, 6));
      assert.deepEqual([...(await scoresOf(opened, past(4, 5, 6)))], [...whole]);
      const text = content.vectors.subarray(9 * textWidth, 10 * textWidth);
      assert.deepEqual(opened.itemsOfTexts(text), model.itemsOfTexts(text));

      const coded = Int8SequenceModel.of(model);
      assert.equal(placeOf(await scoresOf(coded, past(4, 5, 6)), 7), 0);
      for (const one of [opened, coded]) await one.dispose();
      await rm(folder, { recursive: true });
    });

    test("take the memory that is said beforehand", () => {
      const data = { train, content };
      const without = sasRec.expectedBytes({ train }, config);
      assert.ok(sasRec.expectedBytes(data, config) - without > 4 * content.vectors.length);
    });
  });

  test("are left out where there are none, and refused where they cannot be or do not fit", async () => {
    const model = await trained({}, { epochs: 1 });
    assert.equal(model.config.itemTexts, false);
    assert.throws(() => model.itemsOfTexts(new Float32Array(textWidth)), { code: "NO_TEXTS" });
    await model.dispose();
    await assert.rejects(trained({ content }, { tied: false }), {
      code: "BAD_CONFIG",
      message: /itemTexts must be left out with two item tables/,
    });
    await assert.rejects(trained({ content }, { ownDropout: 1 }), {
      code: "BAD_CONFIG",
      message: /ownDropout must be at least 0 and below 1/,
    });
    const short = { width: textWidth, vectors: content.vectors.subarray(textWidth) };
    await assert.rejects(trained({ content: short }), { code: "BAD_CONTENT_VECTORS" });
  });

  test("go with features of items, and survive a stop", async () => {
    const folder = await mkdtemp(join(tmpdir(), "magpie-texts-"));
    const features = csrFromEntries(32, 2, Int32Array.of(3, 7), Int32Array.of(0, 1));
    const data = { train, content, itemFeatures: features };
    const both = { ...config, epochs: 4, itemFeatures: true };
    const whole = (await sasRec.train(data, both, context)) as SequenceModel;
    const resumable = { ...context, checkpointDir: folder };
    const half = await sasRec.train(data, { ...both, epochs: 2 }, resumable);
    const rest = (await sasRec.train(data, both, resumable)) as SequenceModel;
    assert.deepEqual(rest.itemVectors, whole.itemVectors);
    for (const model of [whole, half, rest]) await model.dispose();
    await rm(folder, { recursive: true });
  });
});

describe("times of a past", () => {
  /** The next step is 1 after a short pause and 4 after a long one, and pauses come by chance. */
  function pausesDecide(): Sequences {
    const random = seededRandom(8, "pauses");
    const items: number[] = [];
    const times: number[] = [];
    for (let user = 0; user < 300; user++) {
      let [item, now, step] = [random.int(30), 1e12, 1];
      for (let i = 0; i < 8; i++) {
        items.push(1 + item);
        times.push(now);
        item = (item + step) % 30;
        const isShort = random.next() < 0.5;
        now += isShort ? hourMs / 4 : 400 * hourMs;
        step = isShort ? 1 : 4;
      }
    }
    return {
      userCount: 300,
      itemCount: 30,
      offsets: Int32Array.from({ length: 301 }, (_, user) => 8 * user),
      items: Int32Array.from(items),
      timestampsMs: Float64Array.from(times),
    };
  }

  const timed = [
    [hstuModel, {}],
    [fuxiModel, {}],
    [eSasRec, { pauseBuckets: 16 }],
    [gru4Rec, { pauseBuckets: 16 }],
  ] as unknown as [Model<SequenceConfig>, Partial<SequenceConfig>][];
  for (const [family, change] of timed) {
    test(`tell ${family.kind} what items alone do not`, async () => {
      const { train, validation, test } = leaveOneOut(pausesDecide());
      const quality = async (data: Sequences): Promise<number> => {
        const config = { ...family.defaults, ...small, ...change, epochs: 12 } as SequenceConfig;
        const context = { ...silentWork(), seed: 1 };
        const model = await family.train({ train: data, validation }, config, context);
        const { metrics } = await evaluate(model, test, { cutoffs: [10], metrics: ["ndcg"] });
        await model.dispose();
        return metrics["ndcgAt10"]!;
      };
      const { timestampsMs: _, ...timeless } = train;
      const [withTimes, without] = [await quality(train), await quality(timeless)];
      // Without times two items are as likely: (1 + 1 / log2(3)) / 2 = 0.815 at best.
      assert.ok(withTimes > 0.9 && without < 0.83, `${withTimes} with, ${without} without`);
    });
  }

  test("count as of one moment where a past has none", async () => {
    const config = { ...hstuModel.defaults, ...small, epochs: 2 };
    const context = { ...silentWork(), seed: 1 };
    const model = (await hstuModel.train(split, config, context)) as SequenceModel;
    const still = { ...past(2, 6), timestampsMs: Float64Array.of(7, 7) };
    assert.deepEqual([...(await scoresOf(model, past(2, 6)))], [...(await scoresOf(model, still))]);
    await model.dispose();
  });

  test("are not asked for where the data has none", async () => {
    const { timestampsMs: _, ...train } = split.train;
    const config = { ...fuxiModel.defaults, ...small, epochs: 1 };
    const model = await fuxiModel.train({ train }, config, { ...silentWork(), seed: 1 });
    assert.equal((model.config as SequenceConfig & { timeBuckets: number }).timeBuckets, 0);
    await model.dispose();
  });

  test("fall into buckets that double from a minute", () => {
    const minutes = [0, 0.9, 1, 1.9, 2, 3.9, 4, 60, 1e12];
    assert.deepEqual(
      minutes.map((m) => timeGap(m * 60_000)),
      [0, 0, 1, 1, 2, 2, 3, 6, 31],
    );
    assert.equal(timeGap(-5), 0);
  });

  test("are measured within a past, not between two of a row", () => {
    const hour = (h: number): number => 1e12 + h * hourMs;
    const batch = {
      rows: 1,
      length: 4,
      items: Int32Array.of(1, 2, 3, 4),
      segments: Int32Array.of(0, 0, 1, 1),
      positions: Int32Array.of(1, 0, 1, 0),
      targets: new Int32Array(4),
      weights: new Float32Array(4),
      timesMs: Float64Array.of(hour(0), hour(1), hour(100), hour(102)),
    };
    const gaps = new Int32Array(16).fill(9);
    batchTimeGaps(batch, gaps);
    // 60 minutes are in bucket 6, 120 in 7
    assert.deepEqual([...gaps], [0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0]);
  });
});
