import { Tensor } from "@magpie/tensor";
import { Layers, type Pasts } from "./sequence-layers.ts";
import { sequenceDefaults, type SequenceSettings } from "./sequence-config.ts";

/**
 * GRU4Rec: a recurrent network that carries one state through a past; the baseline that attention has to
 * beat.
 *
 *     r = σ(x·W_r + h·U_r)   z = σ(x·W_z + h·U_z)   n = tanh(x·W_n + r ⊙ (h·U_n))   h ← (1 - z) ⊙ n + z ⊙ h
 *
 * biases left out; the state begins with zeros at the first item of each past. Losses of the paper:
 * "sampled-softmax" and "bpr-max".
 *
 * @see Hidasi & Karatzoglou (2018), "Recurrent neural networks with top-k gains for session-based
 *      recommendations"; Cho et al. (2014) for the unit
 *
 * Differences from the paper: dropout on the way into each layer, states leave through a normalisation, and
 * several pasts share a row, as for all networks here.
 */
export interface Gru4RecConfig extends SequenceSettings {
  readonly network: "gru";
  /** Layers, one above the other. */
  readonly blocks: number;
}

export const gru4RecDefaults: Gru4RecConfig = { ...sequenceDefaults, network: "gru", blocks: 1 };

/** [R · T, D] states: see `Gru4RecConfig`. */
export function gru(pasts: Pasts, config: Gru4RecConfig): Tensor {
  const { graph: g, rows: R, length: T, drop } = pasts;
  const { width: D, blocks } = config;
  const layers = new Layers(pasts);
  const kept = continuations(pasts);
  let x = layers.embedItems(config); // [R · T, D]
  for (let b = 0; b < blocks; b++) {
    const name = `layer${b}`;
    // What the items say is one product for all places; places are then taken one after the other.
    const said = layers
      .linear(x, `${name}.item`, 3 * D)
      .reshape([R, T, 3 * D])
      .transpose([1, 0, 2])
      .reshape([T * R, 3 * D])
      .split(0, T); // T × [R, 3 D]
    const weight = g.parameter(`${name}.state.weight`, [D, 3 * D]);
    const bias = g.parameter(`${name}.state.bias`, [3 * D]);
    let state: Tensor | undefined;
    const states: Tensor[] = [];
    for (let t = 0; t < T; t++) {
      const before = state?.mul(kept[t]!) ?? g.constant(Array<number>(R * D).fill(0), [R, D]);
      const [itemR, itemZ, itemN] = said[t]!.split(1, 3) as [Tensor, Tensor, Tensor];
      const [stateR, stateZ, stateN] = before.linear(weight, bias).split(1, 3) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const reset = itemR.add(stateR).sigmoid();
      const update = itemZ.add(stateZ).sigmoid();
      const fresh = itemN.add(reset.mul(stateN)).tanh();
      state = fresh.add(update.mul(before.sub(fresh)));
      states.push(state);
    }
    const all = Tensor.concat(states, 0).reshape([T, R, D]).transpose([1, 0, 2]);
    x = drop(all.reshape([R * T, D]), name);
  }
  return layers.norm(x, "norm");
}

/**
 * For each place t, [R, 1]: 1 where it goes on from the place before, 0 where another past begins. Within a
 * past there is one newer item less at each place; the place before a beginning has none.
 */
function continuations({ graph: g, rows: R, length: T, positions }: Pasts): Tensor[] {
  const none = g.constant([0], [1, 1]);
  if (T === 1) return [none];
  const places = positions.reshape([R, T]);
  const expected = places.slice(1, 0, T - 1).sub(g.constant([1], [], "int32"));
  const goesOn = expected.equal(places.slice(1, 1, T)).cast(g.type); // [R, T - 1]
  return [
    none,
    ...goesOn
      .transpose([1, 0])
      .reshape([(T - 1) * R, 1])
      .split(0, T - 1),
  ];
}
