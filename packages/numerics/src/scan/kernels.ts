import type { Code, Variable, WasmFunction } from "../wasm.ts";
import {
  f32x4,
  i16x8,
  i32,
  i32x4,
  instantiate,
  lanes32x4,
  repeatUntilFalse,
  v128,
  wasmFunction,
} from "../wasm.ts";

/*
 * Inner products of one query with many rows, four rows at a time: the query is loaded once for
 * four rows, and their four sums end in the four lanes of one vector, which is stored at once.
 *
 * All arguments are byte addresses, but for `count` (rows, a multiple of 4, at least 4) and
 * `stride` (bytes from row to row, a multiple of 16, at least 16). Rows and query are padded with
 * zeros up to the stride.
 */

const four = [0, 1, 2, 3] as const;
/** 4 · i, the offset of 32-bit entry `i` */
const entry = (i: Variable): Code => i32.shl(i.get, i32.const(2));

/**
 * Four accumulators of four partial sums each → the four sums.
 *
 *     a0 a1 a2 a3        a0+a2 b0+b2 a1+a3 b1+b3
 *     b0 b1 b2 b3   ─▶                             ─▶   Σa Σb Σc Σd
 *     c0 c1 c2 c3        c0+c2 d0+d2 c1+c3 d1+d3
 *     d0 d1 d2 d3
 */
function sumsOfFour(accumulators: readonly Variable[], add: (a: Code, b: Code) => Code): Code {
  const [a, b, c, d] = accumulators.map((accumulator) => accumulator.get) as [
    Code,
    Code,
    Code,
    Code,
  ];
  const halves = (x: Code, y: Code): Code =>
    add(lanes32x4.pick([0, 4, 1, 5], x, y), lanes32x4.pick([2, 6, 3, 7], x, y));
  const ab = halves(a, b);
  const cd = halves(c, d);
  return add(lanes32x4.pick([0, 1, 4, 5], ab, cd), lanes32x4.pick([2, 3, 6, 7], ab, cd));
}

/** out[i] = (Σ codes[i, d] · query[d]) · scales[i]; codes are int8, the query is int16. */
const scanInt8 = wasmFunction(
  "scanInt8",
  ["i32", "i32", "i32", "i32", "i32", "i32"],
  null,
  (fn, [codes, query, scales, out, count, stride]) => {
    const i = fn.local("i32");
    const d = fn.local("i32");
    const rows = four.map(() => fn.local("i32"));
    const sums = four.map(() => fn.local("v128"));
    const bytes = fn.local("v128");
    const low = fn.local("v128");
    const high = fn.local("v128");
    const perSixteen = four.flatMap((r) => [
      bytes.set(v128.load(i32.add(rows[r]!.get, d.get))),
      sums[r]!.set(
        i32x4.add(
          sums[r]!.get,
          i32x4.add(
            i32x4.dotI16x8S(i16x8.extendLowI8x16S(bytes.get), low.get),
            i32x4.dotI16x8S(i16x8.extendHighI8x16S(bytes.get), high.get),
          ),
        ),
      ),
    ]);
    const perFourRows = [
      ...startRows(rows, sums, codes, stride, (r) => i32.add(i.get, i32.const(r))),
      d.set(i32.const(0)),
      repeatUntilFalse(i32.ltU(d.get, stride.get), [
        // A 16-bit query takes two bytes where a code takes one.
        low.set(v128.load(i32.add(query.get, i32.shl(d.get, i32.const(1))))),
        high.set(v128.load(i32.add(query.get, i32.shl(d.get, i32.const(1))), 16)),
        ...perSixteen,
        d.set(i32.add(d.get, i32.const(16))),
      ]),
      v128.store(
        i32.add(out.get, entry(i)),
        f32x4.mul(
          f32x4.convertI32x4S(sumsOfFour(sums, i32x4.add)),
          v128.load(i32.add(scales.get, entry(i))),
        ),
      ),
      i.set(i32.add(i.get, i32.const(4))),
    ];
    return [repeatUntilFalse(i32.ltU(i.get, count.get), perFourRows)];
  },
);

/** out[i] = Σ vectors[i, d] · query[d] */
const scanFloat = wasmFunction(
  "scanFloat",
  ["i32", "i32", "i32", "i32", "i32"],
  null,
  (fn, [vectors, query, out, count, stride]) => {
    const i = fn.local("i32");
    return floatProducts(fn, { vectors, query, out, count, stride, i }, (r) =>
      i32.add(i.get, i32.const(r)),
    );
  },
);

/** out[i] = Σ vectors[ids[i], d] · query[d] */
const gatherFloat = wasmFunction(
  "gatherFloat",
  ["i32", "i32", "i32", "i32", "i32", "i32"],
  null,
  (fn, [vectors, query, ids, out, count, stride]) => {
    const i = fn.local("i32");
    return floatProducts(fn, { vectors, query, out, count, stride, i }, (r) =>
      i32.load(i32.add(ids.get, entry(i)), 4 * r),
    );
  },
);

/** The float kernels differ only in which row stands at place `i + r`. */
function floatProducts(
  fn: Parameters<Parameters<typeof wasmFunction>[3]>[0],
  on: Record<"vectors" | "query" | "out" | "count" | "stride" | "i", Variable>,
  rowAt: (r: number) => Code,
): readonly Code[] {
  const d = fn.local("i32");
  const rows = four.map(() => fn.local("i32"));
  const sums = four.map(() => fn.local("v128"));
  const part = fn.local("v128");
  const perFourRows = [
    ...startRows(rows, sums, on.vectors, on.stride, rowAt),
    d.set(i32.const(0)),
    repeatUntilFalse(i32.ltU(d.get, on.stride.get), [
      part.set(v128.load(i32.add(on.query.get, d.get))),
      ...four.map((r) =>
        sums[r]!.set(
          f32x4.add(sums[r]!.get, f32x4.mul(v128.load(i32.add(rows[r]!.get, d.get)), part.get)),
        ),
      ),
      d.set(i32.add(d.get, i32.const(16))),
    ]),
    v128.store(i32.add(on.out.get, entry(on.i)), sumsOfFour(sums, f32x4.add)),
    on.i.set(i32.add(on.i.get, i32.const(4))),
  ];
  return [repeatUntilFalse(i32.ltU(on.i.get, on.count.get), perFourRows)];
}

/** Sets the addresses of four rows and clears their sums. */
function startRows(
  rows: readonly Variable[],
  sums: readonly Variable[],
  base: Variable,
  stride: Variable,
  rowAt: (r: number) => Code,
): Code[] {
  return four.flatMap((r) => [
    rows[r]!.set(i32.add(base.get, i32.mul(rowAt(r), stride.get))),
    sums[r]!.set(i32x4.splat(i32.const(0))),
  ]);
}

/** The three kernels over one memory. */
export const scanKernels = (memory: WebAssembly.Memory) =>
  instantiate([scanInt8, scanFloat, gatherFloat] satisfies WasmFunction[], memory);
