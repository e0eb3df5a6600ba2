/** The printable letter that stands for each byte in vocabularies of byte-level BPE. */
const letterOfByte: readonly string[] = (() => {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(printable(byte) ? byte : next++),
  );
})();

/**
 * Byte-level BPE: the bytes of a word, joined pair by pair in the order the pairs were learnt.
 *
 * @see Sennrich, Haddow & Birch (2016), "Neural machine translation of rare words"
 */
export class BytePairs {
  readonly #ids: ReadonlyMap<string, number>;
  /** Place of a pair, "left right", in the order of learning. */
  readonly #ranks: ReadonlyMap<string, number>;

  constructor(ids: ReadonlyMap<string, number>, merges: readonly (readonly [string, string])[]) {
    this.#ids = ids;
    this.#ranks = new Map(merges.map(([left, right], rank) => [`${left} ${right}`, rank]));
  }

  /** @param word  with the space before it, where it has one */
  idsOf(word: string): number[] {
    const parts = Array.from(Buffer.from(word, "utf8"), (byte) => letterOfByte[byte]!);
    for (;;) {
      let best = Infinity;
      let at = -1;
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = this.#ranks.get(`${parts[i]!} ${parts[i + 1]!}`) ?? Infinity;
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) break;
      parts.splice(at, 2, parts[at]! + parts[at + 1]!);
    }
    return parts.flatMap((part) => this.#ids.get(part) ?? []);
  }
}
