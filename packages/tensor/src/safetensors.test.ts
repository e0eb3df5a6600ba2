import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import {
  decodeSafetensors,
  encodeSafetensors,
  readParameterFile,
  writeParameterFile,
} from "./safetensors.ts";

describe("safetensors", () => {
  test("writes the documented bytes", () => {
    const bytes = encodeSafetensors({
      tensors: { a: { shape: [1], values: Float32Array.of(1) } },
      metadata: {},
    });
    const header = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    assert.deepEqual(
      [...bytes],
      [padded.length, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from(padded), 0, 0, 0x80, 0x3f],
    );
  });

  test("gives back what was written, names and metadata included", () => {
    const anyTensor = fc
      .array(fc.float({ noNaN: true }), { maxLength: 8 })
      .map((values) => ({ shape: [values.length], values: Float32Array.from(values) }));
    const anyNames = fc.string().filter((name) => !["__metadata__", "__proto__"].includes(name));
    const plain = { noNullPrototype: true };
    const anyFile = fc.record(
      {
        tensors: fc.dictionary(anyNames, anyTensor, plain),
        metadata: fc.dictionary(anyNames, fc.string(), plain),
      },
      plain,
    );
    fc.assert(
      fc.property(anyFile, (file) => {
        assert.deepEqual(decodeSafetensors(encodeSafetensors(file), "test"), file);
      }),
    );
  });

  test("keeps integers apart from floats", () => {
    const tensors = { ids: { shape: [2, 1], values: Int32Array.of(-1, 2 ** 31 - 1) } };
    assert.deepEqual(decodeSafetensors(encodeSafetensors({ tensors, metadata: {} }), "t"), {
      tensors,
      metadata: {},
    });
  });

  test("replaces a file at once and leaves nothing beside it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "magpie-"));
    const path = join(folder, "parameters.safetensors");
    for (const value of [1, 2]) {
      const tensors = { a: { shape: [1], values: Float32Array.of(value) } };
      await writeParameterFile(path, { tensors, metadata: { step: String(value) } });
    }
    const file = await readParameterFile(path);
    assert.equal(file.tensors["a"]!.values[0], 2);
    assert.equal(file.metadata["step"], "2");
    assert.deepEqual(await readdir(folder), ["parameters.safetensors"]);
    await rm(folder, { recursive: true });
  });

  test("says what is wrong with a file that is cut off or is something else", () => {
    const bytes = encodeSafetensors({
      tensors: { a: { shape: [4], values: new Float32Array(4) } },
      metadata: {},
    });
    const rejects = (input: Uint8Array, pattern: RegExp) =>
      assert.throws(() => decodeSafetensors(input, "model/p.safetensors"), {
        code: "BAD_PARAMETER_FILE",
        message: pattern,
      });
    rejects(bytes.subarray(0, 5), /it has 5 bytes/);
    rejects(bytes.subarray(0, 20), /header of \d+ bytes does not fit into 20 bytes/);
    rejects(bytes.subarray(0, bytes.length - 1), /"a" ends at byte 16 of 15/);
    rejects(Buffer.from("PK\u0003\u0004 not a parameter file"), /does not fit/);
    const header = (json: string) =>
      Buffer.concat([
        Buffer.from(BigUint64Array.of(BigInt(json.length)).buffer),
        Buffer.from(json),
      ]);
    rejects(header("nonsense"), /header is not JSON/);
    rejects(header('{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}'), /type F16/);
    rejects(header('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}'), /shape \[2\]/);
    rejects(header('{"a":{"dtype":"F32"}}'), /shape/);
  });
});
