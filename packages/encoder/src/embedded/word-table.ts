import { EncoderError } from "../text-encoder.ts";
import type { WordRows } from "./word-rows.ts";

/** What a table's file says of itself. */
export interface WordTableFacts {
  readonly name: string;
  readonly version: string;
  readonly width: number;
  readonly words: number;
  /** Rows for letter n-grams, by which unknown Latin words are read. */
  readonly buckets: number;
  /** Bytes of the word list. */
  readonly wordBytes: number;
}

const magic = "MGPWORDS";

/**
 * One int8 vector per word, as it lies in its file:
 *
 *     magic 8 │ header length u32 │ header JSON │ words, one a line, UTF-8 │ costs f32 [words]
 *     │ scales f32 [words + buckets] │ codes i8 [words + buckets, width]       little-endian
 *
 * A row's vector is `codes · scale`; how much a word weighs in a text is part of its scale. A cost
 * is −ln of the word's share in running text, by which text without spaces is cut.
 */
export class WordTable implements WordRows {
  readonly facts: WordTableFacts;
  readonly #rows: ReadonlyMap<string, number>;
  readonly #costs: Float32Array;
  readonly #scales: Float32Array;
  readonly #codes: Int8Array;

  private constructor(
    facts: WordTableFacts,
    rows: ReadonlyMap<string, number>,
    costs: Float32Array,
    scales: Float32Array,
    codes: Int8Array,
  ) {
    this.facts = facts;
    this.#rows = rows;
    this.#costs = costs;
    this.#scales = scales;
    this.#codes = codes;
  }

  /**
   * @param from  named in errors
   * @throws {EncoderError} `BAD_WORD_TABLE` when the bytes are not a whole table
   */
  static open(bytes: Uint8Array, from = "the word table"): WordTable {
    const text = new TextDecoder();
    if (bytes.length < 12 || text.decode(bytes.subarray(0, 8)) !== magic) {
      throw broken(from, `does not begin with "${magic}"`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 12 + view.getUint32(8, true);
    let facts: WordTableFacts;
    try {
      facts = JSON.parse(text.decode(bytes.subarray(12, at))) as WordTableFacts;
    } catch (error) {
      throw broken(from, "has a header that is not JSON", error);
    }
    const { words, buckets, width, wordBytes } = facts;
    const rows = words + buckets;
    const expected = at + wordBytes + 4 * words + rows * (4 + width);
    if (bytes.length !== expected) {
      throw broken(from, `has ${bytes.length} bytes where its header promises ${expected}`);
    }
    const list = text.decode(bytes.subarray(at, (at += wordBytes))).split("\n");
    if (list.length !== words) throw broken(from, `lists ${list.length} words, not ${words}`);
    const floats = (count: number): Float32Array => {
      // A copy, because the words before may end at any byte (and a Buffer's own slice is a view).
      const copy = new Uint8Array(4 * count);
      copy.set(bytes.subarray(at, (at += 4 * count)));
      return new Float32Array(copy.buffer);
    };
    const costs = floats(words);
    const scales = floats(rows);
    const codes = new Int8Array(bytes.buffer, bytes.byteOffset + at, rows * width);
    return new WordTable(
      facts,
      new Map(list.map((word, row) => [word, row])),
      costs,
      scales,
      codes,
    );
  }

  get width(): number {
    return this.facts.width;
  }

  get buckets(): number {
    return this.facts.buckets;
  }

  /** Rows of all words and n-grams. */
  get rows(): number {
    return this.facts.words + this.facts.buckets;
  }

  /** Row of a word; undefined when the table does not have it. */
  rowOf(word: string): number | undefined {
    return this.#rows.get(word);
  }

  /** −ln of a word's share in running text. */
  costOf(row: number): number {
    return this.#costs[row]!;
  }

  /** Row of a letter n-gram. Several share one. */
  bucketOf(gram: string): number {
    let hash = 0x811c9dc5; // FNV-1a over code units, as in the recipe
    for (let i = 0; i < gram.length; i++) hash = Math.imul(hash ^ gram.charCodeAt(i), 0x01000193);
    return this.facts.words + ((hash >>> 0) % this.facts.buckets);
  }

  /** sum += share · row */
  addTo(sum: Float32Array, row: number, share = 1): void {
    const scale = this.#scales[row]! * share;
    const from = row * this.facts.width;
    for (let d = 0; d < sum.length; d++) sum[d]! += this.#codes[from + d]! * scale;
  }
}

function broken(from: string, what: string, cause?: unknown): EncoderError {
  return new EncoderError(
    "BAD_WORD_TABLE",
    `${from} ${what}.`,
    "Put the file back from the release, or make it again as tools/encoder/README.md says.",
    { kind: "unavailable", cause },
  );
}
