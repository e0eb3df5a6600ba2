import type { Tensor } from "@magpie/tensor";
import { Layers, type Pasts } from "./sequence-layers.ts";
import { sequenceDefaults, type SequenceSettings } from "./sequence-config.ts";

/**
 * SASRec: a transformer over a shopper's past that predicts the next item.
 *
 *     items, positions ─▶ embed ─▶ block × n ─▶ norm ─▶ h [D]       score(item) = h · item's embedding
 *                                   │
 *                     x + attention(norm(x)), then x + feedForward(norm(x)); a place sees only its past
 *
 * @see Kang & McAuley (2018), "Self-attentive sequential recommendation"; Klenitskiy & Vasilev
 *      (2023), "Turning dross into gold loss: is BERT4Rec really better than SASRec?" for the softmax
 *
 * Differences from the paper: softmax losses, normalisation before each layer (steadier training), and a
 * learned shift for items that the past holds already (`SharedNegatives.ownPast`).
 */
export interface SasRecConfig extends SequenceSettings {
  readonly network: "transformer";
  readonly blocks: number;
  readonly heads: number;
  /** Width of the hidden layer in each block. */
  readonly feedForward: number;
  readonly activation: "relu" | "gelu" | "silu";
}

/** The recipe; how its numbers were found is in `bench/results/sasrec-recipe-amazon-beauty.md`. */
export const sasRecDefaults: SasRecConfig = {
  ...sequenceDefaults,
  network: "transformer",
  blocks: 1,
  heads: 1,
  feedForward: 256,
  activation: "gelu",
};

/** [R · T, D] states: see `SasRecConfig`. */
export function transformer(pasts: Pasts, config: SasRecConfig): Tensor {
  const { width: D, blocks, heads, feedForward, activation } = config;
  const layers = new Layers(pasts);
  let x = layers.embed(config);
  for (let b = 0; b < blocks; b++) {
    const name = `block${b}`;
    const seen = layers.norm(x, `${name}.attention.norm`);
    const mixed = layers.attention(seen, `${name}.attention`, heads);
    x = x.add(pasts.drop(mixed, `${name}.attention.output`));

    const rich = layers.norm(x, `${name}.feedForward.norm`);
    const hidden = layers.linear(rich, `${name}.feedForward.in`, feedForward)[activation]();
    const added = layers.linear(hidden, `${name}.feedForward.out`, D);
    x = x.add(pasts.drop(added, `${name}.feedForward`));
  }
  return layers.norm(x, "norm");
}
