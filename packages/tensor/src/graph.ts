import { elementBytes } from "./onnx.ts";
import type { Attribute, Constant, ElementType, Node, Port, Shape } from "./onnx.ts";
import { sizeOf } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** What an input is to training. */
export type InputRole =
  /** Given anew at every step; nobody asks for its gradient. */
  | { readonly role: "data" }
  /** Dense weights; their gradients leave the graph as one flat vector, in order of declaration. */
  | { readonly role: "parameter" }
  /** Rows gathered from a table outside the graph; the gradient leaves the graph as rows. */
  | { readonly role: "rows" }
  /** A dropout mask, drawn outside the graph so that runs repeat. */
  | { readonly role: "noise"; readonly rate: number };

export type GraphInput = Port & InputRole;

export interface GraphOptions {
  /** Element type of all numbers; float64 is for checking gradients. */
  readonly type?: "float32" | "float64";
  /**
   * Use the runtime's `FusedMatMul`, which transposes and scales on the way. Off for engines that lack
   * it; the results are the same. Default: on for float32 (there is none for float64).
   */
  readonly fused?: boolean;
}

/** One rule of back-propagation: what an input's gradient is, given the output's. */
export type GradientRule = readonly [input: Tensor, gradient: (outputGradient: Tensor) => Tensor];

/** A rule of an operation with several outputs: zeros stand for outputs that nobody used. */
export type JoinedGradientRule = readonly [
  input: Tensor,
  gradient: (outputGradients: readonly Tensor[]) => Tensor,
];

interface TapeEntry {
  readonly outputs: readonly Tensor[];
  readonly rules: readonly JoinedGradientRule[];
}

/**
 * A computation over static shapes, written down operation by operation. Tensors are its edges:
 * operating on them adds nodes, nothing is computed until an engine runs the compiled graph.
 *
 *     const g = new Graph();
 *     const x = g.input("x", [32, 3]);
 *     const y = x.matmul(g.parameter("weight", [3, 2])); // [32, 2]
 */
export class Graph {
  readonly type: "float32" | "float64";
  readonly fused: boolean;
  readonly #inputs: GraphInput[] = [];
  readonly #tensors = new Map<string, Tensor>();
  readonly #constants = new Map<string, Constant>();
  readonly #nodes: Node[] = [];
  readonly #bytes = new Map<string, number>();
  /** What was computed from what, in order, for walking back. */
  readonly #tape: TapeEntry[] = [];
  #recording = true;

  constructor({ type = "float32", fused = type === "float32" }: GraphOptions = {}) {
    this.type = type;
    this.fused = fused;
  }

  get inputs(): readonly GraphInput[] {
    return this.#inputs;
  }

  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  get constants(): readonly Constant[] {
    return [...this.#constants.values()];
  }

  /** Bytes of what a node puts out; 0 for inputs and constants. */
  bytesOf(name: string): number {
    return this.#bytes.get(name) ?? 0;
  }

  /** Data that is given at every run. */
  input(name: string, shape: Shape, type: ElementType = this.type): Tensor {
    return this.#declare({ name, shape, type, role: "data" });
  }

  /** Dense weights to be learnt. */
  parameter(name: string, shape: Shape): Tensor {
    return this.#declare({ name, shape, type: this.type, role: "parameter" });
  }

  /** Rows of an embedding table, gathered outside the graph and learnt there from their gradient. */
  rows(name: string, shape: Shape): Tensor {
    return this.#declare({ name, shape, type: this.type, role: "rows" });
  }

  /** A dropout mask: 0 where dropped (with probability `rate`), 1 / (1 - rate) elsewhere. */
  noise(name: string, shape: Shape, rate: number): Tensor {
    return this.#declare({ name, shape, type: this.type, role: "noise", rate });
  }

  constant(values: readonly number[], shape: Shape, type: ElementType = this.type): Tensor {
    if (sizeOf(shape) !== values.length) {
      throw new Error(
        `internal: ${values.length} values for a constant of shape [${shape.join()}]`,
      );
    }
    const key = `${type}[${shape.join()}]:${values.join()}`;
    let found = this.#constants.get(key);
    if (found === undefined) {
      found = { name: `constant_${this.#constants.size}`, shape, type, values };
      this.#constants.set(key, found);
    }
    return new Tensor(this, found.name, shape, type, false);
  }

  /** Adds a node with one output. Gradients are attached with `Tensor.withGradients`. */
  node(
    operator: string,
    inputs: readonly Tensor[],
    shape: Shape,
    attributes: Readonly<Record<string, Attribute>> = {},
    options: { readonly type?: ElementType; readonly domain?: Node["domain"] } = {},
  ): Tensor {
    const { type = inputs[0]?.type ?? this.type, ...rest } = options;
    return this.nodeWithOutputs(operator, inputs, [shape], attributes, {
      types: [type],
      ...rest,
    })[0]!;
  }

  /** Adds a node with several outputs. */
  nodeWithOutputs(
    operator: string,
    inputs: readonly Tensor[],
    shapes: readonly Shape[],
    attributes: Readonly<Record<string, Attribute>>,
    {
      types,
      domain = "",
    }: { readonly types: readonly ElementType[]; readonly domain?: Node["domain"] },
  ): Tensor[] {
    for (const input of inputs) {
      if (input.graph !== this) throw new Error(`internal: ${input.name} is of another graph`);
    }
    const id = `${operator}_${this.#nodes.length}`;
    const outputs = shapes.map(
      (shape, i) => new Tensor(this, i === 0 ? id : `${id}_${i}`, shape, types[i]!, false),
    );
    for (const { name, shape, type } of outputs) {
      this.#bytes.set(name, sizeOf(shape) * elementBytes[type]);
    }
    this.#nodes.push({
      operator,
      domain,
      inputs: inputs.map(({ name }) => name),
      outputs: outputs.map(({ name }) => name),
      attributes,
    });
    return outputs;
  }

  /** Remembers how gradients flow back through `output`; returns the tensor to go on with. */
  record(output: Tensor, rules: readonly GradientRule[]): Tensor {
    const joined = rules.map(([input, rule]): JoinedGradientRule => [
      input,
      ([outputGradient]) => rule(outputGradient!),
    ]);
    return this.recordAll([output], joined)[0]!;
  }

  /** The same for an operation with several outputs. */
  recordAll(outputs: readonly Tensor[], rules: readonly JoinedGradientRule[]): Tensor[] {
    const needed = rules.filter(([input]) => input.needsGradient);
    if (!this.#recording || needed.length === 0) return [...outputs];
    const results = outputs.map(
      ({ name, shape, type }) => new Tensor(this, name, shape, type, true),
    );
    this.#tape.push({ outputs: results, rules: needed });
    return results;
  }

  /** Runs `write` without remembering gradients: for operations that bring rules of their own. */
  untracked<T>(write: () => T): T {
    const before = this.#recording;
    this.#recording = false;
    try {
      return write();
    } finally {
      this.#recording = before;
    }
  }

  /**
   * Emits the backward pass.
   *
   * @param loss  a scalar
   * @param of    tensors whose gradient is wanted
   * @returns     d loss / d tensor, of the tensor's shape; zeros where the loss does not depend on it
   */
  gradients(loss: Tensor, of: readonly Tensor[]): Tensor[] {
    if (sizeOf(loss.shape) !== 1) {
      throw new Error(
        `internal: gradients of a tensor of shape [${loss.shape.join()}], not a scalar`,
      );
    }
    const gradients = new Map<string, Tensor>();
    gradients.set(loss.name, this.constant([1], loss.shape.length === 0 ? [] : loss.shape));
    return this.untracked(() => {
      for (const { outputs, rules } of this.#tape.toReversed()) {
        if (!outputs.some(({ name }) => gradients.has(name))) continue;
        const known = outputs.map(({ name, shape }) => gradients.get(name) ?? this.#zeros(shape));
        for (const [input, rule] of rules) {
          const part = rule(known).sumTo(input.shape);
          const sum = gradients.get(input.name);
          gradients.set(input.name, sum === undefined ? part : sum.add(part));
        }
      }
      return of.map(({ name, shape }) => gradients.get(name) ?? this.#zeros(shape));
    });
  }

  /** The declared input of that name. */
  inputNamed(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new Error(`internal: the graph has no input "${name}"`);
    return tensor;
  }

  #zeros(shape: Shape): Tensor {
    return this.constant(Array<number>(sizeOf(shape)).fill(0), shape);
  }

  #declare(input: GraphInput): Tensor {
    if (this.#tensors.has(input.name)) {
      throw new Error(`internal: two graph inputs are named "${input.name}"`);
    }
    this.#inputs.push(input);
    const learnt = input.role === "parameter" || input.role === "rows";
    const tensor = new Tensor(this, input.name, input.shape, input.type, learnt);
    this.#tensors.set(input.name, tensor);
    return tensor;
  }
}
