import { openArrays, packArrays } from "@magpie/retrieval";

/** What shoppers did with one item: how often they saw it, took it, and took it in earnest. */
interface Counts {
  /**
   * Times it was shown, each counted by the chance that its place is looked at: seen in tenth place is
   * hardly seen.
   */
  looks: number;
  /** Searches in which it was opened, carted or bought. */
  choices: number;
  /** 1 for each of them in which it was carted, 2 where it was bought. */
  earnest: number;
}

/** Looks that stand behind the mean rate of all items before an item's own rate counts. */
const priorLooks = 10;
/** Looks that stand behind an item's own rate before its rate after one query counts. */
const priorQueryLooks = 4;
/** Choices of nobody in particular that shares of a query's choices are taken of. */
const priorChoices = 3;

/** Most queries and most items of a query that a snapshot keeps, those with most behind them. */
const maxQueries = 20_000;
const maxItemsOfQuery = 50;

const packedKind = "search-behaviour/1";

/**
 * What became of items that were found by search, overall and query by query, smoothed so that what
 * has hardly been seen is judged like its kind: an item like all items, an item after one query like
 * that item after any.
 *
 *     rate(i)    = (choices_i + 10 · rate of all) / (looks_i + 10)
 *     rate(q, i) = (choices_qi + 4 · rate(i)) / (looks_qi + 4)
 *
 * Training fills it search by search, so that each search is described by what came before it; a
 * snapshot keeps what enough people searched for.
 */
export class SearchBehaviour {
  readonly #items = new Map<number, Counts>();
  readonly #queries = new Map<string, Map<number, Counts>>();
  readonly #choicesOf = new Map<string, number>();
  readonly #all: Counts = { looks: 0, choices: 0, earnest: 0 };

  /**
   * @param query  as `queryKey` writes it
   * @param looks  chance that it was looked at, in [0, 1]
   * @param grade  0 not taken, 1 opened, 2 carted, 3 bought
   */
  record(query: string, row: number, looks: number, grade: number): void {
    const ofQuery = this.#queries.get(query) ?? new Map<number, Counts>();
    this.#queries.set(query, ofQuery);
    for (const counts of [this.#all, countsIn(this.#items, row), countsIn(ofQuery, row)]) {
      counts.looks += looks;
      if (grade > 0) counts.choices++;
      counts.earnest += Math.max(0, grade - 1);
    }
    if (grade > 0) this.#choicesOf.set(query, (this.#choicesOf.get(query) ?? 0) + 1);
  }

  /** How often an item is chosen when it is seen, after any query: above 0 once anything was chosen. */
  choiceRate(row: number): number {
    return this.#rateOf(this.#items.get(row), "choices");
  }

  /** The same for carts and orders. */
  earnestRate(row: number): number {
    return this.#rateOf(this.#items.get(row), "earnest");
  }

  /** What is known of a query; undefined when nobody searched for it, or too few. */
  after(query: string): QueryBehaviour | undefined {
    const counts = this.#queries.get(query);
    if (counts === undefined) return undefined;
    const choices = this.#choicesOf.get(query) ?? 0;
    const rate = (row: number, kind: "choices" | "earnest", prior: number): number => {
      const own = counts.get(row);
      return ((own?.[kind] ?? 0) + priorQueryLooks * prior) / ((own?.looks ?? 0) + priorQueryLooks);
    };
    return {
      choiceRate: (row) => rate(row, "choices", this.choiceRate(row)),
      earnestRate: (row) => rate(row, "earnest", this.earnestRate(row)),
      choiceShare: (row) => (counts.get(row)?.choices ?? 0) / (choices + priorChoices),
    };
  }

  /** @param keeps  which queries may be kept: not those of a few people */
  toBytes(keeps: (query: string) => boolean): Uint8Array {
    const queries = [...this.#queries]
      .filter(([query]) => keeps(query) && (this.#choicesOf.get(query) ?? 0) > 0)
      .sort(([a], [b]) => this.#choicesOf.get(b)! - this.#choicesOf.get(a)! || (a < b ? -1 : 1))
      .slice(0, maxQueries)
      .map(
        ([query, items]) =>
          [
            query,
            [...items].sort(([, a], [, b]) => b.looks - a.looks).slice(0, maxItemsOfQuery),
          ] as const,
      );
    const pairs = [...this.#items, ...queries.flatMap(([, items]) => items)];
    return packArrays(
      packedKind,
      {
        all: this.#all,
        itemCount: this.#items.size,
        queries: queries.map(([query, items]) => [
          query,
          items.length,
          this.#choicesOf.get(query) ?? 0,
        ]),
      },
      {
        rows: Int32Array.from(pairs, ([row]) => row),
        looks: Float32Array.from(pairs, ([, { looks }]) => looks),
        choices: Float32Array.from(pairs, ([, { choices }]) => choices),
        earnest: Float32Array.from(pairs, ([, { earnest }]) => earnest),
      },
    );
  }

  /** @throws {DataError} when the bytes are not of this kind */
  static open(bytes: Uint8Array): SearchBehaviour {
    const { header, arrays } = openArrays(bytes, packedKind);
    const [rows, looks, choices, earnest] = [
      arrays["rows"]!,
      arrays["looks"]!,
      arrays["choices"]!,
      arrays["earnest"]!,
    ];
    const behaviour = new SearchBehaviour();
    Object.assign(behaviour.#all, header["all"]);
    let at = 0;
    const take = (into: Map<number, Counts>, count: number): void => {
      for (const end = at + count; at < end; at++) {
        into.set(rows[at]!, { looks: looks[at]!, choices: choices[at]!, earnest: earnest[at]! });
      }
    };
    take(behaviour.#items, header["itemCount"] as number);
    for (const [query, count, chosen] of header["queries"] as [string, number, number][]) {
      const ofQuery = new Map<number, Counts>();
      take(ofQuery, count);
      behaviour.#queries.set(query, ofQuery);
      behaviour.#choicesOf.set(query, chosen);
    }
    return behaviour;
  }

  #rateOf(own: Counts | undefined, kind: "choices" | "earnest"): number {
    const mean = this.#all.looks === 0 ? 0 : this.#all[kind] / this.#all.looks;
    return ((own?.[kind] ?? 0) + priorLooks * mean) / ((own?.looks ?? 0) + priorLooks);
  }
}

/** What shoppers did after one query. Rates are above 0, and mostly below 1. */
export interface QueryBehaviour {
  choiceRate(row: number): number;
  earnestRate(row: number): number;
  /** Share of all choices after this query that went to the item, in [0, 1). */
  choiceShare(row: number): number;
}

function countsIn(counts: Map<number, Counts>, row: number): Counts {
  let own = counts.get(row);
  if (own === undefined) counts.set(row, (own = { looks: 0, choices: 0, earnest: 0 }));
  return own;
}
