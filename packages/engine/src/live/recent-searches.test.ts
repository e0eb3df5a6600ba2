import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { userId, type Event } from "@magpie/domain";
import { RecentSearches } from "./recent-searches.ts";

const ann = userId("ann");
let count = 0;
const search = (query: string, more: Partial<Event> = {}): Event => ({
  eventId: `e${count++}`,
  type: "search",
  visitorId: "ann",
  query,
  timestampMs: count,
  ...more,
});

/** A log that may be read slowly, as it was when the read began. */
function logOf(...events: Event[]) {
  let reads = 0;
  return {
    events,
    get reads() {
      return reads;
    },
    async byUser() {
      reads++;
      const then = events.toReversed();
      await Promise.resolve();
      return then;
    },
  };
}

describe("recent searches", () => {
  test("come newest first, each once, as typed last", async () => {
    const searches = new RecentSearches(
      logOf(search("red lamp"), search("tv"), search(" Red  LAMP "), search("  ")),
    );
    assert.deepEqual(await searches.of(ann), ["Red  LAMP", "tv"]);
  });

  test("are searches that the person agreed to, and nothing else", async () => {
    const searches = new RecentSearches(
      logOf(
        search("secret", { consent: { personalization: false } }),
        search("seen", { type: "view" }),
        search("tv"),
      ),
    );
    assert.deepEqual(await searches.of(ann), ["tv"]);
  });

  test("are read once, and again after the person searched", async () => {
    const log = logOf(search("tv"));
    const searches = new RecentSearches(log);
    await searches.of(ann);
    assert.deepEqual(await searches.of(ann), ["tv"]);
    assert.equal(log.reads, 1);
    const next = search("lamp");
    log.events.push(next);
    searches.record(next);
    assert.deepEqual(await searches.of(ann), ["lamp", "tv"]);
    assert.equal(log.reads, 2);
  });

  test("a search that comes while they are read is there the next time", async () => {
    const log = logOf(search("tv"));
    const searches = new RecentSearches(log);
    const reading = searches.of(ann);
    const next = search("lamp");
    log.events.push(next);
    searches.record(next);
    assert.deepEqual(await reading, ["tv"]);
    assert.deepEqual(await searches.of(ann), ["lamp", "tv"]);
  });

  test("a read that failed is tried again", async () => {
    let broken = true;
    const searches = new RecentSearches({
      async byUser() {
        if (broken) throw new Error("disk");
        return [search("tv")];
      },
    });
    await assert.rejects(searches.of(ann), /disk/);
    broken = false;
    assert.deepEqual(await searches.of(ann), ["tv"]);
  });
});
