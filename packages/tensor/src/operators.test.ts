import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { compileInference, compileTraining, GRADIENT, LOSS } from "./compile.ts";
import { openSession, type Values } from "./engine.ts";
import { Graph } from "./graph.ts";
import {
  binaryCrossEntropy,
  bprMax,
  crossEntropy,
  fullSoftmax,
  generalisedBce,
  logSumExpOfProducts,
  sampledSoftmax,
  squaredError,
} from "./losses.ts";
import type { Shape } from "./onnx.ts";
import { sizeOf } from "./shape.ts";
import { Tensor } from "./tensor.ts";

interface Check {
  /** Shapes of the learnt inputs. */
  readonly shapes: readonly Shape[];
  readonly output: (inputs: Tensor[], graph: Graph) => Tensor;
  /** Makes test points from standard normal numbers; default: as they are. */
  readonly domain?: (value: number, position: number) => number;
  /** Operators that the engine has for float32 only are checked with wider steps. */
  readonly type?: "float32" | "float64";
}

/**
 * Compares the emitted gradient with central differences at a random point. The output is reduced to a
 * scalar by random weights, so that every element counts with a factor of its own.
 */
async function assertGradient({ shapes, output, domain = (x) => x, type = "float64" }: Check) {
  const graph = new Graph({ type });
  const inputs = shapes.map((shape, i) => graph.parameter(`p${i}`, shape));
  const result = output(inputs, graph);
  const random = seededRandom(3, "gradient-check");
  const weights = Array.from({ length: sizeOf(result.shape) }, () => random.normal());
  const loss = result.mul(graph.constant(weights, result.shape)).sum();
  const compiled = compileTraining(graph, loss);

  const array = (n: number) => (type === "float64" ? new Float64Array(n) : new Float32Array(n));
  const point = array(compiled.parameterCount).map((_, i) => domain(random.normal(), i));
  const feeds: Record<string, Values> = Object.fromEntries(
    compiled.parameters.map(({ name, shape, offset }) => [
      name,
      point.subarray(offset, offset + sizeOf(shape)),
    ]),
  );
  for (const { name, shape, role } of compiled.inputs) {
    if (role === "noise") feeds[name] = array(sizeOf(shape)).fill(1.25).fill(0, 0, 3);
  }
  const [value, gradient] = [array(1), array(point.length)];
  const session = await openSession(compiled);
  const step = session.bind(feeds, { [LOSS]: value, [GRADIENT]: gradient });
  const lossAt = async (i: number, x: number): Promise<number> => {
    const kept = point[i]!;
    point[i] = x;
    await step.run();
    point[i] = kept;
    return value[0]!;
  };

  const size = type === "float64" ? 1e-5 : 1e-2;
  const tolerance = type === "float64" ? 1e-7 : 5e-3;
  await step.run();
  const emitted = gradient.slice();
  for (let i = 0; i < point.length; i++) {
    const x = point[i]!;
    const difference = ((await lossAt(i, x + size)) - (await lossAt(i, x - size))) / (2 * size);
    const gap = Math.abs(emitted[i]! - difference);
    assert.ok(
      gap <= tolerance * Math.max(1, Math.abs(difference)),
      `element ${i}: emitted ${emitted[i]}, central difference ${difference}`,
    );
  }
  assert.ok(emitted.some((x) => x !== 0));
  await session.dispose();
}

const positive = (x: number) => Math.abs(x) + 0.5;
/** Away from kinks. */
const apart = (x: number) => x + Math.sign(x) * 0.1;

const checks: Readonly<Record<string, Check>> = {
  add: {
    shapes: [
      [2, 3],
      [2, 3],
    ],
    output: ([a, b]) => a!.add(b!),
  },
  "add, broadcast over rows": { shapes: [[4, 3], [3]], output: ([a, b]) => a!.add(b!) },
  "add, broadcast over inner axes": {
    shapes: [
      [2, 1, 3],
      [2, 4, 1],
    ],
    output: ([a, b]) => a!.add(b!),
  },
  sub: { shapes: [[2, 3], [3]], output: ([a, b]) => a!.sub(b!) },
  mul: {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    output: ([a, b]) => a!.mul(b!),
  },
  div: { shapes: [[2, 3], [3]], output: ([a, b]) => a!.div(b!), domain: positive },
  neg: { shapes: [[5]], output: ([a]) => a!.neg() },
  exp: { shapes: [[5]], output: ([a]) => a!.exp() },
  log: { shapes: [[5]], output: ([a]) => a!.log(), domain: positive },
  sqrt: { shapes: [[5]], output: ([a]) => a!.sqrt(), domain: positive },
  square: { shapes: [[5]], output: ([a]) => a!.square() },
  sigmoid: { shapes: [[5]], output: ([a]) => a!.sigmoid() },
  tanh: { shapes: [[5]], output: ([a]) => a!.tanh() },
  relu: { shapes: [[8]], output: ([a]) => a!.relu(), domain: apart },
  "gelu (float32)": { shapes: [[8]], output: ([a]) => a!.gelu(), type: "float32" },
  silu: { shapes: [[8]], output: ([a]) => a!.silu() },
  softplus: { shapes: [[8]], output: ([a]) => a!.softplus(), domain: apart },
  dropout: {
    shapes: [[4, 3]],
    output: ([a], g) => a!.dropout(g.noise("mask", [4, 3], 0.2)),
  },
  where: {
    shapes: [[4], [4]],
    output: ([a, b], g) => g.constant([1, 0, 0, 1], [4], "bool").where(a!, b!),
  },
  "matmul of matrices": {
    shapes: [
      [2, 3],
      [3, 4],
    ],
    output: ([a, b]) => a!.matmul(b!),
  },
  "matmul, left transposed": {
    shapes: [
      [3, 2],
      [3, 4],
    ],
    output: ([a, b]) => a!.matmul(b!, { transposeLeft: true }),
  },
  "matmul, right transposed": {
    shapes: [
      [2, 3],
      [4, 3],
    ],
    output: ([a, b]) => a!.matmul(b!, { transposeRight: true, scale: 0.5 }),
  },
  "matmul, both transposed": {
    shapes: [
      [3, 2],
      [4, 3],
    ],
    output: ([a, b]) => a!.matmul(b!, { transposeLeft: true, transposeRight: true }),
  },
  "matmul, batched": {
    shapes: [
      [2, 2, 3],
      [2, 3, 2],
    ],
    output: ([a, b]) => a!.matmul(b!, { scale: 2 }),
  },
  "matmul, batched, left transposed": {
    shapes: [
      [2, 3, 2],
      [2, 3, 2],
    ],
    output: ([a, b]) => a!.matmul(b!, { transposeLeft: true }),
  },
  "matmul, batched, right transposed": {
    shapes: [
      [2, 2, 3],
      [2, 4, 3],
    ],
    output: ([a, b]) => a!.matmul(b!, { transposeRight: true, scale: 0.5 }),
  },
  "matmul, batched, fused (float32)": {
    shapes: [
      [2, 2, 3],
      [2, 4, 3],
    ],
    output: ([a, b]) => a!.matmul(b!, { transposeRight: true, scale: 0.5 }),
    type: "float32",
  },
  "matmul of a batch with one matrix": {
    shapes: [
      [2, 2, 3],
      [3, 4],
    ],
    output: ([a, b]) => a!.matmul(b!),
  },
  linear: { shapes: [[2, 2, 3], [3, 4], [4]], output: ([x, w, b]) => x!.linear(w!, b!) },
  transpose: { shapes: [[2, 3, 4]], output: ([a]) => a!.transpose([2, 0, 1]) },
  reshape: { shapes: [[2, 6]], output: ([a]) => a!.reshape([3, 4]) },
  slice: { shapes: [[3, 5]], output: ([a]) => a!.slice(-1, 1, 4) },
  concat: {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    output: ([a, b]) => Tensor.concat([a!, b!], 1),
  },
  "split, one part unused": {
    shapes: [[2, 6]],
    output: ([a]) => {
      const [first, , third] = a!.split(1, 3);
      return first!.mul(third!);
    },
  },
  expand: { shapes: [[2, 1]], output: ([a]) => a!.expand([3, 2, 4]) },
  "lookup with equal ids": {
    shapes: [[4, 3]],
    output: ([a], g) => a!.lookup(g.constant([2, 0, 2, 2, 3], [5], "int32")),
  },
  "sum of all": { shapes: [[2, 3]], output: ([a]) => a!.sum() },
  "sum over an axis": { shapes: [[2, 3, 2]], output: ([a]) => a!.sum([1]) },
  mean: { shapes: [[2, 3]], output: ([a]) => a!.mean([-1], true) },
  max: { shapes: [[3, 4]], output: ([a]) => a!.max(-1) },
  softmax: { shapes: [[3, 4]], output: ([a]) => a!.softmax() },
  logSoftmax: { shapes: [[3, 4]], output: ([a]) => a!.logSoftmax() },
  "layerNorm (float32)": {
    shapes: [[3, 4], [4], [4]],
    output: ([x, g, b]) => x!.layerNorm(g!, b!),
    type: "float32",
  },
  "a tensor used twice": { shapes: [[4]], output: ([a]) => a!.mul(a!.sigmoid()).add(a!) },
  "squared error": {
    shapes: [[4], [4]],
    output: ([a, b], g) => squaredError(a!, b!, g.constant([1, 0, 2, 1], [4])),
  },
  "binary cross-entropy": {
    shapes: [[4]],
    output: ([x], g) =>
      binaryCrossEntropy(x!, g.constant([1, 0, 0.3, 1], [4]), g.constant([1, 2, 1, 0], [4])),
    domain: apart,
  },
  "cross-entropy": {
    shapes: [[3, 4]],
    output: ([x], g) =>
      crossEntropy(x!, g.constant([2, 0, 3], [3], "int32"), g.constant([1, 0.5, 0], [3])),
  },
  "full softmax": {
    shapes: [
      [3, 4],
      [6, 4],
      [3, 4],
    ],
    output: ([h, items, targets], g) =>
      fullSoftmax(
        h!,
        items!,
        g.constant([-1e9, 0, 0, 0, 0, 0], [6]),
        targets!,
        g.constant([1, 0.5, 0], [3, 1]),
      ),
  },
  "log-sum-exp of products in a batch": {
    shapes: [
      [2, 3, 4],
      [2, 5, 4],
    ],
    output: ([h, keys], g) =>
      logSumExpOfProducts(
        h!,
        keys!,
        undefined,
        g.constant([0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0], [1, 3, 5], "bool"),
      ),
  },
  "sampled softmax with logits of its own": {
    shapes: [
      [3, 4],
      [3, 4],
      [5, 4],
      [3, 1],
    ],
    output: ([h, targets, negatives, others], g) =>
      sampledSoftmax(h!, {
        targets: targets!,
        negatives: negatives!,
        excluded: g.constant([0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0], [3, 5], "bool"),
        offset: g.constant([0.5, 0, -1, 0, 2], [5]),
        others: others!,
        weights: g.constant([1, 0.5, 2], [3, 1]),
      }),
  },
  "generalised cross-entropy": {
    shapes: [
      [3, 1],
      [3, 4],
    ],
    output: ([target, logits], g) =>
      generalisedBce(target!, logits!, g.constant([1, 0.5, 2], [3, 1]), 0.325),
  },
  "BPR-max": {
    shapes: [
      [3, 1],
      [3, 4],
    ],
    output: ([target, logits], g) => bprMax(target!, logits!, g.constant([1, 0.5, 2], [3, 1]), 0.5),
  },
  "sampled softmax with a hit": {
    shapes: [
      [3, 4],
      [3, 4],
      [5, 4],
    ],
    output: ([h, targets, negatives], g) =>
      sampledSoftmax(h!, {
        targets: targets!,
        targetOffset: g.constant([0.1, -0.2, 0.3], [3, 1]),
        negatives: negatives!,
        excluded: g.constant([0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0], [3, 5], "bool"),
        offset: g.constant([0.5, 0, -1, 0, 2], [5]),
        weights: g.constant([1, 0.5, 2], [3, 1]),
      }),
  },
};

describe("gradients equal central differences:", () => {
  for (const [name, check] of Object.entries(checks)) {
    test(name, () => assertGradient(check));
  }
});

/** Runs a graph without inputs. */
async function evaluate(output: (graph: Graph) => Tensor, fused = true): Promise<number[]> {
  const graph = new Graph({ fused });
  const tensor = output(graph);
  const session = await openSession(compileInference(graph, { y: tensor }));
  const y = new Float32Array(sizeOf(tensor.shape));
  await session.bind({}, { y }).run();
  await session.dispose();
  return [...y];
}

const close = (actual: readonly number[], expected: readonly number[]) => {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) =>
    assert.ok(
      Math.abs(value - expected[i]!) < 1e-5 * Math.max(1, Math.abs(expected[i]!)),
      `${i}: ${value}, expected ${expected[i]}`,
    ),
  );
};

describe("values", () => {
  test("softplus does not overflow", async () => {
    const y = await evaluate((g) => g.constant([-200, 0, 200], [3]).softplus());
    close(y, [0, Math.LN2, 200]);
  });

  test("gelu of 1 is Φ(1)", async () => {
    close(await evaluate((g) => g.constant([1], [1]).gelu()), [0.8413447]);
  });

  test("layer norm of 1, 2, 3, 4 has mean 0 and variance 1 before gain and bias", async () => {
    const y = await evaluate((g) =>
      g
        .constant([1, 2, 3, 4], [1, 4])
        .layerNorm(g.constant([1, 1, 2, 1], [4]), g.constant([0, 0, 0, 5], [4]), 0),
    );
    const unit = 1 / Math.sqrt(1.25);
    close(y, [-1.5 * unit, -0.5 * unit, 2 * 0.5 * unit, 1.5 * unit + 5]);
  });

  test("binary cross-entropy of logit 0 is log 2, and of a sure right answer 0", async () => {
    const y = await evaluate((g) =>
      binaryCrossEntropy(
        g.constant([0, 100, -100], [3]),
        g.constant([1, 1, 0], [3]),
        g.constant([1, 1, 1], [3]),
      ),
    );
    close(y, [Math.LN2]);
  });

  test("cross-entropy over equal logits is the log of the number of classes", async () => {
    const y = await evaluate((g) =>
      crossEntropy(
        g.constant(Array<number>(10).fill(3), [2, 5]),
        g.constant([1, 4], [2], "int32"),
        g.constant([0.5, 0.5], [2]),
      ),
    );
    close(y, [Math.log(5)]);
  });

  test("sampled softmax with every other item as negative equals the full softmax", async () => {
    const random = seededRandom(5, "items");
    const items = Array.from({ length: 5 }, () => [random.normal(), random.normal()]);
    const hidden = [0.7, -1.1, 0.2, 0.4];
    const losses = await evaluate((g) => {
      const h = g.constant(hidden, [2, 2]);
      const targets = g.constant([...items[1]!, ...items[4]!], [2, 2]);
      const all = g.constant(items.flat(), [5, 2]);
      const weights = g.constant([1, 1], [2, 1]);
      const sampled = sampledSoftmax(h, {
        targets,
        negatives: all,
        excluded: g.constant([0, 1, 0, 0, 0, 0, 0, 0, 0, 1], [2, 5], "bool"),
        offset: g.constant([0, 0, 0, 0, 0], [5]),
        weights,
      });
      const full = fullSoftmax(h, all, undefined, targets, weights);
      return Tensor.concat([sampled.reshape([1]), full.reshape([1])], 0);
    });
    close([losses[0]!], [losses[1]!]);
  });

  test("generalised cross-entropy weighs the target by β", async () => {
    const loss = (beta: number) =>
      evaluate((g) =>
        generalisedBce(
          g.constant([0], [1, 1]),
          g.constant([0, -1e9], [1, 2]),
          g.constant([1], [1, 1]),
          beta,
        ).reshape([1]),
      );
    // softplus(0) = ln 2 for the target and for the one negative that takes part
    close(await loss(1), [2 * Math.LN2]);
    close(await loss(0.25), [1.25 * Math.LN2]);
  });

  test("BPR-max looks at the negatives that matter, and pulls their scores down", async () => {
    const y = await evaluate((g) =>
      bprMax(
        g.constant([2], [1, 1]),
        g.constant([2, -1e9], [1, 2]),
        g.constant([1], [1, 1]),
        0.5,
      ).reshape([1]),
    );
    // All probability on the first: -ln σ(0) + 0.5 · 2²
    close(y, [Math.LN2 + 2]);
  });

  test("a mask that adds -1e9 leaves a negative out as `excluded` does", async () => {
    const losses = await evaluate((g) => {
      const random = seededRandom(2, "mask");
      const draw = (n: number, shape: number[]) =>
        g.constant(
          Array.from({ length: n }, () => random.normal()),
          shape,
        );
      const [h, targets, negatives] = [draw(4, [2, 2]), draw(4, [2, 2]), draw(6, [3, 2])];
      const weights = g.constant([1, 1], [2, 1]);
      const given = { targets, negatives, weights };
      const masked = sampledSoftmax(h, {
        ...given,
        offset: g.constant([0.5, -1e9, 1, 0.5, 0, 1], [2, 3]),
      });
      const excluded = sampledSoftmax(h, {
        ...given,
        offset: g.constant([0.5, 0, 1], [3]),
        excluded: g.constant([0, 1, 0, 0, 0, 0], [2, 3], "bool"),
      });
      return Tensor.concat([masked.reshape([1]), excluded.reshape([1])], 0);
    });
    close([losses[0]!], [losses[1]!]);
  });

  test("plain and fused products agree", async () => {
    const product = (g: Graph) => {
      const random = seededRandom(1, "product");
      const values = (n: number) => Array.from({ length: n }, () => random.normal());
      return g
        .constant(values(24), [2, 4, 3])
        .matmul(g.constant(values(30), [2, 5, 3]), { transposeRight: true, scale: 0.25 });
    };
    close(await evaluate(product, false), await evaluate(product, true));
  });

  test("both engines agree", async () => {
    const graph = new Graph();
    const x = graph.input("x", [3, 4]);
    const weight = graph.parameter("w", [4, 2]);
    const compiled = compileTraining(graph, x.matmul(weight).gelu().sum());
    const results: number[][] = [];
    for (const engine of ["native", "wasm"] as const) {
      const session = await openSession(compiled, { engine });
      assert.equal(session.engine, engine);
      const loss = new Float32Array(1);
      const gradient = new Float32Array(8);
      const inputs = {
        x: Float32Array.from({ length: 12 }, (_, i) => i / 6 - 1),
        w: new Float32Array(8).fill(0.3),
      };
      await session.bind(inputs, { loss, gradient }).run();
      results.push([...loss, ...gradient]);
      await session.dispose();
    }
    close(results[1]!, results[0]!);
  });
});
