import assert from "node:assert/strict";
import { silentWork, type Scorer } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { ringWalks } from "../sequence/ring-walks.suite.ts";
import { sasRecDefaults, type SasRecConfig } from "../sequence/sasrec.ts";
import { SequenceEncoder } from "../sequence/sequence-encoder.ts";
import { sasRec } from "../sequence/sequence-model.ts";
import { SequenceTrainer } from "../sequence/sequence-trainer.ts";
import { trainSequenceModel, type SequenceTrainingRequest } from "../sequence/sequence-training.ts";
import { parallelDefaults, sharedEpoch, startVelocity, type ParallelSettings } from "./meetings.ts";
import { Rendezvous } from "./rendezvous.ts";
import { bytesOf, meanOf, nothing, type Contribution } from "./transport.ts";

const part = (weight: number, ...values: number[]): Contribution => ({
  weight,
  dense: [Float32Array.from(values)],
  sparse: [],
});

describe("the mean of parts", () => {
  test("weighs each by its examples", () => {
    const mean = meanOf([part(1, 0, 8), part(3, 4, 0), nothing]);
    assert.equal(mean.weight, 4);
    assert.deepEqual([...mean.dense[0]!], [3, 2]);
  });

  test("adds rows of equal id up, and takes missing ones for zeros", () => {
    const rows = (weight: number, ids: number[], values: number[]): Contribution => ({
      weight,
      dense: [],
      sparse: [{ ids: Int32Array.from(ids), rows: Float32Array.from(values) }],
    });
    const { sparse } = meanOf([rows(1, [3, 7], [2, 4, 6, 8]), rows(1, [7], [2, 0])]);
    assert.deepEqual([...sparse[0]!.ids], [3, 7]);
    assert.deepEqual([...sparse[0]!.rows], [1, 2, 4, 4]);
  });

  test("of nothing is nothing, and of one part that part", () => {
    assert.equal(meanOf([nothing, nothing]).weight, 0);
    const only = part(2, 5);
    assert.equal(meanOf([nothing, only]), only);
  });

  test("lies between the smallest and the largest, whatever the weights", () => {
    const weighted = fc.record({
      weight: fc.integer({ min: 1, max: 1_000 }),
      value: fc.float({ min: -100, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(weighted, { minLength: 1, maxLength: 6 }), (all) => {
        const mean = meanOf(all.map(({ weight, value }) => part(weight, value))).dense[0]![0]!;
        const values = all.map(({ value }) => value);
        assert.ok(mean >= Math.min(...values) - 1e-3 && mean <= Math.max(...values) + 1e-3);
      }),
    );
  });

  test("has the bytes of its numbers", () => {
    const sparse = [{ ids: Int32Array.of(1, 2), rows: new Float32Array(8) }];
    assert.equal(bytesOf({ weight: 1, dense: [new Float32Array(3)], sparse }), 12 + 8 + 32);
  });
});

describe("a rendezvous", () => {
  test("gives everybody the mean once all are there", async () => {
    const meeting = new Rendezvous(["a", "b"]);
    const first = meeting.contribute("a", part(1, 2));
    assert.deepEqual(meeting.missing, ["b"]);
    const second = meeting.contribute("b", part(1, 4));
    assert.deepEqual([...(await first).dense[0]!], [3]);
    assert.equal(await first, await second);
    const next = [meeting.contribute("b", part(1, 1)), meeting.contribute("a", part(1, 1))];
    assert.equal((await next[0]!).weight, 2);
  });

  test("ends a round without a member that was lost, before its part or after", async () => {
    const meeting = new Rendezvous(["a", "b", "c"]);
    void meeting.contribute("b", part(1, 100));
    const mean = meeting.contribute("a", part(1, 2));
    meeting.drop("b");
    meeting.drop("c");
    assert.deepEqual([...(await mean).dense[0]!], [2]);
    assert.deepEqual(meeting.members, ["a"]);
  });

  test("does not hear strangers", async () => {
    const meeting = new Rendezvous(["a"]);
    void meeting.contribute("stranger", part(1, 100));
    assert.deepEqual([...(await meeting.contribute("a", part(1, 2))).dense[0]!], [2]);
  });
});

const split = ringWalks();
const { train, validation } = split;
const config: SasRecConfig = {
  ...sasRecDefaults,
  width: 16,
  heads: 2,
  feedForward: 32,
  historyLimit: 8,
  dropout: 0.1,
  batchRows: 8,
  epochs: 12,
  validateEvery: 3,
  learningRate: 1e-2,
};
const settings = (changes: Partial<ParallelSettings> = {}): ParallelSettings => ({
  ...parallelDefaults,
  ...changes,
});

/** Two members in this process, each with its own trainer, for some epochs; their weights at the end. */
async function together(
  own: ParallelSettings,
  epochs: number,
): Promise<readonly (readonly Float32Array[])[]> {
  const members = Array.from({ length: own.workers }, (_, rank) => ({ rank, id: String(rank) }));
  const half = { ...config, batchRows: config.batchRows / own.workers };
  const trainers = await Promise.all(
    members.map(() => SequenceTrainer.open(half, { sequences: train }, { seed: 1 })),
  );
  const velocity = startVelocity(trainers[0]!, own);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const meeting = new Rendezvous(members.map(({ id }) => id));
    await Promise.all(
      members.map(async ({ rank, id }) => {
        const start = {
          epoch,
          rank,
          members: own.workers,
          velocity: velocity.map((values) => values.slice()),
        };
        const average = (mine: Contribution) => meeting.contribute(id, mine);
        for await (const { loss } of sharedEpoch(trainers[rank]!, start, own, average)) {
          assert.ok(Number.isFinite(loss));
        }
      }),
    );
  }
  const weights = trainers.map((trainer) => trainer.parameters.map((values) => values.slice()));
  for (const trainer of trainers) await trainer.dispose();
  return weights;
}

function largestDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  let most = 0;
  a.forEach((values, i) => {
    values.forEach((value, j) => (most = Math.max(most, Math.abs(value - b[i]![j]!))));
  });
  return most;
}

describe("members of one training", () => {
  test("leave each epoch with the same weights", async () => {
    for (const own of [
      settings(),
      settings({ localSteps: 4 }),
      settings({ localSteps: 4, outer: { learningRate: 0.7, momentum: 0.5 } }),
    ]) {
      const [a, b] = await together(own, 2);
      // With gradients averaged rows of the table are made up for at different steps: rounding differs.
      assert.ok(largestDifference(a!, b!) < 1e-3, JSON.stringify(own));
    }
  });

  test("go through all examples once, dealt anew in each epoch", async () => {
    const trainer = await SequenceTrainer.open(config, { sequences: train }, { seed: 1 });
    const targetsOf = async (epoch: number, rank: number, members: number) => {
      let sum = 0;
      const share = { rank, members, onGradients: () => Promise.resolve() };
      for await (const { targets } of trainer.epoch(epoch, share)) {
        trainer.takeGradients();
        sum += targets;
      }
      return sum;
    };
    const whole = await targetsOf(1, 0, 1);
    for (const epoch of [1, 2]) {
      const parts = [0, 1, 2].map((rank) => () => targetsOf(epoch, rank, 3));
      let sum = 0;
      for (const own of parts) sum += await own();
      assert.equal(sum, whole);
    }
    assert.notEqual(await targetsOf(1, 0, 3), await targetsOf(2, 0, 3));
    await trainer.dispose();
  });
});

const request = (changes: Partial<SequenceTrainingRequest> = {}): SequenceTrainingRequest => ({
  kind: "sasrec",
  config,
  train,
  itemFeatures: undefined,
  validation,
  seed: 1,
  threads: 1,
  checkpointDir: undefined,
  budgetSeconds: undefined,
  ...changes,
});

async function ndcgOf(result: Awaited<ReturnType<typeof trainSequenceModel>>): Promise<number> {
  const { dense, inputItems } = result;
  const encoder = new SequenceEncoder(config, { dense, inputItems, outputItems: inputItems });
  const scorer: Scorer = {
    name: "trained",
    itemCount: train.itemCount,
    scoreAll: (histories, out) => encoder.score(histories, out),
  };
  const { metrics } = await evaluate(scorer, split.test, { cutoffs: [10], metrics: ["ndcg"] });
  await encoder.dispose();
  return metrics["ndcgAt10"]!;
}

describe("a training in several processes", () => {
  test("learns what one process learns, by gradients and by local steps", async () => {
    for (const localSteps of [1, 4]) {
      const parallel = settings({ localSteps });
      let told: Readonly<Record<string, number>> | undefined;
      const result = await trainSequenceModel(request({ parallel }), {
        onProgress: ({ metrics }) => void (told = metrics),
        isStopped: () => false,
      });
      assert.equal(told!["helpers"], 1);
      assert.ok(told!["bytesExchanged"]! > 0);
      assert.ok((await ndcgOf(result)) > 0.8, String(localSteps));
    }
  });

  test("loses little and breaks nothing when a process is killed", async () => {
    const started: number[] = [];
    const lost: number[] = [];
    let killed = false;
    const result = await trainSequenceModel(request({ parallel: settings({ workers: 3 }) }), {
      helpers: { onStart: (pid) => started.push(pid), onLoss: (pid) => lost.push(pid) },
      onProgress({ metrics }) {
        if (killed || metrics?.["helpers"] === undefined) return;
        // Between two epochs: the next one begins with the news or hears of it on the way.
        process.kill(started[0]!, "SIGKILL");
        killed = true;
      },
      isStopped: () => false,
    });
    assert.deepEqual(lost, [started[0]]);
    assert.equal(started.length, 3, "another process took its place");
    assert.ok(result.dense.every(Number.isFinite) && result.inputItems.every(Number.isFinite));
    assert.equal(result.curve.length, config.epochs);
    assert.ok((await ndcgOf(result)) > 0.8);
    for (const pid of started) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  });

  test("goes on to its end when a process is killed in the middle of an epoch", async () => {
    const started: number[] = [];
    let steps = 0;
    const result = await trainSequenceModel(request({ parallel: settings() }), {
      helpers: { onStart: (pid) => started.push(pid) },
      onProgress: () => {},
      isStopped() {
        // Asked after every step of this process; an epoch has about 20.
        if (++steps === 5) process.kill(started[0]!, "SIGKILL");
        return false;
      },
    });
    assert.equal(result.curve.length, config.epochs);
    assert.ok((await ndcgOf(result)) > 0.8);
  });

  test("is asked for where a model is trained, and refused with words where it cannot be", async () => {
    const context = { seed: 1, ...silentWork() };
    const trained = await sasRec.train(
      split,
      { ...config, epochs: 2 },
      { ...context, parallel: settings() },
    );
    assert.equal(trained.curve.length, 2);
    await trained.dispose();
    for (const changes of [{ workers: 0 }, { localSteps: 1.5 }]) {
      await assert.rejects(
        sasRec.train(split, config, { ...context, parallel: settings(changes) }),
        { code: "BAD_CONFIG" },
      );
    }
  });
});
