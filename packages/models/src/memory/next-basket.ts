import { historyOf } from "@magpie/data";
import { type History, TrainingError } from "@magpie/domain";
import { type CsrMatrix, csrFromEntries, TopKSelector, transpose } from "@magpie/numerics";
import { interactionMatrixBytes } from "../linear/interaction-matrix.ts";
import type { CurvePoint, Model, TrainedModel, TrainingCost } from "../model.ts";
import { readModel, writeModel } from "../model-files.ts";
import { startCost, uncollectedBytes } from "../training-cost.ts";

export interface NextBasketConfig {
  /** Groups into which a user's baskets are cut. */
  readonly groups: number;
  /** Fading from basket to basket within a group, in (0, 1]. */
  readonly basketFading: number;
  /** Fading from group to group, in (0, 1]. */
  readonly groupFading: number;
  /** Users most alike whose habits count too; 0: none. */
  readonly neighbours: number;
  /** Share of the user's own habits in the score, the rest being the neighbours'. */
  readonly own: number;
  /** Share of the item's popularity (of 1 for the most popular): orders what is left equal. */
  readonly popularity: number;
}

const format = 1;

/**
 * What a person buys again and again, and what people with the same habits buy.
 *
 *     habits h(u) = mean over groups g, newest last, of groupFading^(groups after g) ·
 *                   mean over baskets b of g of basketFading^(baskets of g after b) · [item ∈ b]
 *     score = own · h(u) + (1 - own) · mean of h over the nearest users, by Euclidean distance
 *
 * A basket is the items of one moment; without times every item is a basket of its own. Feedback
 * weights do not count: an item is in a basket or not.
 *
 * @see Hu et al. (2020), "Modeling personalized item frequency information for next-basket
 *   recommendation" (TIFU-kNN)
 */
export const tifuKnn = nextBasketModel("tifu-knn", "TIFU-kNN", {
  // Picked on the last train baskets of Ta-Feng (bench/tafeng): NDCG@10 .1056, against .1009 of the
  // paper's fading (.9 and .7) and own share (.7) there. Without
  // fading, groups do little: the oldest, which may be smaller, counts as much as the others.
  groups: 7,
  basketFading: 1,
  groupFading: 1,
  neighbours: 600,
  own: 0.5,
  popularity: 1e-6,
});

/**
 * Personal top-frequency: in how many of the person's own baskets an item was; equal items, and
 * those never bought, by popularity. The line that every next-basket model must beat.
 *
 * @see Li et al. (2023), "A next basket recommendation reality check"
 */
export const personalFrequency = nextBasketModel("personal-frequency", "personal frequency", {
  groups: 1,
  basketFading: 1,
  groupFading: 1,
  neighbours: 0,
  own: 1,
  popularity: 1e-6,
});

function nextBasketModel(
  kind: string,
  name: string,
  defaults: NextBasketConfig,
): Model<NextBasketConfig> {
  return {
    kind,
    isSeeded: false,
    defaults,
    expectedBytes: ({ train }) =>
      2 * interactionMatrixBytes(train) +
      24 * train.items.length +
      12 * train.userCount +
      uncollectedBytes,

    train({ train }, config, context) {
      for (const field of ["basketFading", "groupFading"] as const) {
        if (config[field] > 0 && config[field] <= 1) continue;
        throw new TrainingError(
          "BAD_CONFIG",
          `${field} is ${config[field]}; it must be above 0 and at most 1.`,
          "1 makes all baskets count alike.",
        );
      }
      context.signal.throwIfAborted();
      const readCost = startCost();
      const users: number[] = [];
      const items: number[] = [];
      const values: number[] = [];
      for (let user = 0; user < train.userCount; user++) {
        for (const [item, value] of habitsOf(historyOf(train, user), config)) {
          users.push(user);
          items.push(item);
          values.push(value);
        }
      }
      const habits = csrFromEntries(
        train.userCount,
        train.itemCount + 1,
        Int32Array.from(users),
        Int32Array.from(items),
        Float32Array.from(values),
      );
      const counts = new Float64Array(train.itemCount + 1);
      for (const item of train.items) counts[item]!++;
      const most = counts.reduce((a, b) => Math.max(a, b), 1);
      const popularity = Float32Array.from(counts, (count) => count / most);
      return Promise.resolve(
        new NextBasketModel(kind, name, config, habits, popularity, readCost()),
      );
    },

    async load(directory) {
      const { card, parameters } = await readModel(directory, kind, format);
      const offsets = parameters["offsets"] as Int32Array;
      const habits: CsrMatrix = {
        rows: offsets.length - 1,
        columns: card.itemCount + 1,
        offsets,
        indices: parameters["indices"] as Int32Array,
        values: parameters["values"] as Float32Array,
      };
      const popularity = parameters["popularity"] as Float32Array;
      return new NextBasketModel(
        kind,
        name,
        card.config as NextBasketConfig,
        habits,
        popularity,
        card.cost,
      );
    },
  };
}

/** A person's habits: items with how much each counts. */
function habitsOf(
  { items, timestampsMs }: History,
  { groups, basketFading, groupFading }: NextBasketConfig,
): Map<number, number> {
  const baskets: Set<number>[] = [];
  items.forEach((item, p) => {
    const isSame = p > 0 && timestampsMs !== undefined && timestampsMs[p] === timestampsMs[p - 1];
    if (isSame) baskets.at(-1)!.add(item);
    else baskets.push(new Set([item]));
  });
  const habits = new Map<number, number>();
  const size = Math.max(1, Math.ceil(baskets.length / groups));
  // The newest group is whole; the oldest takes what is left.
  const groupCount = Math.ceil(baskets.length / size);
  baskets.toReversed().forEach((basket, age) => {
    const group = Math.floor(age / size);
    const inGroup = Math.min(size, baskets.length - group * size);
    const weight =
      (groupFading ** group * basketFading ** (age - group * size)) / (groupCount * inGroup);
    for (const item of basket) habits.set(item, (habits.get(item) ?? 0) + weight);
  });
  return habits;
}

class NextBasketModel implements TrainedModel {
  readonly kind: string;
  readonly name: string;
  readonly itemCount: number;
  readonly config: NextBasketConfig;
  readonly curve: readonly CurvePoint[] = [];
  readonly cost: TrainingCost;
  /** [users, itemCount + 1] */
  readonly #habits: CsrMatrix;
  readonly #byItem: CsrMatrix;
  /** ‖h(u)‖² */
  readonly #squares: Float64Array;
  readonly #popularity: Float32Array;
  readonly #selector: TopKSelector;
  /** [users], of the present past */
  readonly #nearness: Float32Array;

  constructor(
    kind: string,
    name: string,
    config: NextBasketConfig,
    habits: CsrMatrix,
    popularity: Float32Array,
    cost: TrainingCost,
  ) {
    this.kind = kind;
    this.name = name;
    this.config = config;
    this.cost = cost;
    this.itemCount = popularity.length - 1;
    this.#habits = habits;
    this.#byItem = transpose(habits);
    this.#popularity = popularity;
    this.#squares = Float64Array.from({ length: habits.rows }, (_, user) => {
      let sum = 0;
      for (let p = habits.offsets[user]!; p < habits.offsets[user + 1]!; p++) {
        sum += habits.values[p]! ** 2;
      }
      return sum;
    });
    this.#selector = new TopKSelector(Math.min(config.neighbours, habits.rows));
    this.#nearness = new Float32Array(habits.rows);
  }

  scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    const width = this.itemCount + 1;
    const { own, popularity } = this.config;
    histories.forEach((history, b) => {
      const row = out.subarray(b * width, (b + 1) * width);
      for (let item = 0; item < width; item++) row[item] = popularity * this.#popularity[item]!;
      const habits = habitsOf(history, this.config);
      for (const [item, value] of habits) row[item]! += own * value;
      if (this.#selector.k > 0) this.#addNeighbours(history, habits, row);
      row[0] = -Infinity;
    });
    return Promise.resolve();
  }

  save(directory: string): Promise<void> {
    const { kind, itemCount, config, cost } = this;
    const { offsets, indices, values } = this.#habits;
    return writeModel(
      directory,
      { kind, format, itemCount, config, cost },
      { offsets, indices, values, popularity: this.#popularity },
    );
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }

  /** The user of the past is not a neighbour of itself. */
  #addNeighbours({ userIndex }: History, own: Map<number, number>, row: Float32Array): void {
    // ‖h - h(u)‖² = ‖h‖² + ‖h(u)‖² - 2 h · h(u); the first term orders nothing.
    const nearness = this.#nearness;
    for (let user = 0; user < nearness.length; user++) nearness[user] = -this.#squares[user]!;
    for (const [item, value] of own) {
      const { offsets, indices, values } = this.#byItem;
      for (let p = offsets[item]!; p < offsets[item + 1]!; p++) {
        nearness[indices[p]!]! += 2 * value * values[p]!;
      }
    }
    if (userIndex >= 0 && userIndex < nearness.length) nearness[userIndex] = -Infinity;
    const nearest = this.#selector.select(nearness).indices;
    const share = (1 - this.config.own) / Math.max(1, nearest.length);
    const { offsets, indices, values } = this.#habits;
    for (const user of nearest) {
      for (let p = offsets[user]!; p < offsets[user + 1]!; p++) {
        row[indices[p]!]! += share * values[p]!;
      }
    }
  }
}
