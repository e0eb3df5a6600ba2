import assert from "node:assert/strict";
import { KernelMemory, plainKernels, seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { compileInference, compileTraining, GRADIENT, LOSS, rowGradient } from "./compile.ts";
import { DenseParameters } from "./dense-parameters.ts";
import { openSession } from "./engine.ts";
import { Graph } from "./graph.ts";
import { encodeOnnx } from "./onnx.ts";
import { Tensor } from "./tensor.ts";

describe("the ONNX writer", () => {
  const port = { name: "x", type: "float32", shape: [4] } as const;

  test("refuses ScatterND with a reduction, which loses updates on several threads", () => {
    const node = {
      operator: "ScatterND",
      domain: "",
      inputs: ["x", "i", "u"],
      outputs: ["y"],
      attributes: { reduction: { int: 1 } },
    } as const;
    const graph = { inputs: [port], outputs: [], constants: [], nodes: [node] };
    assert.throws(() => encodeOnnx(graph), /loses updates of equal indices/);
    assert.doesNotThrow(() => encodeOnnx({ ...graph, nodes: [{ ...node, attributes: {} }] }));
  });

  test("writes the bytes of the format", () => {
    const bytes = encodeOnnx({ inputs: [], outputs: [], constants: [], nodes: [] });
    const text = (value: string) => new TextEncoder().encode(value);
    const name = [0x12, 6, ...text("magpie")];
    const expected = [
      [0x08, 8], // ir_version
      name, // producer_name
      [0x3a, 8, ...name], // graph
      [0x42, 4, 0x0a, 0, 0x10, 17], // opset_import { domain "", version 17 }
    ];
    assert.deepEqual([...bytes], expected.flat());
  });
});

describe("compiled graphs", () => {
  test("hold no weights, and no node that nothing depends on", () => {
    const g = new Graph();
    const x = g.input("x", [8, 64]);
    g.input("unused", [1_000]);
    const y = x.matmul(g.parameter("w", [64, 64]));
    y.exp().sum();
    const { model, inputs } = compileInference(g, { y });
    assert.deepEqual(
      inputs.map(({ name }) => name),
      ["x", "w"],
    );
    assert.ok(model.length < 500, `${model.length} bytes`);
    assert.ok(!Buffer.from(model).includes("Exp"));
  });

  test("say what is alive at once: a value until its last reader, a view with its source", () => {
    const g = new Graph();
    const x = g.input("x", [100]);
    const a = x.exp(); // 400 bytes
    const b = a.reshape([10, 10]).mul(2); // a view, then 400 more; `a` ends here
    const c = b.mul(3); // b and c
    const y = c.sum(); // 4 bytes more, once c is all that is left
    assert.equal(compileInference(g, { y }).workingBytes, 800);
  });

  test("give one flat gradient in order of declaration, joined by at most 6 at a time", async () => {
    const g = new Graph();
    const parameters = Array.from({ length: 40 }, (_, i) => g.parameter(`p${i}`, [1 + (i % 3)]));
    const loss = parameters
      .map((parameter, i) => parameter.mul(i).sum())
      .reduce((sum, term) => sum.add(term));
    const compiled = compileTraining(g, loss);
    for (const { operator, inputs } of g.nodes) {
      if (operator === "Concat") assert.ok(inputs.length <= 6);
    }
    const dense = new DenseParameters(compiled);
    const session = await openSession(compiled);
    const lossValue = new Float32Array(1);
    await session.bind(dense.inputs, { [LOSS]: lossValue, ...dense.outputs }).run();
    const expected = parameters.flatMap(({ shape }, i) => Array<number>(shape[0]!).fill(i));
    assert.deepEqual([...dense.gradient.subarray(0, compiled.parameterCount)], expected);
    await session.dispose();
  });

  test("give zeros for a parameter that the loss does not depend on", async () => {
    const g = new Graph();
    const used = g.parameter("used", [2]);
    g.parameter("idle", [3]);
    const compiled = compileTraining(g, used.sum());
    const gradient = new Float32Array(5).fill(9);
    const session = await openSession(compiled);
    const inputs = { used: new Float32Array(2), idle: new Float32Array(3) };
    await session.bind(inputs, { [LOSS]: new Float32Array(1), [GRADIENT]: gradient }).run();
    assert.deepEqual([...gradient], [1, 1, 0, 0, 0]);
    await session.dispose();
  });

  test("say which array does not fit", async () => {
    const g = new Graph();
    const compiled = compileInference(g, { y: g.input("x", [2, 3]).exp() });
    const session = await openSession(compiled);
    const y = new Float32Array(6);
    assert.throws(() => session.bind({}, { y }), /no array is bound to "x"/);
    assert.throws(
      () => session.bind({ x: new Float32Array(5) }, { y }),
      /"x" is float32\[2,3\], 6 values; bound is float32\[5\]/,
    );
    assert.throws(
      () => session.bind({ x: new Int32Array(6) }, { y }),
      /"x" is float32\[2,3\], 6 values; bound is int32\[6\]/,
    );
    await session.dispose();
  });

  test("refuse shapes that do not go together where they are written", () => {
    const g = new Graph();
    const a = g.input("a", [2, 3]);
    assert.throws(() => a.add(g.input("b", [4])), /\[2,3\] and \[4\] do not go together/);
    assert.throws(() => a.matmul(g.input("c", [2, 3])), /is not a matrix product/);
    assert.throws(() => a.reshape([7]), /cannot be reshaped to \[7\]/);
    assert.throws(() => a.slice(1, 2, 5), /slice 2\.\.5 of an axis of 3/);
    assert.throws(() => g.input("a", [1]), /two graph inputs are named "a"/);
    assert.throws(() => Tensor.concat([a, new Graph().input("d", [2, 1])], 1), /another graph/);
  });
});

describe("embedding gradients of skewed ids", () => {
  const [n, rows, width] = [4_000, 50, 16];
  const random = seededRandom(9, "skewed");
  // Nine of ten ids are the same one: what a scatter inside the graph gets wrong.
  const ids = Int32Array.from({ length: n }, () => (random.next() < 0.9 ? 7 : random.int(rows)));
  const table = Float32Array.from({ length: rows * width }, () => random.normal());

  async function tableGradient(threads: number): Promise<Float32Array> {
    const g = new Graph();
    const x = g.rows("x", [n, width]);
    const weight = g.parameter("w", [width, width]);
    const compiled = compileTraining(g, x.matmul(weight).tanh().square().sum());
    const session = await openSession(compiled, { threads });
    const kernels = new KernelMemory(
      KernelMemory.bytesFor(n) +
        2 * KernelMemory.bytesFor(n * width) +
        KernelMemory.bytesFor(rows * width),
    );
    const [inputRows, gradientRows] = [kernels.float32(n * width), kernels.float32(n * width)];
    const sums = kernels.float32(rows * width);
    const ownIds = kernels.int32(n);
    ownIds.set(ids);
    plainKernels.gather(table, ids, inputRows, width);
    const inputs = { x: inputRows, w: Float32Array.from({ length: width ** 2 }, (_, i) => i / 99) };
    const outputs = {
      [LOSS]: new Float32Array(1),
      [GRADIENT]: new Float32Array(width ** 2),
      [rowGradient("x")]: gradientRows,
    };
    await session.bind(inputs, outputs).run();
    kernels.scatterAdd(sums, ownIds, gradientRows, width);
    await session.dispose();
    return sums.slice();
  }

  test("are the same on 1 and on 2 threads, run after run", async () => {
    const expected = await tableGradient(1);
    assert.ok(expected.every(Number.isFinite) && expected.some((value) => value !== 0));
    for (let run = 0; run < 10; run++) {
      const actual = await tableGradient(2);
      actual.forEach((value, i) =>
        assert.ok(Math.abs(value - expected[i]!) <= 1e-4 * Math.max(1, Math.abs(expected[i]!))),
      );
    }
  });
});
