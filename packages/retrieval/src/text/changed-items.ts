import type { Item } from "@magpie/domain";
import type { Postings } from "./postings.ts";
import { Segment } from "./segment.ts";

/** Items that changed together, or were merged; undefined for those that are gone. */
type Changes = ReadonlyMap<number, Item | undefined>;

interface ChangedPart {
  readonly segment: Segment;
  /** What it was made of, from which it is made again when it is merged. */
  readonly items: Changes;
  /** Items that were gone from the first. */
  readonly gone: number;
}

/** Smaller ones are merged with whatever is there: searching a part costs more than its items. */
const smallest = 8;
/** A part with a larger share of dead items is made anew without them. */
const maxDeadShare = 1 / 4;

/**
 * The items that changed since an index was built, as small segments beside the large one.
 *
 *     base 1,000,000 │ 4,096 │ 900 │ 12        each change: a new segment at the end
 *        ✗ ✗     ✗       ✗     ✗               rows that it has are dead in those before
 *
 * Two neighbours are made one, beside the searches that go on, when the older is less than twice the
 * size of the newer, and one alone when much of it is dead. So there are few, each item is analysed
 * anew a few times only, and parts take no more memory than a third above their living items, however long the
 * shop runs. Only the base keeps what is dead in it; the next snapshot has another.
 */
export class ChangedItems {
  readonly #base: Segment;
  readonly #index: (items: Iterable<Item | undefined>) => Promise<Postings>;
  readonly #publish: (segments: readonly Segment[]) => void;
  readonly #parts: ChangedPart[] = [];
  /** Ends when all changes so far are found. */
  #adding: Promise<void> = Promise.resolve();
  #merging: Promise<void> | undefined;

  /**
   * @param base     what the index was built of
   * @param index    makes postings of items
   * @param publish  takes the segments that are searched from now on, the base first
   */
  constructor(
    base: Segment,
    index: (items: Iterable<Item | undefined>) => Promise<Postings>,
    publish: (segments: readonly Segment[]) => void,
  ) {
    this.#base = base;
    this.#index = index;
    this.#publish = publish;
  }

  /** Changes are taken in the order in which they are added. */
  add(changes: Changes): Promise<void> {
    if (changes.size === 0) return this.#adding;
    const items = inOrderOfRows(changes);
    const adding = this.#adding.then(async () => {
      const postings = await this.#postingsOf(items);
      for (const row of items.keys()) {
        this.#base.bury(row);
        for (const { segment } of this.#parts) segment.bury(row);
      }
      const gone = [...items.values()].filter((item) => item === undefined).length;
      this.#parts.push({ segment: new Segment(postings), items, gone });
      this.#publishParts();
      this.#startMerging();
    });
    // Whoever added the changes hears of a failure; those that come after are not stopped by it.
    this.#adding = adding.catch(() => undefined);
    return adding;
  }

  async settle(): Promise<void> {
    await this.#adding;
    while (this.#merging !== undefined) await this.#merging;
  }

  #publishParts(): void {
    this.#publish([this.#base, ...this.#parts.map(({ segment }) => segment)]);
  }

  async #postingsOf(items: Changes): Promise<Postings> {
    const postings = await this.#index(items.values());
    return postings.movedTo(Int32Array.from([0, ...items.keys()]));
  }

  #startMerging(): void {
    if (this.#merging !== undefined || this.#nextToMerge() === undefined) return;
    this.#merging = this.#merge().finally(() => {
      this.#merging = undefined;
    });
    // A part that cannot be merged is searched as it is.
    this.#merging.catch(() => undefined);
  }

  async #merge(): Promise<void> {
    for (let next = this.#nextToMerge(); next !== undefined; next = this.#nextToMerge()) {
      const { at, count } = next;
      const parts = this.#parts.slice(at, at + count);
      const items = inOrderOfRows(new Map(parts.flatMap(living)));
      const segment = new Segment(await this.#postingsOf(items));
      // Changes that came meanwhile stand behind them, and have buried rows of theirs.
      for (const row of items.keys()) {
        const newest = parts.findLast((part) => part.items.has(row))!;
        if (isBuried(newest, row)) segment.bury(row);
      }
      this.#parts.splice(at, count, { segment, items, gone: 0 });
      this.#publishParts();
    }
  }

  /** Parts to be made one, the newest first: two neighbours, or one with much that is dead. */
  #nextToMerge(): { readonly at: number; readonly count: number } | undefined {
    for (let at = this.#parts.length - 1; at >= 0; at--) {
      const [older, newer] = [this.#parts[at]!, this.#parts[at + 1]];
      const { size } = older.items;
      const dead = older.segment.deadCount + older.gone;
      if (newer !== undefined && size < Math.max(smallest, 2 * newer.items.size)) {
        return { at, count: 2 };
      }
      if (size >= smallest && dead > maxDeadShare * size) return { at, count: 1 };
    }
    return undefined;
  }
}

const inOrderOfRows = (changes: Changes): Changes =>
  new Map([...changes].sort(([a], [b]) => a - b));

const isBuried = ({ segment }: ChangedPart, row: number): boolean =>
  segment.dead?.has(row) === true;

/** Items of a part that have not changed since. Those that are gone are dead in all older parts. */
function living(part: ChangedPart): (readonly [number, Item | undefined])[] {
  return [...part.items].filter(([row, item]) => item !== undefined && !isBuried(part, row));
}
