import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { gateEvent, mayPersonalize } from "./ingest.ts";

const now = Date.parse("2026-03-01T12:00:00Z");
const view = { type: "view", userId: "u1", items: [{ itemId: "i1" }] };

const refused = (input: unknown) => {
  const gated = gateEvent(input, now);
  assert.equal(gated.pass, false);
  return gated as Extract<typeof gated, { pass: false }>;
};

const passed = (input: unknown) => {
  const gated = gateEvent(input, now);
  assert.equal(gated.pass, true, JSON.stringify(gated));
  return (gated as Extract<typeof gated, { pass: true }>).event;
};

describe("the gate for live events", () => {
  test("gives an event without id and time a UUID v7 and the time of arrival", () => {
    const event = passed(view);
    assert.match(event.eventId, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
    assert.equal(event.timestampMs, now);
    assert.deepEqual(event.items, [{ itemId: "i1" }]);
    assert.ok(!("timestamp" in event));
  });

  test("keeps an id and a time that were sent", () => {
    const event = passed({ ...view, eventId: "e7", timestamp: "2026-03-01T19:59:00+08:00" });
    assert.equal(event.eventId, "e7");
    assert.equal(event.timestampMs, now - 60_000);
  });

  test("names the field of a wrong shape", () => {
    const { code, field, message } = refused({ ...view, items: [{ itemId: 7 }] });
    assert.equal(code, "INVALID_EVENT");
    assert.equal(field, "items[0].itemId");
    assert.match(message, /string.*found 7/);
  });

  test.each([null, 7, "view", [], undefined])("refuses %j as an event", (input) => {
    assert.equal(refused(input).code, "INVALID_EVENT");
  });

  test("refuses an event of nobody", () => {
    assert.equal(refused({ type: "view", items: [{ itemId: "i1" }] }).code, "MISSING_ACTOR");
  });

  test("takes a visitor for an actor", () => {
    assert.equal(passed({ type: "home_view", visitorId: "v1" }).visitorId, "v1");
  });

  test("refuses an act on an item that names none", () => {
    assert.equal(refused({ type: "purchase", userId: "u1" }).code, "MISSING_ITEMS");
    assert.equal(refused({ ...view, items: [] }).code, "MISSING_ITEMS");
  });

  test("lets a search without items pass", () => {
    assert.equal(passed({ type: "search", userId: "u1", query: "鞋" }).query, "鞋");
  });

  test("refuses a time beyond a wrong clock's reach and says how far it lies", () => {
    passed({ ...view, timestamp: "2026-03-01T12:09:00Z" });
    const { code, message } = refused({ ...view, timestamp: "2026-03-01T20:00:00Z" });
    assert.equal(code, "TIMESTAMP_IN_FUTURE");
    assert.equal(message, "2026-03-01T20:00:00Z lies 8 hours in the future");
  });

  test("refuses a time that belongs into an import", () => {
    const { code, hint } = refused({ ...view, timestamp: "2019-01-01T00:00:00Z" });
    assert.equal(code, "TIMESTAMP_TOO_OLD");
    assert.match(hint, /magpie import events/);
  });

  test("drops what its sender did not agree to have kept", () => {
    const gated = gateEvent({ ...view, eventId: "e1", consent: { analytics: false } }, now);
    assert.deepEqual(gated, { pass: "dropped", id: "e1" });
  });

  test("keeps the wish not to be personalised with the event", () => {
    assert.equal(mayPersonalize(passed({ ...view, consent: { personalization: false } })), false);
    assert.equal(mayPersonalize(passed({ ...view, consent: { analytics: true } })), true);
    assert.equal(mayPersonalize(passed(view)), true);
  });
});
