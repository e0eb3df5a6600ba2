import { createHash } from "node:crypto";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openModelFile, type ModelFile } from "@magpie/tensor";
import { EncoderError, normaliseRow, type TextEncoder, type TextRole } from "../text-encoder.ts";
import { Tokenizer } from "./tokenizer/tokenizer.ts";

/** A folder as Hugging Face lays it out: tokenizer.json, config.json, onnx/model.onnx. */
export interface OnnxModelConfig {
  readonly folder: string;
  /** How token vectors become one: their mean, or the first one's. */
  readonly pooling: "mean" | "cls";
  /** Tokens read of a text. */
  readonly maxTokens: number;
  /** Texts per run of the model. */
  readonly batchSize: number;
  readonly threads: number;
  /** Written before each query and each document, as E5 models ask for. */
  readonly prefixes: Readonly<Record<TextRole, string>>;
}

export const onnxModelDefaults = {
  pooling: "mean",
  maxTokens: 256,
  batchSize: 16,
  threads: 1,
  prefixes: { query: "", document: "" },
} as const satisfies Partial<OnnxModelConfig>;

/** Where models stand in such folders, the smaller one first. */
const modelNames = ["onnx/model_quantized.onnx", "onnx/model.onnx", "model.onnx"];

/** Any sentence encoder as an ONNX file with its tokenizer, run on this machine. */
export class OnnxEncoder implements TextEncoder {
  readonly name: string;
  readonly version: string;
  readonly width: number;
  readonly #config: OnnxModelConfig;
  readonly #tokenizer: Tokenizer;
  readonly #model: ModelFile;

  private constructor(
    identity: { readonly name: string; readonly version: string; readonly width: number },
    config: OnnxModelConfig,
    tokenizer: Tokenizer,
    model: ModelFile,
  ) {
    ({ name: this.name, version: this.version, width: this.width } = identity);
    this.#config = config;
    this.#tokenizer = tokenizer;
    this.#model = model;
  }

  /**
   * @throws {EncoderError} `NO_ONNX_MODEL` when the folder lacks a file, `BAD_TOKENIZER`,
   *   `BAD_ONNX_MODEL` when the model takes or gives something else than a sentence encoder does
   */
  static async open(
    options: Pick<OnnxModelConfig, "folder"> & Partial<OnnxModelConfig>,
  ): Promise<OnnxEncoder> {
    const config = { ...onnxModelDefaults, ...options };
    const { folder, threads } = config;
    const path = await modelPath(folder);
    const text = await readFile(join(folder, "tokenizer.json"), "utf8").catch((cause: unknown) => {
      throw missing(folder, "tokenizer.json", cause);
    });
    const tokenizer = new Tokenizer(JSON.parse(text), join(folder, "tokenizer.json"));
    const model = await openModelFile(path, { threads });
    try {
      requirePorts(model, path);
      const hash = createHash("sha256").update(await readFile(path));
      const how = JSON.stringify([config.pooling, config.maxTokens, config.prefixes, text]);
      const version = hash.update(how).digest("hex").slice(0, 16);
      const name = `onnx/${folder.split(/[/\\]/).findLast((part) => part !== "") ?? "model"}`;
      const { values } = await runModel(model, [[0]], config.pooling);
      return new OnnxEncoder({ name, version, width: values.length }, config, tokenizer, model);
    } catch (error) {
      await model.dispose();
      throw error;
    }
  }

  async encode(texts: readonly string[], role: TextRole = "document"): Promise<Float32Array> {
    const { batchSize, maxTokens, prefixes, pooling } = this.#config;
    const vectors = new Float32Array(texts.length * this.width);
    const tokens = texts.map((text) => this.#tokenizer.encode(prefixes[role] + text, maxTokens));
    // Texts of like length share a batch, because short ones are padded up to the longest.
    const order = tokens
      .map((ids, row) => ({ ids, row }))
      .filter(({ row, ids }) => texts[row]!.trim() !== "" && ids.length > 0)
      .sort((a, b) => a.ids.length - b.ids.length);
    for (let from = 0; from < order.length; from += batchSize) {
      const batch = order.slice(from, from + batchSize);
      const { values } = await runModel(
        this.#model,
        batch.map(({ ids }) => ids),
        pooling,
      );
      batch.forEach(({ row }, b) => {
        const vector = vectors.subarray(row * this.width, (row + 1) * this.width);
        vector.set(values.subarray(b * this.width, (b + 1) * this.width));
        normaliseRow(vector);
      });
    }
    return vectors;
  }

  /** Frees the model. */
  dispose(): Promise<void> {
    return this.#model.dispose();
  }
}

/** One vector per text: [B, D]. */
async function runModel(
  model: ModelFile,
  batch: readonly (readonly number[])[],
  pooling: OnnxModelConfig["pooling"],
): Promise<{ readonly values: Float32Array }> {
  const B = batch.length;
  const T = Math.max(...batch.map(({ length }) => length));
  const ids = new BigInt64Array(B * T);
  const mask = new BigInt64Array(B * T);
  batch.forEach((tokens, b) => {
    tokens.forEach((id, t) => {
      ids[b * T + t] = BigInt(id);
      mask[b * T + t] = 1n;
    });
  });
  const shape = [B, T];
  const inputs: Parameters<ModelFile["run"]>[0] = {
    input_ids: { values: ids, shape },
    ...(model.inputs.includes("attention_mask") && { attention_mask: { values: mask, shape } }),
    ...(model.inputs.includes("token_type_ids") && {
      token_type_ids: { values: new BigInt64Array(B * T), shape },
    }),
  };
  const output = outputOf(model)!;
  const { values, shape: given } = await model.run(inputs, output);
  if (given.length === 2) return { values }; // pooled by the model itself
  const D = given[2]!;
  const pooled = new Float32Array(B * D);
  batch.forEach(({ length }, b) => {
    const read = pooling === "cls" ? 1 : length;
    for (let t = 0; t < read; t++) {
      for (let d = 0; d < D; d++) pooled[b * D + d]! += values[(b * T + t) * D + d]! / read;
    }
  });
  return { values: pooled };
}

const outputOf = ({ outputs }: ModelFile): string | undefined =>
  ["sentence_embedding", "last_hidden_state", "token_embeddings"].find((name) =>
    outputs.includes(name),
  );

function requirePorts(model: ModelFile, path: string): void {
  const known = new Set(["input_ids", "attention_mask", "token_type_ids"]);
  const fits = model.inputs.includes("input_ids") && model.inputs.every((name) => known.has(name));
  if (fits && outputOf(model) !== undefined) return;
  throw new EncoderError(
    "BAD_ONNX_MODEL",
    `${path} takes ${model.inputs.join(", ")} and gives ${model.outputs.join(", ")}.`,
    "Use an exported sentence encoder: input_ids (and attention_mask, token_type_ids) to last_hidden_state or sentence_embedding.",
  );
}

async function modelPath(folder: string): Promise<string> {
  for (const name of modelNames) {
    const path = join(folder, name);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  throw missing(folder, modelNames.join(" or "));
}

function missing(folder: string, file: string, cause?: unknown): EncoderError {
  return new EncoderError(
    "NO_ONNX_MODEL",
    `${folder} has no ${file}.`,
    "Give the folder of a model in ONNX form as Hugging Face lays it out.",
    { cause },
  );
}
