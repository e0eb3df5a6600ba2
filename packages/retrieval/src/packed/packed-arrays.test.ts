import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { openArrays, openStrings, packArrays, packStrings } from "./packed-arrays.ts";

describe("packed arrays", () => {
  test("open as what they were, whatever their types, lengths and place in memory", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.int8Array(),
            fc.uint8Array(),
            fc.uint16Array(),
            fc.int32Array(),
            fc.uint32Array(),
            fc.float32Array(),
            fc.float64Array(),
          ),
          { maxLength: 6 },
        ),
        fc.string(),
        fc.nat(9),
        (list, note, shift) => {
          const arrays = Object.fromEntries(list.map((array, i) => [`part ${i}`, array]));
          const bytes = packArrays("test/1", { note }, arrays);
          const moved = new Uint8Array(bytes.length + shift);
          moved.set(bytes, shift);
          const opened = openArrays(moved.subarray(shift), "test/1");
          assert.deepEqual(opened.arrays, arrays);
          assert.deepEqual(opened.header, { note });
        },
      ),
    );
  });

  test("stand in the bytes themselves, without a copy", () => {
    const bytes = packArrays("test/1", {}, { numbers: Float32Array.of(1, 2) });
    assert.equal(openArrays(bytes, "test/1").arrays["numbers"]!.buffer, bytes.buffer);
  });
});

describe("packed strings", () => {
  test("open as what they were", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (strings) => {
        const { text, starts } = packStrings(strings);
        assert.deepEqual(
          openStrings(text, starts),
          strings.map((s) => s.toWellFormed()),
        );
      }),
    );
  });
});
