import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Event, EventType, Item } from "@magpie/domain";
import { afterEach, beforeEach, describe, test } from "vitest";
import { historyOf, type Sequences } from "../sequences.ts";
import { openStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import { buildSequences, buildVocabularies, type Vocabularies } from "./build-sequences.ts";
import { itemVocabulary } from "./vocabulary.ts";

const startMs = Date.UTC(2026, 0, 1);
const hourMs = 3_600_000;
let folder: string;
let store: Store;
let serial = 0;

const item = (id: string): Item => ({
  id,
  title: id,
  variants: [{ id, price: { amount: 1, currency: "USD" }, availability: { available: true } }],
});

function event(
  user: string,
  type: EventType,
  itemId: string,
  hour: number,
  more: Partial<Event> = {},
): Event {
  return {
    eventId: `e${serial++}`,
    type,
    userId: user,
    timestampMs: startMs + hour * hourMs,
    items: [{ itemId }],
    ...more,
  };
}

const bought =
  (quantity: number) =>
  (itemId: string): Partial<Event> => ({ items: [{ itemId, quantity }] });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sequences-"));
  store = await openStore(join(folder, "store"));
  await store.catalog.upsert(["a", "b", "c"].map(item), "test");
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function build(
  events: Event[],
  options = {},
): Promise<{ sequences: Sequences; vocabularies: Vocabularies }> {
  await store.events.append(events, "test");
  const vocabularies = await buildVocabularies(store.events, store.catalog);
  return { vocabularies, sequences: await buildSequences(store.events, vocabularies, options) };
}

/** A user's interactions as "item×weight". */
function shownOf(
  { sequences, vocabularies }: Awaited<ReturnType<typeof build>>,
  user: string,
): string[] {
  const { items, weights } = historyOf(sequences, vocabularies.users.indexOf(user));
  return [...items].map((index, i) => `${vocabularies.items.idOf(index)}×${weights![i]}`);
}

describe("buildSequences", () => {
  test("orders each user's acts by time, whatever the order of the log", async () => {
    const built = await build([
      event("u", "view", "c", 3),
      event("v", "view", "a", 1),
      event("u", "view", "a", 1),
      event("u", "view", "b", 2),
    ]);
    assert.deepEqual(shownOf(built, "u"), ["a×1", "b×1", "c×1"]);
    assert.deepEqual(shownOf(built, "v"), ["a×1"]);
    const times = historyOf(built.sequences, built.vocabularies.users.indexOf("u")).timestampsMs!;
    assert.deepEqual(
      [...times],
      [1, 2, 3].map((hour) => startMs + hour * hourMs),
    );
  });

  test("makes one interaction of a run on the same item, with the strongest weight", async () => {
    const events = [
      event("u", "view", "a", 1),
      event("u", "add_to_cart", "a", 2),
      event("u", "view", "b", 3),
      event("u", "view", "a", 4),
      event("u", "view", "a", 60),
    ];
    const built = await build(events);
    assert.deepEqual(shownOf(built, "u"), ["a×3", "b×1", "a×1", "a×1"]);
    const again = async (repeats: "first" | "keep") => ({
      ...built,
      sequences: await buildSequences(store.events, built.vocabularies, { repeats }),
    });
    assert.deepEqual(shownOf(await again("first"), "u"), ["a×3", "b×1"]);
    assert.deepEqual(shownOf(await again("keep"), "u"), ["a×1", "a×3", "b×1", "a×1", "a×1"]);
  });

  test("leaves out purchases that were returned whole, and keeps partly returned ones", async () => {
    const built = await build([
      event("u", "purchase", "a", 1, bought(1)("a")),
      event("u", "purchase", "b", 2, bought(3)("b")),
      event("u", "refund", "a", 3, bought(1)("a")),
      event("u", "refund", "b", 4, bought(1)("b")),
    ]);
    assert.deepEqual(shownOf(built, "u"), ["b×5"]);
  });

  test("leaves out types without weight, unknown items and events without consent", async () => {
    const built = await build([
      event("u", "impression", "a", 1),
      event("u", "view", "stranger", 2),
      event("u", "view", "b", 3, { consent: { personalization: false } }),
      event("u", "view", "c", 4),
    ]);
    assert.deepEqual(shownOf(built, "u"), ["c×1"]);
  });

  test("keeps to a period, and users without interactions keep an empty row", async () => {
    const built = await build([event("u", "view", "a", 1), event("v", "view", "b", 5)], {
      fromMs: startMs + 2 * hourMs,
      toMs: startMs + 6 * hourMs,
    });
    assert.deepEqual(shownOf(built, "u"), []);
    assert.deepEqual(shownOf(built, "v"), ["b×1"]);
    assert.equal(built.sequences.userCount, 2);
  });

  test("numbers what a former vocabulary knows as before", async () => {
    const { vocabularies } = await build([event("u", "view", "a", 1)]);
    const previous = { ...vocabularies, items: itemVocabulary(["c"]) };
    const next = await buildVocabularies(store.events, store.catalog, previous);
    assert.deepEqual(next.items.ids(), ["c", "a", "b"]);
  });
});
