import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "vitest";
import { openEncoder } from "../open-encoder.ts";
import { EncoderError } from "../text-encoder.ts";
import { OnnxEncoder } from "./onnx-encoder.ts";
import { lookupModel } from "./tiny-model.suite.ts";

const tokenizer = {
  normalizer: { type: "BertNormalizer", lowercase: true },
  post_processor: { type: "BertProcessing", cls: ["[CLS]", 1], sep: ["[SEP]", 2] },
  model: {
    type: "WordPiece",
    vocab: { "[UNK]": 0, "[CLS]": 1, "[SEP]": 2, red: 3, shoe: 4, "query:": 5 },
  },
};
// [CLS] and [SEP] add nothing; red lies along one axis, shoe along the other.
const table = [
  [0, 0],
  [5, 0],
  [0, 0],
  [3, 0],
  [0, 4],
  [0, 0],
];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "magpie-onnx-"));
  await mkdir(join(folder, "onnx"));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  await writeFile(join(folder, "onnx", "model.onnx"), lookupModel(table));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const near = (found: Float32Array, expected: readonly number[]): void => {
  assert.equal(found.length, expected.length);
  expected.forEach((value, i) => assert.ok(Math.abs(found[i]! - value) < 1e-6));
};

describe("an ONNX model from a folder", () => {
  test("gives the mean of its tokens' vectors, made length 1, in any batch", async () => {
    const encoder = await OnnxEncoder.open({ folder, batchSize: 2 });
    // "red": (5 + 0 + 3, 0) / 3. "red shoe": (8, 4) / 4.
    const length = Math.hypot(8, 4);
    const both = [8 / length, 4 / length];
    near(await encoder.encode(["red shoe", "red", "shoe red"]), [...both, 1, 0, ...both]);
    assert.equal(encoder.width, 2);
    await encoder.dispose();
  });

  test("gives the first token's vector where that is asked for", async () => {
    const encoder = await OnnxEncoder.open({ folder, pooling: "cls" });
    near(await encoder.encode(["shoe"]), [1, 0]);
    await encoder.dispose();
  });

  test("gives zeros for a blank text", async () => {
    const encoder = await openEncoder({ kind: "onnx", folder });
    near(await encoder.encode(["", "  "]), [0, 0, 0, 0]);
  });

  test("has a version that changes with the model and with how it is read", async () => {
    const version = async (more: object = {}) => {
      const encoder = await OnnxEncoder.open({ folder, ...more });
      await encoder.dispose();
      return encoder.version;
    };
    const first = await version();
    assert.equal(await version(), first);
    assert.notEqual(await version({ pooling: "cls" }), first);
    await writeFile(join(folder, "onnx", "model.onnx"), lookupModel([...table.slice(1), [9, 9]]));
    assert.notEqual(await version(), first);
  });

  test("says what a folder lacks, and what a model is that does not fit", async () => {
    const fails = (code: string) => (error: unknown) =>
      error instanceof EncoderError && error.code === code && error.message.includes(folder);
    await writeFile(join(folder, "onnx", "model.onnx"), lookupModel(table, "logits"));
    await assert.rejects(OnnxEncoder.open({ folder }), fails("BAD_ONNX_MODEL"));
    await rm(join(folder, "onnx", "model.onnx"));
    await assert.rejects(OnnxEncoder.open({ folder }), fails("NO_ONNX_MODEL"));
  });
});
