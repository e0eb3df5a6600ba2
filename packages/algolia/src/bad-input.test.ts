import assert from "node:assert/strict";
import { RequestError } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { eventsOf, readFacetQuery, readParameters } from "./index.ts";

/** Reads or refuses; anything else would be an error of ours, and a 500 to the caller. */
function readsOrRefuses(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof RequestError, String(error));
    assert.equal(error.code, "INVALID_PARAMETER");
    assert.ok(error.hint.length > 0);
  }
}

const parameterNames = [
  "query",
  "page",
  "hitsPerPage",
  "offset",
  "length",
  "facets",
  "maxValuesPerFacet",
  "filters",
  "facetFilters",
  "numericFilters",
  "tagFilters",
  "aroundLatLng",
  "aroundRadius",
  "insideBoundingBox",
  "attributesToRetrieve",
  "attributesToHighlight",
  "attributesToSnippet",
  "highlightPreTag",
  "getRankingInfo",
  "userToken",
  "enablePersonalization",
  "queryLanguages",
  "params",
] as const;

/** Text of the dialect's own pieces in any order, which comes further than chance does. */
const almostFilters = fc
  .array(
    fc.constantFrom(
      "(",
      ")",
      " AND ",
      " OR ",
      "NOT ",
      "brand",
      ":",
      '"',
      "'",
      "<=",
      " TO ",
      "-3",
      "价",
    ),
    { maxLength: 30 },
  )
  .map((pieces) => pieces.join(""));
const anyValue = fc.oneof(
  fc.jsonValue(),
  almostFilters,
  fc.constantFrom(-1, 1e300, "1e300", "[", '["a",', "NaN", "91,0", ",", "[[1,2,3]]", {}, [[]]),
);

describe("whatever a client sends", () => {
  test("parameters are read or refused by name", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...parameterNames), anyValue, { noNullPrototype: true }),
        fc.string(),
        (given, name) => {
          readsOrRefuses(() => readParameters(name, given));
          readsOrRefuses(() => readFacetQuery("products", name, given));
        },
      ),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.jsonValue(), (given) => readsOrRefuses(() => readParameters("p", given))),
    );
  });

  test("events are read or refused with their place", () => {
    const field = fc.constantFrom(
      "eventType",
      "eventSubtype",
      "userToken",
      "timestamp",
      "queryID",
      "objectIDs",
      "positions",
      "objectData",
      "currency",
    );
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom("view", "click", "conversion", 1e300, 8.64e15, 8.64e15 + 1, "soon"),
    );
    fc.assert(
      fc.property(fc.array(fc.dictionary(field, value), { maxLength: 3 }), (events) =>
        readsOrRefuses(() =>
          eventsOf({
            events: events.map((one) => ({ eventType: "view", userToken: "v", ...one })),
          }),
        ),
      ),
      { numRuns: 1_000 },
    );
    const event = { eventType: "view", userToken: "v", objectIDs: ["a"] };
    assert.throws(() => eventsOf({ events: [event, { ...event, timestamp: 1e300 }] }), {
      code: "INVALID_PARAMETER",
      message: "events[1].timestamp: is no time.",
    });
    assert.equal(
      eventsOf({ events: [{ ...event, timestamp: 1_700_000_000_000 }] })[0]!.timestamp,
      "2023-11-14T22:13:20.000Z",
    );
  });

  test("filters of ten thousand brackets or negations are refused", () => {
    for (const filters of ["(".repeat(10_000), "NOT ".repeat(5_000)]) {
      assert.throws(() => readParameters("products", { filters }), { code: "INVALID_PARAMETER" });
    }
  });
});
