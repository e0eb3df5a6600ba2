import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { Decision } from "@magpie/data";
import { DecisionLog } from "./decision-log.ts";

const decision = (requestId: string): Decision => ({
  requestId,
  timestampMs: 0,
  scenario: "popular",
  snapshot: "s",
  pipeline: "popular/1",
  items: [],
});

/** A store in memory that notes how many decisions came in one turn of the event loop. */
function memory() {
  const stored: string[] = [];
  const batches: number[] = [];
  let open = false;
  return {
    stored,
    batches,
    async append({ requestId }: Decision) {
      if (!open) {
        open = true;
        batches.push(0);
        setImmediate(() => (open = false));
      }
      batches[batches.length - 1]!++;
      stored.push(requestId);
    },
  };
}

describe("the decision log", () => {
  test("writes what was gathered together, and settles when it is durable", async () => {
    const store = memory();
    const log = new DecisionLog(store, (error) => assert.fail(String(error)));
    log.add(decision("a"));
    log.add(decision("b"));
    assert.deepEqual(store.stored, []);
    await log.settle();
    assert.deepEqual(store.stored, ["a", "b"]);
    assert.deepEqual(store.batches, [2]);
  });

  test("writes by itself after a while", async () => {
    const store = memory();
    const log = new DecisionLog(store, (error) => assert.fail(String(error)), 20);
    log.add(decision("a"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(store.stored, ["a"]);
  });

  test("does not gather without end", async () => {
    const store = memory();
    const log = new DecisionLog(store, (error) => assert.fail(String(error)));
    for (let i = 0; i < 256; i++) log.add(decision(String(i)));
    assert.equal(store.stored.length, 256);
    await log.settle();
  });

  test("tells of a failure and goes on", async () => {
    const failures: unknown[] = [];
    let broken = true;
    const log = new DecisionLog(
      {
        async append() {
          if (broken) throw new Error("disk full");
        },
      },
      (error) => failures.push(error),
    );
    log.add(decision("a"));
    await log.settle();
    broken = false;
    log.add(decision("b"));
    await log.settle();
    assert.equal(failures.length, 1);
  });
});
