import type { AdamState, AdamStep } from "@magpie/numerics";
import type { DenseParameters } from "./dense-parameters.ts";

/** Turns gradients into new weights, in place. */
export interface Optimizer {
  /** Steps made so far. */
  readonly steps: number;
  /** Applies the gradient to the weights, and sets the gradient to zero. */
  step(): void;
  /** Everything besides the weights that the next step depends on, for checkpoints. */
  readonly state: Readonly<Record<string, Float32Array>>;
  /** Goes on from a checkpoint whose `state` has been copied back. */
  resume(steps: number): void;
}

export interface SgdConfig {
  readonly learningRate: number;
  /** Share of the last update that is kept: 0 is plain gradient descent. */
  readonly momentum?: number;
}

/**
 * Stochastic gradient descent, with momentum if asked for:
 *
 *     u ← momentum · u + g        w ← w - learning rate · u
 */
export class Sgd implements Optimizer {
  steps = 0;
  readonly state: Readonly<Record<string, Float32Array>>;
  readonly #parameters: DenseParameters;
  readonly #config: SgdConfig;

  constructor(parameters: DenseParameters, config: SgdConfig) {
    this.#parameters = parameters;
    this.#config = config;
    this.state = config.momentum ? { update: new Float32Array(parameters.weights.length) } : {};
  }

  step(): void {
    this.steps++;
    const { learningRate, momentum = 0 } = this.#config;
    const { weights, gradient } = this.#parameters;
    const update = this.state["update"] ?? gradient;
    for (let i = 0; i < weights.length; i++) {
      if (momentum !== 0) update[i] = momentum * update[i]! + gradient[i]!;
      weights[i]! -= learningRate * update[i]!;
    }
    gradient.fill(0);
  }

  resume(steps: number): void {
    this.steps = steps;
  }
}

/** Adam's numbers; with weight decay it is AdamW. */
export interface AdamConfig {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled: weights shrink by learningRate · weightDecay at each step. 0 is plain Adam. */
  readonly weightDecay: number;
}

export const adamDefaults: AdamConfig = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
};

/**
 * The numbers of step `t` (from 1), bias correction included:
 *
 *     w ← (1 - lr · decay) · w - lr · m̂ / (√v̂ + ε)     m̂ = m / (1 - β₁ᵗ)     v̂ = v / (1 - β₂ᵗ)
 *
 * @see Kingma & Ba (2015), "Adam"; Loshchilov & Hutter (2019), "Decoupled weight decay regularization"
 */
export function adamStep(config: AdamConfig, t: number): AdamStep {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = config;
  return {
    beta1,
    beta2,
    epsilon,
    stepSize: learningRate / (1 - beta1 ** t),
    rootScale: 1 / Math.sqrt(1 - beta2 ** t),
    decay: 1 - learningRate * weightDecay,
  };
}

/** Adam on dense weights. */
export class Adam implements Optimizer {
  steps = 0;
  readonly state: { readonly mean: Float32Array; readonly square: Float32Array };
  readonly #parameters: DenseParameters;
  readonly #arrays: AdamState;
  readonly #config: AdamConfig;

  constructor(parameters: DenseParameters, config: AdamConfig) {
    const { kernels, weights, gradient } = parameters;
    this.#parameters = parameters;
    this.#config = config;
    this.state = {
      mean: kernels.float32(weights.length),
      square: kernels.float32(weights.length),
    };
    this.#arrays = { weights, gradient, ...this.state };
  }

  step(): void {
    this.steps++;
    this.#parameters.kernels.adam(this.#arrays, adamStep(this.#config, this.steps));
  }

  resume(steps: number): void {
    this.steps = steps;
  }
}
