import { routes } from "@magpie/contract";
import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { HttpError } from "./problems.ts";
import { validatorFor } from "./validation.ts";

const search = validatorFor(routes.search)({
  schema: routes.search.querystring,
  httpPart: "querystring",
});

function errorOf(outcome: ReturnType<typeof search>): HttpError {
  assert.ok("error" in outcome, "the request was accepted");
  return outcome.error as HttpError;
}

describe("query parameters", () => {
  test("become the types of their schema", () => {
    assert.deepEqual(
      search({
        query: "12",
        limit: "5",
        explain: "true",
        category: "Home, Garden",
        brand: ["a", "b"],
      }),
      {
        value: {
          query: "12",
          limit: 5,
          explain: true,
          category: ["Home, Garden"],
          brand: ["a", "b"],
        },
      },
    );
  });

  test.each([
    [{ limit: "5" }, "query.query", /required/],
    [{ query: "x", limit: "five" }, "query.limit", /must be integer, found "five"/],
    [{ query: "x", limit: "" }, "query.limit", /must be integer, found ""/],
    [{ query: "x", limit: "0x10" }, "query.limit", /found "0x10"/],
    [{ query: "x", limit: "1e2" }, "query.limit", /found "1e2"/],
    [{ query: "x", limit: "2.5" }, "query.limit", /must be integer, found 2.5/],
    [{ query: "x", limit: "-1" }, "query.limit", /must be >= 1, found -1/],
    [{ query: "x", limit: ["1", "2"] }, "query.limit", /must be integer, found an array of 2/],
    [{ query: "x", explain: "yes" }, "query.explain", /must be boolean, found "yes"/],
    [{ query: ["x", "y"] }, "query.query", /must be string, found an array of 2/],
    [{ query: "x", colour: "red" }, "query.colour", /unknown field "colour"/],
    [{ query: "x", toString: "1" }, "query.toString", /unknown field/],
  ])("%j is refused at %s", (query, field, message) => {
    const { fields, code } = errorOf(search(query));
    assert.equal(code, "INVALID_REQUEST");
    assert.equal(fields[0]!.field, field);
    assert.match(fields[0]!.message, message);
  });
});

describe("bodies", () => {
  test("may be absent only where the operation allows it", () => {
    const optional = validatorFor(routes.train)({ schema: routes.train.body, httpPart: "body" });
    assert.deepEqual(optional(null), { value: {} });
    const needed = validatorFor(routes.postSearch)({
      schema: routes.postSearch.body,
      httpPart: "body",
    });
    assert.equal(errorOf(needed(null)).code, "EMPTY_BODY");
  });
});
