import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "@magpie/numerics";
import { afterEach, beforeEach, describe, test } from "vitest";
import { compileInference } from "./compile.ts";
import { openModelFile, type ModelInput } from "./engine.ts";
import { Graph } from "./graph.ts";
import type { PortableOptions } from "./portable.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "portable-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const random = seededRandom(8, "portable");
const normals = (count: number) => Float32Array.from({ length: count }, () => random.normal());

/** Writes a graph as a file, opens the file and runs it. */
async function run(
  model: Uint8Array,
  inputs: Readonly<Record<string, ModelInput>>,
): Promise<readonly number[]> {
  const path = join(folder, "model.onnx");
  await writeFile(path, model);
  const file = await openModelFile(path, { engine: "native" });
  try {
    assert.deepEqual(file.inputs, Object.keys(inputs));
    return [...(await file.run(inputs, "y")).values];
  } finally {
    await file.dispose();
  }
}

const batch = { size: 251, name: "batch" };

/** relu(x · W + b) · Vᵀ, and reshapes on the way. */
function network(rows: number): { readonly graph: Graph; readonly y: ReturnType<Graph["input"]> } {
  const g = new Graph({ fused: false });
  const x = g.input("x", [rows, 2, 3]).reshape([2 * rows, 3]);
  const hidden = x.linear(g.parameter("W", [3, 4]), g.parameter("b", [4])).relu();
  const y = hidden.matmul(g.parameter("V", [5, 4]), { transposeRight: true });
  return { graph: g, y: y.reshape([rows, 10]) };
}

const weights = { W: normals(12), b: normals(4), V: normals(20) };

/** The same by hand. */
function expected(x: Float32Array): number[] {
  const out: number[] = [];
  for (let r = 0; r < x.length / 3; r++) {
    const hidden = Array.from({ length: 4 }, (_, c) => {
      let sum = weights.b[c]!;
      for (let k = 0; k < 3; k++) sum += x[r * 3 + k]! * weights.W[k * 4 + c]!;
      return Math.max(0, sum);
    });
    for (let v = 0; v < 5; v++) {
      out.push(hidden.reduce((sum, h, k) => sum + h * weights.V[v * 4 + k]!, 0));
    }
  }
  return out;
}

function fileOf(options: PortableOptions): Uint8Array {
  const { graph, y } = network(batch.size);
  return compileInference(graph, { y }, { weights, batch, ...options }).model;
}

const off = (actual: readonly number[], wanted: readonly number[]): number => {
  assert.equal(actual.length, wanted.length);
  return Math.max(...actual.map((value, i) => Math.abs(value - wanted[i]!)));
};

describe("an inference graph as a file", () => {
  test("holds its weights and takes any number of rows", async () => {
    const model = fileOf({});
    for (const rows of [1, 2, 7]) {
      const x = normals(rows * 6);
      const y = await run(model, { x: { values: x, shape: [rows, 2, 3] } });
      assert.ok(off(y, expected(x)) < 1e-5);
    }
  });

  test("names its inputs' free size and its metadata, and needs no operator of one engine", () => {
    const text = new TextDecoder("latin1").decode(fileOf({ metadata: { madeBy: "hand" } }));
    assert.match(text, /batch/);
    assert.match(text, /madeBy.{2}hand/s);
    assert.doesNotMatch(text, /com\.microsoft/);
  });

  test("keeps inputs whose numbers are not given", () => {
    const { graph, y } = network(2);
    const { inputs } = compileInference(graph, { y }, { weights: { W: weights.W } });
    assert.deepEqual(
      inputs.map(({ name }) => name),
      ["x", "b", "V"],
    );
    assert.throws(
      () => compileInference(graph, { y }, { weights: { W: weights.b } }),
      /4 weights for "W"/,
    );
  });

  test("refuses a graph that needs the number of rows beforehand", () => {
    const g = new Graph({ fused: false });
    const y = g.input("x", [1, 3]).expand([batch.size, 3]);
    assert.throws(() => compileInference(g, { y }, { batch }), /Expand needs the number of rows/);
  });
});

describe("the same in 8 bits", () => {
  test("is near the float graph: within the steps of weights and values", async () => {
    const model = fileOf({ int8: true });
    const x = normals(30);
    const wanted = expected(x);
    const largest = Math.max(...wanted.map(Math.abs));
    const y = await run(model, { x: { values: x, shape: [5, 2, 3] } });
    // Two layers, each rounded to 1 / 126 of a weight's range and 1 / 510 of the values'.
    assert.ok(off(y, wanted) < 0.04 * largest, `${off(y, wanted)} of ${largest}`);
    assert.ok(off(y, wanted) > 0);
  });

  test("is exact where weights and values are whole levels", async () => {
    const g = new Graph({ fused: false });
    const product = g.input("x", [1, 2]).linear(g.parameter("W", [2, 2]), g.parameter("b", [2]));
    // Scales of the columns: 1 and 2; of x: 1, because its range is 0 to 255.
    const given = { W: Float32Array.of(63, -126, 1, 2), b: Float32Array.of(0.5, -0.5) };
    const { model } = compileInference(g, { y: product }, { weights: given, int8: true });
    const y = await run(model, { x: { values: Float32Array.of(255, 3), shape: [1, 2] } });
    assert.deepEqual(y, [255 * 63 + 3 + 0.5, 255 * -126 + 6 - 0.5]);
  });

  test("reads rows of a table and multiplies with it from one copy", async () => {
    const rows = 1_000;
    const table = normals(rows * 8);
    const build = (int8: boolean) => {
      const g = new Graph({ fused: false });
      const t = g.parameter("table", [rows, 8]);
      const ids = g.input("ids", [3], "int64");
      const y = t.lookup(ids).matmul(t, { transposeRight: true });
      return compileInference(g, { y }, { weights: { table }, int8 }).model;
    };
    assert.ok(build(true).length < 0.4 * build(false).length);
    const ids = { values: BigInt64Array.of(5n, 0n, 999n), shape: [3] };
    const [exact, near] = [await run(build(false), { ids }), await run(build(true), { ids })];
    assert.ok(off(near, exact) < 0.04 * Math.max(...exact.map(Math.abs)));
  });
});
