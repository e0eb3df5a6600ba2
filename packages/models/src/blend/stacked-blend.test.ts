import assert from "node:assert/strict";
import { leaveOneOut, type Sequences } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { modelByKind } from "../registry.ts";

const context = { seed: 1, threads: 1, ...silentWork() };
const itemCount = 60;

/**
 * Half of the shoppers walk along a line, which order tells; the other half take what goes with one
 * theme, in any order, which co-purchases tell. No single memory knows both.
 */
function twoKinds(): Sequences {
  const random = seededRandom(5, "two-kinds");
  const users = Array.from({ length: 400 }, (_, user) => {
    if (user % 2 === 0) {
      const start = random.int(30);
      return Array.from({ length: 6 }, (_, step) => 1 + ((start + step) % 30));
    }
    const theme = 31 + 6 * random.int(5);
    return random.shuffle(Array.from({ length: 6 }, (_, i) => theme + i));
  });
  return {
    userCount: users.length,
    itemCount,
    offsets: Int32Array.from({ length: users.length + 1 }, (_, u) => 6 * u),
    items: Int32Array.from(users.flat()),
  };
}

const split = leaveOneOut(twoKinds());
const data = { train: split.train, validation: split.validation };
const config = { members: ["item-knn", "transitions"] };

async function ndcg(kind: string, changes: object = {}): Promise<number> {
  const model = modelByKind(kind);
  const trained = await model.train(data, { ...model.defaults, ...changes }, context);
  const { metrics } = await evaluate(trained, split.test, { cutoffs: [10], metrics: ["ndcg"] });
  await trained.dispose();
  return metrics.ndcgAt10!;
}

describe("stacked blend", () => {
  test("is at least as good on test as its best member", async () => {
    const blend = await ndcg("stacked-blend", config);
    const best = Math.max(await ndcg("item-knn"), await ndcg("transitions"));
    assert.ok(blend >= best, `${blend} and ${best}`);
  });

  test("needs held-out cases, and says so", async () => {
    const model = modelByKind("stacked-blend");
    await assert.rejects(model.train({ train: split.train }, model.defaults, context), {
      code: "NEEDS_VALIDATION",
    });
  });

  test("a member that does not exist is named with those that do", async () => {
    const model = modelByKind("stacked-blend");
    await assert.rejects(
      model.train(data, { ...model.defaults, members: ["oracle"] }, context),
      /"oracle"/,
    );
  });

  test("leaves out members that need times where there are none", async () => {
    const members = ["popularity-recent", "item-knn"];
    assert.ok((await ndcg("stacked-blend", { members })) > 0);
  });
});
