import { DataError } from "@magpie/domain";

/**
 * Typed arrays, strings and a small JSON header in one run of bytes, from which they open again
 * without a copy: what retrieval saves into a snapshot.
 *
 *     magic "MGPK" │ header length │ header JSON │ pad │ array │ pad │ array │ …
 *
 * The header lists name, type, offset and length of each array; each starts at a multiple of 8, so
 * that a view of any type can stand on it. Numbers are little-endian, as on every machine that
 * Node runs on today.
 */

const arrayTypes = {
  i8: Int8Array,
  u8: Uint8Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;

type ArrayTypeName = keyof typeof arrayTypes;
export type PackableArray =
  | Int8Array
  | Uint8Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

interface Entry {
  readonly name: string;
  readonly type: ArrayTypeName;
  readonly offset: number;
  readonly length: number;
}

interface PackedHeader {
  readonly kind: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly arrays: readonly Entry[];
}

const magic = 0x4b50474d; // "MGPK"
const alignment = 8;
const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/**
 * @param kind    name and version of the format, checked when it is opened
 * @param header  anything JSON can say
 */
export function packArrays(
  kind: string,
  header: Readonly<Record<string, unknown>>,
  arrays: Readonly<Record<string, PackableArray>>,
): Uint8Array {
  let end = 0;
  const entries = Object.entries(arrays).map(([name, array]): Entry => {
    const offset = end;
    end = aligned(offset + array.byteLength);
    return { name, type: typeNameOf(array), offset, length: array.length };
  });
  const packed: PackedHeader = { kind, header, arrays: entries };
  const text = Buffer.from(JSON.stringify(packed));
  const start = aligned(8 + text.length);
  const bytes = new Uint8Array(start + end);
  new DataView(bytes.buffer).setUint32(0, magic, true);
  new DataView(bytes.buffer).setUint32(4, text.length, true);
  bytes.set(text, 8);
  for (const { name, offset } of entries) {
    const array = arrays[name]!;
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), start + offset);
  }
  return bytes;
}

/**
 * @returns  header and arrays; the arrays are views of `bytes` where its alignment allows it
 * @throws {DataError} `BAD_INDEX_FILE` when the bytes are not of this kind or are cut short
 */
export function openArrays(
  bytes: Uint8Array,
  kind: string,
): { header: Readonly<Record<string, unknown>>; arrays: Readonly<Record<string, PackableArray>> } {
  const packed = readHeader(bytes, kind);
  const textLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const start = aligned(8 + textLength);
  // Buffers from Node's pool start anywhere; a copy puts the arrays where views can stand.
  const whole = bytes.byteOffset % alignment === 0 ? bytes : bytes.slice();
  const arrays: Record<string, PackableArray> = {};
  for (const { name, type, offset, length } of packed.arrays) {
    const Type = arrayTypes[type];
    const from = start + offset;
    if (from + length * Type.BYTES_PER_ELEMENT > whole.byteLength) {
      throw badFile(kind, `it ends at byte ${whole.byteLength}, inside its part "${name}"`);
    }
    arrays[name] = new Type(whole.buffer as ArrayBuffer, whole.byteOffset + from, length);
  }
  return { header: packed.header, arrays };
}

/**
 * One of the arrays that `openArrays` gave, which the format says is there.
 *
 * @throws {DataError} `BAD_INDEX_FILE` when it is not
 */
export function packedPart<T>(
  arrays: Readonly<Record<string, PackableArray>>,
  kind: string,
  name: string,
): T {
  const found = arrays[name];
  if (found === undefined) throw badFile(kind, `it has no part "${name}"`);
  return found as T;
}

/** Strings, one after another in UTF-8, with where each starts: `[count + 1]` offsets. */
export function packStrings(strings: readonly string[]): { text: Uint8Array; starts: Uint32Array } {
  const starts = new Uint32Array(strings.length + 1);
  const encoded = strings.map((string) => Buffer.from(string));
  encoded.forEach((part, i) => {
    starts[i + 1] = starts[i]! + part.length;
  });
  return { text: new Uint8Array(Buffer.concat(encoded)), starts };
}

/** The strings that `packStrings` packed. */
export function openStrings(text: Uint8Array, starts: Uint32Array): string[] {
  const buffer = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  return Array.from({ length: starts.length - 1 }, (_, i) =>
    buffer.toString("utf8", starts[i]!, starts[i + 1]!),
  );
}

function readHeader(bytes: Uint8Array, kind: string): PackedHeader {
  if (bytes.byteLength < 8) throw badFile(kind, `it has only ${bytes.byteLength} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== magic) throw badFile(kind, "it does not start like one");
  const length = view.getUint32(4, true);
  if (8 + length > bytes.byteLength) throw badFile(kind, "it ends inside its header");
  let packed: PackedHeader;
  try {
    packed = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString()) as PackedHeader;
  } catch (cause) {
    throw badFile(kind, "its header is not JSON", cause);
  }
  if (packed.kind !== kind) throw badFile(kind, `it is of kind "${packed.kind}"`);
  return packed;
}

function badFile(kind: string, what: string, cause?: unknown): DataError {
  return new DataError(
    "BAD_INDEX_FILE",
    `This is not a whole index file of kind "${kind}": ${what}.`,
    "Publish a new snapshot, or roll back to the one before.",
    { cause },
  );
}

function typeNameOf(array: PackableArray): ArrayTypeName {
  for (const [name, Type] of Object.entries(arrayTypes)) {
    if (array instanceof Type) return name as ArrayTypeName;
  }
  throw new Error(`internal: ${Object.prototype.toString.call(array)} cannot be packed`);
}
