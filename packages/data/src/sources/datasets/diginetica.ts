import { DataError } from "@magpie/domain";
import type { HeldOut, Sequences } from "../../sequences.ts";
import { datasetLines, numbersOf, readDatasetFile } from "./dataset-files.ts";
import { largest, packLists } from "./packed-lists.ts";

/**
 * Reads click sessions of Diginetica, as session-based recommendation uses them: each session is a
 * "user" of its own. `train_sessions.txt` has one session a line, `test_prefix_target.txt` one case
 * a line: `item item …<TAB>target`. Ids from 1, order but no times.
 *
 * @throws {DataError} `DATASET_FILE_MISSING`, `NOT_A_NUMBER`, or `BAD_LINE`
 */
export async function readDiginetica(
  folder: string,
): Promise<{ readonly train: Sequences; readonly test: HeldOut }> {
  const sessionFile = "train_sessions.txt";
  const sessions: number[][] = [];
  for (const line of datasetLines(sessionFile, await readDatasetFile(folder, sessionFile))) {
    sessions.push(numbersOf(line));
  }
  const caseFile = "test_prefix_target.txt";
  const prefixes: number[][] = [];
  const targets: number[] = [];
  for (const line of datasetLines(caseFile, await readDatasetFile(folder, caseFile))) {
    const [prefix, target, ...more] = line.text.split("\t");
    if (target === undefined || more.length > 0) {
      throw new DataError(
        "BAD_LINE",
        `${caseFile}, line ${line.number}: ${line.text.split("\t").length} fields instead of 2.`,
        "Each line is the session's items so far, a tab, and the item that came next.",
      );
    }
    prefixes.push(numbersOf(line, prefix!));
    targets.push(...numbersOf(line, target));
  }
  const itemCount = Math.max(largest(sessions), largest(prefixes), largest([targets]));
  return {
    train: packLists(sessions, itemCount),
    test: {
      pasts: prefixes.map((prefix) => ({ userIndex: -1, items: Int32Array.from(prefix) })),
      targetOffsets: Int32Array.from({ length: targets.length + 1 }, (_, i) => i),
      targets: Int32Array.from(targets),
    },
  };
}
