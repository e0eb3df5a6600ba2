import { TrainingError } from "@magpie/domain";
import { csrFromEntries, kMeans, truncatedSvd, type CsrMatrix } from "@magpie/numerics";
import { interactionMatrix } from "../linear/interaction-matrix.ts";
import type { TrainingData } from "../model.ts";

export interface SemanticIdConfig {
  /** Codes of an id, coarse to fine. */
  readonly levels: number;
  /** Different codes at each level; in a small catalogue at most the root of its items. */
  readonly codes: number;
  /** Numbers that stand for what is said of an item, and for who took it. */
  readonly contentWidth: number;
  readonly behaviourWidth: number;
  /** Share of behaviour in the distance between two items that have both, in [0, 1]. */
  readonly behaviourShare: number;
}

/** Ids that say what an item is: items that begin alike are alike. */
export interface SemanticIds {
  readonly levels: number;
  /** [itemCount + 1, levels]; -1 for row 0 and for items of which nothing is known. */
  readonly ids: Int32Array;
}

/** What no item has. */
const none = -1;

/**
 * Ids by residual k-means: each level groups what the levels before left over.
 *
 *     r_0 = [ √(1 − b) · content, √b · behaviour ]      code_l = nearest centre of r_l      r_(l+1) = r_l − centre
 *
 * Content and behaviour are the leading singular directions of items × features and of users × items, each
 * brought to length 1. An item that nobody has taken is placed by its content alone: the centres' parts of
 * behaviour are passed over for it. So it gets an id among items that are known by what people did.
 *
 * Items of the same id stand in one group; collisions are not resolved, since an id is not used as a key.
 *
 * @throws {TrainingError} `NEEDS_ITEM_FEATURES` when nothing is said of any item, `BAD_CONFIG`
 * @see Rajput et al. (2023), "Recommender systems with generative retrieval"; Zhou et al. (2025), "OneRec",
 *   for residual k-means in the place of a quantising autoencoder
 */
export async function semanticIds(
  data: TrainingData,
  config: SemanticIdConfig,
  seed: number,
): Promise<SemanticIds> {
  check(config);
  const { itemCount } = data.train;
  const content = await contentOf(data, config.contentWidth, seed);
  const behaviour = await behaviourOf(data, config.behaviourWidth, seed);
  const { contentWidth, behaviourWidth, behaviourShare, levels } = config;
  const width = contentWidth + behaviourWidth;
  const [said, done] = [Math.sqrt(1 - behaviourShare), Math.sqrt(behaviourShare)];
  const residual = new Float32Array((itemCount + 1) * width);
  const isSaid = new Uint8Array(itemCount + 1);
  const isDone = new Uint8Array(itemCount + 1);
  for (let item = 1; item <= itemCount; item++) {
    for (let d = 0; d < contentWidth; d++) {
      const value = content[item * contentWidth + d]!;
      if (value !== 0) isSaid[item] = 1;
      residual[item * width + d] = said * value;
    }
    for (let d = 0; d < behaviourWidth; d++) {
      const value = behaviour[item * behaviourWidth + d]!;
      if (value !== 0) isDone[item] = 1;
      residual[item * width + contentWidth + d] = done * value;
    }
  }
  const rows = Int32Array.from(isSaid.keys()).filter(
    (item) => isSaid[item] === 1 || isDone[item] === 1,
  );
  const whole = rows.filter((item) => isSaid[item] === 1 && isDone[item] === 1);
  // Where nobody has done anything yet, content alone makes the groups.
  const learnt = whole.length > 0 ? whole : rows;
  // More groups than that would hold an item each, and say nothing of others.
  const codes = Math.min(config.codes, Math.max(2, Math.round(Math.sqrt(itemCount))));
  const ids = new Int32Array((itemCount + 1) * levels).fill(none);
  for (let level = 0; level < levels; level++) {
    const points = new Float32Array(learnt.length * width);
    learnt.forEach((item, i) => {
      points.set(residual.subarray(item * width, (item + 1) * width), i * width);
    });
    const { centres } = kMeans(points, width, codes, { seed: seed + level });
    for (const item of rows) {
      const from = isSaid[item] === 1 ? 0 : contentWidth;
      const to = isDone[item] === 1 ? width : contentWidth;
      const own = residual.subarray(item * width, (item + 1) * width);
      const code = nearest(centres, own, from, to);
      ids[item * levels + level] = code;
      for (let d = from; d < to; d++) own[d]! -= centres[code * width + d]!;
    }
  }
  return { levels, ids };
}

function check(config: SemanticIdConfig): void {
  const { levels, codes, contentWidth, behaviourWidth, behaviourShare } = config;
  const whole = [levels, codes, contentWidth, behaviourWidth];
  const isSound = whole.every((value) => Number.isInteger(value) && value >= 1);
  if (isSound && behaviourShare >= 0 && behaviourShare <= 1) return;
  throw new TrainingError(
    "BAD_CONFIG",
    `levels ${levels}, codes ${codes}, contentWidth ${contentWidth}, behaviourWidth ${behaviourWidth}, behaviourShare ${behaviourShare}: whole numbers from 1, and a share in [0, 1].`,
    "Start from the defaults of semantic-ids.",
  );
}

/** [itemCount + 1, width] at length 1: given content vectors, or the directions of the features. */
async function contentOf(
  { train, itemFeatures, content }: TrainingData,
  width: number,
  seed: number,
): Promise<Float32Array> {
  if (itemFeatures !== undefined && itemFeatures.rows === train.itemCount + 1) {
    return projected(itemFeatures, width, seed);
  }
  if (content !== undefined && content.width <= width) {
    const out = new Float32Array((train.itemCount + 1) * width);
    for (let item = 1; item <= train.itemCount; item++) {
      const from = item * content.width;
      out.set(content.vectors.subarray(from, from + content.width), item * width);
    }
    return toUnit(out, width);
  }
  throw new TrainingError(
    "NEEDS_ITEM_FEATURES",
    `Semantic ids are made of what is said of items; there are ${itemFeatures?.rows ?? 0} rows of features for ${train.itemCount} items and row 0, and no content vectors of at most ${width} numbers.`,
    "Give { itemFeatures } or { content } with the training data.",
  );
}

/** [itemCount + 1, width] at length 1: who took an item; zeros for items that nobody took. */
async function behaviourOf(
  { train }: TrainingData,
  width: number,
  seed: number,
): Promise<Float32Array> {
  const matrix = interactionMatrix(train, 0.5);
  const { rank, values, vectors } = await truncatedSvd(matrix, width, { seed });
  const out = new Float32Array((train.itemCount + 1) * width);
  for (let item = 1; item <= train.itemCount; item++) {
    for (let d = 0; d < rank; d++) {
      out[item * width + d] = vectors[item * rank + d]! * values[d]!;
    }
  }
  return toUnit(out, width);
}

/** Rows of a matrix along its leading directions, at length 1. */
async function projected(matrix: CsrMatrix, width: number, seed: number): Promise<Float32Array> {
  const { rank, vectors } = await truncatedSvd(matrix, width, { seed });
  const out = new Float32Array(matrix.rows * width);
  for (let row = 0; row < matrix.rows; row++) {
    for (let p = matrix.offsets[row]!; p < matrix.offsets[row + 1]!; p++) {
      const from = matrix.indices[p]! * rank;
      const value = matrix.values[p]!;
      for (let d = 0; d < rank; d++) out[row * width + d]! += value * vectors[from + d]!;
    }
  }
  return toUnit(out, width);
}

function toUnit(rows: Float32Array, width: number): Float32Array {
  for (let at = 0; at < rows.length; at += width) {
    let square = 0;
    for (let d = at; d < at + width; d++) square += rows[d]! * rows[d]!;
    // What is left of rounding is no direction.
    const factor = square > 1e-12 ? 1 / Math.sqrt(square) : 0;
    for (let d = at; d < at + width; d++) rows[d]! *= factor;
  }
  return rows;
}

function nearest(centres: Float32Array, own: Float32Array, from: number, to: number): number {
  const width = own.length;
  let best = 0;
  let least = Infinity;
  for (let at = 0; at < centres.length; at += width) {
    let distance = 0;
    for (let d = from; d < to; d++) distance += (own[d]! - centres[at + d]!) ** 2;
    if (distance < least) [best, least] = [at / width, distance];
  }
  return best;
}

/**
 * The beginnings of ids as features of items, so weighted that the product of two rows is what their
 * common beginning tells, in nats:
 *
 *     x_i · x_j = log (items / items that begin as both do)      0 where they differ from the first code on
 *
 * @returns  [itemCount + 1, different beginnings]
 */
export function beginningsOf({ ids, levels }: SemanticIds): CsrMatrix {
  const rows = ids.length / levels;
  const columnOf = new Map<string, number>();
  const sizes: number[] = [];
  const places: { row: number; column: number; above: number }[] = [];
  let known = 0;
  for (let row = 1; row < rows; row++) {
    if (ids[row * levels] === none) continue;
    known++;
    let beginning = "";
    let above = -1;
    for (let level = 0; level < levels; level++) {
      beginning += `${ids[row * levels + level]} `;
      let column = columnOf.get(beginning);
      if (column === undefined) {
        column = columnOf.size;
        columnOf.set(beginning, column);
        sizes.push(0);
      }
      sizes[column]!++;
      places.push({ row, column, above });
      above = column;
    }
  }
  return csrFromEntries(
    rows,
    columnOf.size,
    Int32Array.from(places, ({ row }) => row),
    Int32Array.from(places, ({ column }) => column),
    Float32Array.from(places, ({ column, above }) =>
      Math.sqrt(Math.log((above === -1 ? known : sizes[above]!) / sizes[column]!)),
    ),
  );
}
