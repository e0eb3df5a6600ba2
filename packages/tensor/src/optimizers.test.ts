import assert from "node:assert/strict";
import { KernelMemory } from "@magpie/numerics";
import { describe, test } from "vitest";
import { DenseParameters } from "./dense-parameters.ts";
import { EmbeddingTable } from "./embedding-table.ts";
import { Adam, adamDefaults, Sgd } from "./optimizers.ts";

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual}, expected ${expected}`);
}

/** Weights of one parameter "w". */
function parametersOf(...values: readonly number[]): DenseParameters {
  const slot = { name: "w", shape: [values.length], offset: 0 };
  const parameters = new DenseParameters({ parameters: [slot], parameterCount: values.length });
  parameters.inputs["w"]!.set(values);
  return parameters;
}

describe("SGD", () => {
  test("moves against the gradient by the learning rate", () => {
    const parameters = parametersOf(1, 2);
    const { weights, gradient } = parameters;
    gradient.set([0.5, -1]);
    new Sgd(parameters, { learningRate: 0.1 }).step();
    near(weights[0]!, 0.95);
    near(weights[1]!, 2.1);
    assert.ok(gradient.every((value) => value === 0));
  });

  test("with momentum keeps 0.9 of the last update", () => {
    const parameters = parametersOf(1);
    const { weights, gradient } = parameters;
    const optimizer = new Sgd(parameters, { learningRate: 0.1, momentum: 0.9 });
    gradient[0] = 1;
    optimizer.step(); // u = 1, w = 0.9
    near(weights[0]!, 0.9);
    gradient[0] = 2;
    optimizer.step(); // u = 0.9 + 2 = 2.9, w = 0.9 - 0.29
    near(weights[0]!, 0.61);
  });
});

describe("Adam", () => {
  const adam = (weightDecay: number, values: readonly number[]) => {
    const parameters = parametersOf(...values);
    const config = { ...adamDefaults, learningRate: 0.1, weightDecay };
    const { weights, gradient } = parameters;
    return { weights, gradient, optimizer: new Adam(parameters, config) };
  };

  test("makes its first step by the learning rate, whatever the gradient's size", () => {
    const { weights, gradient, optimizer } = adam(0, [1, 1, 1, 1]);
    gradient.set([100, -0.01, 0, 3]);
    optimizer.step();
    // m̂ = g, v̂ = g²: the step is lr · g / |g|
    near(weights[0]!, 0.9);
    near(weights[1]!, 1.1);
    near(weights[2]!, 1);
    near(weights[3]!, 0.9);
  });

  test("makes its second step as worked out by hand", () => {
    const { weights, gradient, optimizer } = adam(0, [1]);
    gradient[0] = 1;
    optimizer.step(); // w = 0.9
    gradient[0] = -3;
    optimizer.step();
    // m = .9·.1 + .1·(-3) = -.21, m̂ = -.21 / .19; v = .999·.001 + .001·9 = .009999, v̂ = v / .001999
    near(weights[0]!, 0.9 - (0.1 * (-0.21 / 0.19)) / Math.sqrt(0.009999 / 0.001999));
    assert.equal(optimizer.steps, 2);
  });

  test("with weight decay shrinks weights apart from the gradient (AdamW)", () => {
    const { weights, gradient, optimizer } = adam(0.5, [2]);
    gradient[0] = 7;
    optimizer.step();
    near(weights[0]!, 2 * (1 - 0.1 * 0.5) - 0.1);
  });
});

describe("EmbeddingTable", () => {
  const config = { ...adamDefaults, learningRate: 0.1 };
  const setUp = () => {
    const kernels = new KernelMemory(EmbeddingTable.bytesFor(5, 4) + 4 * KernelMemory.bytesFor(16));
    const table = new EmbeddingTable(kernels, 5, 4, config);
    table.weights.subarray(4).fill(1);
    const ids = kernels.int32(4);
    const rows = kernels.float32(16);
    return { kernels, table, ids, rows };
  };

  test("adds up gradients of equal ids and moves only rows that took part", () => {
    const { table, ids, rows } = setUp();
    ids.set([3, 3, 1, 0]);
    rows.set([1, 1, 1, 1, -1, 2, 0, 0, 5, 5, 5, 5, 9, 9, 9, 9]);
    table.accumulate(ids, rows);
    table.step();
    const row = (id: number) => [...table.weights.subarray(id * 4, id * 4 + 4)];
    assert.deepEqual(row(0), [0, 0, 0, 0], "padding stays zero");
    row(1).forEach((value) => near(value, 0.9));
    assert.deepEqual(row(2), [1, 1, 1, 1]);
    [1, 0.9, 0.9, 0.9].forEach((value, d) => near(row(3)[d]!, value));
  });

  test("moves a row without a gradient as dense Adam would, when it is next read", () => {
    const { table, ids, rows } = setUp();
    const dense = parametersOf(...Array<number>(4).fill(1));
    const optimizer = new Adam(dense, config);
    const gradients = [1, 0, 0, -2, 0, 0.5, 0, 0];
    for (const gradient of gradients) {
      // Row 1 takes part only when it has a gradient; row 2 always does.
      const id = gradient === 0 ? 2 : 1;
      ids.set([id, 2, 0, 0]);
      table.gather(ids, rows);
      rows.fill(0);
      if (gradient !== 0) rows.fill(gradient, 0, 4);
      table.accumulate(ids, rows);
      table.step();
      dense.gradient.fill(gradient);
      optimizer.step();
    }
    table.catchUp();
    // The bias correction changes during missed steps, most in the first ones: here by 1 in 12.
    for (let d = 0; d < 4; d++) {
      const [moved, expected] = [table.weights[4 + d]! - 1, dense.weights[d]! - 1];
      assert.ok(Math.abs(moved - expected) < 0.09 * Math.abs(expected), `${moved}, ${expected}`);
    }
    const settled = table.weights.slice();
    table.catchUp();
    assert.deepEqual(table.weights.slice(), settled);
  });

  test("takes a gradient of the whole table", () => {
    const { kernels, table } = setUp();
    const gradient = kernels.float32(20);
    gradient.fill(2);
    table.accumulateAll(gradient);
    table.step();
    assert.deepEqual([...table.weights.subarray(0, 4)], [0, 0, 0, 0]);
    table.weights.subarray(4).forEach((value) => near(value, 0.9));
  });

  test("gives its gradient away row by row, and a step with it brought back is the same step", () => {
    const [kept, moved] = [setUp(), setUp()];
    for (let step = 0; step < 3; step++) {
      for (const { table, ids, rows } of [kept, moved]) {
        // Row 1 takes part in every other step, so that it is late when its gradient comes back.
        ids.set([step % 2 === 0 ? 1 : 3, 3, 3, 0]);
        table.gather(ids, rows);
        rows.forEach((_, i) => (rows[i] = (i % 3) - step));
        table.accumulate(ids, rows);
      }
      const { ids, rows } = moved.table.takeGradient();
      assert.deepEqual([...ids].toSorted(), step % 2 === 0 ? [1, 3] : [3]);
      assert.equal(moved.table.takeGradient().ids.length, 0);
      moved.table.addGradient(ids, rows);
      kept.table.step();
      moved.table.step();
    }
    for (const { table } of [kept, moved]) table.catchUp();
    assert.deepEqual(moved.table.weights, kept.table.weights);
  });

  test("brings rows up to date that it is given a gradient for and has not read", () => {
    const [reading, blind] = [setUp(), setUp()];
    const gradient = Float32Array.of(1, -1, 2, 0);
    for (const { table } of [reading, blind]) {
      for (const id of [1, 2, 2]) {
        table.addGradient(Int32Array.of(id), gradient);
        table.step();
      }
    }
    reading.ids.set([1, 1, 1, 1]);
    reading.table.gather(reading.ids, reading.rows);
    for (const { table } of [reading, blind]) {
      table.addGradient(Int32Array.of(1), gradient);
      table.step();
      table.catchUp();
    }
    assert.deepEqual(blind.table.weights, reading.table.weights);
  });
});
