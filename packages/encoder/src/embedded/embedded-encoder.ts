import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { normaliseRow, type TextEncoder } from "../text-encoder.ts";
import {
  learnAdaptation,
  type LearnedAdaptation,
  type LearningOptions,
  type ShopExamples,
} from "./learn-adaptation.ts";
import { ShopAdaptation } from "./shop-adaptation.ts";
import type { WordRows } from "./word-rows.ts";
import { WordTable } from "./word-table.ts";
import { readingsOf } from "./words.ts";

/** The table that comes with Magpie. */
export const embeddedTablePath = join(
  import.meta.dirname,
  "..",
  "..",
  "weights",
  "en-zh-words.bin",
);

/**
 * The encoder that needs nothing but its own file: a text is the sum of its words' vectors, made
 * length 1. English and Chinese words stand in one space, so that a query in one language finds
 * titles in the other.
 *
 *     v(text) = Σ_words weight(word) · v(word) / ‖…‖
 *
 * Word order means nothing to it, nor do numbers; see weights/README.md for what it is bad at.
 */
export class EmbeddedEncoder implements TextEncoder {
  readonly name: string;
  readonly version: string;
  readonly width: number;
  readonly #table: WordTable;
  readonly #words: WordRows;

  /** @param adaptation  what a shop taught the table, whose vectors take the place of the table's */
  constructor(table: WordTable, adaptation?: ShopAdaptation) {
    ({ name: this.name, width: this.width } = table.facts);
    this.version = adaptation?.version ?? table.facts.version;
    this.#table = table;
    this.#words = adaptation ?? table;
  }

  /** @throws {EncoderError} `BAD_WORD_TABLE` */
  static async open(path = embeddedTablePath): Promise<EmbeddedEncoder> {
    return new EmbeddedEncoder(WordTable.open(await readFile(path), path));
  }

  /**
   * The same encoder with what a shop taught it.
   *
   * @throws {EncoderError} `BAD_ADAPTATION` when the bytes are none, or are of another table
   */
  adaptedBy(bytes: Uint8Array): EmbeddedEncoder {
    return new EmbeddedEncoder(this.#table, ShopAdaptation.open(bytes, this.#table));
  }

  /**
   * Learns what a shop's words mean there from searches and what was taken after them; see
   * `learnAdaptation`.
   */
  learn(examples: ShopExamples, options: LearningOptions): LearnedAdaptation {
    return learnAdaptation(this.#table, examples, options);
  }

  async encode(texts: readonly string[]): Promise<Float32Array> {
    const vectors = new Float32Array(texts.length * this.width);
    texts.forEach((text, i) => {
      this.#encodeInto(vectors.subarray(i * this.width, (i + 1) * this.width), text);
    });
    return vectors;
  }

  #encodeInto(sum: Float32Array, text: string): void {
    for (const reading of readingsOf(text, this.#words)) {
      if ("row" in reading) this.#words.addTo(sum, reading.row, reading.share);
      else for (const row of reading.grams) this.#words.addTo(sum, row, 1 / reading.grams.length);
    }
    normaliseRow(sum);
  }
}
