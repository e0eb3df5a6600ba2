import type { Graph, Tensor } from "@magpie/tensor";
import type { SequenceSettings } from "./sequence-config.ts";

/** What a network reads: R rows of T places, each row holding one past or several side by side. */
export interface Pasts {
  readonly graph: Graph;
  /** R */
  readonly rows: number;
  /** T */
  readonly length: number;
  /** [R · T, D]: embeddings of the items, in order of the places. */
  readonly items: Tensor;
  /** [R · T] int32: number of newer items in the same past; 0 for its newest. */
  readonly positions: Tensor;
  /** [R, 1, T, T] or [T, T]: 0 where a place may look, -1e9 where not. */
  readonly mask: Tensor;
  /** [R · T · T] int32: bucket of the time between two places (`timeGap`); 0 between two pasts. */
  readonly timeGaps: () => Tensor;
  /** Drops values in training; does nothing when a past is encoded. */
  readonly drop: (x: Tensor, name: string) => Tensor;
}

/** Layers that networks share. Each names its weights after the place where it stands. */
export class Layers {
  readonly #pasts: Pasts;

  constructor(pasts: Pasts) {
    this.#pasts = pasts;
  }

  /** Layer normalisation with gain and bias. */
  norm(x: Tensor, name: string): Tensor {
    const { graph: g } = this.#pasts;
    const width = [x.shape.at(-1)!];
    return x.layerNorm(g.parameter(`${name}.gain`, width), g.parameter(`${name}.bias`, width));
  }

  /** x · weight + bias: [n, in] → [n, to] */
  linear(x: Tensor, name: string, to: number): Tensor {
    const { graph: g } = this.#pasts;
    const weight = g.parameter(`${name}.weight`, [x.shape.at(-1)!, to]);
    return x.linear(weight, g.parameter(`${name}.bias`, [to]));
  }

  /** (silu(x · W) ⊙ x · V) · U: Shazeer (2020), "GLU variants improve transformer" */
  swiGlu(x: Tensor, name: string, hidden: number): Tensor {
    const gate = this.linear(x, `${name}.gate`, hidden).silu();
    const product = gate.mul(this.linear(x, `${name}.in`, hidden));
    return this.linear(this.#pasts.drop(product, `${name}.hidden`), `${name}.out`, x.shape.at(-1)!);
  }

  /** Items and the embeddings of their positions and pauses, [R · T, D]. */
  embed(settings: SequenceSettings): Tensor {
    const { graph: g, positions } = this.#pasts;
    const { width: D, historyLimit } = settings;
    const places = g.parameter("positionEmbeddings", [historyLimit, D]).lookup(positions);
    return this.embedItems(settings, places);
  }

  /**
   * Items and the embeddings of their pauses, where the recipe has them, [R · T, D].
   *
   * @param places  embeddings of positions, added as well
   */
  embedItems({ width: D, pauseBuckets = 0 }: SequenceSettings, places?: Tensor): Tensor {
    const { graph: g, items, drop } = this.#pasts;
    // Scaled on the way in only: as outputs they stay small, and the softmax mild.
    let x = items.mul(Math.sqrt(D));
    if (places) x = x.add(places);
    if (pauseBuckets > 0) {
      const table = g.parameter("pauseEmbeddings", [pauseBuckets, D]);
      x = x.add(table.lookup(this.#pauses(pauseBuckets)));
    }
    return drop(x, "embedding");
  }

  /** [R · T]: bucket of the time since the item before; 0 for the first of a past. */
  #pauses(buckets: number): Tensor {
    const { graph: g, rows: R, length: T } = this.#pasts;
    const isBefore = Array.from({ length: T * T }, (_, i) =>
      Number(i % T === Math.floor(i / T) - 1),
    );
    const gaps = this.#gaps(buckets);
    return gaps
      .reshape([R, T, T])
      .mul(g.constant(isBefore, [T, T], gaps.type))
      .sum([-1])
      .reshape([R * T]);
  }

  /** [R · T · T]: buckets below `buckets`: longer times share the last. */
  #gaps(buckets: number): Tensor {
    const { graph: g, timeGaps } = this.#pasts;
    const gaps = timeGaps();
    return g.node("Min", [gaps, g.constant([buckets - 1], [1], gaps.type)], gaps.shape);
  }

  /** [R · T, D] → [R, H, T, D / H] */
  split(x: Tensor, heads: number): Tensor {
    const { rows: R, length: T } = this.#pasts;
    const D = x.shape[1]!;
    if (heads === 1) return x.reshape([R, 1, T, D]);
    return x.reshape([R, T, heads, D / heads]).transpose([0, 2, 1, 3]);
  }

  /** [R, H, T, D / H] → [R · T, D] */
  merge(x: Tensor): Tensor {
    const [R, H, T, width] = x.shape as readonly [number, number, number, number];
    return (H === 1 ? x : x.transpose([0, 2, 1, 3])).reshape([R * T, H * width]);
  }

  /** Softmax attention over what a place may look at, on heads of width D / H: [R · T, D] → [R · T, D]. */
  attention(y: Tensor, name: string, heads: number): Tensor {
    const { mask, drop } = this.#pasts;
    const D = y.shape[1]!;
    const [query, key, value] = (["query", "key", "value"] as const).map((part) =>
      this.split(this.linear(y, `${name}.${part}`, D), heads),
    ) as [Tensor, Tensor, Tensor];
    const scores = query
      .matmul(key, { transposeRight: true, scale: 1 / Math.sqrt(D / heads) }) // [R, H, T, T]
      .add(mask);
    const weights = drop(scores.softmax(), name);
    return this.linear(this.merge(weights.matmul(value)), `${name}.output`, D);
  }

  /**
   * One learned number for each distance between two places of a past: [1, 1, T, T].
   *
   * @param limit  distances that are told apart
   */
  placeBias(name: string, limit: number): Tensor {
    const { graph: g, length: T } = this.#pasts;
    const distances = Array.from({ length: T * T }, (_, i) => {
      return Math.max(0, Math.floor(i / T) - (i % T));
    });
    const table = g.parameter(`${name}.placeEmbeddings`, [limit, 1]);
    return table.lookup(g.constant(distances, [T * T], "int32")).reshape([1, 1, T, T]);
  }

  /** One learned number for each bucket of time between two places: [R, 1, T, T]. */
  timeBias(name: string, buckets: number): Tensor {
    const { graph: g, rows: R, length: T } = this.#pasts;
    const table = g.parameter(`${name}.timeEmbeddings`, [buckets, 1]);
    return table.lookup(this.#gaps(buckets)).reshape([R, 1, T, T]);
  }

  /** 0 where a place may not look; for attention without softmax: [R, H, T, T]. */
  visible(weights: Tensor): Tensor {
    return this.#pasts.mask.less(-1).where(0, weights);
  }
}
