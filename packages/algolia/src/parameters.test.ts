import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { readParameters } from "./index.ts";

describe("parameters of a search", () => {
  test("leave the past out of the order only where that is said", () => {
    const asked = (given: object) => readParameters("products", given).request.personalise;
    assert.equal(asked({ query: "lamp", enablePersonalization: false }), false);
    assert.equal(
      readParameters("products", "query=lamp&enablePersonalization=false").request.personalise,
      false,
    );
    assert.equal(asked({ query: "lamp", enablePersonalization: true }), undefined);
    assert.equal(asked({ query: "lamp" }), undefined);
  });
});
