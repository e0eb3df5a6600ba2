import { Layers, type Pasts } from "./sequence-layers.ts";
import { sequenceDefaults, type SequenceSettings } from "./sequence-config.ts";
import type { Tensor } from "@magpie/tensor";

/**
 * eSASRec: SASRec with LiGR's blocks, in which a gate of its own says how much each layer may add, and a
 * gated feed-forward layer.
 *
 *     x + attention(norm(x)) ⊙ σ(x · G), then x + swiGlu(norm(x)) ⊙ σ(x · G')
 *
 * @see Borisyuk et al. (2025), "From features to transformers: redefining ranking for scalable impact"
 *      (LiGR); Tikhonovich et al. (2025), "eSASRec: enhancing transformer-based recommendations in a
 *      modular fashion"
 */
export interface LigrConfig extends SequenceSettings {
  readonly network: "ligr";
  readonly blocks: number;
  readonly heads: number;
  /** Width of the gated hidden layer in each block. */
  readonly feedForward: number;
}

export const ligrDefaults: LigrConfig = {
  ...sequenceDefaults,
  network: "ligr",
  blocks: 1,
  heads: 1,
  feedForward: 256,
};

/** [R · T, D] states: see `LigrConfig`. */
export function ligr(pasts: Pasts, config: LigrConfig): Tensor {
  const { width: D, blocks, heads, feedForward } = config;
  const layers = new Layers(pasts);
  const gated = (x: Tensor, added: Tensor, name: string): Tensor =>
    x.add(pasts.drop(added.mul(layers.linear(x, `${name}.gate`, D).sigmoid()), name));
  let x = layers.embed(config);
  for (let b = 0; b < blocks; b++) {
    const name = `block${b}`;
    const seen = layers.norm(x, `${name}.attention.norm`);
    x = gated(x, layers.attention(seen, `${name}.attention`, heads), `${name}.attention.skip`);
    const rich = layers.norm(x, `${name}.feedForward.norm`);
    x = gated(
      x,
      layers.swiGlu(rich, `${name}.feedForward`, feedForward),
      `${name}.feedForward.skip`,
    );
  }
  return layers.norm(x, "norm");
}
