/** What a categorical encoder needs to be opened again. */
export interface CategoricalCard {
  readonly kind: "categorical";
  /** Values by code, from `firstKnownCode` on. */
  readonly values: readonly string[];
}

export interface CategoricalOptions {
  /** Values seen less often share the code of rare ones (default 1: none do). */
  readonly minCount?: number;
  /** At most so many values get codes of their own, the most frequent (default no bound). */
  readonly maxValues?: number;
}

/** The code of an absent value. */
export const missingCode = 0;
/** The code that rare values and values never seen in training share. */
export const rareCode = 1;
const firstKnownCode = 2;

/**
 * Codes for the values of a category: brand, colour, shop. Known values are numbered from 2, most
 * frequent first and ties in order of their text, so that a fit is the same whatever the order of
 * the data.
 */
export class CategoricalEncoder {
  readonly #codes: ReadonlyMap<string, number>;
  readonly #values: readonly string[];

  private constructor(values: readonly string[]) {
    this.#values = values;
    this.#codes = new Map(values.map((value, i) => [value, i + firstKnownCode]));
  }

  /** Learns the codes from training data. */
  static fit(
    values: Iterable<string | undefined>,
    { minCount = 1, maxValues = Infinity }: CategoricalOptions = {},
  ): CategoricalEncoder {
    const counts = new Map<string, number>();
    for (const value of values) {
      if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const known = [...counts]
      .filter(([, count]) => count >= minCount)
      .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
      .slice(0, maxValues)
      .map(([value]) => value);
    return new CategoricalEncoder(known);
  }

  /** Codes run from 0 to `size - 1`: the height of an embedding table. */
  get size(): number {
    return this.#values.length + firstKnownCode;
  }

  encode(value: string | undefined): number {
    if (value === undefined) return missingCode;
    return this.#codes.get(value) ?? rareCode;
  }

  /** The value of a code; undefined for the codes of missing and rare ones. */
  decode(code: number): string | undefined {
    return this.#values[code - firstKnownCode];
  }

  save(): CategoricalCard {
    return { kind: "categorical", values: this.#values };
  }

  static load(card: CategoricalCard): CategoricalEncoder {
    return new CategoricalEncoder(card.values);
  }
}
