import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { actorOf, eventTypes, feedbackWeight, isAvailable, type Item } from "./index.ts";

describe("actorOf", () => {
  test("prefers the user over the visitor", () => {
    assert.equal(actorOf({ userId: "u", visitorId: "v" }), "u");
    assert.equal(actorOf({ visitorId: "v" }), "v");
  });

  test("is an internal error without both", () => {
    assert.throws(() => actorOf({}), /^Error: internal:/);
  });
});

describe("feedbackWeight", () => {
  test("orders view < cart < purchase", () => {
    assert.ok(feedbackWeight("view") < feedbackWeight("add_to_cart"));
    assert.ok(feedbackWeight("add_to_cart") < feedbackWeight("purchase"));
  });

  test("what was only shown, or taken back, does not speak for an item", () => {
    for (const type of ["impression", "search", "remove_from_cart", "refund"] as const) {
      assert.equal(feedbackWeight(type), 0);
    }
  });

  test("is defined for every event type", () => {
    for (const type of eventTypes) assert.ok(feedbackWeight(type) >= 0);
  });
});

describe("event types", () => {
  test("keep the codes that packed segments hold", () => {
    assert.deepEqual(
      ["view", "add_to_cart", "purchase", "refund", "feedback"].map((type) =>
        (eventTypes as readonly string[]).indexOf(type),
      ),
      [0, 5, 10, 11, 18],
    );
  });
});

describe("isAvailable", () => {
  const item = (...available: boolean[]): Item => ({
    id: "p",
    title: "P",
    variants: available.map((value, i) => ({
      id: `v${i}`,
      price: { amount: 1, currency: "USD" },
      availability: { available: value },
    })),
  });

  test("one variant in stock is enough", () => {
    assert.equal(isAvailable(item(false, true)), true);
    assert.equal(isAvailable(item(false, false)), false);
  });
});
