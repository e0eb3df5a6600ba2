import assert from "node:assert/strict";
import type { History } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { sasRecDefaults } from "./sasrec.ts";
import type { SequenceConfig } from "./sequence-config.ts";
import { SequenceEncoder } from "./sequence-encoder.ts";
import { initialise, parameterCountOf, parametersOf } from "./sequence-graphs.ts";

const itemCount = 300;
const width = 16;
const config: SequenceConfig = {
  ...sasRecDefaults,
  width,
  heads: 1,
  historyLimit: 10,
};

/** Fresh weights, in which items 7 and 8 are alike and the past counts by `repeats`. */
function weightsOf(repeats: number) {
  const dense = new Float32Array(parameterCountOf(config));
  const items = new Float32Array((itemCount + 1) * width);
  initialise(config, 3, dense, [items]);
  items.copyWithin(8 * width, 7 * width, 8 * width);
  dense[parametersOf(config).find(({ name }) => name === "repeatBias")!.offset] = repeats;
  return { dense, inputItems: items, outputItems: items };
}

/** More than one batch of pasts, some empty, some with repeats, longer than the limit or of later items. */
function pasts(): History[] {
  const random = seededRandom(11, "pasts");
  return Array.from({ length: 150 }, (_, userIndex) => {
    const items = Int32Array.from({ length: userIndex % 14 }, () => 1 + random.int(itemCount + 5));
    if (items.length > 2) items[1] = items[0]!;
    return { userIndex, items };
  });
}

describe("counting the items above one", () => {
  for (const [how, repeats] of [
    ["without a repeat bias", 0],
    ["with items of the past lifted", 0.004],
    ["with items of the past lowered", -0.004],
  ] as const) {
    test(`gives what all scores would give, ${how}`, async () => {
      const encoder = new SequenceEncoder(config, weightsOf(repeats));
      const histories = pasts();
      const random = seededRandom(12, "asked");
      const asked = Int32Array.from(histories, ({ items }, user) => {
        const known = items.filter((item) => item <= itemCount);
        if (user % 3 === 0 && known.length > 0) return known.at(-1)!;
        return user % 3 === 1 ? 7 : 1 + random.int(itemCount);
      });
      const scores = new Float32Array(histories.length * (itemCount + 1));
      await encoder.score(histories, scores);
      const [above, alike] = [new Int32Array(asked.length), new Int32Array(asked.length)];
      await encoder.countAbove(histories, asked, above, alike);
      await encoder.dispose();
      // Two graphs may round differently in the last place: scores within it count as either.
      asked.forEach((item, user) => {
        const row = scores.subarray(user * (itemCount + 1), (user + 1) * (itemCount + 1));
        const higher = (by: number) => row.filter((score) => score > row[item]! + by).length;
        const margin = 1e-6;
        assert.ok(above[user]! >= higher(margin) && above[user]! <= higher(-margin));
        assert.ok(above[user]! + alike[user]! >= higher(margin) + 1);
        assert.ok(above[user]! + alike[user]! <= higher(-margin));
        if (item === 7 && !histories[user]!.items.some((other) => other === 7 || other === 8)) {
          assert.ok(alike[user]! >= 2);
        }
      });
    });
  }

  test("finds nothing alike where scores are not numbers", async () => {
    const weights = weightsOf(0);
    weights.dense.fill(NaN);
    const encoder = new SequenceEncoder(config, weights);
    const [above, alike] = [new Int32Array(1), new Int32Array(1)];
    await encoder.countAbove(
      [{ userIndex: 0, items: Int32Array.of(1, 2) }],
      Int32Array.of(5),
      above,
      alike,
    );
    await encoder.dispose();
    assert.deepEqual([...alike], [0]);
  });
});
