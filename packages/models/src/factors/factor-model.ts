import type { History, VectorScorer } from "@magpie/domain";
import { factorCholesky, solveCholesky } from "@magpie/numerics";
import { BlockScores } from "../block-scores.ts";
import type { CurvePoint, TrainedModel, TrainingCost } from "../model.ts";
import { strength } from "../linear/linear-item-model.ts";
import { readModel, writeModel } from "../model-files.ts";

/** How a past becomes a vector, the item vectors being given. */
export interface FoldIn {
  /** Weight of each item that is not in the past, taken as a score of 0. */
  readonly unobserved: number;
  /** How strongly vectors are drawn towards 0. */
  readonly ridge: number;
}

const format = 1;

/**
 * A matrix factorisation: user and item are vectors, the score is their inner product. The vector of
 * a past is worked out when it is asked for, so strangers and pasts that grew since training are
 * answered like everybody else:
 *
 *     minimise over v   Σ_{i in past} strength_i (1 - v · q_i)² + unobserved Σ_i (v · q_i)² + ridge ‖v‖²
 */
export class FactorModel implements TrainedModel, VectorScorer {
  readonly kind: string;
  readonly name: string;
  readonly itemCount: number;
  readonly width: number;
  readonly config: object;
  readonly curve: readonly CurvePoint[];
  readonly cost: TrainingCost;
  readonly itemVectors: Float32Array;
  readonly #foldIn: FoldIn;
  readonly #gram: Float64Array;
  readonly #scores: BlockScores;

  constructor(
    about: { readonly kind: string; readonly name: string; readonly config: object },
    foldIn: FoldIn,
    itemVectors: Float32Array,
    width: number,
    curve: readonly CurvePoint[],
    cost: TrainingCost,
  ) {
    this.kind = about.kind;
    this.name = about.name;
    this.config = about.config;
    this.itemVectors = itemVectors;
    this.width = width;
    this.itemCount = itemVectors.length / width - 1;
    this.curve = curve;
    this.cost = cost;
    this.#foldIn = foldIn;
    this.#scores = new BlockScores(itemVectors, width);
    this.#gram = gramOf(itemVectors, width);
  }

  encode(histories: readonly History[], out: Float32Array): Promise<void> {
    const { width } = this;
    const system = new Float64Array(width * width);
    const right = new Float64Array(width);
    histories.forEach(({ items, weights }, b) => {
      const row = out.subarray(b * width, (b + 1) * width);
      const observed = Float64Array.from(items, (_, p) => strength(weights?.[p] ?? 1));
      solveVector(
        this.itemVectors,
        width,
        this.#gram,
        items,
        observed,
        this.#foldIn,
        system,
        right,
      );
      row.set(right);
    });
    return Promise.resolve();
  }

  scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    return this.#scores.scoreAll(histories, (asked, queries) => this.encode(asked, queries), out);
  }

  save(directory: string): Promise<void> {
    const { kind, itemCount, config, cost, curve, itemVectors } = this;
    return writeModel(directory, { kind, format, itemCount, config, cost, curve }, { itemVectors });
  }

  /** @param foldInOf  what the stored recipe says of folding in */
  static async load<Config extends object>(
    directory: string,
    kind: string,
    name: string,
    foldInOf: (config: Config) => FoldIn,
  ): Promise<FactorModel> {
    const { card, parameters } = await readModel(directory, kind, format);
    const itemVectors = parameters["itemVectors"] as Float32Array;
    const config = card.config as Config;
    const width = itemVectors.length / (card.itemCount + 1);
    const about = { kind, name, config };
    return new FactorModel(
      about,
      foldInOf(config),
      itemVectors,
      width,
      card.curve ?? [],
      card.cost,
    );
  }

  dispose(): Promise<void> {
    this.#scores.dispose();
    return Promise.resolve();
  }
}

/** tableᵀ · table: [width, width], lower triangle. */
export function gramOf(table: Float32Array, width: number): Float64Array {
  const gram = new Float64Array(width * width);
  for (let at = 0; at < table.length; at += width) addOuter(gram, table, at, width, 1);
  return gram;
}

/**
 * Solves one vector of the objective of `FactorModel`, exactly. `right` becomes the vector; nothing
 * observed gives zeros.
 */
export function solveVector(
  table: Float32Array,
  width: number,
  gram: Float64Array,
  rows: Int32Array,
  observed: Float64Array | Float32Array,
  { unobserved, ridge }: FoldIn,
  system: Float64Array,
  right: Float64Array,
): void {
  right.fill(0);
  if (rows.length === 0) return;
  for (let i = 0; i < system.length; i++) system[i] = unobserved * gram[i]!;
  for (let d = 0; d < width; d++) system[d * width + d]! += ridge;
  for (let p = 0; p < rows.length; p++) {
    const at = rows[p]! * width;
    addOuter(system, table, at, width, observed[p]!);
    for (let d = 0; d < width; d++) right[d]! += observed[p]! * table[at + d]!;
  }
  factorCholesky(system, width);
  solveCholesky(system, width, right);
}

function addOuter(
  to: Float64Array,
  table: Float32Array,
  at: number,
  width: number,
  weight: number,
): void {
  for (let i = 0; i < width; i++) {
    const factor = weight * table[at + i]!;
    const row = i * width;
    for (let j = 0; j <= i; j++) to[row + j]! += factor * table[at + j]!;
  }
}
