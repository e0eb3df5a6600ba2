import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { EncoderError, identityOf, normaliseRow, requireSameEncoder } from "./text-encoder.ts";

describe("an encoder's identity", () => {
  const stored = { name: "words", version: "1", width: 4 };

  test("fits itself and nothing else", () => {
    requireSameEncoder(stored, { ...stored });
    for (const other of [{ name: "e5" }, { version: "2" }, { width: 8 }]) {
      assert.throws(
        () => requireSameEncoder(stored, { ...stored, ...other }),
        (error) => error instanceof EncoderError && error.code === "ENCODER_MISMATCH",
      );
    }
  });

  test("is all that is kept of an encoder", () => {
    assert.deepEqual(identityOf({ ...stored, encode: 1 } as typeof stored), stored);
  });
});

test("a vector is scaled to length 1, and zeros stay zeros", () => {
  const vector = Float32Array.of(3, 4);
  normaliseRow(vector);
  assert.deepEqual([...vector], [0.6, 0.8].map(Math.fround));
  const zeros = new Float32Array(2);
  normaliseRow(zeros);
  assert.deepEqual([...zeros], [0, 0]);
});
