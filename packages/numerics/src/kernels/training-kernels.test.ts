import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { seededRandom } from "../random.ts";
import { KernelMemory, missedAdamSteps, plainKernels, type AdamStep } from "./training-kernels.ts";

const step: AdamStep = {
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-8,
  stepSize: 1e-2,
  rootScale: 3,
  decay: 0.999,
};

/** A table of random values in kernel memory. */
function randomTable(kernels: KernelMemory, length: number, name: string): Float32Array {
  const random = seededRandom(7, name);
  const table = kernels.float32(length);
  for (let i = 0; i < length; i++) table[i] = random.normal();
  return table;
}

function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) {
    const gap = Math.abs(actual[i]! - expected[i]!);
    assert.ok(
      gap <= tolerance * Math.max(1, Math.abs(expected[i]!)),
      `value ${i}: ${actual[i]}, expected ${expected[i]}`,
    );
  }
}

const anyCase = fc.record({
  rows: fc.integer({ min: 1, max: 40 }),
  width: fc.integer({ min: 1, max: 6 }).map((n) => n * 4),
  picks: fc.array(fc.nat(1_000), { maxLength: 60 }),
});

describe("gather", () => {
  test("copies exactly the rows that are named", () => {
    fc.assert(
      fc.property(anyCase, ({ rows, width, picks }) => {
        const kernels = new KernelMemory(1 << 16);
        const table = randomTable(kernels, rows * width, "table");
        const ids = kernels.int32(picks.length);
        ids.set(picks.map((pick) => pick % rows));
        const out = kernels.float32(picks.length * width);
        const expected = new Float32Array(out.length);
        plainKernels.gather(table, ids, expected, width);
        kernels.gather(table, ids, out, width);
        assert.deepEqual([...out], [...expected]);
      }),
      { numRuns: 50 },
    );
  });
});

describe("scatterAdd", () => {
  test("adds up rows of equal ids, like the plain loop to the last bit", () => {
    fc.assert(
      fc.property(anyCase, ({ rows, width, picks }) => {
        const kernels = new KernelMemory(1 << 17);
        const table = randomTable(kernels, rows * width, "table");
        const updates = randomTable(kernels, picks.length * width, "updates");
        const ids = kernels.int32(picks.length);
        ids.set(picks.map((pick) => pick % rows));
        const expected = table.slice();
        plainKernels.scatterAdd(expected, ids, updates, width);
        kernels.scatterAdd(table, ids, updates, width);
        assert.deepEqual([...table], [...expected]);
      }),
      { numRuns: 50 },
    );
  });
});

describe("Adam kernels", () => {
  const state = (kernels: KernelMemory, length: number) => ({
    weights: randomTable(kernels, length, "weights"),
    mean: randomTable(kernels, length, "mean"),
    square: randomTable(kernels, length, "square").map(Math.abs) as Float32Array,
    gradient: randomTable(kernels, length, "gradient"),
  });
  const inMemory = (kernels: KernelMemory, length: number) => {
    const values = state(kernels, length);
    const square = kernels.float32(length);
    square.set(values.square);
    return { ...values, square };
  };
  const copy = (values: ReturnType<typeof inMemory>) => ({
    weights: values.weights.slice(),
    mean: values.mean.slice(),
    square: values.square.slice(),
    gradient: values.gradient.slice(),
  });

  test("the dense step equals the plain one", () => {
    const kernels = new KernelMemory(1 << 18);
    const actual = inMemory(kernels, 1_204);
    const expected = copy(actual);
    plainKernels.adam(expected, step);
    kernels.adam(actual, step);
    assertClose(actual.weights, expected.weights, 1e-6);
    assertClose(actual.mean, expected.mean, 1e-6);
    assertClose(actual.square, expected.square, 1e-6);
    assert.ok(actual.gradient.every((value) => value === 0));
  });

  test("the row step moves the named rows only", () => {
    const kernels = new KernelMemory(1 << 18);
    const width = 12;
    const actual = inMemory(kernels, 30 * width);
    const before = copy(actual);
    const expected = copy(actual);
    const rows = kernels.int32(3);
    rows.set([29, 0, 7]);
    plainKernels.adamRows(expected, rows, width, step);
    kernels.adamRows(actual, rows, width, step);
    for (const name of ["weights", "mean", "square", "gradient"] as const) {
      assertClose(actual[name], expected[name], 1e-6);
      const untouched = (values: Float32Array) => values.subarray(width, 7 * width);
      assert.deepEqual([...untouched(actual[name])], [...untouched(before[name])]);
    }
    assert.ok(actual.gradient.subarray(29 * width).every((value) => value === 0));
  });
});

describe("catching up with missed Adam steps", () => {
  test("equals the steps made one by one with no gradient", () => {
    const width = 8;
    const kernels = new KernelMemory(1 << 16);
    const state = {
      weights: randomTable(kernels, 5 * width, "weights"),
      mean: randomTable(kernels, 5 * width, "mean"),
      square: kernels.float32(5 * width),
      gradient: kernels.float32(5 * width),
    };
    randomTable(kernels, 5 * width, "square").forEach((x, i) => (state.square[i] = 0.1 + x * x));
    const copied = {
      weights: state.weights.slice(),
      mean: state.mean.slice(),
      square: state.square.slice(),
      gradient: state.gradient.slice(),
    };
    const rows = kernels.int32(3);
    rows.set([4, 0, 2]);
    const counts = [1, 7, 40];
    const missed = kernels.float32(3 * 4);
    counts.forEach((count, i) => missed.set(missedAdamSteps(step, count), 4 * i));
    kernels.adamCatchUp(state, rows, missed, width, step);
    const plain = { ...copied, weights: copied.weights.slice() };
    for (const [i, row] of rows.entries()) {
      for (let made = 0; made < counts[i]!; made++) {
        plainKernels.adamRows(plain, Int32Array.of(row), width, step);
      }
    }
    for (const name of ["weights", "mean", "square"] as const) {
      assertClose(state[name], plain[name], 1e-5);
    }
    assert.deepEqual(
      [...state.weights.subarray(width, 2 * width)],
      [...copied.weights.subarray(width, 2 * width)],
    );
  });

  test("equals its plain version", () => {
    const kernels = new KernelMemory(1 << 14);
    const state = {
      weights: randomTable(kernels, 8, "weights"),
      mean: randomTable(kernels, 8, "mean"),
      square: kernels.float32(8),
      gradient: kernels.float32(8),
    };
    state.square.fill(0.5);
    const plain = {
      weights: state.weights.slice(),
      mean: state.mean.slice(),
      square: state.square.slice(),
      gradient: state.gradient.slice(),
    };
    const rows = kernels.int32(2);
    rows.set([1, 0]);
    const missed = kernels.float32(8);
    missed.set([...missedAdamSteps(step, 3), ...missedAdamSteps(step, 9)]);
    kernels.adamCatchUp(state, rows, missed, 4, step);
    plainKernels.adamCatchUp(plain, rows, missed, 4, step);
    assertClose(state.weights, plain.weights, 1e-6);
    assertClose(state.mean, plain.mean, 1e-6);
    assertClose(state.square, plain.square, 1e-6);
  });
});

describe("dropoutMask", () => {
  test("equals the plain hash bit for bit", () => {
    const kernels = new KernelMemory(1 << 18);
    const mask = kernels.float32(10_000);
    const expected = new Float32Array(10_000);
    for (const key of [
      [0, 0],
      [1, 2],
      [-5, 0x7fffffff],
    ] as const) {
      kernels.dropoutMask(mask, key, 0.2);
      plainKernels.dropoutMask(expected, key, 0.2);
      assert.deepEqual([...mask], [...expected]);
    }
  });

  test("drops the asked share, keeps the mean at 1 and differs by key", () => {
    const kernels = new KernelMemory(1 << 21);
    const one = kernels.float32(100_000);
    const other = kernels.float32(100_000);
    kernels.dropoutMask(one, [11, 12], 0.3);
    kernels.dropoutMask(other, [12, 12], 0.3);
    const dropped = one.filter((value) => value === 0).length / one.length;
    const mean = one.reduce((sum, value) => sum + value, 0) / one.length;
    // Three standard deviations of the share: 3 · √(.3 · .7 / 100,000) = .0043
    assert.ok(Math.abs(dropped - 0.3) < 0.0044, `dropped ${dropped}`);
    assert.ok(Math.abs(mean - 1) < 0.0063, `mean ${mean}`);
    const both = one.filter((value, i) => value === 0 && other[i] === 0).length / one.length;
    assert.ok(Math.abs(both - 0.09) < 0.004, `both ${both}`);
  });

  test("drops nothing at rate 0", () => {
    const kernels = new KernelMemory(1 << 12);
    const mask = kernels.float32(64);
    kernels.dropoutMask(mask, [3, 4], 0);
    assert.ok(mask.every((value) => value === 1));
  });
});

describe("KernelMemory", () => {
  test("refuses arrays from elsewhere, odd widths, short buffers and more than it was sized for", () => {
    const kernels = new KernelMemory(KernelMemory.bytesFor(16) * 3);
    const table = kernels.float32(16);
    const ids = kernels.int32(2);
    const out = kernels.float32(8);
    assert.throws(() => kernels.gather(new Float32Array(16), ids, out, 4), /outside its memory/);
    assert.throws(() => kernels.gather(table, ids, out, 3), /multiples of 4/);
    assert.throws(() => kernels.gather(table, ids, out, 8), /needs 16 values, not 8/);
    assert.throws(() => kernels.float32(1 << 20), /is full/);
  });

  test("says so when more than 4 GiB are asked for", () => {
    assert.throws(() => new KernelMemory(5 * 2 ** 30), /at most 4 GiB .* 5\.0 GiB/);
  });
});
