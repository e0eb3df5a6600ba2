import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { userId, type Event, type EventType } from "@magpie/domain";
import { cartItems, LiveHistories, liveHistoriesDefaults, type RecentEvents } from "./histories.ts";

const anna = userId("anna");

let serial = 0;
const act = (type: EventType, itemId: string, timestampMs: number, quantity = 1): Event => ({
  eventId: `e${++serial}`,
  type,
  timestampMs,
  userId: "anna",
  items: [{ itemId, quantity }],
});

/** A log in memory that answers when told to. */
class Log implements RecentEvents {
  readonly events: Event[] = [];
  reads = 0;
  readonly #waiting: (() => void)[] = [];
  held = false;

  async byUser(_user: string, limit: number): Promise<Event[]> {
    this.reads++;
    const answer = this.events.slice(-limit).reverse();
    if (this.held) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return answer;
  }

  answer(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

const ids = (acts: readonly { itemId: string }[]) => acts.map(({ itemId }) => itemId).join(" ");

describe("live histories", () => {
  test("come from the store, oldest first, and are read once", async () => {
    const log = new Log();
    log.events.push(act("view", "a", 1), act("purchase", "b", 2));
    const histories = new LiveHistories(log);
    assert.equal(ids(await histories.of(anna)), "a b");
    assert.equal(ids(await histories.of(anna)), "a b");
    assert.equal(log.reads, 1);
  });

  test("a recorded event is in the next answer", async () => {
    const histories = new LiveHistories(new Log());
    assert.equal(ids(await histories.of(anna)), "");
    histories.record(act("view", "a", 1));
    assert.equal(ids(await histories.of(anna)), "a");
  });

  test("an event of a user who is not in memory waits in the store", async () => {
    const log = new Log();
    const histories = new LiveHistories(log);
    const event = act("view", "a", 1);
    log.events.push(event);
    histories.record(event);
    assert.equal(histories.size, 0);
    assert.equal(ids(await histories.of(anna)), "a");
  });

  test.each(["before", "after"])(
    "an event recorded during the first read, stored %s it, is there exactly once",
    async (order) => {
      const log = new Log();
      log.events.push(act("view", "a", 1));
      log.held = true;
      const histories = new LiveHistories(log);
      const event = act("view", "b", 2);
      if (order === "before") log.events.push(event);
      const reading = histories.of(anna);
      histories.record(event);
      log.answer();
      assert.equal(ids(await reading), "a b");
      assert.equal(ids(await histories.of(anna)), "a b");
    },
  );

  test("a late event takes its place in time", async () => {
    const histories = new LiveHistories(new Log());
    await histories.of(anna);
    histories.record(act("view", "second", 20));
    histories.record(act("view", "first", 10));
    assert.equal(ids(await histories.of(anna)), "first second");
  });

  test("acts without consent to personalisation, and types that say nothing, leave no trace", async () => {
    const histories = new LiveHistories(new Log());
    await histories.of(anna);
    histories.record({ ...act("view", "a", 1), consent: { personalization: false } });
    histories.record(act("impression", "b", 2));
    assert.equal(ids(await histories.of(anna)), "");
  });

  test("the user asked for longest ago leaves first", async () => {
    const log = new Log();
    const histories = new LiveHistories(log, { ...liveHistoriesDefaults, maxUsers: 2 });
    await histories.of(anna);
    await histories.of(userId("bob"));
    await histories.of(anna);
    await histories.of(userId("carol"));
    assert.equal(histories.size, 2);
    const before = log.reads;
    await histories.of(anna);
    assert.equal(log.reads, before, "anna was used after bob and is still there");
    await histories.of(userId("bob"));
    assert.equal(log.reads, before + 1);
  });

  test("only the newest acts of a busy user are kept", async () => {
    const histories = new LiveHistories(new Log(), { ...liveHistoriesDefaults, maxActs: 2 });
    await histories.of(anna);
    for (const [i, id] of ["a", "b", "c"].entries()) histories.record(act("view", id, i));
    assert.equal(ids(await histories.of(anna)), "b c");
  });

  test("a user erased during the first read does not come back", async () => {
    const log = new Log();
    log.events.push(act("view", "a", 1));
    log.held = true;
    const histories = new LiveHistories(log);
    const reading = histories.of(anna);
    histories.forget(anna);
    log.answer();
    assert.equal(ids(await reading), "");
    assert.equal(histories.size, 0);
  });
});

describe("what acts leave behind", () => {
  const recorded = async (...events: Event[]) => {
    const histories = new LiveHistories(new Log());
    await histories.of(anna);
    for (const event of events) histories.record(event);
    return histories.of(anna);
  };

  test("the cart holds what was added, not removed, and not bought since", async () => {
    const acts = await recorded(
      act("add_to_cart", "old", 1),
      act("purchase", "old", 2),
      act("add_to_cart", "shoes", 3),
      act("add_to_cart", "hat", 4),
      act("remove_from_cart", "hat", 5),
    );
    assert.deepEqual(cartItems(acts), ["shoes"]);
  });
});
