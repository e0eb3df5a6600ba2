import { randomUUID } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { TrainingError } from "@magpie/domain";
import type { Shape } from "./onnx.ts";
import { sizeOf } from "./shape.ts";

/**
 * Parameter files in the safetensors format: 8 bytes of header length, a JSON header that names
 * every tensor with type, shape and place, then the raw numbers. Any tool of the field reads them.
 *
 * @see https://github.com/huggingface/safetensors
 */
export interface ParameterFile {
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  /** Short texts beside the tensors. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface StoredTensor {
  readonly shape: Shape;
  readonly values: Float32Array | Int32Array | Int8Array;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const dtypes = { F32: Float32Array, I32: Int32Array, I8: Int8Array } as const;

function dtypeOf(values: StoredTensor["values"]): keyof typeof dtypes {
  return values instanceof Float32Array ? "F32" : values instanceof Int32Array ? "I32" : "I8";
}

/** A header beyond this size is not one of ours, and would be read into memory at once. */
const MAX_HEADER_BYTES = 100_000_000;

/** The bytes of a parameter file. */
export function encodeSafetensors({ tensors, metadata }: ParameterFile): Uint8Array {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header["__metadata__"] = metadata;
  let offset = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    if (sizeOf(shape) !== values.length) {
      throw new Error(`internal: "${name}" has ${values.length} values for [${shape.join()}]`);
    }
    const end = offset + values.byteLength;
    header[name] = { dtype: dtypeOf(values), shape, data_offsets: [offset, end] };
    offset = end;
  }
  // Spaces after the JSON, so that the numbers start at a multiple of 8.
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(json, 8);
  bytes.fill(0x20, 8 + json.length, 8 + headerLength);
  let at = 8 + headerLength;
  for (const { values } of Object.values(tensors)) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return bytes;
}

/**
 * Reads what `encodeSafetensors` wrote.
 *
 * @param source  named in errors, such as the path
 * @throws {TrainingError} `BAD_PARAMETER_FILE` when the bytes are cut off or not of this format
 */
export function decodeSafetensors(bytes: Uint8Array, source: string): ParameterFile {
  const fail = (what: string): never => {
    throw new TrainingError(
      "BAD_PARAMETER_FILE",
      `${source} is not a complete parameter file: ${what}.`,
      "Train again, or restore the file from a copy.",
    );
  };
  if (bytes.length < 8) return fail(`it has ${bytes.length} bytes`);
  const { buffer, byteOffset, byteLength } = bytes;
  const view = new DataView(buffer, byteOffset, byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > MAX_HEADER_BYTES || 8 + headerLength > bytes.length) {
    return fail(`its header of ${headerLength} bytes does not fit into ${bytes.length} bytes`);
  }
  let header: Record<string, HeaderEntry>;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(
      bytes.subarray(8, 8 + headerLength),
    );
    header = JSON.parse(text) as Record<string, HeaderEntry>;
  } catch {
    return fail("its header is not JSON");
  }
  // Not `bytes.subarray`: slices of a Buffer share its memory, slices of a Uint8Array are copies.
  const start = 8 + headerLength;
  const data = new Uint8Array(buffer, byteOffset + start, byteLength - start);
  const tensors: Record<string, StoredTensor> = {};
  const { __metadata__: metadata = {}, ...entries } = header;
  for (const [name, entry] of Object.entries(entries)) {
    const [from, to] = Array.isArray(entry?.data_offsets) ? entry.data_offsets : [-1, -1];
    if (!Object.hasOwn(dtypes, entry.dtype)) {
      return fail(`"${name}" has type ${entry.dtype}; F32, I32 and I8 are read`);
    }
    const Values = dtypes[entry.dtype as keyof typeof dtypes];
    const size = Values.BYTES_PER_ELEMENT;
    if (!Array.isArray(entry.shape) || !(from >= 0 && to - from === size * sizeOf(entry.shape))) {
      return fail(`"${name}" has shape [${entry.shape}] but bytes ${from} to ${to}`);
    }
    if (to > data.length) return fail(`"${name}" ends at byte ${to} of ${data.length}`);
    const copy = data.slice(from, to).buffer; // aligned, too
    tensors[name] = { shape: entry.shape, values: new Values(copy) };
  }
  return { tensors, metadata: metadata as unknown as Record<string, string> };
}

/** Writes beside the file and renames: a reader sees the old file or the new one, never a part. */
export async function writeParameterFile(path: string, file: ParameterFile): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeFile(temporary, encodeSafetensors(file), { flush: true });
  await rename(temporary, path);
}

/** @throws {TrainingError} `BAD_PARAMETER_FILE` */
export async function readParameterFile(path: string): Promise<ParameterFile> {
  return decodeSafetensors(await readFile(path), path);
}
