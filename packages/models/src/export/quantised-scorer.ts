import { TrainingError, type History, type Scorer, type VectorScorer } from "@magpie/domain";
import { VectorScan } from "@magpie/numerics";
import { sizeOf } from "@magpie/tensor";
import type { TrainedModel } from "../model.ts";
import { CodedItems } from "../sequence/item-table.ts";
import { scoreByScan } from "../sequence/score-by-scan.ts";
import { SequenceEncoder } from "../sequence/sequence-encoder.ts";
import { parametersOf } from "../sequence/sequence-graphs.ts";
import { SequenceModel } from "../sequence/sequence-model.ts";

/** What of a model is kept in 8 bits: a step between size, time and quality. */
export interface Precision {
  /** The network that makes a past a vector; "int8" is for sequence models. */
  readonly network: "float32" | "int8";
  /** The tables of item vectors. */
  readonly items: "float32" | "int8";
}

/** Whether a model's scores are products of a user's vector with item vectors. */
export function isVectorScorer(model: TrainedModel): model is TrainedModel & VectorScorer {
  return "itemVectors" in model && "encode" in model && "width" in model;
}

/** Products of one vector with all item rows. */
interface ItemScan {
  readonly bytes: number;
  /** [items + 1], valid until the next call. */
  scan(user: Float32Array): Float32Array;
}

/**
 * A trained model of vectors, served in the precision that is asked for: 8-bit item tables for any model whose
 * score is a product with an item vector, and an 8-bit network for sequence models.
 *
 *     past ─▶ encode (network) ─▶ user [D] ─▶ scan (item table) ─▶ scores [items + 1] ─▶ + repeat bias
 */
export class QuantisedScorer implements Scorer {
  readonly name: string;
  readonly itemCount: number;
  readonly precision: Precision;
  /** Of weights and tables, as they are held. */
  readonly bytes: number;
  readonly #model: TrainedModel & VectorScorer;
  readonly #encoder: SequenceEncoder | undefined;
  readonly #scan: ItemScan;

  /** @throws {TrainingError} `QUANTISE_UNSUPPORTED` for an 8-bit network of a model that has none */
  constructor(model: TrainedModel & VectorScorer, precision: Precision) {
    const { network, items } = precision;
    this.#model = model;
    this.name = `${model.name}, network ${network}, items ${items}`;
    this.itemCount = model.itemCount;
    this.precision = precision;
    const { itemVectors, width } = model;
    this.#scan =
      items === "int8" ? CodedItems.of(itemVectors, width) : floatScan(itemVectors, width);
    if (!(model instanceof SequenceModel)) {
      if (network === "int8") {
        throw new TrainingError(
          "QUANTISE_UNSUPPORTED",
          `${model.name} makes vectors without a network of matrices.`,
          "Quantise its item table alone.",
        );
      }
      this.bytes = this.#scan.bytes;
      return;
    }
    const { config, weights } = model;
    const isTied = weights.inputItems === weights.outputItems;
    const inputs = items === "int8" ? CodedItems.of(weights.inputItems, width) : undefined;
    this.#encoder = new SequenceEncoder(config, weights, {
      int8: network === "int8",
      ...(inputs && { inputs }),
    });
    const inputBytes = isTied ? 0 : (inputs?.bytes ?? weights.inputItems.byteLength);
    this.bytes = this.#scan.bytes + inputBytes + networkBytes(model, network);
  }

  /** B pasts → [B, D] */
  encode(histories: readonly History[], out: Float32Array): Promise<void> {
    return (this.#encoder ?? this.#model).encode(histories, out);
  }

  /** A user's products with all item rows: [items + 1], valid until the next call. */
  scan(user: Float32Array): Float32Array {
    return this.#scan.scan(user);
  }

  async scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    const { width, repeatBias = 0, itemCount } = this.#model;
    const users = new Float32Array(histories.length * width);
    await this.encode(histories, users);
    const historyLimit =
      this.#model instanceof SequenceModel ? this.#model.config.historyLimit : Infinity;
    const scan = (user: Float32Array): Float32Array => this.scan(user);
    scoreByScan({ scan, repeatBias, historyLimit, width, itemCount }, histories, users, out);
  }

  /** Frees the sessions of the network; the model itself stays open. */
  async dispose(): Promise<void> {
    await this.#encoder?.dispose();
  }
}

function floatScan(vectors: Float32Array, width: number): ItemScan {
  const rows = vectors.length / width;
  const scan = new VectorScan(vectors, rows, width);
  return { bytes: vectors.byteLength, scan: (user) => scan.scanFloat(user) };
}

/** Matrices take a byte for each weight and a scale for each column, or for each row of embeddings. */
function networkBytes({ config }: SequenceModel, precision: Precision["network"]): number {
  return parametersOf(config).reduce((sum, { name, shape }) => {
    if (precision === "float32" || shape.length < 2) return sum + 4 * sizeOf(shape);
    const scales = name.endsWith("Embeddings") ? shape[0]! : shape[1]!;
    return sum + sizeOf(shape) + 4 * scales;
  }, 0);
}
