/**
 * Numbers packed as their distance from the least of them, in as few bytes as the widest distance
 * needs: a column of equal values takes none, and unpacking is one addition per value.
 */
export interface PackedInts {
  /** Bytes per value; 8 means doubles as they are, for what does not fit in 32 bits. */
  readonly width: 0 | 1 | 2 | 4 | 8;
  readonly base: number;
  /** Little-endian; empty when `width` is 0. */
  readonly bytes: Uint8Array;
}

/** Packs the first `length` values. NaN is not allowed; -0 comes back as 0. */
export function packInts(values: ArrayLike<number>, length: number): PackedInts {
  if (length === 0) return { width: 0, base: 0, bytes: new Uint8Array(0) };
  let min = values[0]!;
  let max = min;
  let whole = true;
  for (let i = 0; i < length; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    else if (value > max) max = value;
    if (value !== Math.floor(value)) whole = false;
  }
  if (min === max) return { width: 0, base: min, bytes: new Uint8Array(0) };
  const range = max - min;
  if (!whole || !Number.isSafeInteger(min) || range > 0xffff_ffff) {
    const packed = new Float64Array(length);
    for (let i = 0; i < length; i++) packed[i] = values[i]!;
    return { width: 8, base: 0, bytes: bytesOf(packed) };
  }
  const packed =
    range <= 0xff
      ? new Uint8Array(length)
      : range <= 0xffff
        ? new Uint16Array(length)
        : new Uint32Array(length);
  for (let i = 0; i < length; i++) packed[i] = values[i]! - min;
  return { width: packed.BYTES_PER_ELEMENT as 1 | 2 | 4, base: min, bytes: bytesOf(packed) };
}

/** Where a packed column lies, without its bytes. */
export type PackedLayout = Pick<PackedInts, "width" | "base">;

/**
 * Unpacks `length` values into the beginning of `out`.
 *
 * @param bytes  starts with the first value; its byteOffset must be a multiple of the width
 */
export function unpackInts<T extends Int32Array | Float64Array | Uint8Array>(
  { width, base }: PackedLayout,
  bytes: Uint8Array,
  length: number,
  out: T,
): T {
  if (width === 0) {
    out.fill(base, 0, length);
    return out;
  }
  const { buffer, byteOffset } = bytes;
  switch (width) {
    case 1: {
      const packed = new Uint8Array(buffer, byteOffset, length);
      for (let i = 0; i < length; i++) out[i] = packed[i]! + base;
      return out;
    }
    case 2: {
      const packed = new Uint16Array(buffer, byteOffset, length);
      for (let i = 0; i < length; i++) out[i] = packed[i]! + base;
      return out;
    }
    case 4: {
      const packed = new Uint32Array(buffer, byteOffset, length);
      for (let i = 0; i < length; i++) out[i] = packed[i]! + base;
      return out;
    }
    case 8: {
      const packed = new Float64Array(buffer, byteOffset, length);
      for (let i = 0; i < length; i++) out[i] = packed[i]!;
      return out;
    }
    default:
      return width satisfies never;
  }
}

function bytesOf(array: Uint8Array | Uint16Array | Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
