import { KernelMemory } from "@magpie/numerics";
import { GRADIENT, type TrainingGraph } from "./compile.ts";
import { sizeOf } from "./shape.ts";

/** All dense weights of a graph in one vector, their gradient in another, both ready to be bound. */
export class DenseParameters {
  readonly kernels: KernelMemory;
  /** Padded with zeros to a multiple of 4. */
  readonly weights: Float32Array<ArrayBuffer>;
  readonly gradient: Float32Array<ArrayBuffer>;
  /** Parts of `weights` by the name of their parameter: inputs of the step. */
  readonly inputs: Readonly<Record<string, Float32Array>>;
  /** The step's gradient output. */
  readonly outputs: Readonly<Record<string, Float32Array>>;

  /** @param kernels  memory to live in; by default of its own, with room for Adam's moments */
  constructor(
    { parameters, parameterCount }: Pick<TrainingGraph, "parameters" | "parameterCount">,
    kernels = new KernelMemory(DenseParameters.bytesFor(parameterCount)),
  ) {
    const padded = Math.ceil(parameterCount / 4) * 4;
    this.kernels = kernels;
    this.weights = kernels.float32(padded);
    this.gradient = kernels.float32(padded);
    this.inputs = Object.fromEntries(
      parameters.map(({ name, shape, offset }) => [
        name,
        this.weights.subarray(offset, offset + sizeOf(shape)),
      ]),
    );
    this.outputs = { [GRADIENT]: this.gradient.subarray(0, parameterCount) };
  }

  /** Bytes in kernel memory of weights, gradient and Adam's two moments. */
  static bytesFor(parameterCount: number): number {
    return 4 * KernelMemory.bytesFor(Math.ceil(parameterCount / 4) * 4);
  }
}
