import assert from "node:assert/strict";
import { describe, test } from "vitest";
import {
  f32,
  f32x4,
  i16x8,
  i32,
  i32x4,
  instantiate,
  repeatWhile,
  v128,
  wasmFunction,
  when,
} from "./wasm.ts";

const onePage = () => new WebAssembly.Memory({ initial: 1 });

describe("the assembler", () => {
  test("encodes constants of every size and sign", () => {
    for (const value of [
      0,
      1,
      63,
      64,
      -1,
      -64,
      -65,
      127,
      128,
      8191,
      -8192,
      2 ** 31 - 1,
      -(2 ** 31),
    ]) {
      const same = wasmFunction("same", [], "i32", () => [i32.const(value)]);
      assert.equal(instantiate([same], onePage()).same(), value);
    }
    const third = wasmFunction("third", [], "f32", () => [f32.const(1 / 3)]);
    assert.equal(instantiate([third], onePage()).third(), Math.fround(1 / 3));
  });

  test("runs the dot product of its own documentation", () => {
    const dot = wasmFunction("dot", ["i32", "i32", "i32"], "f32", (fn, [a, b, end]) => {
      const sum = fn.local("v128");
      return [
        repeatWhile(i32.ltU(a.get, end.get), [
          sum.set(f32x4.add(sum.get, f32x4.mul(v128.load(a.get), v128.load(b.get)))),
          a.set(i32.add(a.get, i32.const(16))),
          b.set(i32.add(b.get, i32.const(16))),
        ]),
        f32.add(
          f32.add(f32x4.extractLane(0, sum.get), f32x4.extractLane(1, sum.get)),
          f32.add(f32x4.extractLane(2, sum.get), f32x4.extractLane(3, sum.get)),
        ),
      ];
    });
    const memory = onePage();
    new Float32Array(memory.buffer).set([1, 2, 3, 4, 5, 6, 7, 8, 1, 0, 1, 0, 2, 0, 2, 1]);
    // 1·1 + 3·1 + 5·2 + 7·2 + 8·1 = 36
    assert.equal(instantiate([dot], memory).dot(0, 32, 32), 36);
    assert.equal(instantiate([dot], memory).dot(0, 32, 0), 0);
  });

  test("multiplies signed bytes by way of 16-bit pairs", () => {
    const dot = wasmFunction("dot", ["i32", "i32"], "i32", (fn, [a, b]) => {
      const x = fn.local("v128");
      const y = fn.local("v128");
      const sum = fn.local("v128");
      return [
        x.set(v128.load(a.get)),
        y.set(v128.load(b.get)),
        sum.set(
          i32x4.add(
            i32x4.dotI16x8S(i16x8.extendLowI8x16S(x.get), i16x8.extendLowI8x16S(y.get)),
            i32x4.dotI16x8S(i16x8.extendHighI8x16S(x.get), i16x8.extendHighI8x16S(y.get)),
          ),
        ),
        i32.add(
          i32.add(i32x4.extractLane(0, sum.get), i32x4.extractLane(1, sum.get)),
          i32.add(i32x4.extractLane(2, sum.get), i32x4.extractLane(3, sum.get)),
        ),
      ];
    });
    const memory = onePage();
    const bytes = new Int8Array(memory.buffer);
    bytes.fill(-127, 0, 16);
    bytes.fill(127, 16, 32);
    assert.equal(instantiate([dot], memory).dot(0, 16), -127 * 127 * 16);
  });

  test("several functions share one memory, and conditions guard statements", () => {
    const write = wasmFunction("write", ["i32", "f32"], null, (_, [at, value]) => [
      when(i32.ltS(at.get, i32.const(64)), [f32.store(at.get, value.get)]),
    ]);
    const root = wasmFunction("root", ["i32"], "f32", (_, [at]) => [f32.sqrt(f32.load(at.get, 4))]);
    const module = instantiate([write, root], onePage());
    module.write(12, 9);
    module.write(64, 5);
    assert.equal(module.root(8), 3);
    assert.equal(module.root(60), 0);
  });
});
