/** Words and letter n-grams with a vector each: what texts are read by. */
export interface WordRows {
  /** D: values per vector. */
  readonly width: number;
  /** Rows for letter n-grams; 0: unknown words are passed over. */
  readonly buckets: number;
  /** Row of a word; undefined when there is none. */
  rowOf(word: string): number | undefined;
  /** −ln of a word's share in running text, by which text without spaces is cut. */
  costOf(row: number): number;
  /** Row of a letter n-gram. Several share one. */
  bucketOf(gram: string): number;
  /** sum += share · row */
  addTo(sum: Float32Array, row: number, share?: number): void;
}
