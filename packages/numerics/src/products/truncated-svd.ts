import { setImmediate } from "node:timers/promises";
import { type CsrMatrix, transpose } from "../csr.ts";
import { seededRandom } from "../random.ts";
import { type DenseBlock, SparseProducts } from "./sparse-product.ts";
import { symmetricEigen } from "./symmetric-eigen.ts";

/** The leading right singular vectors of a matrix. */
export interface RightSingular {
  readonly rank: number;
  /** [rank], descending */
  readonly values: Float64Array;
  /** [columns, rank], row-major; the columns are orthonormal. */
  readonly vectors: Float32Array;
}

export interface SvdOptions {
  readonly seed: number;
  /** Passes over the matrix and its transpose; more separate close singular values better. */
  readonly iterations?: number;
  /** Called between passes; may wait or throw to give up. */
  readonly afterPass?: (done: number, total: number) => Promise<void> | void;
}

/** Directions carried beside those asked for, which take the error of the cut. */
const oversampling = 16;
const defaultIterations = 4;

/** Width of the subspace: a multiple of 16, as sparse products want it. */
const subspace = (rank: number): number => Math.ceil((rank + oversampling) / 16) * 16;

/** Memory that `truncatedSvd` takes, the matrix itself not counted. */
export function truncatedSvdBytes(
  rows: number,
  columns: number,
  entries: number,
  rank: number,
): number {
  const width = subspace(Math.min(rank, rows, columns));
  return (
    SparseProducts.matrixBytes(rows, entries) +
    2 * SparseProducts.matrixBytes(columns, entries) +
    4 * width * (rows + 2 * columns) +
    4 * columns * rank +
    16 * width * width
  );
}

/**
 * The leading singular values and right singular vectors by randomised subspace iteration:
 *
 *     Q ← orthonormal(random [columns, rank + 16])
 *     Q ← orthonormal(Aᵀ (A Q))                    a few times
 *     (A Q)ᵀ (A Q) = W Λ Wᵀ      V = Q W      σ = √Λ
 *
 * A matrix of lower rank than asked for gives singular values of 0 at the end, with vectors that
 * mean nothing; they are zero.
 *
 * @see Halko, Martinsson & Tropp (2011), "Finding structure with randomness", algorithm 4.4
 */
export async function truncatedSvd(
  matrix: CsrMatrix,
  wanted: number,
  { seed, iterations = defaultIterations, afterPass = () => {} }: SvdOptions,
): Promise<RightSingular> {
  const { rows, columns } = matrix;
  const rank = Math.min(wanted, rows, columns);
  const width = subspace(rank);
  const entries = matrix.values.length;
  const products = new SparseProducts(
    width,
    SparseProducts.matrixBytes(rows, entries) +
      SparseProducts.matrixBytes(columns, entries) +
      SparseProducts.blockBytes(rows, width) +
      SparseProducts.blockBytes(columns, width),
  );
  const forward = products.place(matrix);
  const backward = products.place(transpose(matrix));
  const image = products.block(rows);
  const q = products.block(columns);
  const random = seededRandom(seed, "truncated-svd");
  for (let i = 0; i < q.values.length; i++) q.values[i] = random.normal();
  orthonormalise(q, width);
  for (let pass = 0; pass < iterations; pass++) {
    products.multiply(forward, q, image);
    products.multiply(backward, image, q);
    orthonormalise(q, width);
    await afterPass(pass + 1, iterations + 1);
    await setImmediate();
  }
  products.multiply(forward, q, image);
  const { values, vectors } = symmetricEigen(gram(image, width), width);
  const out = new Float32Array(columns * rank);
  const floor = 1e-7 * Math.max(0, values[0]!);
  for (let column = 0; column < columns; column++) {
    const own = q.values.subarray(column * width, (column + 1) * width);
    for (let r = 0; r < rank && values[r]! > floor; r++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += own[k]! * vectors[r * width + k]!;
      out[column * rank + r] = sum;
    }
  }
  await afterPass(iterations + 1, iterations + 1);
  const singular = values.slice(0, rank).map((v) => (v > floor ? Math.sqrt(v) : 0));
  return { rank, values: singular, vectors: out };
}

/** blockᵀ · block: [width, width] */
function gram({ rows, values }: DenseBlock, width: number): Float64Array {
  const out = new Float64Array(width * width);
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * width, (row + 1) * width);
    for (let i = 0; i < width; i++) {
      const factor = own[i]!;
      if (factor === 0) continue;
      for (let j = 0; j <= i; j++) out[i * width + j]! += factor * own[j]!;
    }
  }
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < i; j++) out[j * width + i] = out[i * width + j]!;
  }
  return out;
}

/**
 * Makes the columns orthonormal, in order (modified Gram-Schmidt, each column twice where little of
 * it was left); a column that the others span becomes zero.
 */
function orthonormalise({ rows, values }: DenseBlock, width: number): void {
  const columns = Array.from({ length: width }, (_, c) => {
    const column = new Float32Array(rows);
    for (let row = 0; row < rows; row++) column[row] = values[row * width + c]!;
    return column;
  });
  columns.forEach((column, c) => {
    const before = Math.sqrt(dot(column, column));
    let norm = before;
    for (let turn = 0; turn < 2; turn++) {
      for (let other = 0; other < c; other++) {
        const projection = dot(column, columns[other]!);
        const direction = columns[other]!;
        for (let row = 0; row < rows; row++) column[row]! -= projection * direction[row]!;
      }
      const left = Math.sqrt(dot(column, column));
      const isEnough = left > 0.5 * norm;
      norm = left;
      if (isEnough) break;
    }
    const scale = norm > 1e-5 * before ? 1 / norm : 0;
    for (let row = 0; row < rows; row++) {
      column[row]! *= scale;
      values[row * width + c] = column[row]!;
    }
  });
}

function dot(a: Float32Array, b: Float32Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= a.length; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (; i < a.length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + s2 + s3;
}
