import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Converter } from "opencc-js/t2cn";
import { normaliseRow, type TextEncoder } from "../text-encoder.ts";
import { WordTable } from "./word-table.ts";
import { foldText, readWords } from "./words.ts";

/** The table that comes with Magpie. */
export const embeddedTablePath = join(
  import.meta.dirname,
  "..",
  "..",
  "weights",
  "en-zh-words.bin",
);

/** Parts of a text that are read; what follows is passed over. */
const mostReadings = 256;

const isHan = /\p{Script=Han}/u;

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
  #simplified: ((text: string) => string) | undefined;

  constructor(table: WordTable) {
    ({ name: this.name, version: this.version, width: this.width } = table.facts);
    this.#table = table;
  }

  /** @throws {EncoderError} `BAD_WORD_TABLE` */
  static async open(path = embeddedTablePath): Promise<EmbeddedEncoder> {
    return new EmbeddedEncoder(WordTable.open(await readFile(path), path));
  }

  async encode(texts: readonly string[]): Promise<Float32Array> {
    const vectors = new Float32Array(texts.length * this.width);
    texts.forEach((text, i) => {
      this.#encodeInto(vectors.subarray(i * this.width, (i + 1) * this.width), text);
    });
    return vectors;
  }

  #encodeInto(sum: Float32Array, text: string): void {
    const folded = foldText(isHan.test(text) ? this.#toSimplified(text) : text);
    for (const reading of readWords(folded, this.#table).slice(0, mostReadings)) {
      if ("row" in reading) this.#table.addTo(sum, reading.row, reading.share);
      else for (const row of reading.grams) this.#table.addTo(sum, row, 1 / reading.grams.length);
    }
    normaliseRow(sum);
  }

  /** Words of the table are in simplified characters. The converter is made when first needed. */
  #toSimplified(text: string): string {
    const convert = (this.#simplified ??= Converter({ from: "twp", to: "cn" }));
    return convert(text);
  }
}
