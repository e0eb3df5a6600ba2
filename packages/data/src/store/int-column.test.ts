import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { packInts, unpackInts } from "./int-column.ts";

describe("packed numbers", () => {
  test("come back as they were", () => {
    const integers = fc.maxSafeInteger();
    const doubles = fc.double({ noNaN: true }).map((value) => (value === 0 ? 0 : value));
    fc.assert(
      fc.property(
        fc.oneof(fc.array(integers), fc.array(fc.nat(300)), fc.array(doubles)),
        (values) => {
          const packed = packInts(values, values.length);
          const out = unpackInts(
            packed,
            packed.bytes,
            values.length,
            new Float64Array(values.length),
          );
          assert.deepEqual([...out], values);
        },
      ),
    );
  });

  test("take the bytes that their widest distance needs", () => {
    const width = (...values: number[]) => packInts(values, values.length).width;
    assert.equal(width(), 0);
    assert.equal(width(7, 7, 7), 0);
    assert.equal(width(-5, 250), 1);
    assert.equal(width(0, 256), 2);
    assert.equal(width(1_700_000_000_000, 1_700_000_065_536), 4);
    assert.equal(width(0, 2 ** 32), 8);
    assert.equal(width(0, 0.5), 8);
  });

  test("leave what is beyond the length alone", () => {
    const out = unpackInts({ width: 0, base: 3 }, new Uint8Array(0), 2, new Int32Array(4));
    assert.deepEqual([...out], [3, 3, 0, 0]);
  });
});
