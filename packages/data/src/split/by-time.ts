import { DataError } from "@magpie/domain";
import type { HeldOut, Sequences, Split } from "../sequences.ts";
import { historyOf } from "../sequences.ts";
import { prefixesOf } from "./prefixes.ts";

/** The two moments at which a global time split cuts. Unix milliseconds. */
export interface TimeCuts {
  /** Training sees only what is earlier. */
  readonly validationFromMs: number;
  /** Validation asks about what is earlier (and not training); test about the rest. */
  readonly testFromMs: number;
}

export interface TimeSplitOptions {
  /**
   * What a case asks for: the first item in the window after the cut ("next"), or all of them, each
   * once ("all", the default).
   */
  readonly targets?: "next" | "all";
  /**
   * Users without a past at the cut: left out ("drop", the default), or asked with an empty past
   * ("keep"), which measures what strangers are shown.
   */
  readonly strangers?: "drop" | "keep";
}

/**
 * Cuts all users at the same two moments, as a shop that trains tonight for tomorrow does.
 *
 *            training           │ validation │    test
 *     ──────────────────────────┼────────────┼──────────▶ time
 *     past of validation ───────┘            │
 *     past of test ──────────────────────────┘
 *
 * No training event is later than, or at the same moment as, any held-out one. Items that first
 * appear after the cut stay among the targets: a model that cannot know them misses them, as in the
 * shop. Events at exactly a cut belong to what comes after it.
 *
 * @throws {DataError} `NO_TIMES` when the sequences have only an order; `EMPTY_PART` when a part
 *   would hold nothing
 */
export function splitByTime(
  sequences: Sequences,
  cuts: TimeCuts,
  options: TimeSplitOptions = {},
): Split {
  const times = timesOf(sequences);
  const { validationFromMs, testFromMs } = cuts;
  const { userCount, offsets } = sequences;
  /** Number of each user's interactions before a moment; oldest first, so they are a prefix. */
  const before = (moment: number): Int32Array =>
    Int32Array.from({ length: userCount }, (_, user) => {
      let p = offsets[user]!;
      while (p < offsets[user + 1]! && times[p]! < moment) p++;
      return p - offsets[user]!;
    });
  const known = before(validationFromMs);
  const knownAtTest = before(testFromMs);
  const all = Int32Array.from({ length: userCount }, (_, u) => offsets[u + 1]! - offsets[u]!);

  const train = prefixesOf(sequences, known);
  const validation = window(sequences, known, knownAtTest, options);
  const test = window(sequences, knownAtTest, all, options);
  const parts = {
    training: train.items.length,
    validation: validation.targets.length,
    test: test.targets.length,
  };
  for (const [part, size] of Object.entries(parts)) {
    if (size > 0) continue;
    throw new DataError(
      "EMPTY_PART",
      `Cut at ${iso(validationFromMs)} and ${iso(testFromMs)}, the ${part} part holds nothing.`,
      "Choose cuts inside the period of the data, for example with `timeCuts`.",
    );
  }
  return {
    protocol:
      `global time split, validation from ${iso(validationFromMs)}, test from ${iso(testFromMs)}, ` +
      `${options.targets === "next" ? "next item" : "all items"} after the cut`,
    train,
    validation,
    test,
  };
}

function window(
  sequences: Sequences,
  from: Int32Array,
  to: Int32Array,
  { targets = "all", strangers = "drop" }: TimeSplitOptions,
): HeldOut {
  const pasts: HeldOut["pasts"][number][] = [];
  const targetOffsets = [0];
  const wanted: number[] = [];
  for (let user = 0; user < sequences.userCount; user++) {
    const [start, end] = [from[user]!, to[user]!];
    if (end === start || (start === 0 && strangers === "drop")) continue;
    const { items } = historyOf(sequences, user);
    const next = targets === "next" ? [items[start]!] : new Set(items.subarray(start, end));
    pasts.push(historyOf(sequences, user, start));
    wanted.push(...next);
    targetOffsets.push(wanted.length);
  }
  return {
    pasts,
    targetOffsets: Int32Array.from(targetOffsets),
    targets: Int32Array.from(wanted),
  };
}

/**
 * Moments that leave about these shares of all interactions to validation and to test.
 *
 * @throws {DataError} `NO_TIMES` when the sequences have only an order
 */
export function timeCuts(
  sequences: Sequences,
  shares: { readonly validation: number; readonly test: number },
): TimeCuts {
  const sorted = timesOf(sequences).slice().sort();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return {
    validationFromMs: at(1 - shares.validation - shares.test),
    testFromMs: at(1 - shares.test),
  };
}

function timesOf(sequences: Sequences): Float64Array {
  if (sequences.timestampsMs !== undefined) return sequences.timestampsMs;
  throw new DataError(
    "NO_TIMES",
    "A time split needs a time for every interaction, and this data has only an order.",
    "Use the leave-one-out split for it.",
  );
}

const iso = (ms: number): string => new Date(ms).toISOString().replace(/T00:00:00\.000Z$/, "");
