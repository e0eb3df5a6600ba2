import { elementCodes, type Constant, type FilePort, type Node, type OnnxGraph } from "./onnx.ts";
import { sizeOf } from "./shape.ts";

/** How an inference graph becomes a model file that stands on its own. */
export interface PortableOptions {
  /** Numbers of inputs, by name: they become part of the file. */
  readonly weights?: Readonly<Record<string, Float32Array | Int32Array>>;
  /** Keep weight matrices and tables in 8 bits, and multiply whole numbers; see `int8Products`. */
  readonly int8?: boolean;
  /**
   * The size that stands for any: sizes that are multiples of it become the named one. Write the graph with
   * a prime that no other size is a multiple of.
   */
  readonly batch?: { readonly size: number; readonly name: string };
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Applies the options to a graph. */
export function portable(graph: OnnxGraph, options: PortableOptions): OnnxGraph {
  const { weights, int8 = false, batch, metadata } = options;
  let result = weights === undefined ? graph : withWeights(graph, weights);
  if (int8) result = int8Products(result);
  if (batch !== undefined) result = withAnyBatch(result, batch);
  return { ...result, ...(metadata && { metadata }) };
}

/** Inputs whose numbers are given become constants. */
function withWeights(
  { inputs, constants, ...rest }: OnnxGraph,
  weights: Readonly<Record<string, Float32Array | Int32Array>>,
): OnnxGraph {
  const given = inputs.flatMap(({ name, shape, type }): Constant[] => {
    const values = weights[name];
    if (values === undefined) return [];
    const sizes = shape as readonly number[];
    const given = values instanceof Float32Array ? "float32" : "int32";
    if (type !== given || values.length !== sizeOf(sizes)) {
      throw new Error(`internal: ${values.length} weights for "${name}", ${type}[${shape.join()}]`);
    }
    return [{ name, shape: sizes, type, values }];
  });
  const named = new Set(given.map(({ name }) => name));
  return {
    ...rest,
    inputs: inputs.filter(({ name }) => !named.has(name)),
    constants: [...constants, ...given],
  };
}

/**
 * Levels of a weight on each side of 0. Not 127: processors without instructions for neural networks add
 * two products in 16 bits, and 2 · 255 · 63 = 32,130 is what fits. All machines then say the same.
 */
const weightLevels = 63;

/**
 * Rewrites products with constant matrices, and reads of rows of constant tables, to 8 bits. A matrix is
 * kept as whole numbers with one scale for each column of the product (each row of a table); x is rounded
 * to 8 bits by its own range at every run:
 *
 *     x ─▶ DynamicQuantizeLinear ─▶ MatMulInteger(·, W) ─▶ float ─▶ × (scale of x · scales of W) ─▶ + b
 *     ids ─▶ Gather(W) ─▶ float ─▶ × Gather(scales of W)
 *
 * All other operations stay in single precision.
 */
function int8Products({ constants, nodes, ...rest }: OnnxGraph): OnnxGraph {
  const byName = new Map(constants.map((constant) => [constant.name, constant]));
  const added = new Map<string, Constant>();
  const rewritten = nodes.flatMap((node): Node[] => {
    const use = int8Use(node, byName);
    if (use === undefined) return [node];
    const { table, isByRow } = use;
    const name = `${table.name}.int8`;
    const scales = `${table.name}.scales`;
    if (!added.has(name)) {
      const [rows, columns] = table.shape as readonly [number, number];
      const { codes, values } = quantise(table.values as Float32Array, columns, isByRow);
      added.set(name, { name, type: "int8", shape: table.shape, values: codes });
      const shape = isByRow ? [rows, 1] : [1, columns];
      added.set(scales, { name: scales, type: "float32", shape, values });
    }
    return node.operator === "Gather"
      ? gatheredInInt8(node, name, scales)
      : multipliedInInt8(node, name, scales, isByRow);
  });
  const used = new Set(rewritten.flatMap(({ inputs }) => inputs));
  return {
    ...rest,
    constants: [...constants, ...added.values()].filter(({ name }) => used.has(name)),
    nodes: rewritten,
  };
}

/** The constant matrix that a node reads in a way that 8 bits can take over, and which axis has scales. */
function int8Use(
  { operator, inputs, attributes }: Node,
  byName: ReadonlyMap<string, Constant>,
): { readonly table: Constant; readonly isByRow: boolean } | undefined {
  const table = byName.get(inputs[operator === "Gather" ? 0 : 1] ?? "");
  if (!(table?.values instanceof Float32Array) || table.shape.length !== 2) return undefined;
  const numberOf = (name: string, otherwise: number): number => {
    const value = attributes[name];
    if (value === undefined) return otherwise;
    return "int" in value ? value.int : "float" in value ? value.float : NaN;
  };
  if (operator === "Gather") {
    return numberOf("axis", 0) === 0 ? { table, isByRow: true } : undefined;
  }
  if (operator !== "Gemm" || numberOf("alpha", 1) !== 1 || numberOf("transA", 0) !== 0) {
    return undefined;
  }
  return { table, isByRow: numberOf("transB", 0) === 1 };
}

const step = (
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Node["attributes"] = {},
): Node => ({ operator, domain: "", inputs, outputs, attributes });

const toFloat = { to: { int: elementCodes.float32 } };

function gatheredInInt8({ inputs, outputs }: Node, codes: string, scales: string): Node[] {
  const [ids, out] = [inputs[1]!, outputs[0]!];
  return [
    step("Gather", [codes, ids], [`${out}.codes`]),
    step("Cast", [`${out}.codes`], [`${out}.levels`], toFloat),
    step("Gather", [scales, ids], [`${out}.scales`]),
    step("Mul", [`${out}.levels`, `${out}.scales`], [out]),
  ];
}

function multipliedInInt8(
  { inputs, outputs }: Node,
  codes: string,
  scales: string,
  isByRow: boolean,
): Node[] {
  const [x, , bias] = inputs;
  const out = outputs[0]!;
  const inner = (suffix: string): string => `${out}.${suffix}`;
  const product = bias === undefined ? out : inner("product");
  // The engine turns the constant once, when the file is opened.
  const turn = (from: string, to: string): Node =>
    step("Transpose", [from], [inner(to)], { perm: { ints: [1, 0] } });
  const [matrix, columns] = isByRow ? [inner("matrix"), inner("columns")] : [codes, scales];
  return [
    ...(isByRow ? [turn(codes, "matrix"), turn(scales, "columns")] : []),
    step("DynamicQuantizeLinear", [x!], [inner("codes"), inner("scale"), inner("zero")]),
    step("MatMulInteger", [inner("codes"), matrix, inner("zero")], [inner("sums")]),
    step("Cast", [inner("sums")], [inner("float")], toFloat),
    step("Mul", [inner("scale"), columns], [inner("scales")]),
    step("Mul", [inner("float"), inner("scales")], [product]),
    ...(bias === undefined ? [] : [step("Add", [product, bias], [out])]),
  ];
}

/** Whole numbers in [-weightLevels, weightLevels], with one scale per row or column. */
function quantise(
  values: Float32Array,
  columns: number,
  isByRow: boolean,
): { readonly codes: Int8Array; readonly values: Float32Array } {
  const lineOf = (i: number): number => (isByRow ? Math.floor(i / columns) : i % columns);
  const scales = new Float32Array(isByRow ? values.length / columns : columns);
  for (let i = 0; i < values.length; i++) {
    const line = lineOf(i);
    scales[line] = Math.max(scales[line]!, Math.abs(values[i]!) / weightLevels);
  }
  const codes = new Int8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const scale = scales[lineOf(i)]!;
    // Rounding the scale to single precision may lift a quotient just above the last level.
    const level = scale === 0 ? 0 : Math.round(values[i]! / scale);
    codes[i] = Math.max(-weightLevels, Math.min(weightLevels, level));
  }
  return { codes, values: scales };
}

/** Makes one size any size: see `PortableOptions.batch`. */
function withAnyBatch(
  { inputs, outputs, constants, nodes, ...rest }: OnnxGraph,
  { size: batch, name }: { readonly size: number; readonly name: string },
): OnnxGraph {
  const isOfBatch = (value: number): boolean => value !== 0 && value % batch === 0;
  const port = ({ shape, ...other }: FilePort): FilePort => ({
    ...other,
    shape: shape.map((size) =>
      typeof size === "number" && isOfBatch(size)
        ? size === batch
          ? name
          : `${name} * ${size / batch}`
        : size,
    ),
  });
  const byName = new Map(constants.map((constant) => [constant.name, constant]));
  const targets = new Map<string, Constant>();
  const rewritten = nodes.map((node): Node => {
    for (const [place, input] of node.inputs.entries()) {
      const constant = byName.get(input);
      if (constant === undefined) continue;
      const { shape, type, values } = constant;
      const holdsBatch = type === "int64" && values.some(isOfBatch);
      if (!shape.some(isOfBatch) && !holdsBatch) continue;
      const others = values.filter((value) => !isOfBatch(value)).length;
      if (node.operator !== "Reshape" || place !== 1 || values.length - others !== 1) {
        throw new Error(
          `internal: ${node.operator} needs the number of rows beforehand, so the graph cannot be written for any`,
        );
      }
      const target = `${input}.any`;
      // -1 lets the engine work the one size out.
      const sizes = Array.from(values, (value) => (isOfBatch(value) ? -1 : value));
      targets.set(target, { name: target, shape, type, values: sizes });
      return { ...node, inputs: node.inputs.with(place, target) };
    }
    return node;
  });
  const used = new Set(rewritten.flatMap((node) => node.inputs));
  return {
    ...rest,
    inputs: inputs.map(port),
    outputs: outputs.map(port),
    constants: [...constants.filter((constant) => used.has(constant.name)), ...targets.values()],
    nodes: rewritten,
  };
}
