import { factorCholesky, solveCholesky } from "@magpie/numerics";

/** Of the ridge, as a share of the mean diagonal. */
const ridgeShare = 1e-3;

/**
 * The linear map between two vectors of each of many things that fits best, by ridge regression:
 *
 *     W = argmin Σ ‖to - from · W‖² + ridge ‖W‖²
 *
 * @param from  [n, width]
 * @param to    [n, width]
 * @returns     W, [width, width]; undefined where all of `from` is zero
 */
export function ridgeMap(
  from: Float32Array,
  to: Float32Array,
  width: number,
): Float32Array | undefined {
  const gram = new Float64Array(width * width);
  const columns = Array.from({ length: width }, () => new Float64Array(width));
  for (let at = 0; at < from.length; at += width) {
    for (let i = 0; i < width; i++) {
      const value = from[at + i]!;
      if (value === 0) continue;
      for (let j = 0; j <= i; j++) gram[i * width + j]! += value * from[at + j]!;
      for (let d = 0; d < width; d++) columns[d]![i]! += value * to[at + d]!;
    }
  }
  let trace = 0;
  for (let i = 0; i < width; i++) trace += gram[i * width + i]!;
  if (trace === 0) return undefined;
  for (let i = 0; i < width; i++) gram[i * width + i]! += (ridgeShare * trace) / width;
  factorCholesky(gram, width);
  const map = new Float32Array(width * width);
  columns.forEach((column, d) => {
    solveCholesky(gram, width, column);
    for (let i = 0; i < width; i++) map[i * width + d] = column[i]!;
  });
  return map;
}

/** rows · W: [n, width] → [n, width] */
export function mapped(rows: Float32Array, map: Float32Array, width: number): Float32Array {
  const out = new Float32Array(rows.length);
  for (let at = 0; at < rows.length; at += width) {
    for (let i = 0; i < width; i++) {
      const value = rows[at + i]!;
      if (value === 0) continue;
      for (let d = 0; d < width; d++) out[at + d]! += value * map[i * width + d]!;
    }
  }
  return out;
}
