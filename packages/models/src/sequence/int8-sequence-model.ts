import type { History } from "@magpie/domain";
import { writeModel, type Int8Trade } from "../model-files.ts";
import type {
  CurvePoint,
  HistoryEffect,
  HistoryExplainer,
  TrainedModel,
  TrainingCost,
} from "../model.ts";
import { itemsOfTexts } from "./items-of-texts.ts";
import { CodedItems } from "./item-table.ts";
import { effectsOfLeavingOut } from "./leaving-out.ts";
import type { SequenceConfig } from "./sequence-config.ts";
import { SequenceEncoder, type SequenceWeights } from "./sequence-encoder.ts";
import { repeatBiasOf } from "./sequence-graphs.ts";
import type { SequenceModel } from "./sequence-model.ts";
import { scoreByScan } from "./score-by-scan.ts";

const format = 2;

/** What an 8-bit sequence model is made of. */
export interface Int8SequenceParts {
  readonly kind: string;
  /** Of the model in single precision. */
  readonly name: string;
  readonly config: SequenceConfig;
  /** Weights of the network, as `parametersOf` lays them out; multiplied in 8 bits. */
  readonly dense: Float32Array;
  /** Items as input. */
  readonly inputs: CodedItems;
  /** Items as output; the same table when tied. */
  readonly outputs: CodedItems;
  readonly curve: readonly CurvePoint[];
  readonly cost: TrainingCost;
}

/**
 * A sequence model that is kept and served in 8 bits: item tables of one byte a value with a scale for
 * each row, and a network that multiplies whole numbers. It takes about a quarter of the bytes, and
 * scores differ from those in single precision by rounding.
 */
export class Int8SequenceModel implements TrainedModel, HistoryExplainer {
  readonly kind: string;
  readonly name: string;
  readonly config: SequenceConfig;
  readonly itemCount: number;
  readonly width: number;
  readonly itemTable: CodedItems;
  readonly repeatBias: number;
  readonly curve: readonly CurvePoint[];
  readonly cost: TrainingCost;
  readonly #parts: Int8SequenceParts;
  readonly #encoder: SequenceEncoder;

  constructor(parts: Int8SequenceParts) {
    const { kind, name, config, dense, inputs, outputs, curve, cost } = parts;
    this.kind = kind;
    this.name = `${name}, 8 bits`;
    this.config = config;
    this.itemCount = outputs.rows - 1;
    this.width = config.width;
    this.itemTable = outputs;
    this.repeatBias = repeatBiasOf(config, dense);
    this.curve = curve;
    this.cost = cost;
    this.#parts = parts;
    const none = new Float32Array(0);
    const weights = { dense, inputItems: none, outputItems: none };
    this.#encoder = new SequenceEncoder(config, weights, { int8: true, inputs });
  }

  /** The same model in 8 bits; the other stays as it is. */
  static of({ kind, name, config, weights, curve, cost }: SequenceModel): Int8SequenceModel {
    const { dense, inputItems, outputItems } = weights;
    const outputs = CodedItems.of(outputItems, config.width);
    const inputs = inputItems === outputItems ? outputs : CodedItems.of(inputItems, config.width);
    return new Int8SequenceModel({ kind, name, config, dense, inputs, outputs, curve, cost });
  }

  /**
   * Of the parameters as they are saved, and as they would be in single precision. The network, which is
   * small, is saved in single precision either way.
   */
  get savedBytes(): Int8Trade["bytes"] {
    const { dense, inputs, outputs } = this.#parts;
    const tables = new Set([inputs, outputs]);
    const sum = (bytesOf: (table: CodedItems) => number): number =>
      [...tables].reduce((bytes, table) => bytes + bytesOf(table), dense.byteLength);
    return {
      float32: sum(({ rows, width }) => 4 * rows * width),
      int8: sum(({ bytes }) => bytes),
    };
  }

  encode(histories: readonly History[], out: Float32Array): Promise<void> {
    return this.#encoder.encode(histories, out);
  }

  async scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    const { width, itemCount, itemTable, repeatBias, config } = this;
    const users = new Float32Array(histories.length * width);
    await this.encode(histories, users);
    const scan = (user: Float32Array): Float32Array => itemTable.scan(user);
    const { historyLimit } = config;
    scoreByScan({ scan, repeatBias, historyLimit, width, itemCount }, histories, users, out);
  }

  /** See `effectsOfLeavingOut`. */
  explain(history: History, items: Int32Array): Promise<HistoryEffect[][]> {
    return effectsOfLeavingOut(this, history, items);
  }

  /** See `itemsOfTexts`. */
  itemsOfTexts(texts: Float32Array): Float32Array {
    return itemsOfTexts(this.#parts, texts);
  }

  /** Opens what single requests and explanations need, so that the first does not wait for it. */
  warmUp(): Promise<void> {
    return this.#encoder.warmUp();
  }

  /** The weights that the codes stand for, for programs that want floats. */
  toFloats(): SequenceWeights {
    const { dense, inputs, outputs } = this.#parts;
    const outputItems = outputs.toFloats();
    return {
      dense,
      outputItems,
      inputItems: inputs === outputs ? outputItems : inputs.toFloats(),
    };
  }

  save(directory: string): Promise<void> {
    const { kind, config, cost, curve, itemCount } = this;
    const { dense, inputs, outputs } = this.#parts;
    const [input, output] = [inputs.quantised(), outputs.quantised()];
    return writeModel(
      directory,
      { kind, format, itemCount, config, cost, curve, precision: "int8" },
      {
        dense,
        inputCodes: input.codes,
        inputScales: input.scales,
        ...(inputs !== outputs && { outputCodes: output.codes, outputScales: output.scales }),
      },
    );
  }

  dispose(): Promise<void> {
    return this.#encoder.dispose();
  }
}
