import type { PackableArray } from "../packed/packed-arrays.ts";
import { firstHashOf, secondHashOf, type TextNumberList } from "./text-numbers.ts";

/** All that one item is called as a whole, as `queryKey` writes it. */
export interface ItemNames {
  /** In each of its languages. */
  readonly titles: ReadonlySet<string>;
  /** Its id, and the SKUs and barcodes of its variants. */
  readonly codes: ReadonlySet<string>;
}

/** How a name is noted with its item: twice the row, and 1 more where it is a code. */
type Mark = number;
const isCode = (mark: Mark): boolean => (mark & 1) === 1;
const rowOf = (mark: Mark): number => mark >>> 1;

/**
 * Items by their whole names, by which it is known that somebody asks for one thing and no other. 64
 * bits of a hash stand for a name, so that it takes 12 bytes whatever its length:
 *
 *     firsts  │ 07a1… │ 07a1… │ 9f3c… │    first half of the hash, ascending
 *     seconds │ 11d0… │ 11d0… │ 40be… │    second half
 *     marks   │   14  │   18  │   15  │    the row, and whether it is a code; of equal names in order
 *
 * Items that change are kept beside it, and hide what it says of their rows.
 */
export class WholeNames {
  readonly #firsts: Uint32Array;
  readonly #seconds: Uint32Array;
  readonly #marks: Uint32Array;
  /** Names of each changed row. */
  readonly #changed = new Map<number, ItemNames>();
  /** Marks by name, of changed rows. */
  readonly #fresh = new Map<string, Mark[]>();

  private constructor(firsts: Uint32Array, seconds: Uint32Array, marks: Uint32Array) {
    this.#firsts = firsts;
    this.#seconds = seconds;
    this.#marks = marks;
  }

  /** @param names  as `addNames` wrote them, rows ascending */
  static build(names: TextNumberList): WholeNames {
    // The first half of a hash above the place in the list, as one number of 64 bits (little-endian, as
    // all that is packed): three million are sorted so in .6 s, with a comparator in 3.5 s.
    const order = new Uint32Array(2 * names.size);
    const [seconds, marks] = [new Uint32Array(names.size), new Uint32Array(names.size)];
    let place = 0;
    names.forEach((first, second, mark) => {
      order[2 * place] = place;
      order[2 * place + 1] = first;
      seconds[place] = second;
      marks[place++] = mark;
    });
    new BigUint64Array(order.buffer).sort();
    const inOrder = (values: (at: number) => number): Uint32Array =>
      Uint32Array.from({ length: names.size }, (_, at) => values(at));
    return new WholeNames(
      inOrder((at) => order[2 * at + 1]!),
      inOrder((at) => seconds[order[2 * at]!]!),
      inOrder((at) => marks[order[2 * at]!]!),
    );
  }

  /** Opens what `arrays` gave. */
  static open(arrays: Readonly<Record<"firsts" | "seconds" | "marks", Uint32Array>>): WholeNames {
    return new WholeNames(arrays.firsts, arrays.seconds, arrays.marks);
  }

  /** What a snapshot keeps. */
  arrays(): Readonly<Record<"firsts" | "seconds" | "marks", PackableArray>> {
    return { firsts: this.#firsts, seconds: this.#seconds, marks: this.#marks };
  }

  /** Takes what an item that is new or has other words is called now. */
  put(row: number, names: ItemNames): void {
    const before = this.#changed.get(row);
    if (before !== undefined) {
      forEachMark(row, before, (key, mark) => {
        const others = this.#fresh.get(key)!.filter((other) => other !== mark);
        if (others.length === 0) this.#fresh.delete(key);
        else this.#fresh.set(key, others);
      });
    }
    this.#changed.set(row, names);
    forEachMark(row, names, (key, mark) => {
      const others = this.#fresh.get(key);
      if (others === undefined) this.#fresh.set(key, [mark]);
      else others.push(mark);
    });
  }

  /** Rows of all items that are called so, by title or by code. */
  rowsNamed(key: string): ReadonlySet<number> {
    return new Set(this.#marksOf(key).map(rowOf));
  }

  /** The first row with this title; undefined where none has it. */
  rowTitled(key: string): number | undefined {
    return lowest(this.#marksOf(key).filter((mark) => !isCode(mark)));
  }

  /** The first row with this code; undefined where none has it. */
  rowCoded(key: string): number | undefined {
    return lowest(this.#marksOf(key).filter(isCode));
  }

  #marksOf(key: string): Mark[] {
    const found: Mark[] = [];
    const [first, second] = [firstHashOf(key), secondHashOf(key)];
    for (let at = firstNotBelow(this.#firsts, first); this.#firsts[at] === first; at++) {
      const mark = this.#marks[at]!;
      if (this.#seconds[at] === second && !this.#changed.has(rowOf(mark))) found.push(mark);
    }
    found.push(...(this.#fresh.get(key) ?? []));
    return found;
  }
}

/** Notes what an item is called, for `WholeNames.build`. */
export function addNames(list: TextNumberList, row: number, names: ItemNames): void {
  forEachMark(row, names, (key, mark) => list.add(key, mark));
}

function forEachMark(
  row: number,
  { titles, codes }: ItemNames,
  visit: (key: string, mark: Mark) => void,
): void {
  for (const key of titles) visit(key, 2 * row);
  for (const key of codes) visit(key, 2 * row + 1);
}

function lowest(marks: readonly Mark[]): number | undefined {
  if (marks.length === 0) return undefined;
  return rowOf(marks.reduce((low, mark) => (mark < low ? mark : low)));
}

function firstNotBelow(ascending: Uint32Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
