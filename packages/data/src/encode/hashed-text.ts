import { Fingerprint } from "../clean/fingerprint.ts";

/** What a text encoder needs to be opened again. */
export interface HashedTextCard {
  readonly kind: "hashed-text";
  readonly buckets: number;
  /** Texts of the training data, and in how many of them each bucket occurs. */
  readonly texts: number;
  readonly frequencies: readonly number[];
}

/** Buckets of a text and their weights; a sparse vector of length 1, or empty. */
export interface SparseVector {
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

/**
 * A text as a vector of fixed width without a vocabulary: each word falls into one of `buckets`
 * by its hash, with a sign that keeps collisions from adding up (Weinberger et al. 2009), weighted
 * by how rare its bucket is, log((1 + texts) / (1 + frequency)) + 1, and scaled to length 1.
 *
 * Words are runs of letters and digits, in small letters; Chinese, Japanese and Korean runs give
 * their characters and pairs of neighbours.
 */
export class HashedTextEncoder {
  readonly #card: HashedTextCard;
  readonly #print = new Fingerprint();

  private constructor(card: HashedTextCard) {
    this.#card = card;
  }

  /** Learns how rare each bucket is from training texts. */
  static fit(texts: Iterable<string>, buckets = 4096): HashedTextEncoder {
    const frequencies = Array.from({ length: buckets }, () => 0);
    const blank = new HashedTextEncoder({ kind: "hashed-text", buckets, texts: 0, frequencies });
    let count = 0;
    for (const text of texts) {
      count++;
      for (const bucket of blank.#counts(text).keys()) frequencies[bucket]!++;
    }
    return new HashedTextEncoder({ kind: "hashed-text", buckets, texts: count, frequencies });
  }

  get buckets(): number {
    return this.#card.buckets;
  }

  encode(text: string): SparseVector {
    const { texts, frequencies } = this.#card;
    const entries = [...this.#counts(text)]
      .map(([bucket, count]): [number, number] => {
        const rarity = Math.log((1 + texts) / (1 + frequencies[bucket]!)) + 1;
        return [bucket, count * rarity];
      })
      .filter(([, weight]) => weight !== 0)
      .sort(([a], [b]) => a - b);
    const length = Math.sqrt(entries.reduce((sum, [, weight]) => sum + weight ** 2, 0));
    return {
      indices: Int32Array.from(entries, ([bucket]) => bucket),
      values: Float32Array.from(entries, ([, weight]) => weight / length),
    };
  }

  save(): HashedTextCard {
    return this.#card;
  }

  static load(card: HashedTextCard): HashedTextEncoder {
    return new HashedTextEncoder(card);
  }

  #counts(text: string): Map<number, number> {
    const counts = new Map<number, number>();
    for (const word of wordsOf(text)) {
      const print = this.#print.reset().text(word);
      const bucket = (print.low >>> 0) % this.#card.buckets;
      counts.set(bucket, (counts.get(bucket) ?? 0) + (print.high < 0 ? -1 : 1));
    }
    return counts;
  }
}

const runs =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+|[^\P{L}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]+|\p{N}+/gu;

function* wordsOf(text: string): Generator<string> {
  for (const [run] of text.normalize("NFKC").toLowerCase().matchAll(runs)) {
    if (!/^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(run)) {
      yield run;
      continue;
    }
    const characters = [...run];
    for (let i = 0; i < characters.length; i++) {
      yield characters[i]!;
      if (i > 0) yield characters[i - 1]! + characters[i]!;
    }
  }
}
