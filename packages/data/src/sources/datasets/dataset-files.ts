import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DataError } from "@magpie/domain";

/**
 * Reads a text file of a public data set whole, plain or gzipped: give the name without ".gz".
 *
 * @throws {DataError} `DATASET_FILE_MISSING` naming the file and what the folder holds
 */
export async function readDatasetFile(folder: string, name: string): Promise<string> {
  for (const candidate of [`${name}.gz`, name]) {
    const path = join(folder, candidate);
    if (!(await exists(path))) continue;
    const bytes = await readFile(path);
    return (candidate.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  }
  const found = await readdir(folder).catch(() => []);
  throw new DataError(
    "DATASET_FILE_MISSING",
    `${join(folder, name)} (or .gz) is not there; the folder holds ${found.join(", ") || "nothing"}.`,
    "Give the folder in which the data set's own files lie, with their original names.",
    { kind: "not-found" },
  );
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** A line of a data set file, with the place that an error message names. */
export interface DatasetLine {
  readonly file: string;
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** The lines of a file that hold anything, numbered. */
export function* datasetLines(file: string, text: string): Generator<DatasetLine> {
  let start = 0;
  for (let number = 1; start < text.length; number++) {
    let end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    const line = text.slice(start, end).trim();
    if (line !== "") yield { file, number, text: line };
    start = end + 1;
  }
}

/**
 * Whole numbers, not negative, separated by blanks.
 *
 * @throws {DataError} `NOT_A_NUMBER` naming file, line and value
 */
export function numbersOf(line: DatasetLine, text = line.text): number[] {
  return text.split(/\s+/).map((word) => {
    const value = Number(word);
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw new DataError(
      "NOT_A_NUMBER",
      `${line.file}, line ${line.number}: "${word}" is not a whole number from 0.`,
      "Check that the file is the original of this data set and was not cut.",
    );
  });
}
