import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { instantOf, periodOf } from "./schedule.ts";

const iso = (local: string, zone: string) => new Date(instantOf(local, zone)).toISOString();

describe("a moment of a schedule", () => {
  test("is read in its time zone", () => {
    assert.equal(iso("2026-11-11T00:00", "Asia/Shanghai"), "2026-11-10T16:00:00.000Z");
    assert.equal(iso("2026-07-01T12:00", "Europe/Berlin"), "2026-07-01T10:00:00.000Z");
    assert.equal(iso("2026-01-01T12:00", "Europe/Berlin"), "2026-01-01T11:00:00.000Z");
    assert.equal(iso("2026-01-01T12:00:30", "Asia/Kathmandu"), "2026-01-01T06:15:30.000Z");
  });

  test("with an offset does not ask the zone", () => {
    assert.equal(iso("2026-11-11T00:00+08:00", "Europe/Berlin"), "2026-11-10T16:00:00.000Z");
    assert.equal(iso("2026-11-11T00:00:00Z", "Asia/Shanghai"), "2026-11-11T00:00:00.000Z");
  });

  test("that the clocks skip counts from before the jump, one shown twice is the first", () => {
    // Berlin, 2026: 02:00 → 03:00 on 29 March; 03:00 → 02:00 on 25 October.
    assert.equal(iso("2026-03-29T02:30", "Europe/Berlin"), "2026-03-29T01:30:00.000Z");
    assert.equal(iso("2026-10-25T02:30", "Europe/Berlin"), "2026-10-25T00:30:00.000Z");
    assert.equal(iso("2026-03-29T03:00", "Europe/Berlin"), "2026-03-29T01:00:00.000Z");
    assert.equal(iso("2026-10-25T03:30", "Europe/Berlin"), "2026-10-25T02:30:00.000Z");
  });

  test("that does not exist is not a number", () => {
    assert.ok(Number.isNaN(instantOf("2026-02-31T00:00", "UTC")));
    assert.ok(Number.isNaN(instantOf("2026-02-31T00:00Z", "UTC")));
    assert.ok(Number.isNaN(instantOf("2026-01-01T25:00", "UTC")));
  });

  test("is always, without a schedule", () => {
    assert.deepEqual(periodOf(undefined), { fromMs: -Infinity, untilMs: Infinity });
  });

  test("in a zone that nobody knows is an error", () => {
    assert.throws(() => periodOf({ from: "2026-01-01T00:00", timeZone: "Mars/Base" }), RangeError);
  });
});
