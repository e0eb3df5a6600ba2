import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { EventType, ItemIndex } from "@magpie/domain";
import type { Act } from "./histories.ts";
import { joinHistory } from "./join-history.ts";

const hour = 3_600_000;
const known = ["", "kettle", "cup", "tea"];
const indexOf = (id: string) => known.indexOf(id) as ItemIndex | -1;

let serial = 0;
const act = (type: EventType, itemId: string, hours: number, quantity = 0): Act => ({
  eventId: `e${++serial}`,
  itemId,
  type,
  timestampMs: hours * hour,
  quantity,
});

const joined = (...acts: Act[]) =>
  joinHistory(acts, indexOf).map(
    ({ itemIndex, timestampMs, weight }) =>
      `${known[itemIndex]} ×${weight} at ${timestampMs / hour}h`,
  );

describe("a user's acts as models see them", () => {
  test("a run on one item is one entry: strongest weight, first time", () => {
    assert.deepEqual(
      joined(act("view", "kettle", 1), act("purchase", "kettle", 2), act("view", "cup", 3)),
      ["kettle ×5 at 1h", "cup ×1 at 3h"],
    );
  });

  test("a pause of more than a day, or another item, ends a run", () => {
    assert.deepEqual(
      joined(act("view", "cup", 0), act("view", "cup", 24), act("view", "cup", 49)),
      ["cup ×1 at 0h", "cup ×1 at 49h"],
    );
    assert.equal(
      joined(act("view", "cup", 0), act("view", "tea", 1), act("view", "cup", 2)).length,
      3,
    );
  });

  test("a purchase returned whole does not count, a view of the item does", () => {
    assert.deepEqual(
      joined(act("view", "cup", 0), act("purchase", "cup", 30, 2), act("refund", "cup", 60)),
      ["cup ×1 at 0h"],
    );
    assert.deepEqual(joined(act("purchase", "cup", 0, 2), act("refund", "cup", 60, 1)), [
      "cup ×5 at 0h",
    ]);
  });

  test("items without an index, and types that say nothing, are left out", () => {
    assert.deepEqual(
      joined(
        act("view", "unknown", 0),
        act("remove_from_cart", "cup", 1),
        act("wishlist", "tea", 2),
      ),
      ["tea ×2 at 2h"],
    );
  });
});
