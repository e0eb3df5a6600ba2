import { MagpieError } from "@magpie/domain";

/** Which encoder made a vector. Vectors of two encoders cannot be compared. */
export interface EncoderIdentity {
  readonly name: string;
  /** Changes whenever the same text would get another vector. */
  readonly version: string;
  /** D: values per vector. */
  readonly width: number;
}

/** What texts are to each other: some encoders write a query and a document differently. */
export type TextRole = "query" | "document";

/**
 * Turns texts into vectors of length 1 whose inner product says how near two meanings are. A text
 * that the encoder knows nothing of becomes zeros, which are near nothing.
 */
export interface TextEncoder extends EncoderIdentity {
  /**
   * @param role  "document" when absent
   * @returns     [texts, D], row after row
   * @throws {EncoderError} when the encoder cannot answer
   */
  encode(texts: readonly string[], role?: TextRole): Promise<Float32Array>;
}

/** An encoder's files, its service or its vectors are not what they should be. */
export class EncoderError extends MagpieError {}

/** The identity alone, as it stands beside vectors in a snapshot. */
export function identityOf({ name, version, width }: EncoderIdentity): EncoderIdentity {
  return { name, version, width };
}

/** True when vectors of the two can be compared. */
export function isSameEncoder(a: EncoderIdentity, b: EncoderIdentity): boolean {
  return a.name === b.name && a.version === b.version && a.width === b.width;
}

/**
 * @param stored  what stands beside the vectors
 * @param asked   the encoder that is to be used with them
 * @throws {EncoderError} `ENCODER_MISMATCH` when the two are not the same
 */
export function requireSameEncoder(stored: EncoderIdentity, asked: EncoderIdentity): void {
  if (isSameEncoder(stored, asked)) return;
  throw new EncoderError(
    "ENCODER_MISMATCH",
    `The vectors were made by ${wordsOf(stored)}, and the encoder in use is ${wordsOf(asked)}.`,
    "Train a new snapshot, which embeds all items again, or configure the former encoder.",
    { kind: "conflict" },
  );
}

const wordsOf = ({ name, version, width }: EncoderIdentity): string =>
  `"${name}" version ${version} with ${width} values`;

/** Scales a vector to length 1 in place; zeros stay zeros. */
export function normaliseRow(vector: Float32Array): void {
  let square = 0;
  for (const value of vector) square += value * value;
  if (!(square > 0)) return;
  const scale = 1 / Math.sqrt(square);
  for (let d = 0; d < vector.length; d++) vector[d]! *= scale;
}
