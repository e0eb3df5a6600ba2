import {
  f32x4,
  i32,
  i32x4,
  instantiate,
  repeatWhile,
  v128,
  wasmFunction,
  type Variable,
} from "../wasm.ts";

/**
 * Kernels of a training step that stay outside the numeric engine's graph: reading and writing
 * rows of large tables, Adam, and dropout masks.
 *
 * Arrays are row-major. `width` and the lengths of flat arrays are multiples of 4 (one SIMD lane
 * group); ids are rows of the table they go with.
 */
export interface TrainingKernels {
  /** out[i] = table[ids[i]]: [rows, width], [n] → [n, width] */
  gather(table: Float32Array, ids: Int32Array, out: Float32Array, width: number): void;
  /** table[ids[i]] += rows[i], in order, so that equal ids add up. */
  scatterAdd(table: Float32Array, ids: Int32Array, rows: Float32Array, width: number): void;
  /** One Adam step on every value; the gradient is zeroed on the way. */
  adam(state: AdamState, step: AdamStep): void;
  /** One Adam step on the given rows only (each named once); their gradient rows are zeroed. */
  adamRows(state: AdamState, rows: Int32Array, width: number, step: AdamStep): void;
  /**
   * Makes up for Adam steps in which the given rows (each named once) had no gradient. `missed` holds the
   * numbers of `missedAdamSteps` for each row, [rows, 4].
   */
  adamCatchUp(
    state: AdamState,
    rows: Int32Array,
    missed: Float32Array,
    width: number,
    step: AdamStep,
  ): void;
  /**
   * Fills `out` with 0 (probability about `rate`) or 1 / (1 - rate): a function of key and place only,
   * so that a step can be repeated.
   */
  dropoutMask(out: Float32Array, key: MaskKey, rate: number): void;
}

/** Parameters with their running moments and gradient, all of one length. */
export interface AdamState {
  readonly weights: Float32Array;
  /** Running mean of the gradient. */
  readonly mean: Float32Array;
  /** Running mean of the squared gradient. */
  readonly square: Float32Array;
  readonly gradient: Float32Array;
}

/**
 * One step's numbers, with the bias correction already in them (see `adamStep`):
 *
 *     m ← β₁ m + (1 - β₁) g     v ← β₂ v + (1 - β₂) g²
 *     w ← decay · w - stepSize · m / (√v · rootScale + ε)
 */
export interface AdamStep {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** learning rate / (1 - β₁ᵗ) */
  readonly stepSize: number;
  /** 1 / √(1 - β₂ᵗ) */
  readonly rootScale: number;
  /** 1 - learning rate · weight decay; 1 for plain Adam */
  readonly decay: number;
}

/**
 * What `count` Adam steps without a gradient do to a row, in closed form. The moments shrink, and the
 * weights drift on by what is left of the mean:
 *
 *     m ← β₁ᵏ m     v ← β₂ᵏ v     w ← decayᵏ · w - drift · m / (√v · rootScale + ε)
 *     drift = stepSize · decayᵏ · (ρ + ρ² + … + ρᵏ),  ρ = β₁ / (√β₂ · decay)
 *
 * Exact but for ε and the change of the bias correction during these steps, which vanish soon after
 * training begins.
 *
 * @returns  drift, decayᵏ, β₁ᵏ, β₂ᵏ
 */
export function missedAdamSteps(
  { beta1, beta2, stepSize, decay }: AdamStep,
  count: number,
): [number, number, number, number] {
  const ratio = beta1 / (Math.sqrt(beta2) * decay);
  const series = ratio === 1 ? count : (ratio * (1 - ratio ** count)) / (1 - ratio);
  const kept = decay ** count;
  return [stepSize * kept * series, kept, beta1 ** count, beta2 ** count];
}

/** Two 32-bit words that name one mask. */
export type MaskKey = readonly [number, number];

/** Odd constant of the Weyl sequence, and the multipliers of a 32-bit finaliser (as in splitmix). */
const WEYL = 0x9e3779b9 | 0;
const MIX_1 = 0x21f0aaad | 0;
const MIX_2 = 0x735a2d97 | 0;

/** Masks compare a 32-bit hash with rate · 2³²; the scale makes the expected value exactly 1. */
function maskNumbers(rate: number): { threshold: number; scale: number } {
  const threshold = Math.min(2 ** 32 - 1, Math.round(rate * 2 ** 32));
  return { threshold, scale: 1 / (1 - threshold / 2 ** 32) };
}

/** The plain version of every kernel: what they mean, and what the fast ones are tested against. */
export const plainKernels: TrainingKernels = {
  gather(table, ids, out, width) {
    for (let i = 0; i < ids.length; i++) {
      for (let d = 0; d < width; d++) out[i * width + d] = table[ids[i]! * width + d]!;
    }
  },

  scatterAdd(table, ids, rows, width) {
    for (let i = 0; i < ids.length; i++) {
      for (let d = 0; d < width; d++) table[ids[i]! * width + d]! += rows[i * width + d]!;
    }
  },

  adam({ weights, mean, square, gradient }, step) {
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i]!;
      const m = step.beta1 * mean[i]! + (1 - step.beta1) * g;
      const v = step.beta2 * square[i]! + (1 - step.beta2) * g * g;
      mean[i] = m;
      square[i] = v;
      weights[i] =
        weights[i]! * step.decay -
        (step.stepSize * m) / (Math.sqrt(v) * step.rootScale + step.epsilon);
      gradient[i] = 0;
    }
  },

  adamRows({ weights, mean, square, gradient }, rows, width, step) {
    for (const row of rows) {
      const part = (values: Float32Array) => values.subarray(row * width, (row + 1) * width);
      plainKernels.adam(
        {
          weights: part(weights),
          mean: part(mean),
          square: part(square),
          gradient: part(gradient),
        },
        step,
      );
    }
  },

  adamCatchUp({ weights, mean, square }, rows, missed, width, step) {
    rows.forEach((row, r) => {
      const [drift, decay, meanFactor, squareFactor] = missed.subarray(
        r * 4,
      ) as unknown as Four<number>;
      for (let i = row * width; i < (row + 1) * width; i++) {
        const root = Math.sqrt(square[i]!) * step.rootScale + step.epsilon;
        weights[i] = weights[i]! * decay - (drift * mean[i]!) / root;
        mean[i]! *= meanFactor;
        square[i]! *= squareFactor;
      }
    });
  },

  dropoutMask(out, [key1, key2], rate) {
    const { threshold, scale } = maskNumbers(rate);
    for (let i = 0; i < out.length; i++) {
      let z = (Math.imul(i, WEYL) + key1) | 0;
      z = Math.imul(z ^ (z >>> 16), MIX_1) ^ key2;
      z = Math.imul(z ^ (z >>> 15), MIX_2);
      z ^= z >>> 15;
      out[i] = z >>> 0 >= threshold ? scale : 0;
    }
  },
};

// Addresses are bytes. Inner loops walk 16 bytes = 4 floats at a time.

const advance = (address: Variable, bytes: number) =>
  address.set(i32.add(address.get, i32.const(bytes)));

/** Address of row `id` (an address of an id) in a table. */
const rowAddress = (table: Variable, id: Variable, rowBytes: Variable) =>
  i32.add(table.get, i32.mul(i32.load(id.get), rowBytes.get));

const gatherKernel = wasmFunction(
  "gather",
  ["i32", "i32", "i32", "i32", "i32"],
  null,
  (fn, [table, ids, idsEnd, out, rowBytes]) => {
    const from = fn.local("i32");
    const outEnd = fn.local("i32");
    return [
      repeatWhile(i32.ltU(ids.get, idsEnd.get), [
        from.set(rowAddress(table, ids, rowBytes)),
        outEnd.set(i32.add(out.get, rowBytes.get)),
        repeatWhile(i32.ltU(out.get, outEnd.get), [
          v128.store(out.get, v128.load(from.get)),
          advance(from, 16),
          advance(out, 16),
        ]),
        advance(ids, 4),
      ]),
    ];
  },
);

const scatterAddKernel = wasmFunction(
  "scatterAdd",
  ["i32", "i32", "i32", "i32", "i32"],
  null,
  (fn, [table, ids, idsEnd, rows, rowBytes]) => {
    const to = fn.local("i32");
    const rowEnd = fn.local("i32");
    return [
      repeatWhile(i32.ltU(ids.get, idsEnd.get), [
        to.set(rowAddress(table, ids, rowBytes)),
        rowEnd.set(i32.add(rows.get, rowBytes.get)),
        repeatWhile(i32.ltU(rows.get, rowEnd.get), [
          v128.store(to.get, f32x4.add(v128.load(to.get), v128.load(rows.get))),
          advance(to, 16),
          advance(rows, 16),
        ]),
        advance(ids, 4),
      ]),
    ];
  },
);

/** Ids name rows of `rowBytes` bytes; dense Adam is one row that is the whole array. */
const adamKernel = wasmFunction(
  "adamRows",
  // four tables, ids, their end, row bytes; β₁, 1 - β₁, β₂, 1 - β₂, ε, step size, root scale, decay
  [
    ...(["i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const),
    ...(["f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32"] as const),
  ],
  null,
  (fn, [weights, mean, square, gradient, ids, idsEnd, rowBytes, ...numbers]) => {
    const [w, m, v, g, wEnd] = [0, 1, 2, 3, 4].map(() => fn.local("i32")) as Five;
    const [grad, newMean, newSquare, zero] = [0, 1, 2, 3].map(() =>
      fn.local("v128"),
    ) as Four<Variable>;
    const lanes = numbers.map(() => fn.local("v128"));
    const [beta1, unit1, beta2, unit2, epsilon, stepSize, rootScale, decay] = lanes as Eight;
    return [
      ...lanes.map((lane, i) => lane.set(f32x4.splat(numbers[i]!.get))),
      repeatWhile(i32.ltU(ids.get, idsEnd.get), [
        w.set(rowAddress(weights, ids, rowBytes)),
        m.set(rowAddress(mean, ids, rowBytes)),
        v.set(rowAddress(square, ids, rowBytes)),
        g.set(rowAddress(gradient, ids, rowBytes)),
        wEnd.set(i32.add(w.get, rowBytes.get)),
        repeatWhile(i32.ltU(w.get, wEnd.get), [
          grad.set(v128.load(g.get)),
          newMean.set(
            f32x4.add(f32x4.mul(v128.load(m.get), beta1.get), f32x4.mul(grad.get, unit1.get)),
          ),
          newSquare.set(
            f32x4.add(
              f32x4.mul(v128.load(v.get), beta2.get),
              f32x4.mul(f32x4.mul(grad.get, grad.get), unit2.get),
            ),
          ),
          v128.store(m.get, newMean.get),
          v128.store(v.get, newSquare.get),
          v128.store(g.get, zero.get),
          v128.store(
            w.get,
            f32x4.sub(
              f32x4.mul(v128.load(w.get), decay.get),
              f32x4.div(
                f32x4.mul(newMean.get, stepSize.get),
                f32x4.add(f32x4.mul(f32x4.sqrt(newSquare.get), rootScale.get), epsilon.get),
              ),
            ),
          ),
          ...[w, m, v, g].map((address) => advance(address, 16)),
        ]),
        advance(ids, 4),
      ]),
    ];
  },
);

const adamCatchUpKernel = wasmFunction(
  "adamCatchUp",
  // weights, mean, square, ids, their end, missed, row bytes; ε, root scale
  ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "f32", "f32"],
  null,
  (fn, [weights, mean, square, ids, idsEnd, missed, rowBytes, epsilon, rootScale]) => {
    const [w, m, v, wEnd] = [0, 1, 2, 3].map(() => fn.local("i32")) as Four<Variable>;
    const factors = [0, 1, 2, 3].map(() => fn.local("v128")) as Four<Variable>;
    const [drift, decay, meanFactor, squareFactor] = factors;
    const [epsilon4, rootScale4] = [fn.local("v128"), fn.local("v128")];
    return [
      epsilon4.set(f32x4.splat(epsilon.get)),
      rootScale4.set(f32x4.splat(rootScale.get)),
      repeatWhile(i32.ltU(ids.get, idsEnd.get), [
        w.set(rowAddress(weights, ids, rowBytes)),
        m.set(rowAddress(mean, ids, rowBytes)),
        v.set(rowAddress(square, ids, rowBytes)),
        wEnd.set(i32.add(w.get, rowBytes.get)),
        ...factors.map((factor, i) => factor.set(v128.load32Splat(missed.get, 4 * i))),
        repeatWhile(i32.ltU(w.get, wEnd.get), [
          v128.store(
            w.get,
            f32x4.sub(
              f32x4.mul(v128.load(w.get), decay.get),
              f32x4.div(
                f32x4.mul(v128.load(m.get), drift.get),
                f32x4.add(f32x4.mul(f32x4.sqrt(v128.load(v.get)), rootScale4.get), epsilon4.get),
              ),
            ),
          ),
          v128.store(m.get, f32x4.mul(v128.load(m.get), meanFactor.get)),
          v128.store(v.get, f32x4.mul(v128.load(v.get), squareFactor.get)),
          ...[w, m, v].map((address) => advance(address, 16)),
        ]),
        advance(ids, 4),
        advance(missed, 16),
      ]),
    ];
  },
);

type Four<T> = [T, T, T, T];
type Five = [...Four<Variable>, Variable];
type Eight = [...Four<Variable>, ...Four<Variable>];

/** x ^ (x >>> bits) in each lane */
const foldRight = (x: Variable, bits: number) =>
  v128.xor(x.get, i32x4.shrU(x.get, i32.const(bits)));

const dropoutMaskKernel = wasmFunction(
  "dropoutMask",
  ["i32", "i32", "i32", "i32", "i32", "f32"],
  null,
  (fn, [out, outEnd, key1, key2, threshold, scale]) => {
    const weyl = fn.local("v128");
    const z = fn.local("v128");
    const constant = (value: number) => i32x4.splat(i32.const(value));
    return [
      // Lane l of turn t holds (4 t + l) · WEYL + key1.
      weyl.set(
        i32x4.add(i32x4.mul(i32x4.const(0, 1, 2, 3), constant(WEYL)), i32x4.splat(key1.get)),
      ),
      repeatWhile(i32.ltU(out.get, outEnd.get), [
        z.set(weyl.get),
        z.set(v128.xor(i32x4.mul(foldRight(z, 16), constant(MIX_1)), i32x4.splat(key2.get))),
        z.set(i32x4.mul(foldRight(z, 15), constant(MIX_2))),
        z.set(foldRight(z, 15)),
        v128.store(
          out.get,
          v128.and(i32x4.geU(z.get, i32x4.splat(threshold.get)), f32x4.splat(scale.get)),
        ),
        weyl.set(i32x4.add(weyl.get, constant(Math.imul(4, WEYL)))),
        advance(out, 16),
      ]),
    ];
  },
);

const kernelFunctions = [
  gatherKernel,
  scatterAddKernel,
  adamKernel,
  adamCatchUpKernel,
  dropoutMaskKernel,
] as const;

const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;

/**
 * The kernels as WebAssembly SIMD, over one block of memory that holds all arrays they work on.
 *
 * Memory does not grow (growing would detach every view): say up front how many bytes the arrays
 * take, as the sum of `KernelMemory.bytesFor(length)` over them. Arrays handed to a kernel must come
 * from `float32` or `int32` of the same object, or be parts of such arrays.
 */
export class KernelMemory implements TrainingKernels {
  readonly #memory: WebAssembly.Memory;
  readonly #kernels: ReturnType<typeof instantiate<typeof kernelFunctions>>;
  /** Bytes 0 … 15 hold the id 0, the one row of dense Adam. */
  #used = 16;

  /** @throws {RangeError} when `bytes` is more than WebAssembly can address (4 GiB) */
  constructor(bytes: number) {
    const pages = Math.ceil((bytes + 16) / PAGE_BYTES);
    if (!(pages <= MAX_PAGES)) {
      throw new RangeError(
        `Kernels can hold at most 4 GiB of parameters and buffers, but ${(bytes / 2 ** 30).toFixed(1)} GiB are asked for.`,
      );
    }
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#kernels = instantiate(kernelFunctions, this.#memory);
  }

  /** Bytes that one array of `length` 4-byte values takes. */
  static bytesFor(length: number): number {
    return Math.ceil(length / 4) * 16;
  }

  /** A zeroed array in the kernels' memory. */
  float32(length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#memory.buffer, this.#claim(length), length);
  }

  /** A zeroed array in the kernels' memory. */
  int32(length: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.#memory.buffer, this.#claim(length), length);
  }

  gather(table: Float32Array, ids: Int32Array, out: Float32Array, width: number): void {
    checkRows("gather", ids, out, width);
    this.#kernels.gather(this.#at(table), ...this.#span(ids), this.#at(out), width * 4);
  }

  scatterAdd(table: Float32Array, ids: Int32Array, rows: Float32Array, width: number): void {
    checkRows("scatterAdd", ids, rows, width);
    this.#kernels.scatterAdd(this.#at(table), ...this.#span(ids), this.#at(rows), width * 4);
  }

  adam(state: AdamState, step: AdamStep): void {
    checkLanes("adam", state.weights.length);
    this.#adam(state, [0, 4], state.weights.length, step);
  }

  adamRows(state: AdamState, rows: Int32Array, width: number, step: AdamStep): void {
    checkLanes("adamRows", width);
    this.#adam(state, this.#span(rows), width, step);
  }

  adamCatchUp(
    { weights, mean, square }: AdamState,
    rows: Int32Array,
    missed: Float32Array,
    width: number,
    { epsilon, rootScale }: AdamStep,
  ): void {
    checkLanes("adamCatchUp", width);
    this.#kernels.adamCatchUp(
      this.#at(weights),
      this.#at(mean),
      this.#at(square),
      ...this.#span(rows),
      this.#at(missed),
      width * 4,
      epsilon,
      rootScale,
    );
  }

  dropoutMask(out: Float32Array, [key1, key2]: MaskKey, rate: number): void {
    checkLanes("dropoutMask", out.length);
    const { threshold, scale } = maskNumbers(rate);
    this.#kernels.dropoutMask(...this.#span(out), key1, key2, threshold, scale);
  }

  #adam(state: AdamState, ids: readonly number[], width: number, step: AdamStep): void {
    const { beta1, beta2 } = step;
    this.#kernels.adamRows(
      this.#at(state.weights),
      this.#at(state.mean),
      this.#at(state.square),
      this.#at(state.gradient),
      ...ids,
      width * 4,
      beta1,
      1 - beta1,
      beta2,
      1 - beta2,
      step.epsilon,
      step.stepSize,
      step.rootScale,
      step.decay,
    );
  }

  #claim(length: number): number {
    const start = this.#used;
    this.#used += KernelMemory.bytesFor(length);
    if (this.#used > this.#memory.buffer.byteLength) {
      throw new Error(
        `internal: kernel memory of ${this.#memory.buffer.byteLength} bytes is full; ${this.#used} are needed`,
      );
    }
    return start;
  }

  #at(array: Float32Array | Int32Array): number {
    if (array.buffer !== this.#memory.buffer) {
      throw new Error("internal: a kernel was given an array outside its memory");
    }
    return array.byteOffset;
  }

  /** Start and end address. */
  #span(array: Float32Array | Int32Array): [number, number] {
    const start = this.#at(array);
    return [start, start + array.byteLength];
  }
}

function checkLanes(name: string, length: number): void {
  if (length % 4 !== 0) {
    throw new Error(`internal: ${name} works on multiples of 4 values, not ${length}`);
  }
}

function checkRows(name: string, ids: Int32Array, rows: Float32Array, width: number): void {
  checkLanes(name, width);
  if (rows.length < ids.length * width) {
    throw new Error(
      `internal: ${name} of ${ids.length} rows of ${width} needs ${ids.length * width} values, not ${rows.length}`,
    );
  }
}
