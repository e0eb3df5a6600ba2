import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { hashText } from "./text-hash.ts";

const words = (text: string, seed: number) => {
  const { a, b, c } = hashText(text, seed, { a: 0, b: 0, c: 0 });
  return [a, b, c].map((word) => word.toString(16).padStart(8, "0")).join(" ");
};

/** MurmurHash3 x86-128 as its paper code does it: over bytes, with 64-bit arithmetic. */
function reference(bytes: Uint8Array, seed: number): string {
  const mask = 0xffff_ffffn;
  const c = [0x239b961bn, 0xab0e9789n, 0x38b34ae5n, 0xa1e38b93n];
  const keyTurns = [15n, 16n, 17n, 18n];
  const stateTurns = [19n, 17n, 15n, 13n];
  const added = [0x561ccd1bn, 0x0bcaa747n, 0x96cd1c35n, 0x32ac3b17n];
  const turn = (x: bigint, r: bigint) => ((x << r) | (x >> (32n - r))) & mask;
  const scramble = (k: bigint, i: number) =>
    (turn((k * c[i]!) & mask, keyTurns[i]!) * c[(i + 1) % 4]!) & mask;
  const h = [0, 1, 2, 3].map(() => BigInt(seed));
  const word = (at: number) =>
    [0, 1, 2, 3].reduce((k, i) => k | (BigInt(bytes[at + i] ?? 0) << BigInt(8 * i)), 0n);
  const blocks = Math.floor(bytes.length / 16);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 4; i++) {
      h[i] = turn(h[i]! ^ scramble(word(block * 16 + i * 4), i), stateTurns[i]!);
      h[i] = ((h[i]! + h[(i + 1) % 4]!) * 5n + added[i]!) & mask;
    }
  }
  for (let i = 0; i < 4; i++) h[i] = h[i]! ^ scramble(word(blocks * 16 + i * 4), i);
  const sum = () => {
    h[0] = (h[0]! + h[1]! + h[2]! + h[3]!) & mask;
    for (let i = 1; i < 4; i++) h[i] = (h[i]! + h[0]) & mask;
  };
  for (let i = 0; i < 4; i++) h[i] = h[i]! ^ BigInt(bytes.length);
  sum();
  for (let i = 0; i < 4; i++) {
    let x = h[i]!;
    x = ((x ^ (x >> 16n)) * 0x85ebca6bn) & mask;
    x = ((x ^ (x >> 13n)) * 0xc2b2ae35n) & mask;
    h[i] = x ^ (x >> 16n);
  }
  sum();
  return [h[0]!, h[1]!, h[2]!].map((x) => x.toString(16).padStart(8, "0")).join(" ");
}

describe("the hash of a text", () => {
  test("is MurmurHash3 x86-128 of its UTF-16 bytes, at every length", () => {
    const text = "喜鹊 magpie: 0f8fad5b-d9cb-469f-a165-70867728950e 😀";
    for (let length = 0; length <= text.length; length++) {
      const part = text.slice(0, length);
      for (const seed of [0, 1, 0x9747b28c]) {
        if (length === 0 && seed === 0) continue; // word c would be 0, which marks empty places
        assert.equal(words(part, seed), reference(Buffer.from(part, "utf16le"), seed), part);
      }
    }
  });

  test("never has an empty last word", () => {
    assert.equal(words("", 0), "00000000 00000000 00000001");
  });

  test("tells ids apart that differ by zeros at the end", () => {
    assert.notEqual(words("a", 1), words("a\0", 1));
  });
});
