import type { Sequences } from "@magpie/data";
import { TrainingError } from "@magpie/domain";
import type { TrainingContext } from "../model.ts";
import { parametersOf } from "../sequence/sequence-graphs.ts";
import { SequenceModel } from "../sequence/sequence-model.ts";
import { SequenceTrainer } from "../sequence/sequence-trainer.ts";
import { startCost } from "../training-cost.ts";

export interface PruningOptions {
  /** Share of the network's weights that are set to 0, smallest magnitudes first: in [0, 1). */
  readonly share: number;
  /** Passes over the data in which the others make up for it. 0: none. */
  readonly epochs: number;
  /** Of the fine-tuning; below that of the training, because little is left to learn. */
  readonly learningRate: number;
}

/**
 * Magnitude pruning: sets the smallest weights of a sequence model's matrices to 0 and trains the others on,
 * the pruned ones held at 0. Item tables, gains and biases stay whole.
 *
 * What it is good for is size on disk. Zeros that stand anywhere are multiplied like any number, so encoding
 * takes the same time (bench/results/int8-pareto.md).
 *
 * Steps block the calling thread.
 *
 * @throws {TrainingError} `BAD_CONFIG` for a share outside [0, 1)
 * @see Han et al. (2015), "Learning both weights and connections for efficient neural networks"
 */
export async function pruneSequenceModel(
  model: SequenceModel,
  train: Sequences,
  { share, epochs, learningRate }: PruningOptions,
  { seed, threads, signal, onProgress }: TrainingContext,
): Promise<SequenceModel> {
  if (!(share >= 0 && share < 1)) {
    throw new TrainingError(
      "BAD_CONFIG",
      `The share of weights to prune is ${share}; it must be at least 0 and below 1.`,
      "0.5 prunes the smaller half.",
    );
  }
  const readCost = startCost();
  const { weights, config } = model;
  const kept = largestWeights(model, share);
  // A trained table holds the sums of items' features: it is trained on as it is.
  const recipe = { ...config, itemFeatures: false, learningRate };
  const trainer = await SequenceTrainer.open(recipe, { sequences: train }, { seed, threads });
  try {
    const { dense, inputTable, outputTable } = trainer;
    dense.weights.set(weights.dense.subarray(0, dense.weights.length));
    inputTable.weights.set(weights.inputItems);
    if (outputTable !== inputTable) outputTable.weights.set(weights.outputItems);
    const prune = (): void => {
      for (let i = 0; i < kept.length; i++) if (kept[i] === 0) dense.weights[i] = 0;
    };
    prune();
    let steps = 0;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      for await (const { loss } of trainer.epoch(epoch)) {
        prune();
        signal.throwIfAborted();
        const total = Math.max(++steps, epochs * trainer.stepsPerEpoch);
        const stage = `${model.kind}/prune`;
        onProgress({ stage, done: steps, total, unit: "steps", metrics: { loss } });
      }
    }
    const inputItems = inputTable.weights.slice();
    const outputItems = outputTable === inputTable ? inputItems : outputTable.weights.slice();
    return new SequenceModel(
      config,
      { dense: dense.weights.slice(), inputItems, outputItems },
      model.curve,
      readCost(),
    );
  } finally {
    await trainer.dispose();
  }
}

/** 1 for weights that stay: all but the smallest share of the matrices', over all matrices together. */
function largestWeights({ config, weights }: SequenceModel, share: number): Uint8Array {
  const kept = new Uint8Array(weights.dense.length).fill(1);
  const places = parametersOf(config)
    .filter(({ name, shape }) => shape.length === 2 && !name.endsWith("Embeddings"))
    .flatMap(({ shape, offset }) =>
      Array.from({ length: shape[0]! * shape[1]! }, (_, i) => offset + i),
    );
  const size = (place: number): number => Math.abs(weights.dense[place]!);
  const ascending = places.toSorted((a, b) => size(a) - size(b));
  for (const place of ascending.slice(0, Math.round(share * places.length))) kept[place] = 0;
  return kept;
}
