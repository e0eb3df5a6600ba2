import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TrainingError, type VectorScorer } from "@magpie/domain";
import { transpose, type CsrMatrix } from "@magpie/numerics";
import { compileInference, Graph, type CompiledGraph } from "@magpie/tensor";
import { LinearItemModel } from "../linear/linear-item-model.ts";
import type { ModelOrigin } from "../model-files.ts";
import type { TrainedModel } from "../model.ts";
import { isVectorScorer } from "./quantised-scorer.ts";
import { Int8SequenceModel } from "../sequence/int8-sequence-model.ts";
import { SequenceModel } from "../sequence/sequence-model.ts";
import { readsTimes } from "../sequence/sequence-graphs.ts";

/** A tensor that goes into an exported model, or comes out of it. */
export interface ExportedPort {
  readonly name: string;
  readonly type: string;
  /** "batch" is any number of requests. */
  readonly shape: readonly (number | "batch")[];
  readonly meaning: string;
}

/** What `interface.json` says beside an exported `model.onnx`. */
export interface ExportedModel {
  readonly kind: string;
  readonly name: string;
  /** Item rows run from 1 to `itemCount`; row 0 is padding. */
  readonly itemCount: number;
  readonly precision: "float32" | "int8";
  readonly inputs: readonly ExportedPort[];
  readonly outputs: readonly ExportedPort[];
  readonly bytes: number;
  readonly origin?: ModelOrigin;
}

export interface ExportOptions {
  /** Keep matrices and tables in 8 bits: a quarter of the size, and scores that are nearly the same. */
  readonly int8?: boolean;
  /** Of the model's card; goes along. */
  readonly origin?: ModelOrigin;
}

interface Written {
  readonly graph: CompiledGraph;
  readonly inputs: readonly ExportedPort[];
  readonly outputs: readonly ExportedPort[];
}

/** Stands for the number of requests while a graph is written; no other size is a multiple of it. */
const anyBatch = 1_000_003;

/**
 * Writes a model as `model.onnx`, which any onnxruntime opens, with `interface.json` that says what goes in
 * and what comes out. Sequence models go from a past to scores; linear models from what the past holds to
 * scores, weights by weights; other models of vectors from a user's vector.
 *
 * @param directory  an existing folder
 * @throws {TrainingError} `EXPORT_UNSUPPORTED` for a model whose scores are no such product, or that has
 *   nothing to keep in 8 bits
 */
export async function exportOnnx(
  model: TrainedModel,
  directory: string,
  options: ExportOptions = {},
): Promise<ExportedModel> {
  const { int8 = false, origin } = options;
  const { kind, name, itemCount } = model;
  const metadata = {
    kind,
    name,
    precision: int8 ? "int8" : "float32",
    ...(origin && { dataSha256: origin.data.sha256, seed: String(origin.seed) }),
  };
  const { graph, inputs, outputs } = write(model, { int8, metadata });
  await writeFile(join(directory, "model.onnx"), graph.model);
  const exported: ExportedModel = {
    kind,
    name,
    itemCount,
    precision: int8 ? "int8" : "float32",
    inputs,
    outputs,
    bytes: graph.model.length,
    ...(origin && { origin }),
  };
  const text = `${JSON.stringify(exported, null, 2)}\n`;
  await writeFile(join(directory, "interface.json"), text);
  return exported;
}

interface WriteOptions {
  readonly int8: boolean;
  readonly metadata: Readonly<Record<string, string>>;
}

function write(model: TrainedModel, options: WriteOptions): Written {
  if (model instanceof SequenceModel) return sequence(model, options);
  if (model instanceof Int8SequenceModel) {
    const { config, curve, cost } = model;
    return sequence(new SequenceModel(config, model.toFloats(), curve, cost), options);
  }
  if (model instanceof LinearItemModel) return linear(model, options);
  if (isVectorScorer(model)) return vectors(model, options);
  throw new TrainingError(
    "EXPORT_UNSUPPORTED",
    `The scores of ${model.name} (${model.kind}) are no product of matrices, so there is no graph to write.`,
    "Sequence models, item-kNN, EASE, SLIM, RP3beta, ALS, BPR and LightGCN can be exported.",
  );
}

const scoresPort = (itemCount: number): ExportedPort => ({
  name: "scores",
  type: "float32",
  shape: ["batch", itemCount + 1],
  meaning: "of each item row, larger is better; row 0 is -Infinity",
});

function sequence(model: SequenceModel, options: WriteOptions): Written {
  const { itemCount, width } = model;
  const { historyLimit } = model.config;
  const gaps: ExportedPort = {
    name: "timeGaps",
    type: "int64",
    shape: ["batch", historyLimit, historyLimit],
    meaning:
      "for place t of the past and each place s before it at [t, s]: 0 below a minute, then 1 + " +
      "floor(log2(minutes)); 0 elsewhere",
  };
  return {
    graph: model.toOnnx(options),
    inputs: [
      {
        name: "history",
        type: "int64",
        shape: ["batch", historyLimit],
        meaning: `item rows of the newest ${historyLimit} items of a past, oldest first; 0 after the newest`,
      },
      ...(readsTimes(model.config) ? [gaps] : []),
    ],
    outputs: [
      {
        name: "user",
        type: "float32",
        shape: ["batch", width],
        meaning: "the past as a vector; zeros for an empty past",
      },
      scoresPort(itemCount),
    ],
  };
}

/** score(j) = Σ_k interactions[source(j, k)] · weight(j, k): what is kept of each column of W, side by side. */
function linear({ weights, itemCount, config }: LinearItemModel, options: WriteOptions): Written {
  if (options.int8) {
    throw new TrainingError(
      "EXPORT_UNSUPPORTED",
      "A linear model keeps few weights for each item, and no matrix that 8 bits would make smaller.",
      "Export it without 8 bits.",
    );
  }
  const size = itemCount + 1;
  const { width, sources, values } = byTarget(weights);
  const g = new Graph({ fused: false });
  const interactions = g.input("interactions", [anyBatch, size]);
  const sourceTable = g.input("sources", [size, width], "int32");
  const weightTable = g.parameter("weights", [size, width]);
  const picked = g.node("Gather", [interactions, sourceTable], [anyBatch, size, width], {
    axis: { int: 1 },
  });
  const scores = picked.mul(weightTable).sum([-1]).add(paddingRow(g, size));
  return {
    graph: compileInference(
      g,
      { scores },
      {
        weights: { sources, weights: values },
        batch: { size: anyBatch, name: "batch" },
        metadata: options.metadata,
      },
    ),
    inputs: [
      {
        name: "interactions",
        type: "float32",
        shape: ["batch", size],
        meaning:
          `at each item row of the past: ${config.recency} to the power of the number of newer moments, ` +
          "times log2(1 + feedback weight), which is 1 for a weight of 1; summed where an item occurs " +
          "more than once; 0 elsewhere",
      },
    ],
    outputs: [scoresPort(itemCount)],
  };
}

/** The columns of W side by side: as many places for each as the fullest has; empty ones have weight 0. */
function byTarget(weights: CsrMatrix): {
  readonly width: number;
  readonly sources: Int32Array;
  readonly values: Float32Array;
} {
  const { rows, offsets, indices, values } = transpose(weights);
  let width = 1;
  for (let j = 0; j < rows; j++) width = Math.max(width, offsets[j + 1]! - offsets[j]!);
  const sources = new Int32Array(rows * width);
  const kept = new Float32Array(rows * width);
  for (let j = 0; j < rows; j++) {
    sources.set(indices.subarray(offsets[j], offsets[j + 1]), j * width);
    kept.set(values.subarray(offsets[j], offsets[j + 1]), j * width);
  }
  return { width, sources, values: kept };
}

function vectors(model: TrainedModel & VectorScorer, { int8, metadata }: WriteOptions): Written {
  const { width, itemCount, itemVectors } = model;
  const g = new Graph({ fused: false });
  const table = g.parameter("itemVectors", [itemCount + 1, width]);
  const scores = g
    .input("user", [anyBatch, width])
    .matmul(table, { transposeRight: true })
    .add(paddingRow(g, itemCount + 1));
  return {
    graph: compileInference(
      g,
      { scores },
      {
        weights: { itemVectors },
        int8,
        batch: { size: anyBatch, name: "batch" },
        metadata,
      },
    ),
    inputs: [
      {
        name: "user",
        type: "float32",
        shape: ["batch", width],
        meaning: "a user's vector, as the model's `encode` works it out from a past",
      },
    ],
    outputs: [scoresPort(itemCount)],
  };
}

/** [size]: -Infinity for row 0, 0 for items. */
function paddingRow(g: Graph, size: number): ReturnType<Graph["constant"]> {
  return g.constant(
    Array.from({ length: size }, (_, row) => (row === 0 ? -Infinity : 0)),
    [size],
  );
}
