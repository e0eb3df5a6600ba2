import { invertByCholesky } from "./cholesky.ts";
import { f32, f32x4, i32, instantiate, repeatUntilFalse, v128, wasmFunction } from "./wasm.ts";

/** Columns swept at a time, and the depth of every product. */
const panel = 128;
/** The kernel holds a tile of 4 × 8 sums in registers. */
const tileRows = 4;
const tileColumns = 8;
/** Columns of the right factor that stay in the second-level cache while rows pass by. */
const chunkColumns = 512;
const floatBytes = Float32Array.BYTES_PER_ELEMENT;

/**
 * A large symmetric positive definite matrix in single precision that can be inverted in place.
 *
 * It lies in WebAssembly memory, row-major, padded to whole panels (the padding is an identity):
 *
 *     ┌───────────── stride ─────────────┐
 *     │ row 0 … size - 1       │ padding │   Write the lower triangle (column ≤ row) of `values`,
 *     │                        │         │   call `invert`, read any entry.
 *     │ padding                │    I    │
 *     └────────────────────────┴─────────┘
 *
 * The inverse is made by the sweep operator, one panel K of 128 columns at a time:
 *
 *     P = inverse(A[K, K])   W = A[:, K] · P
 *     A[i, j] -= W[i, :] · A[j, K]ᵀ    A[i, K] = W[i, :]    A[K, K] = -P      i, j outside K
 *
 * after which A holds -A⁻¹. That is n³ multiplications and additions in all, as many as Cholesky's
 * way, but in one kind of loop that reads memory in long rows. Pivot blocks are Schur complements, so
 * they stay positive definite and no pivoting is needed.
 *
 * Error grows with the condition number, as with any method in single precision: about 1e-7 times
 * it. Ridge-regularised Gram matrices are far from trouble.
 *
 * @see Goodnight (1979), "A tutorial on the SWEEP operator"
 */
export class SpdMatrix {
  readonly size: number;
  /** Entries from one row to the next. */
  readonly stride: number;
  /** [stride, stride] */
  readonly values: Float32Array;
  readonly #memory: WebAssembly.Memory;

  /** Memory that a matrix of this size takes, work space included. */
  static bytes(size: number): number {
    const stride = Math.ceil(size / panel) * panel;
    return (stride * stride + 3 * stride * panel + panel * panel) * floatBytes;
  }

  /**
   * @throws {RangeError} when `size` is not positive, or beyond 32,000 (4 GiB, WebAssembly's limit)
   */
  constructor(size: number) {
    const bytes = SpdMatrix.bytes(size);
    if (!(Number.isInteger(size) && size > 0 && bytes < 2 ** 32)) {
      throw new RangeError(`size is ${size}; a dense inverse can have 1 to about 32,000 rows`);
    }
    this.size = size;
    this.stride = Math.ceil(size / panel) * panel;
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65_536) });
    this.values = new Float32Array(this.#memory.buffer, 0, this.stride * this.stride);
    for (let i = size; i < this.stride; i++) this.values[i * this.stride + i] = 1;
  }

  /**
   * Replaces the matrix by its inverse, both triangles.
   *
   * @param afterPanel  called between panels; may wait, report progress, or throw to give up
   * @throws {RangeError} when the matrix is not positive definite
   */
  async invert(
    afterPanel: (done: number, total: number) => Promise<void> | void = () => {},
  ): Promise<void> {
    const { stride, values } = this;
    const panels = stride / panel;
    const at = (offset: number, length: number) =>
      new Float32Array(this.#memory.buffer, offset * floatBytes, length);
    const columnsAt = stride * stride;
    const packedAt = columnsAt + stride * panel;
    const productAt = packedAt + stride * panel;
    const pivotAt = productAt + stride * panel;
    const columns = at(columnsAt, stride * panel); // A[:, K], row-major
    const packed = at(packedAt, stride * panel); // the same, as the kernel wants its right factor
    const product = at(productAt, stride * panel); // W, row-major
    const pivot = at(pivotAt, panel * panel); // -P, packed
    const { subtract_product: subtract } = instantiate([subtractProduct], this.#memory);

    for (let p = 0; p < panels; p++) {
      const k0 = p * panel;
      this.#readColumns(k0, columns);
      pack(columns, stride, packed);

      const block = Float64Array.from(columns.subarray(k0 * panel, (k0 + panel) * panel));
      const inverse = invertPivot(block, k0);
      pack(
        Float32Array.from(inverse, (value) => -value),
        panel,
        pivot,
      );

      product.fill(0);
      for (let i = 0; i < stride; i += tileRows) {
        const row = i * panel;
        subtract(
          (productAt + row) * floatBytes,
          panel * floatBytes,
          (columnsAt + row) * floatBytes,
          pivotAt * floatBytes,
          panel / tileColumns,
        );
      }
      for (let j0 = 0; j0 < stride; j0 += chunkColumns) {
        const chunkTiles = Math.min(chunkColumns, stride - j0) / tileColumns;
        for (let i = j0; i < stride; i += tileRows) {
          // Tiles up to the diagonal; what they spill over it is never read.
          const tiles = Math.min(chunkTiles, Math.ceil((i + tileRows - j0) / tileColumns));
          subtract(
            (i * stride + j0) * floatBytes,
            stride * floatBytes,
            (productAt + i * panel) * floatBytes,
            (packedAt + j0 * panel) * floatBytes,
            tiles,
          );
        }
      }
      this.#writeColumns(k0, product, inverse);
      await afterPanel(p + 1, panels);
    }
    for (let i = 0; i < stride; i++) {
      for (let j = 0; j <= i; j++) {
        const value = -values[i * stride + j]!;
        values[i * stride + j] = value;
        values[j * stride + i] = value;
      }
    }
  }

  /** A[:, K] from the lower triangle: above the panel, A[i, k] stands at [k, i]. */
  #readColumns(k0: number, columns: Float32Array): void {
    const { stride, values } = this;
    for (let k = 0; k < panel; k++) {
      const row = (k0 + k) * stride;
      for (let i = 0; i < k0 + k; i++) columns[i * panel + k] = values[row + i]!;
    }
    for (let i = k0; i < stride; i++) {
      const length = Math.min(panel, i - k0 + 1);
      const from = i * stride + k0;
      columns.set(values.subarray(from, from + length), i * panel);
    }
  }

  #writeColumns(k0: number, product: Float32Array, inverse: Float64Array): void {
    const { stride, values } = this;
    for (let k = 0; k < panel; k++) {
      const row = (k0 + k) * stride;
      for (let i = 0; i < k0; i++) values[row + i] = product[i * panel + k]!;
      for (let j = 0; j <= k; j++) values[row + k0 + j] = -inverse[k * panel + j]!;
    }
    for (let i = k0 + panel; i < stride; i++) {
      values.set(product.subarray(i * panel, (i + 1) * panel), i * stride + k0);
    }
  }
}

function invertPivot(block: Float64Array, k0: number): Float64Array {
  try {
    return invertByCholesky(block, panel);
  } catch (cause) {
    throw new RangeError(
      `the matrix is not positive definite: columns ${k0} to ${k0 + panel - 1} depend on those before`,
      { cause },
    );
  }
}

/**
 * Lays a right factor B [rows, panel] out as the kernel reads it: eight rows side by side.
 *
 *     packed[tile][k][c] = B[8 · tile + c][k]
 */
function pack(matrix: Float32Array, rows: number, packed: Float32Array): void {
  let place = 0;
  for (let j = 0; j < rows; j += tileColumns) {
    for (let k = 0; k < panel; k++) {
      for (let c = 0; c < tileColumns; c++) packed[place++] = matrix[(j + c) * panel + k]!;
    }
  }
}

/**
 * C -= A · Bᵀ for 4 rows of C and a whole number of 8-column tiles; A is [4, panel] by rows, B is
 * packed. Multiplication and addition stay separate instructions, so every machine rounds alike.
 *
 *     subtract_product(c, bytes between rows of c, a, b, tiles)
 */
const subtractProduct = wasmFunction(
  "subtract_product",
  ["i32", "i32", "i32", "i32", "i32"],
  null,
  (fn, [c, rowBytes, a, b, tiles]) => {
    const rows = [c, fn.local("i32"), fn.local("i32"), fn.local("i32")];
    const sums = rows.map(() => [fn.local("v128"), fn.local("v128")] as const);
    const [left, right] = [fn.local("v128"), fn.local("v128")];
    const factor = fn.local("v128");
    const [from, end] = [fn.local("i32"), fn.local("i32")];
    const unrolled = 4;
    const zero = f32x4.splat(f32.const(0));
    const add = (to: (typeof sums)[number][number], b: typeof left) =>
      to.set(f32x4.add(to.get, f32x4.mul(factor.get, b.get)));
    return [
      ...rows.slice(1).map((row, r) => row.set(i32.add(rows[r]!.get, rowBytes.get))),
      end.set(i32.add(a.get, i32.const(panel * floatBytes))),
      repeatUntilFalse(tiles.get, [
        ...sums.flat().map((sum) => sum.set(zero)),
        from.set(a.get),
        repeatUntilFalse(i32.ltU(from.get, end.get), [
          ...Array.from({ length: unrolled }, (_, k) => [
            ...left.set(v128.load(b.get, k * 32)),
            ...right.set(v128.load(b.get, k * 32 + 16)),
            ...sums.flatMap(([low, high], r) => [
              ...factor.set(v128.load32Splat(from.get, (r * panel + k) * floatBytes)),
              ...add(low, left),
              ...add(high, right),
            ]),
          ]),
          b.set(i32.add(b.get, i32.const(unrolled * 32))),
          from.set(i32.add(from.get, i32.const(unrolled * floatBytes))),
        ]),
        ...rows.flatMap((row, r) => [
          v128.store(row.get, f32x4.sub(v128.load(row.get), sums[r]![0].get)),
          v128.store(row.get, f32x4.sub(v128.load(row.get, 16), sums[r]![1].get), 16),
          row.set(i32.add(row.get, i32.const(32))),
        ]),
        tiles.set(i32.sub(tiles.get, i32.const(1))),
      ]),
    ];
  },
);
