import type { CsrMatrix } from "../csr.ts";
import {
  f32,
  f32x4,
  i32,
  instantiate,
  repeatUntilFalse,
  repeatWhile,
  type Variable,
  v128,
  wasmFunction,
} from "../wasm.ts";

/** Columns that the kernel sums in registers at a time: one cache line of the dense factor. */
const laneColumns = 16;
const floatBytes = Float32Array.BYTES_PER_ELEMENT;
const pageBytes = 65_536;

/** A dense matrix [rows, width] in the memory of a `SparseProducts`. */
export interface DenseBlock {
  readonly rows: number;
  /** Row-major; valid as long as the products live. */
  readonly values: Float32Array;
}

/** A sparse matrix that was put into the memory of a `SparseProducts`. */
export interface PlacedMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly offsetsAt: number;
  readonly indicesAt: number;
  readonly valuesAt: number;
}

/**
 * Products of sparse matrices with dense blocks of one width, in WebAssembly memory:
 *
 *     out[r, :] = base[r, :] + scale · Σ_p  values[p] · dense[indices[p], :]       p of row r
 *
 * Sixteen columns are summed in registers while the row's entries pass by, so the output is written
 * once and every entry reads one cache line. `base` lets polynomials of a matrix run by Horner's
 * rule without passes of their own.
 */
export class SparseProducts {
  /** Columns of every dense block, a multiple of 16. */
  readonly width: number;
  readonly #memory: WebAssembly.Memory;
  readonly #multiply: (...args: number[]) => number;
  readonly #multiplyAdd: (...args: number[]) => number;
  #used = 0;

  /** Memory that a matrix takes here. */
  static matrixBytes(rows: number, entries: number): number {
    return aligned((rows + 1) * 4) + 2 * aligned(entries * 4);
  }

  /** Memory that a dense block takes here. */
  static blockBytes(rows: number, width: number): number {
    return aligned(rows * width * floatBytes);
  }

  /**
   * @param width  columns of the dense blocks, a multiple of 16
   * @param bytes  of all that will be placed: sum of `matrixBytes` and `blockBytes`
   * @throws {RangeError} on another width, or beyond WebAssembly's 4 GiB
   */
  constructor(width: number, bytes: number) {
    if (!(Number.isInteger(width) && width > 0 && width % laneColumns === 0)) {
      throw new RangeError(`a width of ${width}; it must be a multiple of ${laneColumns}`);
    }
    if (!(bytes < 2 ** 32 - pageBytes)) {
      throw new RangeError(`products of ${bytes} bytes; WebAssembly can hold 4 GiB`);
    }
    this.width = width;
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
    const kernels = instantiate([multiplyRows, multiplyAddRows], this.#memory);
    this.#multiply = kernels.multiply_rows;
    this.#multiplyAdd = kernels.multiply_add_rows;
  }

  /** Copies a matrix in. */
  place({ rows, columns, offsets, indices, values }: CsrMatrix): PlacedMatrix {
    const offsetsAt = this.#reserve(offsets.length * 4);
    const indicesAt = this.#reserve(indices.length * 4);
    const valuesAt = this.#reserve(values.length * 4);
    const { buffer } = this.#memory;
    new Int32Array(buffer, offsetsAt, offsets.length).set(offsets);
    new Int32Array(buffer, indicesAt, indices.length).set(indices);
    new Float32Array(buffer, valuesAt, values.length).set(values);
    return { rows, columns, offsetsAt, indicesAt, valuesAt };
  }

  /** A dense matrix of zeros. */
  block(rows: number): DenseBlock {
    const at = this.#reserve(rows * this.width * floatBytes);
    return { rows, values: new Float32Array(this.#memory.buffer, at, rows * this.width) };
  }

  /**
   * @param out   [matrix.rows, width], not `dense`; may be `base`
   * @param base  added to the scaled product; absent: nothing
   * @throws {RangeError} when shapes do not meet
   */
  multiply(
    matrix: PlacedMatrix,
    dense: DenseBlock,
    out: DenseBlock,
    { scale = 1, base }: { readonly scale?: number; readonly base?: DenseBlock } = {},
  ): void {
    if (
      dense.rows !== matrix.columns ||
      out.rows !== matrix.rows ||
      (base !== undefined && base.rows !== matrix.rows)
    ) {
      throw new RangeError(
        `[${matrix.rows}, ${matrix.columns}] · [${dense.rows}, ${this.width}] into ${out.rows} rows`,
      );
    }
    if (matrix.rows === 0) return;
    const args = [
      out.values.byteOffset,
      matrix.valuesAt,
      matrix.indicesAt,
      matrix.offsetsAt,
      dense.values.byteOffset,
      matrix.rows,
      this.width * floatBytes,
      scale,
    ];
    if (base === undefined) this.#multiply(...args, 0);
    else this.#multiplyAdd(...args, base.values.byteOffset);
  }

  #reserve(bytes: number): number {
    const at = this.#used;
    this.#used += aligned(bytes);
    if (this.#used > this.#memory.buffer.byteLength) {
      throw new RangeError(
        `${this.#used} bytes are needed and ${this.#memory.buffer.byteLength} were asked for`,
      );
    }
    return at;
  }
}

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

const rowsKernel = <const Name extends string>(name: Name, hasBase: boolean) =>
  wasmFunction(
    name,
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "f32", "i32"],
    null,
    (fn, [out, values, indices, offsets, dense, rows, rowBytes, scale, base]) => {
      const quarters = [0, 16, 32, 48] as const;
      const sums: readonly Variable[] = quarters.map(() => fn.local("v128"));
      const [value, index, lastIndex, firstValue, firstIndex] = [
        fn.local("i32"),
        fn.local("i32"),
        fn.local("i32"),
        fn.local("i32"),
        fn.local("i32"),
      ];
      const [column, from] = [fn.local("i32"), fn.local("i32")];
      const factor = fn.local("v128");
      const zero = f32x4.splat(f32.const(0));
      const scaled = (sum: Variable) => f32x4.mul(f32x4.splat(scale.get), sum.get);
      const at = (start: Variable) => i32.add(start.get, column.get);
      return [
        firstIndex.set(indices.get), // a matrix by rows starts at its first entry
        firstValue.set(values.get),
        repeatUntilFalse(rows.get, [
          lastIndex.set(i32.add(indices.get, i32.shl(i32.load(offsets.get, 4), i32.const(2)))),
          column.set(i32.const(0)),
          repeatUntilFalse(i32.ltU(column.get, rowBytes.get), [
            ...sums.map((sum) => sum.set(zero)),
            index.set(firstIndex.get),
            value.set(firstValue.get),
            repeatWhile(i32.ltU(index.get, lastIndex.get), [
              factor.set(v128.load32Splat(value.get)),
              from.set(
                i32.add(i32.add(dense.get, column.get), i32.mul(i32.load(index.get), rowBytes.get)),
              ),
              ...sums.map((sum, s) =>
                sum.set(
                  f32x4.add(sum.get, f32x4.mul(factor.get, v128.load(from.get, quarters[s]!))),
                ),
              ),
              index.set(i32.add(index.get, i32.const(4))),
              value.set(i32.add(value.get, i32.const(4))),
            ]),
            ...sums.map((sum, s) =>
              v128.store(
                at(out),
                hasBase ? f32x4.add(v128.load(at(base), quarters[s]!), scaled(sum)) : scaled(sum),
                quarters[s]!,
              ),
            ),
            column.set(i32.add(column.get, i32.const(laneColumns * floatBytes))),
          ]),
          firstValue.set(i32.add(firstValue.get, i32.sub(lastIndex.get, firstIndex.get))),
          firstIndex.set(lastIndex.get),
          offsets.set(i32.add(offsets.get, i32.const(4))),
          out.set(i32.add(out.get, rowBytes.get)),
          base.set(i32.add(base.get, rowBytes.get)),
          rows.set(i32.sub(rows.get, i32.const(1))),
        ]),
      ];
    },
  );

const multiplyRows = rowsKernel("multiply_rows", false);
const multiplyAddRows = rowsKernel("multiply_add_rows", true);
