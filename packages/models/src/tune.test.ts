import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leaveOneOut, type Sequences } from "@magpie/data";
import { silentWork, TrainingError } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { seededRandom } from "@magpie/numerics";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, test } from "vitest";
import { implicitAls } from "./factors/implicit-als.ts";
import { itemKnn } from "./memory/item-knn.ts";
import type { Model } from "./model.ts";
import { popularity } from "./memory/popularity.ts";
import { sasRec } from "./sequence/sequence-model.ts";
import { checkSpace, drawRecipe, type SearchSpace } from "./search-space.ts";
import { tune, type TuneOptions } from "./tune.ts";

/** Users who walk along a ring of items from where they like: the next item follows from the last. */
function walks(userCount: number, itemCount = 20): Sequences {
  const random = seededRandom(3, "walks");
  const items = Array.from({ length: userCount }, () => {
    const start = random.int(itemCount);
    return Array.from({ length: 8 }, (_, step) => 1 + ((start + step) % itemCount));
  });
  return {
    userCount,
    itemCount,
    offsets: Int32Array.from({ length: userCount + 1 }, (_, user) => 8 * user),
    items: Int32Array.from(items.flat()),
  };
}

const data = leaveOneOut(walks(80));
/** Trainings of 1, 3 and 9 rounds. */
const laddered: Model = {
  ...(implicitAls as Model),
  defaults: { ...implicitAls.defaults, width: 8, epochs: 9 },
  space: {
    settings: {
      width: { oneOf: [4, 8, 16] },
      ridge: { from: 0.1, to: 10, scale: "log" },
    },
    effort: "epochs",
  },
};

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tune-"));
});
afterEach(() => rm(folder, { recursive: true }));

const options = (change: Partial<TuneOptions> = {}): TuneOptions => ({
  ...silentWork(),
  seed: 1,
  recipes: 6,
  budgetSeconds: 600,
  folder,
  threads: 1,
  ...change,
});
/** Trials without what differs from run to run. */
const timeless = ({ trials }: Awaited<ReturnType<typeof tune>>) =>
  trials.map((trial) => ({ ...trial, seconds: 0 }));

describe("a search of settings", () => {
  test("trains a third of the recipes on, three times as long, and the default one to the end", async () => {
    const { trials, best } = await tune(laddered, data, options());
    const at = (effort: number) => trials.filter((trial) => trial.effort === effort);
    assert.equal(at(1).length, 6);
    // A third of six, and the default one if it is not among them.
    assert.ok([2, 3].includes(at(3).length));
    assert.ok(at(9).length >= 1 && at(9).length <= 2);
    for (const effort of [1, 3, 9]) assert.ok(at(effort).some(({ recipe }) => recipe === 0));
    const ends = at(9).map(({ ndcgAt10 }) => ndcgAt10);
    assert.equal(best.effort, 9);
    assert.equal(best.ndcgAt10, Math.max(...ends));
  });

  test("goes on from checkpoints where the model has them, to what one training gives", async () => {
    const model: Model = {
      ...(sasRec as Model),
      defaults: {
        ...sasRec.defaults,
        width: 8,
        feedForward: 16,
        historyLimit: 8,
        batchRows: 8,
        epochs: 9,
        validateEvery: 1,
      },
    };
    const { best, config } = await tune(model, data, options({ recipes: 1 }));
    const context = { ...silentWork(), seed: 1, threads: 1 };
    const trained = await model.train(data, config, context);
    const { metrics } = await evaluate(trained, data.validation, { cutoffs: [10] });
    await trained.dispose();
    assert.equal(best.effort, 9);
    assert.equal(best.ndcgAt10, metrics["ndcgAt10"]);
  });

  test("gives a config that trains to what was measured", async () => {
    const { config, best } = await tune(itemKnn as Model, data, options());
    assert.equal(best.effort, undefined);
    for (const [field, value] of Object.entries(best.changes)) {
      assert.equal((config as Record<string, unknown>)[field], value);
    }
    const again = await tune({ ...(itemKnn as Model), defaults: config }, data, {
      ...options({ recipes: 1 }),
      folder: join(folder, "again"),
    });
    assert.equal(again.best.ndcgAt10, best.ndcgAt10);
  });

  test("goes on after an interruption, and ends as if there had been none", async () => {
    const whole = await tune(laddered, data, options({ folder: join(folder, "whole") }));

    const stop = new AbortController();
    const parts = join(folder, "parts");
    let begun = 0;
    const interrupted = tune(laddered, data, {
      ...options({ folder: parts }),
      signal: stop.signal,
      onProgress({ stage, unit }) {
        if (stage === "implicit-als/tune" && unit === "recipes" && ++begun === 4) stop.abort();
      },
    });
    await assert.rejects(interrupted);
    // The process may have died in the middle of a line.
    await appendFile(join(parts, "trials.jsonl"), '{"recipe":3,"chan');

    const resumed = await tune(laddered, data, options({ folder: parts }));
    assert.equal(resumed.resumed, 3);
    assert.deepEqual(timeless(resumed), timeless(whole));
    const written = await readFile(join(parts, "trials.jsonl"), "utf8");
    assert.equal(written.trim().split("\n").length, 1 + whole.trials.length);
  });

  test("does not take over results of other data or another seed", async () => {
    const model = itemKnn as Model;
    await tune(model, data, options({ recipes: 2 }));
    const isOther = (error: unknown) =>
      error instanceof TrainingError && error.code === "OTHER_SEARCH";
    await assert.rejects(tune(model, leaveOneOut(walks(81)), options({ recipes: 2 })), isOther);
    await assert.rejects(tune(model, data, options({ recipes: 2, seed: 2 })), isOther);
  });

  test("keeps a training without epochs that outlasts the time: nothing cut it", async () => {
    const slow: Model = {
      ...(itemKnn as Model),
      async train(...given) {
        const until = performance.now() + 1_200;
        const trained = await itemKnn.train(
          given[0],
          given[1] as typeof itemKnn.defaults,
          given[2],
        );
        while (performance.now() < until) await new Promise((done) => setTimeout(done, 20));
        return trained;
      },
    };
    const once = await tune(slow, data, options({ recipes: 1, budgetSeconds: 0.5 }));
    assert.equal(once.best.isCut, false);
    const again = await tune(slow, data, options({ recipes: 1, budgetSeconds: 0.5 }));
    assert.equal(again.resumed, 1);
  });

  test("says so when there is nothing to search or no time for it", async () => {
    const failsWith = (code: string) => (error: unknown) =>
      error instanceof TrainingError && error.code === code;
    await assert.rejects(
      tune(popularity as Model, data, options()),
      failsWith("NOTHING_TO_SEARCH"),
    );
    await assert.rejects(
      tune(itemKnn as Model, data, options({ budgetSeconds: 0 })),
      failsWith("NO_TIME"),
    );
  });
});

describe("a search space", () => {
  const space: SearchSpace = {
    settings: {
      ridge: { from: 2, to: 2_000, scale: "log" },
      share: { from: -1, to: 1, scale: "linear" },
      layers: { from: 1, to: 4, scale: "linear", isWhole: true },
      loss: { oneOf: ["a", "b"] },
    },
  };

  test("draws within its ranges and values", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const drawn = drawRecipe(space, seededRandom(seed, "space"));
        const [ridge, share, layers] = [
          drawn["ridge"],
          drawn["share"],
          drawn["layers"],
        ] as number[];
        assert.ok(ridge! >= 2 && ridge! <= 2_000 && share! >= -1 && share! <= 1);
        assert.ok([1, 2, 3, 4].includes(layers!));
        assert.ok(["a", "b"].includes(drawn["loss"] as string));
      }),
    );
  });

  test("draws as much below the geometric middle of a log range as above it", () => {
    const random = seededRandom(1, "space");
    const draws = Array.from({ length: 2_000 }, () => drawRecipe(space, random)["ridge"] as number);
    const below = draws.filter((ridge) => ridge < Math.sqrt(2 * 2_000)).length;
    assert.ok(Math.abs(below - 1_000) < 100, `${below} of 2,000`);
  });

  test.each<[string, SearchSpace]>([
    ["a field the recipe lacks", { settings: { depth: { oneOf: [1] } } }],
    ["an effort the recipe lacks", { settings: {}, effort: "steps" }],
    ["no values", { settings: { ridge: { oneOf: [] } } }],
    ["a range upside down", { settings: { ridge: { from: 2, to: 1, scale: "linear" } } }],
    ["a log range from 0", { settings: { ridge: { from: 0, to: 1, scale: "log" } } }],
  ])("is refused with %s", (_, wrong) => {
    assert.throws(() => checkSpace("ease", wrong, { ridge: 1 }), { code: "BAD_SPACE" });
  });
});
