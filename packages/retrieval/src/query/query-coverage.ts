/** A unit of text: a word, a pair of characters, a character. */
type Term = string;

/**
 * How much of a query a text says, each part by how telling it is:
 *
 *     coverage(q, d) = Σ_{t ∈ q ∩ d} idf(t) / Σ_{t ∈ q} idf(t)        idf(t) = ln(1 + N / (1 + df(t)))
 *
 * Terms are those of the index (words, pairs, characters), so that what a wrong cut parts still
 * counts. In [0, 1], and comparable between queries, which scores of a text index are not: a feature
 * for ranking, and a measure of whether a product answers a query at all.
 */
export class QueryCoverage {
  readonly #termsOf: (text: string) => Iterable<Term>;
  readonly #frequencies: ReadonlyMap<Term, number>;
  readonly #texts: number;

  private constructor(
    termsOf: (text: string) => Iterable<Term>,
    frequencies: ReadonlyMap<Term, number>,
    texts: number,
  ) {
    this.#termsOf = termsOf;
    this.#frequencies = frequencies;
    this.#texts = texts;
  }

  /**
   * @param texts    what terms are common by: titles, logged queries
   * @param termsOf  terms of a text, repeats allowed
   */
  static build(texts: Iterable<string>, termsOf: (text: string) => Iterable<Term>): QueryCoverage {
    const frequencies = new Map<Term, number>();
    let count = 0;
    for (const text of texts) {
      count++;
      for (const term of new Set(termsOf(text))) {
        frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
      }
    }
    return new QueryCoverage(termsOf, frequencies, count);
  }

  /** Share of the query that the text has; 0 for a query without terms. */
  of(query: string, text: string): number {
    const has = new Set(this.#termsOf(text));
    let [all, found] = [0, 0];
    for (const term of new Set(this.#termsOf(query))) {
      const weight = Math.log(1 + this.#texts / (1 + (this.#frequencies.get(term) ?? 0)));
      all += weight;
      if (has.has(term)) found += weight;
    }
    return all === 0 ? 0 : found / all;
  }
}
