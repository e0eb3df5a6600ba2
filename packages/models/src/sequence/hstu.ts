import type { Tensor } from "@magpie/tensor";
import { Layers, type Pasts } from "./sequence-layers.ts";
import { sequenceDefaults, type SequenceSettings } from "./sequence-config.ts";

/**
 * HSTU: attention without softmax, so that how often something stands in a past counts, biased by how far
 * apart two items are in place and in time, and a gate in place of a feed-forward layer.
 *
 *     U, V, Q, K = silu(norm(x) · W)
 *     x + (norm(silu(Q · Kᵀ + place bias + time bias) · V) ⊙ U) · O
 *
 * @see Zhai et al. (2024), "Actions speak louder than words: trillion-parameter sequential transducers for
 *      generative recommendations"
 *
 * Differences from the paper: the weights are not divided by the length (the normalisation that follows
 * takes out any scale), states leave through a normalisation and inner products rather than cosines with a
 * temperature, and time is measured between the two items, not up to the predicted one, whose time nobody
 * knows when serving.
 */
export interface HstuConfig extends SequenceSettings {
  readonly network: "hstu";
  readonly blocks: number;
  readonly heads: number;
  /** Times between items that are told apart, each twice the one before, from a minute; 0: none. */
  readonly timeBuckets: number;
}

export const hstuDefaults: HstuConfig = {
  ...sequenceDefaults,
  network: "hstu",
  blocks: 2,
  heads: 1,
  timeBuckets: 22,
};

/** [R · T, D] states: see `HstuConfig`. */
export function hstu(pasts: Pasts, config: HstuConfig): Tensor {
  const { width: D, blocks, heads, historyLimit, timeBuckets } = config;
  const layers = new Layers(pasts);
  let x = layers.embed(config);
  for (let b = 0; b < blocks; b++) {
    const name = `block${b}`;
    const [gate, value, query, key] = layers
      .linear(layers.norm(x, `${name}.norm`), `${name}.in`, 4 * D)
      .silu()
      .split(1, 4) as [Tensor, Tensor, Tensor, Tensor];
    let scores = layers
      .split(query, heads)
      .matmul(layers.split(key, heads), { transposeRight: true })
      .add(layers.placeBias(name, historyLimit)); // [R, H, T, T]
    if (timeBuckets > 0) scores = scores.add(layers.timeBias(name, timeBuckets));
    const weights = layers.visible(scores.silu());
    const mixed = layers.merge(weights.matmul(layers.split(value, heads))); // [R · T, D]
    const gated = pasts.drop(layers.norm(mixed, `${name}.mixed.norm`).mul(gate), `${name}.gated`);
    x = x.add(layers.linear(gated, `${name}.out`, D));
  }
  return layers.norm(x, "norm");
}
