/**
 * Writes ONNX models. The format is protocol buffers; of it we need four messages and three wire
 * types, so the writer is by hand and has no dependency.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

/** Element types that graphs here use, and their ONNX codes. */
export const elementCodes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
} as const;

/** Bytes of one element. */
export const elementBytes: Readonly<Record<ElementType, number>> = {
  float32: 4,
  int8: 1,
  uint8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float64: 8,
};

export type ElementType = keyof typeof elementCodes;

export type Shape = readonly number[];

/** A graph input or output. */
export interface Port {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

/** A graph input or output as a file names it: a size may be a name, which stands for any number. */
export interface FilePort {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

/** A constant in the graph. */
export interface Constant extends Port {
  readonly values: readonly number[] | Float32Array | Int32Array | Int8Array;
}

/** An attribute; integers and floats are told apart by the attribute's name in the operator. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] };

export interface Node {
  readonly operator: string;
  /** "" is ONNX's own; "com.microsoft" holds the runtime's fused operators. */
  readonly domain: "" | "com.microsoft";
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxGraph {
  readonly inputs: readonly FilePort[];
  readonly outputs: readonly FilePort[];
  readonly constants: readonly Constant[];
  readonly nodes: readonly Node[];
  /** Short texts that tools show beside the graph. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const OPSET = 17;
/** IR version 8 goes with opset 17. */
const IR_VERSION = 8;

/** Growing bytes of one protocol-buffer message. */
class Message {
  #bytes = new Uint8Array(64);
  #length = 0;

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  integer(field: number, value: number): this {
    return this.#varint(field * 8).#varint(value);
  }

  float(field: number, value: number): this {
    return this.#varint(field * 8 + 5).#append(new Uint8Array(Float32Array.of(value).buffer));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#varint(field * 8 + 2).#varint(value.length).#append(value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  messages(field: number, values: readonly Message[]): this {
    for (const value of values) this.message(field, value);
    return this;
  }

  /** Base 128, least significant first; negative values as 64-bit two's complement. */
  #varint(value: number): this {
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    while (rest >= 0x80n) {
      bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    return this.#append(Uint8Array.from(bytes));
  }

  #append(bytes: Uint8Array): this {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = needed;
    return this;
  }
}

/** ValueInfoProto */
function port({ name, type, shape }: FilePort): Message {
  const dims = new Message().messages(
    1,
    shape.map((size) =>
      typeof size === "string" ? new Message().text(2, size) : new Message().integer(1, size),
    ),
  );
  const tensor = new Message().integer(1, elementCodes[type]).message(2, dims);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}

function rawData(type: ElementType, values: Constant["values"]): Uint8Array {
  switch (type) {
    case "float32":
      return new Uint8Array(Float32Array.from(values).buffer);
    case "int8":
      return new Uint8Array(Int8Array.from(values).buffer);
    case "uint8":
    case "float64":
      return new Uint8Array(Float64Array.from(values).buffer);
    case "int32":
      return new Uint8Array(Int32Array.from(values).buffer);
    case "int64":
      return new Uint8Array(BigInt64Array.from([...values], BigInt).buffer);
    case "bool":
      return Uint8Array.from(values);
    default:
      return type satisfies never;
  }
}

/** TensorProto */
function constant({ name, type, shape, values }: Constant): Message {
  const message = new Message();
  for (const size of shape) message.integer(1, size);
  return message.integer(2, elementCodes[type]).text(8, name).bytes(9, rawData(type, values));
}

/** AttributeProto; field 20 is the kind of the value. */
function attribute(name: string, value: Attribute): Message {
  const message = new Message().text(1, name);
  if ("int" in value) return message.integer(3, value.int).integer(20, 2);
  if ("float" in value) return message.float(2, value.float).integer(20, 1);
  for (const int of value.ints) message.integer(8, int);
  return message.integer(20, 7);
}

/** NodeProto */
function node({ operator, domain, inputs, outputs, attributes }: Node): Message {
  const message = new Message();
  for (const input of inputs) message.text(1, input);
  for (const output of outputs) message.text(2, output);
  message.text(4, operator);
  for (const [name, value] of Object.entries(attributes))
    message.message(5, attribute(name, value));
  return domain === "" ? message : message.text(7, domain);
}

/**
 * Refuses what must not be in a training graph.
 *
 * ScatterND with a reduction loses updates of equal indices when the CPU engine runs it on more than
 * one thread (microsoft/onnxruntime#18048): a gradient would be wrong without a sign of it. Row
 * gradients leave the graph as rows and are added up by the scatter-add kernel.
 */
function checkNode({ operator, attributes }: Node): void {
  if (operator === "ScatterND" && attributes["reduction"] !== undefined) {
    throw new Error(
      "internal: ScatterND with a reduction is not allowed in a graph: it loses updates of equal indices on more than one thread. Return the rows and add them up outside.",
    );
  }
}

/** The model file of a graph. */
export function encodeOnnx(graph: OnnxGraph): Uint8Array {
  graph.nodes.forEach(checkNode);
  const graphProto = new Message()
    .messages(1, graph.nodes.map(node))
    .text(2, "magpie")
    .messages(5, graph.constants.map(constant))
    .messages(11, graph.inputs.map(port))
    .messages(12, graph.outputs.map(port));
  const opset = (domain: string, version: number): Message =>
    new Message().text(1, domain).integer(2, version);
  const model = new Message()
    .integer(1, IR_VERSION)
    .text(2, "magpie")
    .message(7, graphProto)
    .message(8, opset("", OPSET));
  // Named only where it is needed: other engines refuse what they do not know.
  if (graph.nodes.some(({ domain }) => domain === "com.microsoft")) {
    model.message(8, opset("com.microsoft", 1));
  }
  for (const [key, value] of Object.entries(graph.metadata ?? {})) {
    model.message(14, new Message().text(1, key).text(2, value));
  }
  return model.finish();
}
