import { type History, TrainingError } from "@magpie/domain";
import { type CsrMatrix, csrFromEntries, TopKSelector, transpose } from "@magpie/numerics";
import type { CurvePoint, Model, TrainedModel, TrainingCost } from "../model.ts";
import { readModel, writeModel } from "../model-files.ts";
import { startCost, uncollectedBytes } from "../training-cost.ts";
import { countTransitions, countTransitionsBytes } from "./transition-counts.ts";

export interface SessionKnnConfig {
  /** Sessions most like the present one that may propose. */
  readonly neighbours: number;
  /** In the present session, an item `d` places before the last counts e^(-d / fading). */
  readonly fading: number;
  /** In a neighbour, an item `d` places from the shared one counts e^(-d / closeness). */
  readonly closeness: number;
  /** Items before the shared one in a neighbour count so much of those after it. */
  readonly backward: number;
  /**
   * What an item of the present session itself counts, of all likeness there is, fading with its
   * place: in shops people go back to what they just looked at.
   */
  readonly repeat: number;
  /** Power of a session's length by which its likeness is divided. */
  readonly lengthDamping: number;
  /** Power of the rarity (inverse document frequency) of a shared item. */
  readonly rarity: number;
  /**
   * A session as old as the whole span of the data counts e^(-ageing); 0: age does not matter.
   * Age is by time where there are times, else by row, rows taken as oldest first.
   */
  readonly ageing: number;
  /**
   * What neighbours propose has followers of its own in other sessions: so much of all likeness is theirs.
   * They reach items that no neighbour has (a fifth of all next clicks on Diginetica). 0: neighbours only.
   */
  readonly secondHop: number;
  /** Power of an item's frequency, beside the mean of all, by which what is new to the session is divided. */
  readonly popularityDamping: number;
  /**
   * Power of how much more often an item was taken lately than over all the data, by which what is new to the
   * session is multiplied; 0: fashion does not matter. Lately is the newest 7 % of the span, ages as above.
   */
  readonly trend: number;
}

const kind = "session-knn";
const name = "session-kNN";
const format = 2;
/** Proposals of neighbours that a second hop starts from. */
const hopFrom = 60;
/** Places within a session over which items follow each other. */
const hopReach = 15;
/** The newest part of the span of the data that counts as lately. */
const lateShare = 0.07;
/** Times that an item counts as taken at the usual rate before any are counted. */
const usualTimes = 5;

/**
 * Asks the sessions most like the present one, and takes from each what stands close to the item
 * that both share.
 *
 *     likeness(s, n) = Σ_{i ∈ s ∩ n} e^(-(|s| - place(i, s)) / fading) · idf(i)^rarity / |n|^lengthDamping
 *                      · e^(-ageing · age(n))
 *     score(j) = Σ_{n among the nearest} likeness(s, n) · e^(-(|place(j, n) - place(i*, n)| - 1) / closeness)
 *                + repeat · Σ_n likeness(s, n) · e^(-(|s| - place(j, s)) / fading)          for j in s
 *     score(j) ← (score(j) + secondHop · Σ score · H(j) / Σ H) · appeal(j)                    for j not in s
 *     H(j) = Σ_{i among the best} score(i) · T(i, j)
 *
 * i* is the newest item of the present session that the neighbour has too. T says what follows what in
 * sessions (see `countTransitions`), rows summing to 1. appeal(j) is the popularity damping times the trend (see
 * `appealOf`). Each row of the training data is one session.
 *
 * @see Ludewig & Jannach (2018), "Evaluation of session-based recommendation algorithms" (V-SkNN)
 * @see Garg et al. (2019), "Sequence and time aware neighborhood for session-based
 *   recommendations: STAN"
 */
export const sessionKnn: Model<SessionKnnConfig> = {
  kind,
  isSeeded: false,
  // Picked on Diginetica's last train sessions (bench/diginetica), where a fifth of all next clicks go
  // back to something the session has seen: without `repeat`, P@20 falls from .51 to .47 and MRR@20
  // from .18 to .14. Second hop, popularity damping and trend lift P@20 from .528 to .544 together. The rest is
  // flat. `ageing` of 1 and `trend` of 0.2 help there; they stay 0, because rows of a shop's data are in no order.
  defaults: {
    neighbours: 1_000,
    fading: 2,
    closeness: 4,
    backward: 0.6,
    repeat: 0.4,
    lengthDamping: 0.25,
    rarity: 1.5,
    ageing: 0,
    secondHop: 0.2,
    popularityDamping: 0.2,
    trend: 0,
  },

  expectedBytes: ({ train }, { secondHop }) =>
    24 * train.items.length +
    20 * train.userCount +
    16 * train.itemCount +
    (secondHop > 0 ? countTransitionsBytes(train, hopReach) : 0) +
    uncollectedBytes / 4,

  train({ train }, config, context) {
    for (const field of ["neighbours", "fading", "closeness"] as const) {
      if (config[field] > 0) continue;
      throw new TrainingError(
        "BAD_CONFIG",
        `${field} is ${config[field]}; it must be positive.`,
        "Start from the defaults of session-knn.",
      );
    }
    context.signal.throwIfAborted();
    const readCost = startCost();
    const { userCount, itemCount, offsets, items, timestampsMs } = train;
    const moments = Float64Array.from({ length: userCount }, (_, s) =>
      timestampsMs === undefined ? s : (timestampsMs[offsets[s + 1]! - 1] ?? -Infinity),
    );
    const known = moments.filter((moment) => moment > -Infinity);
    const newest = known.reduce((a, b) => Math.max(a, b), -Infinity);
    const oldest = known.reduce((a, b) => Math.min(a, b), Infinity);
    const ages = Float32Array.from(moments, (moment) =>
      moment > -Infinity && newest > oldest ? (newest - moment) / (newest - oldest) : 0,
    );
    const sessions = { itemCount, offsets: offsets.slice(), items: items.slice(), ages };
    return Promise.resolve(new SessionKnnModel(config, sessions, readCost()));
  },

  async load(directory) {
    const { card, parameters } = await readModel(directory, kind, format);
    const sessions = {
      itemCount: card.itemCount,
      offsets: parameters["offsets"] as Int32Array,
      items: parameters["items"] as Int32Array,
      ages: parameters["ages"] as Float32Array,
    };
    return new SessionKnnModel(card.config as SessionKnnConfig, sessions, card.cost);
  },
};

interface Sessions {
  readonly itemCount: number;
  readonly offsets: Int32Array;
  readonly items: Int32Array;
  /** [sessions], 0 for the newest, 1 for the oldest. */
  readonly ages: Float32Array;
}

class SessionKnnModel implements TrainedModel {
  readonly kind = kind;
  readonly name = name;
  readonly itemCount: number;
  readonly config: SessionKnnConfig;
  readonly curve: readonly CurvePoint[] = [];
  readonly cost: TrainingCost;
  readonly #sessions: Sessions;
  /** [items + 1, sessions] */
  readonly #byItem: CsrMatrix;
  /** Per session: what its length and age make of a likeness. */
  readonly #trust: Float32Array;
  readonly #likeness: Float32Array;
  readonly #selector: TopKSelector;
  readonly #hopSelector: TopKSelector;
  /** T; undefined without a second hop. */
  readonly #followers: CsrMatrix | undefined;
  /** [items + 1] what a second hop gives to each item; zeros between two requests. */
  readonly #shares: Float32Array;
  /** [items + 1] */
  readonly #appeal: Float32Array;

  constructor(config: SessionKnnConfig, sessions: Sessions, cost: TrainingCost) {
    this.config = config;
    this.cost = cost;
    this.itemCount = sessions.itemCount;
    this.#sessions = sessions;
    const { offsets, items, ages } = sessions;
    const count = ages.length;
    const rowOf = new Int32Array(items.length);
    for (let s = 0; s < count; s++) rowOf.fill(s, offsets[s]!, offsets[s + 1]!);
    this.#byItem = transpose(csrFromEntries(count, this.itemCount + 1, rowOf, items));
    this.#trust = ages.map((age, s) => {
      const length = Math.max(1, offsets[s + 1]! - offsets[s]!);
      return Math.exp(-config.ageing * age) / length ** config.lengthDamping;
    });
    this.#likeness = new Float32Array(count);
    this.#selector = new TopKSelector(Math.min(config.neighbours, count));
    this.#hopSelector = new TopKSelector(Math.min(hopFrom, this.itemCount + 1));
    this.#shares = new Float32Array(this.itemCount + 1);
    this.#followers = config.secondHop > 0 ? followersOf(sessions, config) : undefined;
    this.#appeal = appealOf(sessions, config);
  }

  scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    const width = this.itemCount + 1;
    histories.forEach((history, b) => {
      const row = out.subarray(b * width, (b + 1) * width).fill(0);
      this.#score(history.items, row);
      row[0] = -Infinity;
    });
    return Promise.resolve();
  }

  save(directory: string): Promise<void> {
    const { itemCount, config, cost } = this;
    const { offsets, items, ages } = this.#sessions;
    return writeModel(
      directory,
      { kind, format, itemCount, config, cost },
      { offsets, items, ages },
    );
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }

  #score(present: Int32Array, row: Float32Array): void {
    const { offsets, items } = this.#sessions;
    const { fading, closeness, backward, rarity } = this.config;
    /** Place of each item's last occurrence, counted from the end of the present session. */
    const fromEnd = new Map<number, number>();
    for (let p = present.length - 1; p >= 0; p--) {
      if (!fromEnd.has(present[p]!)) fromEnd.set(present[p]!, present.length - 1 - p);
    }
    const met: number[] = [];
    for (const [item, distance] of fromEnd) {
      const [from, to] = [this.#byItem.offsets[item]!, this.#byItem.offsets[item + 1]!];
      const idf = Math.log1p(this.#trust.length / Math.max(1, to - from));
      const weight = Math.exp(-distance / fading) * idf ** rarity;
      for (let q = from; q < to; q++) {
        const session = this.#byItem.indices[q]!;
        if (this.#likeness[session] === 0) met.push(session);
        this.#likeness[session]! += weight;
      }
    }
    const keys = Float32Array.from(met, (session) => {
      const likeness = this.#likeness[session]! * this.#trust[session]!;
      this.#likeness[session] = 0;
      return likeness;
    });
    const nearest = this.#selector.select(keys);
    const total = nearest.scores.reduce((sum, likeness) => sum + likeness, 0);
    const scored: number[] = [];
    const add = (item: number, amount: number): void => {
      if (row[item] === 0 && amount > 0) scored.push(item);
      row[item]! += amount;
    };
    for (const [item, distance] of fromEnd) {
      add(item, this.config.repeat * total * Math.exp(-distance / fading));
    }
    nearest.indices.forEach((at, n) => {
      const session = met[at]!;
      const [from, to] = [offsets[session]!, offsets[session + 1]!];
      let shared = from;
      let newest = Infinity;
      for (let p = from; p < to; p++) {
        const distance = fromEnd.get(items[p]!) ?? Infinity;
        if (distance <= newest) [shared, newest] = [p, distance];
      }
      const likeness = nearest.scores[n]!;
      for (let p = from; p < to; p++) {
        if (p === shared) continue;
        const direction = p < shared ? backward : 1;
        const near = Math.exp(-(Math.abs(p - shared) - 1) / closeness);
        add(items[p]!, likeness * direction * near);
      }
    });
    this.#reachFurther(row, scored, fromEnd);
    for (const item of scored) if (!fromEnd.has(item)) row[item]! *= this.#appeal[item]!;
  }

  /**
   * Adds what follows the best items to the scores of items that the session does not have.
   *
   * @param scored  items with a score; those that are reached join them
   */
  #reachFurther(row: Float32Array, scored: number[], present: ReadonlyMap<number, number>): void {
    if (this.#followers === undefined) return;
    const { offsets, indices, values } = this.#followers;
    const scores = Float32Array.from(scored, (item) => row[item]!);
    const best = this.#hopSelector.select(scores);
    const reached: number[] = [];
    let sum = 0;
    best.indices.forEach((at, n) => {
      const item = scored[at]!;
      for (let p = offsets[item]!; p < offsets[item + 1]!; p++) {
        const follower = indices[p]!;
        if (present.has(follower)) continue;
        const share = best.scores[n]! * values[p]!;
        if (this.#shares[follower] === 0) reached.push(follower);
        this.#shares[follower]! += share;
        sum += share;
      }
    });
    const all = scores.reduce((total, score) => total + score, 0);
    for (const item of reached) {
      if (row[item] === 0) scored.push(item);
      row[item]! += (this.config.secondHop * all * this.#shares[item]!) / sum;
      this.#shares[item] = 0;
    }
  }
}

/** T: [items + 1, items + 1], rows summing to 1; rows of items without followers are empty. */
function followersOf(sessions: Sessions, { closeness, backward }: SessionKnnConfig): CsrMatrix {
  const followers = countTransitions(
    { userCount: sessions.ages.length, ...sessions },
    { reach: hopReach, fading: Math.exp(-1 / closeness), backward },
  );
  const { offsets, values, rows } = followers;
  for (let item = 0; item < rows; item++) {
    const own = values.subarray(offsets[item], offsets[item + 1]);
    const sum = own.reduce((a, b) => a + b, 0);
    own.forEach((value, p) => (own[p] = value / sum));
  }
  return followers;
}

/**
 * What scores of items that are new to a session are multiplied by:
 *
 *     ((mean + 1) / (n_j + 1))^popularityDamping · ((l_j · n / l + 5) / (n_j + 5))^trend
 *
 * with n_j times that item j was taken, mean the mean of them, l_j of these lately, n and l the sums over items.
 */
function appealOf(
  { itemCount, offsets, items, ages }: Sessions,
  { popularityDamping, trend }: SessionKnnConfig,
): Float32Array {
  const times = new Float64Array(itemCount + 1);
  const lately = new Float64Array(itemCount + 1);
  let late = 0;
  ages.forEach((age, session) => {
    const own = items.subarray(offsets[session], offsets[session + 1]);
    for (const item of own) times[item]!++;
    if (age > lateShare) return;
    for (const item of own) lately[item]!++;
    late += own.length;
  });
  const mean = items.length / Math.max(1, itemCount);
  const rate = items.length / Math.max(1, late);
  return Float32Array.from(times, (count, item) => {
    const rise = (lately[item]! * rate + usualTimes) / (count + usualTimes);
    return ((mean + 1) / (count + 1)) ** popularityDamping * rise ** trend;
  });
}
