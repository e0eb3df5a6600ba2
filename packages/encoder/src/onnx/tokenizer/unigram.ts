/** How much worse than the least likely piece an unknown letter is. */
const unknownPenalty = 10;

/**
 * Cuts a text into the pieces whose log-probabilities sum to the most: Viterbi over ends.
 *
 * @see Kudo (2018), "Subword regularization"
 */
export class Unigram {
  readonly #pieces: ReadonlyMap<string, { readonly id: number; readonly score: number }>;
  readonly #unknown: number;
  readonly #unknownScore: number;
  readonly #longest: number;

  /** @param pieces  by id, with their log-probabilities */
  constructor(pieces: readonly (readonly [string, number])[], unknown: number) {
    this.#pieces = new Map(pieces.map(([piece, score], id) => [piece, { id, score }]));
    this.#unknown = unknown;
    let least = Infinity;
    let longest = 1;
    for (const [piece, score] of pieces) {
      least = Math.min(least, score);
      longest = Math.max(longest, [...piece].length);
    }
    this.#unknownScore = least - unknownPenalty;
    this.#longest = longest;
  }

  /** Neighbouring letters that no piece covers are one unknown id. */
  idsOf(text: string): number[] {
    const letters = [...text];
    const best = [0];
    const starts = [0];
    const chosen = [this.#unknown];
    for (let end = 1; end <= letters.length; end++) {
      let score = best[end - 1]! + this.#unknownScore;
      let from = end - 1;
      let id = this.#unknown;
      let piece = "";
      for (let start = end - 1; start >= Math.max(0, end - this.#longest); start--) {
        piece = letters[start]! + piece;
        const found = this.#pieces.get(piece);
        if (found === undefined || best[start]! + found.score <= score) continue;
        [score, from, id] = [best[start]! + found.score, start, found.id];
      }
      best.push(score);
      starts.push(from);
      chosen.push(id);
    }
    const ids: number[] = [];
    for (let end = letters.length; end > 0; end = starts[end]!) {
      if (chosen[end] !== this.#unknown || ids.at(-1) !== this.#unknown) ids.push(chosen[end]!);
    }
    return ids.reverse();
  }
}
