/**
 * Symmetric positive definite systems of up to a few hundred unknowns, in double precision and
 * plain loops. `SpdMatrix` inverts large ones.
 *
 * Matrices are row-major [n, n]; only the lower triangle is read.
 */

/**
 * Factors A = L · Lᵀ in place: the lower triangle of `matrix` becomes L, the upper is left alone.
 *
 *     L[j, j] = √(A[j, j] - Σ_k L[j, k]²)      L[i, j] = (A[i, j] - Σ_k L[i, k] L[j, k]) / L[j, j]
 *
 * @throws {RangeError} when a pivot is not positive: the matrix is not positive definite
 */
export function factorCholesky(matrix: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) {
    let pivot = matrix[j * n + j]!;
    for (let k = 0; k < j; k++) pivot -= matrix[j * n + k]! ** 2;
    if (!(pivot > 0)) {
      throw new RangeError(`pivot ${j} is ${pivot}: the matrix is not positive definite`);
    }
    const diagonal = Math.sqrt(pivot);
    matrix[j * n + j] = diagonal;
    for (let i = j + 1; i < n; i++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[i * n + k]! * matrix[j * n + k]!;
      matrix[i * n + j] = sum / diagonal;
    }
  }
}

/** Solves L · Lᵀ · x = b in place, given L from `factorCholesky`: `b` becomes x. */
export function solveCholesky(factor: Float64Array, n: number, b: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = b[i]!;
    for (let k = 0; k < i; k++) sum -= factor[i * n + k]! * b[k]!;
    b[i] = sum / factor[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i]!;
    for (let k = i + 1; k < n; k++) sum -= factor[k * n + i]! * b[k]!;
    b[i] = sum / factor[i * n + i]!;
  }
}

/** The whole inverse of a symmetric positive definite matrix. The input becomes its factor. */
export function invertByCholesky(matrix: Float64Array, n: number): Float64Array {
  factorCholesky(matrix, n);
  const inverse = new Float64Array(n * n);
  const column = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    column.fill(0);
    column[j] = 1;
    solveCholesky(matrix, n, column);
    inverse.set(column, j * n); // symmetric: a column is a row
  }
  return inverse;
}
