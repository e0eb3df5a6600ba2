/** Just enough of the ONNX format to write a model for tests: vectors looked up by token id. */

function integer(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    bytes.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) return bytes;
  }
}
const number = (field: number, value: number): number[] => [field << 3, ...integer(value)];
const bytes = (field: number, value: ArrayLike<number>): number[] => [
  (field << 3) | 2,
  ...integer(value.length),
  ...Array.from(value),
];
const text = (field: number, value: string): number[] => bytes(field, Buffer.from(value));

const elementTypes = { float: 1, int64: 7 } as const;

function port(name: string, type: keyof typeof elementTypes, axes: readonly string[]): number[] {
  const shape = axes.flatMap((axis) => bytes(1, text(2, axis)));
  const tensor = [...number(1, elementTypes[type]), ...bytes(2, shape)];
  return [...text(1, name), ...bytes(2, bytes(1, tensor))];
}

/**
 * last_hidden_state = table[input_ids]
 *
 * @param table   one vector per token id
 * @param output  another name, for models that do not fit
 */
export function lookupModel(
  table: readonly (readonly number[])[],
  output = "last_hidden_state",
): Uint8Array {
  const values = new Uint8Array(Float32Array.from(table.flat()).buffer);
  const constant = [
    ...number(1, table.length),
    ...number(1, table[0]!.length),
    ...number(2, elementTypes.float),
    ...text(8, "table"),
    ...bytes(9, values),
  ];
  const node = [
    ...text(1, "table"),
    ...text(1, "input_ids"),
    ...text(2, output),
    ...text(4, "Gather"),
  ];
  const graph = [
    ...bytes(1, node),
    ...text(2, "lookup"),
    ...bytes(5, constant),
    ...bytes(11, port("input_ids", "int64", ["B", "T"])),
    ...bytes(12, port(output, "float", ["B", "T", "D"])),
  ];
  const opset = [...text(1, ""), ...number(2, 14)];
  return Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, opset)]);
}
