import type { Item } from "@magpie/domain";

/** The part of the catalogue that records are read from. */
export interface RecordSource {
  getMany(ids: readonly string[]): Promise<Map<string, Item>>;
}

/** Records kept; the one used longest ago leaves first. At about 2 kB each: 40 MB. */
const maxRecords = 20_000;

/**
 * Catalogue records by id, read when an answer needs them and kept while answers keep needing
 * them: a snapshot knows numbers about items, the words are the catalogue's.
 */
export class ItemRecords {
  readonly #source: RecordSource;
  readonly #limit: number;
  /** In order of last use. */
  readonly #records = new Map<string, Item>();
  /** Grows with every change, so that a read that began before it is not kept. */
  #changes = 0;

  constructor(source: RecordSource, limit = maxRecords) {
    this.#source = source;
    this.#limit = limit;
  }

  /** The records of `ids`, in their order; undefined where the catalogue has none. */
  async getMany(ids: readonly string[]): Promise<(Item | undefined)[]> {
    const missing: string[] = [];
    const found = ids.map((id) => {
      const record = this.#records.get(id);
      if (record === undefined) missing.push(id);
      else this.#keep(id, record);
      return record;
    });
    if (missing.length === 0) return found;
    const before = this.#changes;
    const read = await this.#source.getMany(missing);
    if (before === this.#changes) for (const [id, record] of read) this.#keep(id, record);
    return found.map((record, i) => record ?? read.get(ids[i]!));
  }

  /** Takes note of a changed record. */
  put(item: Item): void {
    this.#changes++;
    if (this.#records.has(item.id)) this.#keep(item.id, item);
  }

  /** Takes note of a deleted record. */
  delete(id: string): void {
    this.#changes++;
    this.#records.delete(id);
  }

  #keep(id: string, record: Item): void {
    this.#records.delete(id);
    this.#records.set(id, record);
    if (this.#records.size > this.#limit) this.#records.delete(this.#records.keys().next().value!);
  }
}
