import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { Sequences } from "@magpie/data";
import { chooseSplit } from "./choose-split.ts";

const dayMs = 24 * 3_600_000;

/** `users` users with `length` interactions each, spread evenly over `days`. */
function log(users: number, length: number, days: number): Sequences {
  const total = users * length;
  return {
    userCount: users,
    itemCount: 50,
    offsets: Int32Array.from({ length: users + 1 }, (_, u) => u * length),
    items: Int32Array.from({ length: total }, (_, i) => 1 + ((i * 7) % 50)),
    timestampsMs: Float64Array.from(
      { length: total },
      (_, i) => ((i % length) / length) * days * dayMs + i,
    ),
  };
}

describe("choosing a split", () => {
  test("takes the time split where the log spans enough days", () => {
    const { split, why } = chooseSplit(log(50, 20, 60), 1);
    assert.match(split!.protocol, /^global time split/);
    assert.deepEqual(why, []);
  });

  test("takes leave-one-out for a log of a few days, and says why", () => {
    const { split, why } = chooseSplit(log(50, 20, 3), 1);
    assert.equal(split!.protocol, "leave-one-out");
    assert.match(why.join(), /spans 2\.9 days, and it takes 14/);
  });

  test("measures nothing with a handful of users, and says why", () => {
    const { split, why } = chooseSplit(log(5, 20, 60), 1);
    assert.equal(split, undefined);
    assert.match(why.join(), /leaves 5 users.*no measurement: 5 users have three interactions/);
  });

  test("adds moments within visits where users have visits", () => {
    const { inVisit } = chooseSplit(log(50, 20, 60), 1);
    assert.equal(inVisit, undefined);
    // One act every 20 minutes from day to day: all of one visit.
    const { split, inVisit: within } = chooseSplit(log(50, 2_000, 25), 1);
    assert.match(split!.protocol, /^global time split/);
    assert.equal(within!.validation.pasts.length, 50);
    assert.equal(within!.test.pasts.length, 50);
  });

  test("takes an empty log", () => {
    const { split, why } = chooseSplit(log(0, 0, 0), 1);
    assert.equal(split, undefined);
    assert.equal(why.length, 2);
  });
});
