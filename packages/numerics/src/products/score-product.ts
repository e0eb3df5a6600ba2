import { f32, f32x4, i32, instantiate, repeatUntilFalse, v128, wasmFunction } from "../wasm.ts";

/** The kernel holds a tile of 4 queries × 8 rows in registers. */
const tileQueries = 4;
const tileRows = 8;
/** Depths are padded to so many numbers, the kernel's unrolling. */
const unrolled = 4;
/** Bytes of packed rows that stay in the second-level cache while queries pass by. */
const chunkBytes = 256 * 1024;
const floatBytes = Float32Array.BYTES_PER_ELEMENT;
const pageBytes = 65_536;

/**
 * Inner products of blocks of queries with one table of rows: what ranking all items for many users
 * from ready vectors comes down to.
 *
 *     out[q, r] = Σ_d queries[q, d] · rows[r, d]
 *
 * The table is laid out once, eight rows side by side, and read in pieces that fit the cache:
 *
 *     rows 0 … 7:  d=0: r0 r1 … r7 │ d=1: r0 r1 … r7 │ …      rows 8 … 15: …
 *
 * Sums are in single precision in the order of `d`; multiplication and addition stay separate
 * instructions, so every machine rounds alike.
 */
export class ScoreProduct {
  readonly rows: number;
  readonly width: number;
  /** Queries of one call at most. */
  readonly maxQueries: number;
  readonly #depth: number;
  readonly #stride: number;
  readonly #memory: WebAssembly.Memory;
  readonly #queriesAt: number;
  readonly #outAt: number;
  readonly #run: (...args: number[]) => number;

  /** Memory that a table and the buffers of a call take. */
  static bytes(rows: number, width: number, maxQueries: number): number {
    const { depth, stride, queries } = paddedSizes(rows, width, maxQueries);
    return floatBytes * (stride * depth + queries * depth + queries * stride);
  }

  /**
   * @param table       [rows, width], copied
   * @param maxQueries  how many queries a call may bring
   * @throws {RangeError} when the table is not rows × width, or does not fit WebAssembly's 4 GiB
   */
  constructor(table: Float32Array, width: number, maxQueries: number) {
    const rows = table.length / width;
    if (!(Number.isInteger(width) && width > 0 && Number.isInteger(rows))) {
      throw new RangeError(`a table of ${table.length} numbers has no rows of width ${width}`);
    }
    const bytes = ScoreProduct.bytes(rows, width, maxQueries);
    if (!(bytes < 2 ** 32 - pageBytes)) {
      throw new RangeError(`products of ${bytes} bytes; WebAssembly can hold 4 GiB`);
    }
    const { depth, stride, queries } = paddedSizes(rows, width, maxQueries);
    this.rows = rows;
    this.width = width;
    this.maxQueries = maxQueries;
    this.#depth = depth;
    this.#stride = stride;
    this.#queriesAt = stride * depth;
    this.#outAt = this.#queriesAt + queries * depth;
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
    this.#run = instantiate([scoreTile], this.#memory).score_tile;
    const packed = new Float32Array(this.#memory.buffer, 0, stride * depth);
    for (let row = 0; row < rows; row++) {
      const tile = Math.floor(row / tileRows) * tileRows * depth + (row % tileRows);
      for (let d = 0; d < width; d++) packed[tile + d * tileRows] = table[row * width + d]!;
    }
  }

  /**
   * @param queries  [count, width]
   * @param out      [count, rows]
   * @throws {RangeError} when there are more queries than `maxQueries`, or `out` is too short
   */
  multiply(queries: Float32Array, out: Float32Array): void {
    const { rows, width, maxQueries } = this;
    const count = queries.length / width;
    if (!Number.isInteger(count) || count > maxQueries || out.length < count * rows) {
      throw new RangeError(
        `${queries.length} numbers against width ${width}, at most ${maxQueries} queries, into ${out.length}`,
      );
    }
    const depth = this.#depth;
    const stride = this.#stride;
    const tiles = Math.ceil(count / tileQueries);
    const packed = new Float32Array(
      this.#memory.buffer,
      this.#queriesAt * floatBytes,
      tiles * tileQueries * depth,
    ).fill(0);
    for (let q = 0; q < count; q++) {
      const tile = Math.floor(q / tileQueries) * tileQueries * depth + (q % tileQueries);
      for (let d = 0; d < width; d++) packed[tile + d * tileQueries] = queries[q * width + d]!;
    }
    const rowTileBytes = tileRows * depth * floatBytes;
    const chunk = Math.max(1, Math.floor(chunkBytes / rowTileBytes));
    for (let first = 0; first < stride / tileRows; first += chunk) {
      const rowTiles = Math.min(chunk, stride / tileRows - first);
      for (let tile = 0; tile < tiles; tile++) {
        this.#run(
          (this.#outAt + tile * tileQueries * stride + first * tileRows) * floatBytes,
          stride * floatBytes,
          (this.#queriesAt + tile * tileQueries * depth) * floatBytes,
          first * rowTileBytes,
          rowTiles,
          tileQueries * depth * floatBytes,
        );
      }
    }
    for (let q = 0; q < count; q++) {
      const at = (this.#outAt + q * stride) * floatBytes;
      out.set(new Float32Array(this.#memory.buffer, at, rows), q * rows);
    }
  }
}

function paddedSizes(rows: number, width: number, maxQueries: number) {
  return {
    depth: Math.ceil(width / unrolled) * unrolled,
    stride: Math.ceil(rows / tileRows) * tileRows,
    queries: Math.ceil(maxQueries / tileQueries) * tileQueries,
  };
}

/**
 * Four queries against a whole number of tiles of eight rows, both packed.
 *
 *     score_tile(out, bytes between rows of out, queries, rows, tiles, bytes of the queries)
 */
const scoreTile = wasmFunction(
  "score_tile",
  ["i32", "i32", "i32", "i32", "i32", "i32"],
  null,
  (fn, [out, rowBytes, queries, rows, tiles, queryBytes]) => {
    const outs = [out, fn.local("i32"), fn.local("i32"), fn.local("i32")];
    const sums = outs.map(() => [fn.local("v128"), fn.local("v128")] as const);
    const [left, right, factor] = [fn.local("v128"), fn.local("v128"), fn.local("v128")];
    const [from, end] = [fn.local("i32"), fn.local("i32")];
    const zero = f32x4.splat(f32.const(0));
    const add = (to: typeof left, b: typeof left) =>
      to.set(f32x4.add(to.get, f32x4.mul(factor.get, b.get)));
    return [
      ...outs.slice(1).map((row, q) => row.set(i32.add(outs[q]!.get, rowBytes.get))),
      end.set(i32.add(queries.get, queryBytes.get)),
      repeatUntilFalse(tiles.get, [
        ...sums.flat().map((sum) => sum.set(zero)),
        from.set(queries.get),
        repeatUntilFalse(i32.ltU(from.get, end.get), [
          ...Array.from({ length: unrolled }, (_, d) => [
            ...left.set(v128.load(rows.get, d * 32)),
            ...right.set(v128.load(rows.get, d * 32 + 16)),
            ...sums.flatMap(([low, high], q) => [
              ...factor.set(v128.load32Splat(from.get, (d * tileQueries + q) * floatBytes)),
              ...add(low, left),
              ...add(high, right),
            ]),
          ]),
          rows.set(i32.add(rows.get, i32.const(unrolled * tileRows * floatBytes))),
          from.set(i32.add(from.get, i32.const(unrolled * tileQueries * floatBytes))),
        ]),
        ...outs.flatMap((row, q) => [
          v128.store(row.get, sums[q]![0].get),
          v128.store(row.get, sums[q]![1].get, 16),
          row.set(i32.add(row.get, i32.const(32))),
        ]),
        tiles.set(i32.sub(tiles.get, i32.const(1))),
      ]),
    ];
  },
);
