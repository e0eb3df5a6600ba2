import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import {
  StoreError,
  type ItemId,
  type ItemIndex,
  type UserId,
  type UserIndex,
} from "@magpie/domain";

/** Items are numbered from 1: row 0 of every table is padding. */
export type ItemVocabulary = Vocabulary<ItemId, ItemIndex>;

/** Users are numbered from 0. */
export type UserVocabulary = Vocabulary<UserId, UserIndex>;

const magic = 0x5650474d; // "MGPV", little-endian
const formatVersion = 1;
const headerBytes = 16;
const digestBytes = 32;

/**
 * The two-way map between ids of the shop and dense indices. Append-only between trainings: an id
 * never changes its index, so that an embedding table can be carried over and grown.
 *
 * File layout, little-endian:
 *
 *     magic u32 │ version u32 │ first index u32 │ count u32 │ ends u32[count] │ ids, UTF-8 │ SHA-256
 *
 * `ends[i]` is where id `i` ends in the bytes of the ids; the digest covers all that precedes it.
 */
export class Vocabulary<Id extends string, Index extends number> {
  /** The index of the first id: 1 for items, 0 for users. */
  readonly firstIndex: number;
  readonly #ids: readonly Id[];
  #indices: Map<string, number> | undefined;
  #digest: string | undefined;

  private constructor(firstIndex: number, ids: readonly Id[], indices?: Map<string, number>) {
    this.firstIndex = firstIndex;
    this.#ids = ids;
    this.#indices = indices;
  }

  /** Numbers distinct ids in the order given, from `firstIndex`; repeats are ignored. */
  static of<Id extends string, Index extends number>(
    firstIndex: number,
    ids: Iterable<string>,
  ): Vocabulary<Id, Index> {
    return new Vocabulary<Id, Index>(firstIndex, []).extend(ids);
  }

  get size(): number {
    return this.#ids.length;
  }

  /** The index of an id, or -1 for an unknown one. */
  indexOf(id: string): Index | -1 {
    return (this.#lookup().get(id) ?? -1) as Index | -1;
  }

  has(id: string): boolean {
    return this.#lookup().has(id);
  }

  /** The id at an index. An index outside the vocabulary is a mistake of ours. */
  idOf(index: number): Id {
    const id = this.#ids[index - this.firstIndex];
    if (id === undefined) throw new Error(`internal: index ${index} is not in the vocabulary`);
    return id;
  }

  /** All ids in the order of their indices. */
  ids(): readonly Id[] {
    return this.#ids;
  }

  /** A vocabulary in which every old id keeps its index and new ids follow in the order given. */
  extend(ids: Iterable<string>): Vocabulary<Id, Index> {
    const all = [...this.#ids];
    const indices = new Map(this.#lookup());
    for (const id of ids) {
      if (indices.has(id)) continue;
      indices.set(id, all.length + this.firstIndex);
      all.push(id as Id);
    }
    if (all.length === this.size) return this;
    return new Vocabulary<Id, Index>(this.firstIndex, all, indices);
  }

  /** SHA-256 of the content in hexadecimal: two vocabularies with the same digest are equal. */
  get digest(): string {
    this.#digest ??= createHash("sha256").update(this.#body()).digest("hex");
    return this.#digest;
  }

  toBytes(): Buffer {
    const body = this.#body();
    return Buffer.concat([body, createHash("sha256").update(body).digest()]);
  }

  /**
   * Opens what `toBytes` made.
   *
   * @throws {StoreError} `DAMAGED_VOCABULARY` when the bytes are cut, altered or of another format
   */
  static fromBytes<Id extends string, Index extends number>(
    bytes: Uint8Array,
    name = "vocabulary",
  ): Vocabulary<Id, Index> {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const bodyLength = buffer.length - digestBytes;
    if (bodyLength < headerBytes || buffer.readUInt32LE(0) !== magic) {
      throw damaged(name, `it has ${buffer.length} bytes and does not start as a vocabulary does`);
    }
    if (buffer.readUInt32LE(4) !== formatVersion) {
      throw damaged(name, `it has format version ${buffer.readUInt32LE(4)}, not ${formatVersion}`);
    }
    const body = buffer.subarray(0, bodyLength);
    const digest = createHash("sha256").update(body).digest();
    if (!digest.equals(buffer.subarray(bodyLength))) throw damaged(name, "its checksum is wrong");

    const firstIndex = buffer.readUInt32LE(8);
    const count = buffer.readUInt32LE(12);
    const text = headerBytes + 4 * count;
    const ids = Array.from<Id>({ length: count });
    let from = text;
    for (let i = 0; i < count; i++) {
      const to = text + buffer.readUInt32LE(headerBytes + 4 * i);
      ids[i] = buffer.toString("utf8", from, to) as Id;
      from = to;
    }
    const vocabulary = new Vocabulary<Id, Index>(firstIndex, ids);
    vocabulary.#digest = digest.toString("hex");
    return vocabulary;
  }

  /** Writes beside the target and renames, so that a crash leaves the old file or the new one. */
  async save(path: string): Promise<void> {
    await writeFile(`${path}.partial`, this.toBytes(), { flush: true });
    await rename(`${path}.partial`, path);
  }

  /**
   * @throws {StoreError} `DAMAGED_VOCABULARY`
   */
  static async load<Id extends string, Index extends number>(
    path: string,
  ): Promise<Vocabulary<Id, Index>> {
    return Vocabulary.fromBytes<Id, Index>(await readFile(path), path);
  }

  #body(): Buffer {
    const count = this.#ids.length;
    const text = this.#ids.map((id) => Buffer.from(id, "utf8"));
    const header = Buffer.alloc(headerBytes + 4 * count);
    header.writeUInt32LE(magic, 0);
    header.writeUInt32LE(formatVersion, 4);
    header.writeUInt32LE(this.firstIndex, 8);
    header.writeUInt32LE(count, 12);
    let end = 0;
    for (let i = 0; i < count; i++) {
      end += text[i]!.length;
      header.writeUInt32LE(end, headerBytes + 4 * i);
    }
    return Buffer.concat([header, ...text]);
  }

  // Built on first use: a server that opens a snapshot may need the ids long before the map.
  #lookup(): Map<string, number> {
    if (this.#indices === undefined) {
      this.#indices = new Map();
      for (let i = 0; i < this.#ids.length; i++)
        this.#indices.set(this.#ids[i]!, i + this.firstIndex);
    }
    return this.#indices;
  }
}

/** A vocabulary of items: indices from 1. */
export function itemVocabulary(ids: Iterable<string> = []): ItemVocabulary {
  return Vocabulary.of<ItemId, ItemIndex>(1, ids);
}

/** A vocabulary of users: indices from 0. */
export function userVocabulary(ids: Iterable<string> = []): UserVocabulary {
  return Vocabulary.of<UserId, UserIndex>(0, ids);
}

function damaged(name: string, what: string): StoreError {
  return new StoreError(
    "DAMAGED_VOCABULARY",
    `The vocabulary file ${name} cannot be used: ${what}.`,
    "Go back to an older snapshot, or train again: the vocabulary is rebuilt from the store.",
    { kind: "unavailable" },
  );
}
