/**
 * Eigenvalues and eigenvectors of a symmetric matrix of up to a few hundred rows, by cyclic Jacobi
 * rotations in double precision: slow for large matrices, and as accurate as it gets for small ones.
 *
 * @param matrix  [n, n], row-major, symmetric; overwritten
 * @returns       values in descending order; row `i` of `vectors` [n, n] belongs to value `i`
 * @see Golub & Van Loan (2013), "Matrix computations", section 8.5
 */
export function symmetricEigen(
  matrix: Float64Array,
  n: number,
): { readonly values: Float64Array; readonly vectors: Float64Array } {
  const rotated = new Float64Array(n * n); // rows become the eigenvectors
  for (let i = 0; i < n; i++) rotated[i * n + i] = 1;
  let total = 0;
  for (const value of matrix) total += value * value;
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) off += 2 * matrix[i * n + j]! ** 2;
    }
    if (off <= 1e-22 * total) break; // convergence is quadratic: the next sweep would see noise
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) rotate(matrix, rotated, n, p, q);
    }
  }
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (a, b) => matrix[b * n + b]! - matrix[a * n + a]!,
  );
  const vectors = new Float64Array(n * n);
  order.forEach((from, i) => vectors.set(rotated.subarray(from * n, (from + 1) * n), i * n));
  return { values: Float64Array.from(order, (i) => matrix[i * n + i]!), vectors };
}

/** Turns rows and columns p and q so that entry [p, q] becomes 0. */
function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q]!;
  if (apq === 0) return;
  const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  const pp = a[p * n + p]!;
  const qq = a[q * n + q]!;
  turn(a, p * n, q * n, n, c, s);
  // Symmetric: the columns are what the rows are now.
  for (let k = 0; k < n; k++) {
    a[k * n + p] = a[p * n + k]!;
    a[k * n + q] = a[q * n + k]!;
  }
  a[p * n + p] = pp - t * apq;
  a[q * n + q] = qq + t * apq;
  a[p * n + q] = 0;
  a[q * n + p] = 0;
  turn(vectors, p * n, q * n, n, c, s);
}

function turn(m: Float64Array, p: number, q: number, n: number, c: number, s: number): void {
  for (let k = 0; k < n; k++) {
    const x = m[p + k]!;
    const y = m[q + k]!;
    m[p + k] = c * x - s * y;
    m[q + k] = s * x + c * y;
  }
}
