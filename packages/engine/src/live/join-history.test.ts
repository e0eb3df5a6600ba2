import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "vitest";
import { buildSequences, historyOf, itemVocabulary, openStore, userVocabulary } from "@magpie/data";
import type { Event, EventType, ItemIndex } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { LiveHistories, type Act } from "./histories.ts";
import { joinHistory } from "./join-history.ts";

const hour = 3_600_000;
const known = ["", "kettle", "cup", "tea"];
const indexOf = (id: string) => known.indexOf(id) as ItemIndex | -1;

let serial = 0;
const act = (type: EventType, itemId: string, hours: number, quantity = 1): Act => ({
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
      joined(act("view", "cup", 0), act("purchase", "cup", 30, 2), act("refund", "cup", 60, 2)),
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

describe("serving and training", () => {
  test("see the same past in the same events", async () => {
    const directory = await mkdtemp(join(tmpdir(), "magpie-join-"));
    const store = await openStore(directory);
    const random = seededRandom(5, "join-history");
    const types: EventType[] = ["view", "view", "add_to_cart", "purchase", "refund", "impression"];
    const events = Array.from({ length: 1_500 }, (_, i): Event => {
      const isPersonal = random.next() < 0.9;
      return {
        eventId: `e${i}`,
        type: types[random.int(types.length)]!,
        userId: `u${random.int(40)}`,
        // Few items and unequal gaps, so that runs, pauses and returns all occur.
        timestampMs: Date.UTC(2026, 0, 1) + i * 7 * 60_000 * (1 + random.int(3)),
        items: [
          {
            itemId: known[1 + random.int(3)]!,
            ...(random.next() < 0.5 && { quantity: 1 + random.int(2) }),
          },
        ],
        ...(!isPersonal && { consent: { personalization: false } }),
      };
    });
    await store.events.append(events, "test");
    const users = userVocabulary(await store.events.userKeys());
    const sequences = await buildSequences(store.events, {
      users,
      items: itemVocabulary(known.slice(1)),
    });
    const histories = new LiveHistories(store.events);
    for (const [u, user] of users.ids().entries()) {
      const { items, weights, timestampsMs } = historyOf(sequences, u);
      const entries = joinHistory(await histories.of(user), indexOf);
      assert.deepEqual(
        entries,
        Array.from(items, (itemIndex, p) => ({
          itemIndex,
          timestampMs: timestampsMs![p]!,
          weight: weights![p]!,
        })),
      );
    }
    await store.close();
    await rm(directory, { recursive: true });
  });
});
