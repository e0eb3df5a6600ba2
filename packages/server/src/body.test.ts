import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { parseJson } from "./body.ts";
import { HttpError } from "./problems.ts";

/** What a body is refused with. */
function refusal(body: string | Buffer): HttpError {
  try {
    parseJson(Buffer.from(body));
  } catch (error) {
    assert.ok(error instanceof HttpError, String(error));
    return error;
  }
  return assert.fail("the body was accepted");
}

describe("a JSON body", () => {
  test("is what JSON.parse makes of it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        assert.deepEqual(parseJson(Buffer.from(text)), JSON.parse(text));
      }),
    );
  });

  test("may begin with a byte order mark", () => {
    assert.deepEqual(parseJson(Buffer.from("\uFEFF[1]")), [1]);
  });

  test("is undefined when it is empty", () => {
    assert.equal(parseJson(Buffer.alloc(0)), undefined);
  });

  test.each(["{", "{'a':1}", '{"a":NaN}', "[1,]", "// no", "undefined"])(
    "is refused when it is not JSON: %s",
    (body) => {
      assert.equal(refusal(body).code, "MALFORMED_JSON");
    },
  );

  test("names the first byte that is not UTF-8", () => {
    const gbk = Buffer.concat([Buffer.from('["中é'), Buffer.from([0xd6, 0xd0]), Buffer.from('"]')]);
    // [ and " are bytes 0 and 1, 中 takes 2-4, é takes 5 and 6.
    assert.match(refusal(gbk).message, /^Byte 7 /);
    assert.equal(refusal(gbk).code, "INVALID_ENCODING");
  });

  test("names the place for every kind of broken sequence", () => {
    for (const broken of [[0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5], [0xe4, 0xb8]]) {
      const body = Buffer.concat([Buffer.from('"ab'), Buffer.from(broken), Buffer.from('"')]);
      assert.match(refusal(body).message, /^Byte 3 /, String(broken));
    }
  });

  test("may be 64 levels deep and no deeper", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    assert.ok(Array.isArray(parseJson(Buffer.from(nested(64)))));
    assert.equal(refusal(nested(65)).code, "TOO_DEEP");
    assert.equal(refusal("[".repeat(500_000)).code, "TOO_DEEP");
  });

  test("may hold any number of brackets inside strings", () => {
    const text = JSON.stringify({ a: "[".repeat(100), b: '\\"[{'.repeat(100) });
    assert.deepEqual(parseJson(Buffer.from(text)), JSON.parse(text));
  });
});
