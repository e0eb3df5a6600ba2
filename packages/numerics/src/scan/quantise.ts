/** Rows of vectors as bytes: `codes[i, d] · scales[i]` is close to the value that was there. */
export interface QuantisedRows {
  /** [rows, width], each in [-127, 127] */
  readonly codes: Int8Array;
  /** [rows] */
  readonly scales: Float32Array;
  /** [rows]: Euclidean length of what the codes lost, rounded up: ‖v − code · scale‖ */
  readonly errors: Float32Array;
  /** Euclidean length of the longest row, rounded up. */
  readonly longest: number;
}

/**
 * Symmetric int8 quantisation with one scale per row: scale = max |v| / 127.
 *
 * One scale per row, because item vectors differ in length (popular items are longer), and a scale
 * for all would leave the short ones few levels. A row of zeros has scale 0 and error 0.
 *
 * @param vectors  [rows, width]
 */
export function quantiseRows(vectors: Float32Array, rows: number, width: number): QuantisedRows {
  const codes = new Int8Array(rows * width);
  const scales = new Float32Array(rows);
  const errors = new Float32Array(rows);
  let longest = 0; // squared
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    let largest = 0;
    let square = 0;
    for (let d = 0; d < width; d++) {
      const size = Math.abs(vectors[from + d]!);
      square += size * size;
      if (size > largest) largest = size;
    }
    if (square > longest) longest = square;
    if (largest === 0) continue;
    const scale = Math.fround(largest / 127);
    let lost = 0;
    for (let d = 0; d < width; d++) {
      const value = vectors[from + d]!;
      const code = Math.max(-127, Math.min(127, Math.round(value / scale)));
      codes[from + d] = code;
      lost += (value - code * scale) ** 2;
    }
    scales[row] = scale;
    // Rounding to float32 may round down; the error must stay an upper bound.
    errors[row] = Math.sqrt(lost) * (1 + 2 ** -22);
  }
  return { codes, scales, errors, longest: Math.sqrt(longest) * (1 + 2 ** -22) };
}
