import type { Jieba } from "@node-rs/jieba";

/** Cuts a run of an unspaced script into words. */
export interface Segmenter {
  /** Words one after another; together they are the run. */
  cut(run: string): string[];
  /** The same, and words inside long words as well: 农业发展银行 → 农业, 发展, 银行, 农业发展银行. */
  cutFine(run: string): string[];
  /** True for a word of the dictionary or of the shop. */
  isKnown(word: string): boolean;
}

const han = /\p{Script=Han}/u;

/** By ICU's dictionary: everywhere, coarser, and without words of the shop. */
export class IcuSegmenter implements Segmenter {
  readonly #segmenter = new Intl.Segmenter("zh", { granularity: "word" });
  readonly #ownWords: ReadonlySet<string>;

  constructor(ownWords: readonly string[] = []) {
    this.#ownWords = new Set(ownWords);
  }

  cut(run: string): string[] {
    return Array.from(this.#segmenter.segment(run), ({ segment }) => segment);
  }

  cutFine(run: string): string[] {
    return this.cut(run);
  }

  isKnown(word: string): boolean {
    return this.#ownWords.has(word) || this.cut(word).length === 1;
  }
}

/** By jieba with the shop's own words; what is not Chinese is left to ICU. */
class JiebaSegmenter implements Segmenter {
  readonly #jieba: Jieba;
  readonly #icu = new IcuSegmenter();

  constructor(jieba: Jieba) {
    this.#jieba = jieba;
  }

  cut(run: string): string[] {
    return han.test(run) ? this.#jieba.cut(run, true) : this.#icu.cut(run);
  }

  cutFine(run: string): string[] {
    return han.test(run) ? this.#jieba.cutForSearch(run, true) : this.#icu.cut(run);
  }

  isKnown(word: string): boolean {
    // Without the guess at unknown words, only what the dictionary has stays in one piece.
    return this.#jieba.cut(word, false).length === 1;
  }
}

/** Higher than any word of the dictionary that a name could be cut into. */
const ownWordFrequency = 100_000;

/**
 * A segmenter that knows the shop's own words (brands, categories). Where the native jieba cannot
 * be loaded, ICU takes its place: words are coarser, and nothing is lost, because characters and
 * pairs are indexed beside words.
 *
 * Takes about 0.2 s and some 50 MB for the dictionary, at the first cut.
 */
export async function loadSegmenter(ownWords: readonly string[]): Promise<Segmenter> {
  try {
    const [{ Jieba }, { dict }] = await Promise.all([
      import("@node-rs/jieba"),
      import("@node-rs/jieba/dict.js"),
    ]);
    if (ownWords.length === 0) {
      withoutOwnWords ??= lazySegmenter(() => new JiebaSegmenter(Jieba.withDict(dict)));
      return withoutOwnWords;
    }
    return lazySegmenter(() => {
      const jieba = Jieba.withDict(dict);
      const lines = ownWords.map((word) => `${word} ${ownWordFrequency} n\n`);
      jieba.loadDict(Buffer.from(lines.join("")));
      return new JiebaSegmenter(jieba);
    });
  } catch {
    return new IcuSegmenter(ownWords);
  }
}

/** The dictionary alone is the same for everybody. */
let withoutOwnWords: Segmenter | undefined;

/** Made at first use: many shops never cut a Chinese word. */
function lazySegmenter(make: () => Segmenter): Segmenter {
  let made: Segmenter | undefined;
  const segmenter = (): Segmenter => (made ??= make());
  return {
    cut: (run) => segmenter().cut(run),
    cutFine: (run) => segmenter().cutFine(run),
    isKnown: (word) => segmenter().isKnown(word),
  };
}
