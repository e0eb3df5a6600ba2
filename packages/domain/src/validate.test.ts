import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { compile, eventSchema, itemSchema } from "./index.ts";

const checkEvent = compile(eventSchema);
const checkItem = compile(itemSchema);

const item = {
  id: "p1",
  title: "Kettle",
  variants: [
    { id: "p1-a", price: { amount: 1999, currency: "USD" }, availability: { available: true } },
  ],
};

function violationOf(check: typeof checkEvent | typeof checkItem, value: unknown) {
  const checked = check(value);
  assert.equal(checked.ok, false, "expected the value to be refused");
  return (checked as Extract<typeof checked, { ok: false }>).violations[0]!;
}

describe("compile", () => {
  test("accepts a valid event and hands it back unchanged", () => {
    const event = { type: "view", userId: "u1", items: [{ itemId: "p1" }] };
    const checked = checkEvent(event);
    assert.ok(checked.ok);
    assert.equal(checked.value, event);
  });

  test("names the place of a wrong value as the writer would", () => {
    const violation = violationOf(checkEvent, {
      type: "view",
      items: [{ itemId: "p1" }, { itemId: "p2", price: { amount: 19.99, currency: "USD" } }],
    });
    assert.equal(violation.field, "items[1].price.amount");
    assert.equal(violation.message, "must be integer, found 19.99");
  });

  test("lists the choices when a word is not one of them", () => {
    const violation = violationOf(checkEvent, { type: "vew" });
    assert.equal(violation.field, "type");
    assert.match(violation.message, /^must be one of view, click, .*; found "vew"$/);
  });

  test("names an unknown field", () => {
    assert.deepEqual(violationOf(checkEvent, { type: "view", itemID: "p1" }), {
      field: "itemID",
      message: 'unknown field "itemID"',
    });
  });

  test("names a missing field with its path", () => {
    assert.deepEqual(violationOf(checkItem, { ...item, variants: [{ id: "v" }] }), {
      field: "variants[0].price",
      message: 'required field "price" is missing',
    });
  });

  test("refuses a product without variants", () => {
    assert.equal(violationOf(checkItem, { ...item, variants: [] }).field, "variants");
  });

  test("refuses dates without a zone", () => {
    const violation = violationOf(checkEvent, { type: "view", timestamp: "2026-01-01 10:00:00" });
    assert.equal(violation.field, "timestamp");
  });

  test("shortens a long wrong value in its message", () => {
    const violation = violationOf(checkEvent, { type: "x".repeat(10_000) });
    assert.ok(violation.message.length < 500);
  });

  test("survives values that are no objects", () => {
    for (const value of [null, undefined, 1, "view", [], Number.NaN]) {
      assert.equal(checkEvent(value).ok, false);
    }
  });

  test("leaves injection strings as text", () => {
    const id = "'; DROP TABLE events; --";
    assert.ok(checkEvent({ type: "view", userId: id }).ok);
  });

  test("names arrays and objects by their shape", () => {
    const found = (type: unknown) =>
      /found .*$/.exec(violationOf(checkEvent, { type }).message)![0];
    assert.equal(found([1, 2]), "found an array of 2");
    assert.equal(found({}), "found an empty object");
    assert.equal(found({ a: 1, b: 2, c: 3, d: 4 }), 'found an object with "a", "b", "c", …');
  });

  test("keeps the names of numbers that JSON does not know", () => {
    const price = { amount: Infinity, currency: "USD" };
    const { message } = violationOf(checkEvent, { type: "view", value: price });
    assert.match(message, /found Infinity$/);
  });

  test("reports hostile nesting without overflowing the stack", () => {
    const deep: unknown = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
    assert.match(violationOf(checkEvent, { type: deep }).message, /found an array of 1$/);
  });
});
