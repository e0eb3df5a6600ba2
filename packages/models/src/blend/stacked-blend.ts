import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { HeldOut, Sequences } from "@magpie/data";
import { type History, TrainingError } from "@magpie/domain";
import { TopKSelector } from "@magpie/numerics";
import { fitConditionalLogit } from "./conditional-logit.ts";
import type { CurvePoint, Model, TrainedModel, TrainingCost, TrainingData } from "../model.ts";
import { readModel, writeModel } from "../model-files.ts";
import { startCost } from "../training-cost.ts";

export interface StackedBlendConfig {
  /** Kinds of the models that are blended. Those that need times are left out where there are none. */
  readonly members: readonly string[];
  /** Changes to the members' own default recipes, by kind. */
  readonly recipes: Readonly<Record<string, object>>;
  /** Best items of each member that are candidates: so many that the past has, and so many others. */
  readonly depth: number;
  /** Validation cases that weights are fitted on at most, evenly spread over all. */
  readonly cases: number;
  /** Pulls weights towards 0. */
  readonly ridge: number;
}

const kind = "stacked-blend";
const name = "stacked blend";
const format = 2;
/** Features of each member: score above its last candidate, that as a share, reciprocal rank. */
const perMember = 3;
/** Features beside the members': how well known an item is, and 1. */
const own = 2;
/** What members say is weighed apart for items that the past has and for those that it has not. */
const sorts = 2;
/** And for the former: how late in the past. */
const ofPast = 1;
/** Rank at which the reciprocal rank is a half. */
const halfRank = 10;
/** Scores of this many cases are in memory at once. */
const blockCases = 64;

/**
 * One ranking out of several models': each proposes its best items, and a conditional logit over
 * what they say of a candidate gives its score. Its weights are fitted on validation alone, where
 * they say which members to trust, how far, and what a member's certainty is worth.
 *
 *     member m's best `depth` ─┬▶ (s − s_last) / scale_m,  (s − s_last) / (s_first − s_last),
 *                              │   1 / (1 + rank / 10);  all 0 for others' candidates
 *                              └▶ w · f(i)          items that nobody proposes follow by popularity
 *
 * `scale_m` is the member's mean s_first − s_last over the cases of the fit. Items that the past has and
 * those that it has not are two sorts, with lists, scales and weights of their own: where people buy again,
 * what a member says of repeats is one thing and what it says of novelties another. With one list for both,
 * repeats filled it, and the order of novelties was fitted on next to nothing (Online Retail, seen items
 * removed: NDCG@10 .075, below EASE's .084).
 *
 * @param known  the models that may be members
 * @see Wolpert (1992), "Stacked generalization"
 */
export function stackedBlend(known: readonly Model[]): Model<StackedBlendConfig> {
  const memberOf = (wanted: string): Model => {
    const found = known.find((model) => model.kind === wanted);
    if (found !== undefined) return found;
    throw new TrainingError(
      "BAD_CONFIG",
      `members: there is no model of kind "${wanted}" to blend.`,
      `Choose among ${known.map((model) => model.kind).join(", ")}.`,
    );
  };
  const applicable = ({ train }: TrainingData, { members }: StackedBlendConfig): Model[] =>
    members
      .map(memberOf)
      .filter(({ kind: of }) => of !== "popularity-recent" || train.timestampsMs !== undefined);
  const recipeOf = (model: Model, config: StackedBlendConfig): object => ({
    ...model.defaults,
    ...config.recipes[model.kind],
  });

  return {
    kind,
    isSeeded: true,
    // Members are those whose mistakes differ: order (SASRec, transitions), regression (EASE), walks
    // (RP3beta), neighbours and fashion. A second sequence model reads what is known of items: with SASRec
    // that lifts NDCG@10 on amazon-beauty's validation from .0688 to .0733 and lowers it on the simulated
    // shop's from .0869 to .0766 (bench/sequence-models), so both kinds stand here and the weights decide.
    // Depth, cases and ridge are round numbers; none was searched.
    defaults: {
      members: [
        "popularity-recent",
        "item-knn",
        "ease",
        "transitions",
        "rp3-beta",
        "sasrec",
        "esasrec",
      ],
      recipes: { esasrec: { itemFeatures: true } },
      depth: 100,
      cases: 6_000,
      ridge: 1e-4,
    },

    expectedBytes(data, config) {
      const members = applicable(data, config);
      const largest = members.map((model) => model.expectedBytes(data, recipeOf(model, config)));
      // Candidates of several members overlap by about a half.
      const candidates = (config.cases * members.length * config.depth) / 2;
      const features = 4 * candidates * (sorts * (members.length * perMember + own) + ofPast);
      return Math.max(0, ...largest) + features + members.length * 4 * 200 * data.train.itemCount;
    },

    async train(data, config, context) {
      if (data.validation === undefined) {
        throw new TrainingError(
          "NEEDS_VALIDATION",
          "The weights of a stacked blend are fitted on held-out cases, and there are none.",
          "Train it on a split with a validation part.",
        );
      }
      const readCost = startCost();
      const members: TrainedModel[] = [];
      for (const model of applicable(data, config)) {
        const { checkpointDir, ...rest } = context;
        const folder = checkpointDir && join(checkpointDir, model.kind);
        if (folder !== undefined) await mkdir(folder, { recursive: true });
        members.push(
          await model.train(data, recipeOf(model, config), {
            ...rest,
            ...(folder !== undefined && { checkpointDir: folder }),
          }),
        );
      }
      const mixer = new Mixer(members, config.depth, popularityOf(data.train));
      const fit = await fitMixer(mixer, data.validation, config);
      context.onProgress({
        stage: `${kind}/fit`,
        done: fit.iterations,
        unit: "iterations",
        metrics: { loss: fit.loss },
      });
      return new StackedBlendModel(config, mixer, fit.weights, readCost());
    },

    async load(directory) {
      const { card, parameters } = await readModel(directory, kind, format);
      const config = card.config as StackedBlendConfig;
      const kinds = (card as unknown as { readonly members: readonly string[] }).members;
      const members = await Promise.all(
        kinds.map((of) => memberOf(of).load(join(directory, "members", of))),
      );
      const { popularity, scales, weights } = parameters as Record<string, Float32Array>;
      const mixer = new Mixer(members, config.depth, popularity!);
      mixer.scales.set(scales!);
      return new StackedBlendModel(config, mixer, Float64Array.from(weights!), card.cost);
    },
  };
}

/** Members and the weights that join what they say. */
export class StackedBlendModel implements TrainedModel {
  readonly kind = kind;
  readonly name = name;
  readonly itemCount: number;
  readonly config: StackedBlendConfig;
  readonly curve: readonly CurvePoint[];
  readonly cost: TrainingCost;
  readonly #mixer: Mixer;
  /** In single precision, as files keep them. */
  readonly #weights: Float32Array;

  constructor(config: StackedBlendConfig, mixer: Mixer, weights: Float64Array, cost: TrainingCost) {
    this.config = config;
    this.itemCount = mixer.itemCount;
    this.cost = cost;
    this.curve = mixer.members.find(({ curve }) => curve.length > 0)?.curve ?? [];
    this.#mixer = mixer;
    this.#weights = Float32Array.from(weights);
  }

  async scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    const size = this.itemCount + 1;
    const { popularity, featureCount } = this.#mixer;
    for (let at = 0; at < histories.length; at += blockCases) {
      const block = histories.slice(at, at + blockCases);
      await this.#mixer.describe(block, (b, rows, features) => {
        const row = out.subarray((at + b) * size, (at + b + 1) * size);
        let worst = Infinity;
        const scores = rows.map((_, c) => {
          let score = 0;
          for (let f = 0; f < featureCount; f++) {
            score += this.#weights[f]! * features[c * featureCount + f]!;
          }
          worst = Math.min(worst, score);
          return score;
        });
        // Those that nobody proposes stand below every candidate, the best known first.
        const floor = (rows.length === 0 ? 0 : worst) - 2;
        for (let item = 1; item < size; item++) row[item] = floor + popularity[item]!;
        rows.forEach((item, c) => (row[item] = scores[c]!));
        row[0] = -Infinity;
      });
    }
  }

  async save(directory: string): Promise<void> {
    const { config, cost, itemCount, curve } = this;
    const { members, popularity, scales } = this.#mixer;
    const card = { kind, format, itemCount, config, cost, curve };
    const kinds = members.map((member) => member.kind);
    await writeModel(directory, { ...card, members: kinds } as typeof card, {
      popularity,
      scales,
      weights: this.#weights,
    });
    for (const member of members) {
      const folder = join(directory, "members", member.kind);
      await mkdir(folder, { recursive: true });
      await member.save(folder);
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#mixer.members.map((member) => member.dispose()));
  }
}

/** Asks the members and puts what they say of each candidate into numbers. */
class Mixer {
  readonly members: readonly TrainedModel[];
  readonly itemCount: number;
  readonly featureCount: number;
  /** [itemCount + 1], in [0, 1]: how well known each item is. */
  readonly popularity: Float32Array;
  /** [sorts, members]: what is one unit of a member's score. */
  readonly scales: Float32Array;
  readonly #depth: number;
  readonly #selector: TopKSelector;
  readonly #place: Int32Array;
  #scores = new Float32Array(0);

  constructor(members: readonly TrainedModel[], depth: number, popularity: Float32Array) {
    this.members = members;
    this.popularity = popularity;
    this.itemCount = popularity.length - 1;
    this.featureCount = sorts * (members.length * perMember + own) + ofPast;
    this.scales = new Float32Array(sorts * members.length).fill(1);
    this.#depth = depth;
    this.#selector = new TopKSelector(Math.min(depth, this.itemCount));
    this.#place = new Int32Array(popularity.length).fill(-1);
  }

  /**
   * @param histories  at most `blockCases`
   * @param give       hears, case by case, of the candidates and their features, row-major
   */
  async describe(
    histories: readonly History[],
    give: (index: number, rows: readonly number[], features: Float32Array) => void,
  ): Promise<void> {
    const size = this.itemCount + 1;
    const block = histories.length * size;
    if (this.#scores.length < block * this.members.length) {
      this.#scores = new Float32Array(block * this.members.length);
    }
    for (const [m, member] of this.members.entries()) {
      await member.scoreAll(histories, this.#scores.subarray(m * block, (m + 1) * block));
    }
    for (const [b, { items }] of histories.entries()) {
      const lastPlace = new Map<number, number>();
      items.forEach((item, place) => lastPlace.set(item, place));
      const rowOf = (m: number) =>
        this.#scores.subarray(m * block + b * size, m * block + (b + 1) * size);
      // Novelties first: taking the past out of the scores is how they are found.
      const past = this.members.map((_, m) => bestOf(rowOf(m), [...lastPlace.keys()], this.#depth));
      const novel = this.members.map((_, m) => {
        const row = rowOf(m);
        for (const item of lastPlace.keys()) row[item] = -Infinity;
        const { indices, scores } = this.#selector.select(row);
        const known = scores.findIndex((score) => score === -Infinity);
        const end = known === -1 ? scores.length : known;
        return { items: indices.slice(0, end), scores: scores.slice(0, end) };
      });
      const rows: number[] = [];
      for (const { items: best } of [...novel, ...past]) {
        for (const item of best) {
          if (this.#place[item] !== -1) continue;
          this.#place[item] = rows.length;
          rows.push(item);
        }
      }
      const features = new Float32Array(rows.length * this.featureCount);
      this.#describeLists(novel, 0, features);
      this.#describeLists(past, 1, features);
      const F = this.featureCount;
      for (const [c, item] of rows.entries()) {
        const place = lastPlace.get(item);
        const sort = place === undefined ? 0 : 1;
        const at = c * F + this.#sortStart(sort) + this.members.length * perMember;
        features[at] = this.popularity[item]!;
        features[at + 1] = 1;
        if (place !== undefined) features[(c + 1) * F - ofPast] = 1 / (items.length - place);
      }
      for (const item of rows) this.#place[item] = -1;
      give(b, rows, features);
    }
  }

  /** Where a sort's features begin. */
  #sortStart(sort: number): number {
    return sort * (this.members.length * perMember + own);
  }

  /** Writes what members say of the candidates of one sort. */
  #describeLists(lists: readonly BestItems[], sort: number, features: Float32Array): void {
    for (const [m, { items, scores }] of lists.entries()) {
      if (items.length === 0) continue;
      const last = scores.at(-1)!;
      const range = scores[0]! - last;
      const scale = this.scales[sort * lists.length + m]!;
      items.forEach((item, rank) => {
        const at = this.#place[item]! * this.featureCount + this.#sortStart(sort) + m * perMember;
        const above = scores[rank]! - last;
        features[at] = above / scale;
        features[at + 1] = range > 0 ? above / range : 0;
        features[at + 2] = 1 / (1 + rank / halfRank);
      });
    }
  }

  /** The column of a member's scaled score of one sort. */
  scoreColumn(sort: number, member: number): number {
    return this.#sortStart(sort) + member * perMember;
  }
}

/** A member's best items, best first. */
interface BestItems {
  readonly items: Int32Array;
  readonly scores: Float32Array;
}

/** The best `limit` of some items by their scores; equal ones by lower row. */
function bestOf(row: Float32Array, items: readonly number[], limit: number): BestItems {
  const best = items
    .filter((item) => item < row.length && row[item]! > -Infinity)
    .sort((a, b) => row[b]! - row[a]! || a - b)
    .slice(0, limit);
  return { items: Int32Array.from(best), scores: Float32Array.from(best, (item) => row[item]!) };
}

/** Sets the scales of the members and fits the weights, both on held-out cases. */
async function fitMixer(mixer: Mixer, heldOut: HeldOut, config: StackedBlendConfig) {
  const step = Math.max(1, heldOut.pasts.length / config.cases);
  const asked: number[] = [];
  for (let at = 0; Math.floor(at) < heldOut.pasts.length; at += step) asked.push(Math.floor(at));
  const F = mixer.featureCount;
  const parts: Float32Array[] = [];
  const offsets = [0];
  const takenParts: Uint8Array[] = [];
  for (let at = 0; at < asked.length; at += blockCases) {
    const block = asked.slice(at, at + blockCases);
    await mixer.describe(
      block.map((i) => heldOut.pasts[i]!),
      (b, rows, features) => {
        const i = block[b]!;
        const [from, to] = [heldOut.targetOffsets[i]!, heldOut.targetOffsets[i + 1]!];
        const targets = new Set(heldOut.targets.subarray(from, to));
        parts.push(features);
        takenParts.push(Uint8Array.from(rows, (item) => Number(targets.has(item))));
        offsets.push(offsets.at(-1)! + rows.length);
      },
    );
  }
  const features = new Float32Array(offsets.at(-1)! * F);
  const taken = new Uint8Array(offsets.at(-1)!);
  parts.forEach((part, c) => {
    features.set(part, offsets[c]! * F);
    taken.set(takenParts[c]!, offsets[c]);
  });
  for (let sort = 0; sort < sorts; sort++) {
    for (let m = 0; m < mixer.members.length; m++) {
      const column = mixer.scoreColumn(sort, m);
      let sum = 0;
      let lists = 0;
      for (const part of parts) {
        let most = 0;
        for (let at = column; at < part.length; at += F) most = Math.max(most, part[at]!);
        sum += most;
        if (most > 0) lists++;
      }
      const scale = sum > 0 ? sum / lists : 1;
      mixer.scales[sort * mixer.members.length + m] = scale;
      for (let at = column; at < features.length; at += F) features[at]! /= scale;
    }
  }
  const choices = { featureCount: F, features, offsets: Int32Array.from(offsets), taken };
  return fitConditionalLogit(choices, config.ridge);
}

/** ln(1 + users' acts) as a share of the most, by item; row 0 is 0. */
function popularityOf({ items, itemCount }: Sequences): Float32Array {
  const counts = new Float32Array(itemCount + 1);
  for (const item of items) counts[item]!++;
  const most = counts.reduce((a, b) => Math.max(a, b), 1);
  return counts.map((count) => Math.log1p(count) / Math.log1p(most));
}
