import { Tensor } from "@magpie/tensor";
import { Layers, type Pasts } from "./sequence-layers.ts";
import { sequenceDefaults, type SequenceSettings } from "./sequence-config.ts";

/**
 * FuXi-α: three channels look at a past side by side (what items say to each other, how many items lie
 * between them, how much time), and a gated feed-forward layer mixes what they found.
 *
 *     V, Q, K = silu(norm(x) · W),  U = silu(norm(x) · W') [3 D]
 *     o = x + (norm([silu(Q · Kᵀ) · V, place bias · V, time bias · V]) ⊙ U) · O
 *     o + swiGlu(norm(o))
 *
 * @see Ye et al. (2025), "FuXi-α: scaling recommendation model with feature interaction enhanced
 *      transformer"
 *
 * Differences from the paper: layer normalisation where it has RMSNorm, and those of HSTU (`hstu.ts`).
 */
export interface FuxiConfig extends SequenceSettings {
  readonly network: "fuxi";
  readonly blocks: number;
  readonly heads: number;
  /** Width of the gated hidden layer in each block. */
  readonly feedForward: number;
  /** Times between items that are told apart, each twice the one before, from a minute; 0: no channel. */
  readonly timeBuckets: number;
}

export const fuxiDefaults: FuxiConfig = {
  ...sequenceDefaults,
  network: "fuxi",
  blocks: 1,
  heads: 1,
  feedForward: 128,
  timeBuckets: 22,
};

/** [R · T, D] states: see `FuxiConfig`. */
export function fuxi(pasts: Pasts, config: FuxiConfig): Tensor {
  const { width: D, blocks, heads, feedForward, historyLimit, timeBuckets } = config;
  const layers = new Layers(pasts);
  let x = layers.embed(config);
  for (let b = 0; b < blocks; b++) {
    const name = `block${b}`;
    const y = layers.norm(x, `${name}.norm`);
    const [value, query, key] = layers
      .linear(y, `${name}.in`, 3 * D)
      .silu()
      .split(1, 3) as [Tensor, Tensor, Tensor];
    const values = layers.split(value, heads);
    const meaning = layers
      .split(query, heads)
      .matmul(layers.split(key, heads), { transposeRight: true })
      .silu();
    const everyHead = [pasts.rows, heads, pasts.length, pasts.length];
    const channels = [
      meaning,
      layers.placeBias(name, historyLimit).expand(everyHead),
      ...(timeBuckets > 0 ? [layers.timeBias(name, timeBuckets).expand(everyHead)] : []),
    ].map((weights) => layers.merge(layers.visible(weights).matmul(values)));
    const found = layers.norm(Tensor.concat(channels, 1), `${name}.channels.norm`);
    const gate = layers.linear(y, `${name}.gate`, found.shape[1]!).silu();
    const gated = pasts.drop(found.mul(gate), `${name}.gated`);
    x = x.add(layers.linear(gated, `${name}.out`, D));
    const rich = layers.norm(x, `${name}.feedForward.norm`);
    const mixed = layers.swiGlu(rich, `${name}.feedForward`, feedForward);
    x = x.add(pasts.drop(mixed, `${name}.feedForward`));
  }
  return layers.norm(x, "norm");
}
