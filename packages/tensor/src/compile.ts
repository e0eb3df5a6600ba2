import type { Graph, GraphInput } from "./graph.ts";
import { encodeOnnx, type Node, type Port, type Shape } from "./onnx.ts";
import { portable, type PortableOptions } from "./portable.ts";
import { sizeOf } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** A graph as an engine opens it, with what goes in and what comes out. */
export interface CompiledGraph {
  readonly model: Uint8Array;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly Port[];
  /** What lies between inputs and outputs at the fullest moment, when nodes run in their order. */
  readonly workingBytes: number;
}

/** Where a parameter's weights stand in the flat vector of all of them. */
export interface ParameterSlot {
  readonly name: string;
  readonly shape: Shape;
  readonly offset: number;
}

/** A training graph: forward and backward in one. */
export interface TrainingGraph extends CompiledGraph {
  readonly parameters: readonly ParameterSlot[];
  /** Number of weights in all parameters. */
  readonly parameterCount: number;
}

/** Name of the output that holds the loss. */
export const LOSS = "loss";
/** Name of the output that holds the gradient of all parameters, one after the other. */
export const GRADIENT = "gradient";
/** Name of the output with the gradient of rows `name`. */
export const rowGradient = (name: string): string => `${name}.gradient`;

/**
 * A graph that gives the named tensors.
 *
 * @param options  puts weights into the file, for any batch, in 8 bits; the inputs that stay are `inputs`
 */
export function compileInference(
  graph: Graph,
  outputs: Readonly<Record<string, Tensor>>,
  options: PortableOptions = {},
): CompiledGraph {
  return compile(graph, Object.entries(outputs), options);
}

/**
 * A graph that gives the loss, the gradient of all parameters as one flat vector and the gradient of
 * each input of rows. It computes gradients only: optimisers stand outside, so that the gradients of
 * several workers can be averaged first.
 *
 * @param extra  further outputs by name, such as the logits
 */
export function compileTraining(
  graph: Graph,
  loss: Tensor,
  extra: Readonly<Record<string, Tensor>> = {},
): TrainingGraph {
  const parameters = parameterSlots(graph);
  const rows = graph.inputs.filter(({ role }) => role === "rows");
  const names = [...parameters, ...rows].map(({ name }) => name);
  const gradients = graph.gradients(
    loss,
    names.map((name) => graph.inputNamed(name)),
  );
  const flat = gradients.slice(0, parameters.length).map((g) => g.reshape([sizeOf(g.shape)]));
  const outputs: [string, Tensor][] = [
    [LOSS, loss.reshape([])],
    ...(flat.length === 0 ? [] : [[GRADIENT, joined(flat)] as [string, Tensor]]),
    ...rows.map(({ name }, i): [string, Tensor] => [
      rowGradient(name),
      gradients[parameters.length + i]!,
    ]),
    ...Object.entries(extra),
  ];
  return {
    ...compile(graph, outputs),
    parameters,
    parameterCount: parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
  };
}

/** The parameters of a graph in the flat vector, in order of declaration. */
export function parameterSlots(graph: Graph): ParameterSlot[] {
  let offset = 0;
  return graph.inputs
    .filter(({ role }) => role === "parameter")
    .map(({ name, shape }) => {
      const slot = { name, shape, offset };
      offset += sizeOf(shape);
      return slot;
    });
}

/**
 * Vectors end to end, as a tree: GPUs bind few buffers to one operation (8 is what all of them can),
 * so no Concat takes more than 6.
 */
function joined(vectors: readonly Tensor[]): Tensor {
  let level = [...vectors];
  while (level.length > 1) {
    const next: Tensor[] = [];
    for (let i = 0; i < level.length; i += 6) next.push(Tensor.concat(level.slice(i, i + 6), 0));
    level = next;
  }
  return level[0]!;
}

function compile(
  graph: Graph,
  outputs: readonly (readonly [string, Tensor])[],
  options: PortableOptions = {},
): CompiledGraph {
  const named = outputs.map(([name, tensor]): Node => ({
    operator: "Identity",
    domain: "",
    inputs: [tensor.name],
    outputs: [name],
    attributes: {},
  }));
  const ports = outputs.map(([name, { shape, type }]): Port => ({ name, shape, type }));
  const nodes = [
    ...needed(
      graph.nodes,
      outputs.map(([, tensor]) => tensor.name),
    ),
    ...named,
  ];
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const inputs = graph.inputs.filter(({ name }) => used.has(name));
  const constants = graph.constants.filter(({ name }) => used.has(name));
  const { weights = {} } = options;
  return {
    model: encodeOnnx(portable({ inputs, outputs: ports, constants, nodes }, options)),
    inputs: inputs.filter(({ name }) => weights[name] === undefined),
    outputs: ports,
    workingBytes: peakBytes(graph, nodes),
  };
}

/** The most bytes that are needed at once: a value is needed until the last node that reads it. */
function peakBytes(graph: Graph, nodes: readonly Node[]): number {
  const lastReader = new Map<string, number>();
  /** What a reshaped value is a view of. */
  const source = new Map<string, string>();
  const rootOf = (name: string): string => source.get(name) ?? name;
  nodes.forEach(({ operator, inputs, outputs }, i) => {
    if (operator === "Reshape" || operator === "Identity") {
      source.set(outputs[0]!, rootOf(inputs[0]!));
    }
    for (const name of inputs) lastReader.set(rootOf(name), i);
  });
  const freed = Map.groupBy(lastReader.keys(), (name) => lastReader.get(name)!);
  let [held, most] = [0, 0];
  nodes.forEach(({ outputs }, i) => {
    for (const name of outputs) if (!source.has(name)) held += graph.bytesOf(name);
    most = Math.max(most, held);
    for (const name of freed.get(i) ?? []) held -= graph.bytesOf(name);
  });
  return most;
}

/** The nodes that the wanted values depend on, in order. */
function needed(nodes: readonly Node[], wanted: readonly string[]): Node[] {
  const names = new Set(wanted);
  const kept: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => names.has(name))) continue;
    for (const name of node.inputs) names.add(name);
    kept.push(node);
  }
  return kept.toReversed();
}
