/** Cuts one word into ids of pieces, longest first from its start. */
export class WordPiece {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #unknown: number;
  readonly #prefix: string;
  readonly #longestWord: number;

  /**
   * @param prefix       of a piece that does not begin a word: "##"
   * @param longestWord  letters; a longer word is unknown
   */
  constructor(
    ids: ReadonlyMap<string, number>,
    unknown: number,
    { prefix = "##", longestWord = 100 } = {},
  ) {
    this.#ids = ids;
    this.#unknown = unknown;
    this.#prefix = prefix;
    this.#longestWord = longestWord;
  }

  /** One unknown id for a word that pieces do not cover wholly. */
  idsOf(word: string): number[] {
    const letters = [...word];
    if (letters.length > this.#longestWord) return [this.#unknown];
    const ids: number[] = [];
    for (let start = 0; start < letters.length;) {
      let end = letters.length;
      let id: number | undefined;
      for (; end > start; end--) {
        const piece = letters.slice(start, end).join("");
        id = this.#ids.get(start === 0 ? piece : this.#prefix + piece);
        if (id !== undefined) break;
      }
      if (id === undefined) return [this.#unknown];
      ids.push(id);
      start = end;
    }
    return ids;
  }
}
