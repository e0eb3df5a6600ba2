import assert from "node:assert/strict";
import type { Scorer } from "@magpie/domain";
import { describe, test } from "vitest";
import { uniqueHits } from "./unique-hits.ts";

/** A channel that proposes these items to everybody, best first, and nothing else. */
const channel = (name: string, ...items: number[]): Scorer => ({
  name,
  itemCount: 6,
  scoreAll(histories, out) {
    out.fill(-Infinity, 0, histories.length * 7);
    for (let b = 0; b < histories.length; b++) {
      items.forEach((item, rank) => (out[b * 7 + item] = 10 - rank));
    }
    return Promise.resolve();
  },
});

const heldOut = {
  pasts: [
    { userIndex: 0, items: Int32Array.of(1) },
    { userIndex: 1, items: Int32Array.of(6) },
  ],
  targetOffsets: Int32Array.of(0, 3, 4),
  targets: Int32Array.of(2, 3, 1, 5),
};

describe("unique hits", () => {
  test("count what each channel brings, and brings alone", async () => {
    const channels = [channel("a", 2, 3), channel("b", 3, 4), channel("c", 1, 4)];
    const counted = await uniqueHits(channels, heldOut, 2);
    // Asked for: 2 and 3 of the first (1 is in the past), 5 of the second.
    assert.deepEqual(counted, {
      channels: [
        { channel: "a", hits: 2, uniqueHits: 1 },
        { channel: "b", hits: 1, uniqueHits: 0 },
        { channel: "c", hits: 0, uniqueHits: 0 },
      ],
      targets: 3,
      found: 2,
    });
  });

  test("look at the best k only, not counting items of the past", async () => {
    const { channels } = await uniqueHits([channel("a", 1, 2, 3)], heldOut, 1);
    assert.equal(channels[0]!.hits, 1);
  });

  test("need a target", async () => {
    const none = { ...heldOut, targets: Int32Array.of(1, 1, 1, 6) };
    await assert.rejects(uniqueHits([channel("a", 1)], none, 2), { code: "NO_CASES" });
  });
});
