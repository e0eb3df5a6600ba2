import { createHash } from "node:crypto";
import { quantiseRows } from "@magpie/numerics";
import { EncoderError } from "../text-encoder.ts";
import type { WordRows } from "./word-rows.ts";
import type { WordTable } from "./word-table.ts";

const magic = "MGPSHOPW";
/** Cost of a shop's own word, by which compounds are parted: that of a rare word of the table. */
const ownWordCost = 14;

/** What an adaptation's bytes say of it. */
interface Header {
  /** Of the table that it was learned on. */
  readonly table: string;
  readonly width: number;
  /** Rows of the table that have another vector. */
  readonly rows: number;
  /** Words that the table does not have; their rows follow those of the table. */
  readonly words: readonly string[];
}

/**
 * What a shop taught the word table: other vectors for some of its rows, and vectors for words that
 * it does not have. The table itself stays as it is, for all shops of a process.
 *
 *     magic 8 │ header length u32 │ header JSON │ rows i32 [rows] │ scales f32 [rows + words]
 *     │ codes i8 [rows + words, width]                                        little-endian
 */
export class ShopAdaptation implements WordRows {
  readonly width: number;
  readonly buckets: number;
  /** That of the table, and a hash of what was learned. */
  readonly version: string;
  readonly #table: WordTable;
  readonly #ownRows: ReadonlyMap<string, number>;
  /** By row of the table, then of the own words: place of its vector; -1 for the table's. */
  readonly #places: Int32Array;
  readonly #scales: Float32Array;
  readonly #codes: Int8Array;

  private constructor(
    table: WordTable,
    header: Header,
    rows: Int32Array,
    scales: Float32Array,
    codes: Int8Array,
    version: string,
  ) {
    this.width = table.width;
    this.buckets = table.buckets;
    this.version = version;
    this.#table = table;
    this.#ownRows = new Map(header.words.map((word, i) => [word, table.rows + i]));
    this.#places = new Int32Array(table.rows + header.words.length).fill(-1);
    rows.forEach((row, place) => (this.#places[row] = place));
    header.words.forEach((_, i) => (this.#places[table.rows + i] = rows.length + i));
    this.#scales = scales;
    this.#codes = codes;
  }

  /**
   * @param rows     rows of the table that changed
   * @param words    words that the table does not have
   * @param vectors  [rows + words, width]
   */
  static toBytes(
    table: WordTable,
    rows: Int32Array,
    words: readonly string[],
    vectors: Float32Array,
  ): Uint8Array {
    const { width } = table;
    const { codes, scales } = quantiseRows(vectors, rows.length + words.length, width);
    const header: Header = { table: tableOf(table), width, rows: rows.length, words };
    const json = new TextEncoder().encode(JSON.stringify(header));
    const parts = [
      new TextEncoder().encode(magic),
      bytesOf(Uint32Array.of(json.length)),
      json,
      bytesOf(rows),
      bytesOf(scales),
      bytesOf(codes),
    ];
    return new Uint8Array(Buffer.concat(parts));
  }

  /** @throws {EncoderError} `BAD_ADAPTATION` when the bytes are none, or were learned on another table */
  static open(bytes: Uint8Array, table: WordTable): ShopAdaptation {
    const text = new TextDecoder();
    if (bytes.length < 12 || text.decode(bytes.subarray(0, 8)) !== magic) {
      throw broken(`does not begin with "${magic}"`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 12 + view.getUint32(8, true);
    let header: Header;
    try {
      header = JSON.parse(text.decode(bytes.subarray(12, at))) as Header;
    } catch (error) {
      throw broken("has a header that is not JSON", error);
    }
    if (header.table !== tableOf(table)) {
      throw broken(`was learned on ${header.table}, and the table is ${tableOf(table)}`);
    }
    const count = header.rows + header.words.length;
    const expected = at + 4 * header.rows + 4 * count + count * header.width;
    if (bytes.length !== expected) {
      throw broken(`has ${bytes.length} bytes where its header promises ${expected}`);
    }
    // Copies, because the header may end at any byte.
    const take = (length: number): ArrayBuffer => {
      const copy = new Uint8Array(length);
      copy.set(bytes.subarray(at, (at += length)));
      return copy.buffer;
    };
    const rows = new Int32Array(take(4 * header.rows));
    const scales = new Float32Array(take(4 * count));
    const codes = new Int8Array(take(count * header.width));
    const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
    const version = `${table.facts.version}+${hash}`;
    return new ShopAdaptation(table, header, rows, scales, codes, version);
  }

  rowOf(word: string): number | undefined {
    return this.#table.rowOf(word) ?? this.#ownRows.get(word);
  }

  costOf(row: number): number {
    return row < this.#table.facts.words ? this.#table.costOf(row) : ownWordCost;
  }

  bucketOf(gram: string): number {
    return this.#table.bucketOf(gram);
  }

  addTo(sum: Float32Array, row: number, share = 1): void {
    const place = this.#places[row]!;
    if (place < 0) {
      this.#table.addTo(sum, row, share);
      return;
    }
    const scale = this.#scales[place]! * share;
    const from = place * this.width;
    for (let d = 0; d < sum.length; d++) sum[d]! += this.#codes[from + d]! * scale;
  }
}

const tableOf = ({ facts: { name, version, width } }: WordTable): string =>
  `${name} ${version} of width ${width}`;

const bytesOf = (values: Int32Array | Uint32Array | Float32Array | Int8Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

function broken(what: string, cause?: unknown): EncoderError {
  return new EncoderError(
    "BAD_ADAPTATION",
    `The encoder's adaptation to the shop ${what}.`,
    "Train a new snapshot, which learns it again.",
    { kind: "unavailable", cause },
  );
}
