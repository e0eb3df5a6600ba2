import { type CsrMatrix, truncatedSvd } from "@magpie/numerics";

/**
 * Vectors to start from: each node's place along the leading singular directions of R̃ = D_u^-½ R D_i^-½,
 *
 *     items: rows of V       users: rows of R̃ V       each brought to length √width · spread
 *
 * that is, what an untrained graph filter of this rank knows.
 *
 * @param matrix  R̃: [users, items + 1]
 * @returns       [users + items + 1, width]; rows without any entry are zero
 */
export async function spectralStart(
  matrix: CsrMatrix,
  width: number,
  spread: number,
  context: { readonly seed: number; readonly signal: AbortSignal },
): Promise<Float32Array> {
  const { rows, columns, offsets, indices, values } = matrix;
  const { rank, vectors } = await truncatedSvd(matrix, width, {
    seed: context.seed,
    afterPass: () => context.signal.throwIfAborted(),
  });
  const table = new Float32Array((rows + columns) * width);
  for (let user = 0; user < rows; user++) {
    for (let p = offsets[user]!; p < offsets[user + 1]!; p++) {
      const from = indices[p]! * rank;
      for (let r = 0; r < rank; r++) table[user * width + r]! += values[p]! * vectors[from + r]!;
    }
  }
  for (let item = 0; item < columns; item++) {
    for (let r = 0; r < rank; r++) {
      table[(rows + item) * width + r] = vectors[item * rank + r]!;
    }
  }
  const length = Math.sqrt(width) * spread;
  for (let at = 0; at < table.length; at += width) {
    let square = 0;
    for (let d = at; d < at + width; d++) square += table[d]! ** 2;
    if (square === 0) continue;
    const factor = length / Math.sqrt(square);
    for (let d = at; d < at + width; d++) table[d]! *= factor;
  }
  return table;
}
