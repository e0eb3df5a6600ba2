import { ItemSet } from "../filter/item-set.ts";
import { sourceFields, type Postings } from "./postings.ts";

/**
 * Part of an index. All parts number rows alike, and a row lives in one of them: where an item
 * changed, its row is dead in all parts but the newest that has it.
 *
 *     postings   row 3, 7, 9, 12 …     as they were built
 *     dead           7                 changed since: neither found nor counted
 *
 * What is counted over the collection (items, lengths, items of a term) leaves dead rows out, at
 * the cost of the rows that died since the last question.
 */
export class Segment {
  readonly postings: Postings;
  /** Items with words that are not dead. */
  documents: number;
  /** Sum of their lengths by source field. */
  readonly lengthSums: Float64Array;
  /** In the order in which they died. */
  readonly #deadRows: number[] = [];
  #dead: ItemSet | undefined;
  /** By term, from the first death on: its dead items, among so many of the rows that died first. */
  #counted: { readonly dead: Uint32Array; readonly among: Uint32Array } | undefined;

  constructor(postings: Postings) {
    this.postings = postings;
    this.documents = postings.documents;
    this.lengthSums = Float64Array.from(postings.lengthSums);
  }

  /** Undefined where none is. */
  get dead(): ItemSet | undefined {
    return this.#dead;
  }

  /** Items that died. */
  get deadCount(): number {
    return this.#deadRows.length;
  }

  /** Marks a row as changed or gone. Rows of other parts may be named, and are passed over. */
  bury(row: number): void {
    if (!this.postings.hasItem(row) || this.#dead?.has(row) === true) return;
    this.#dead ??= new ItemSet(this.postings.rows);
    this.#dead.add(row);
    this.#deadRows.push(row);
    this.documents--;
    for (let slot = 0; slot < sourceFields.length; slot++) {
      this.lengthSums[slot]! -= this.postings.lengthOf(row, slot);
    }
  }

  /** How many items that are not dead have a term; 0 for -1, which is no term. */
  itemsWith(term: number): number {
    if (term < 0) return 0;
    const { listStarts, itemRows } = this.postings;
    const [from, to] = [listStarts[term]!, listStarts[term + 1]!];
    const [all, died] = [to - from, this.#deadRows.length];
    if (died === 0) return all;
    const { dictionary } = this.postings;
    this.#counted ??= {
      dead: new Uint32Array(dictionary.size),
      among: new Uint32Array(dictionary.size),
    };
    const { dead, among } = this.#counted;
    const news = died - among[term]!;
    if (news > 0 && news * Math.log2(all + 1) < all) {
      for (let i = among[term]!; i < died; i++) {
        if (this.postings.find(term, this.#deadRows[i]!) >= 0) dead[term]!++;
      }
    } else if (news > 0) {
      const { words } = this.#dead!;
      dead[term] = 0;
      for (let i = from; i < to; i++) if (isIn(words, itemRows[i]!)) dead[term]!++;
    }
    among[term] = died;
    return all - dead[term]!;
  }
}

const isIn = (words: Int32Array, row: number): boolean =>
  (words[row >> 5]! & (1 << (row & 31))) !== 0;
