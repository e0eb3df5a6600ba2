import {
  leaveOneOut,
  splitByTime,
  timeCuts,
  type HeldOut,
  type Sequences,
  type Split,
} from "@magpie/data";
import { visitMoments } from "./moments.ts";

/** A time split needs a season's change between training and test to mean something. */
const minSpanDays = 14;
/** Fewer cases say nothing: one lucky case would move the metric by more than models differ. */
const minCases = 20;
const shares = { validation: 0.1, test: 0.1 };
const dayMs = 24 * 3_600_000;

/** How a run measures its models, and why not otherwise. */
export interface ChosenSplit {
  readonly split?: Split;
  /** Moments within visits of the validation and test periods, where there are enough. */
  readonly inVisit?: { readonly validation: HeldOut; readonly test: HeldOut };
  /** Why there is no split, or not the time split; for the manifest. */
  readonly why: readonly string[];
}

/**
 * Chooses how the models of a run are measured: the global time split, which asks what tomorrow
 * brings, where the log spans two weeks and leaves enough cases; else leave-one-out; else nothing,
 * and the run publishes without numbers and says so.
 */
export function chooseSplit(sequences: Sequences, seed: number): ChosenSplit {
  const why: string[] = [];
  const days = spanDays(sequences);
  if (days >= minSpanDays) {
    const cuts = timeCuts(sequences, shares);
    const split = attempt(() => splitByTime(sequences, cuts, { targets: "next" }));
    const cases = casesOf(split);
    if (split !== undefined && cases >= minCases) {
      const { validationFromMs, testFromMs } = cuts;
      const inVisit = {
        validation: visitMoments(sequences, { fromMs: validationFromMs, toMs: testFromMs }, seed),
        test: visitMoments(sequences, { fromMs: testFromMs, toMs: Infinity }, seed),
      };
      return { split, why, ...(casesOf(inVisit) >= minCases && { inVisit }) };
    }
    why.push(
      `no time split: it leaves ${cases} users to ask about, and fewer than ${minCases} say nothing`,
    );
  } else {
    why.push(
      `no time split: the log spans ${days.toFixed(1)} days, and it takes ${minSpanDays} to cut off a future`,
    );
  }
  const split = attempt(() => leaveOneOut(sequences));
  const cases = casesOf(split);
  if (split !== undefined && cases >= minCases) return { split, why };
  return {
    why: [
      ...why,
      `no measurement: ${cases} users have three interactions, and fewer than ${minCases} say nothing`,
    ],
  };
}

function spanDays({ timestampsMs = new Float64Array(0) }: Sequences): number {
  let first = Infinity;
  let last = -Infinity;
  for (const time of timestampsMs) {
    if (time < first) first = time;
    if (time > last) last = time;
  }
  return last > first ? (last - first) / dayMs : 0;
}

function casesOf(split: Pick<Split, "validation" | "test"> | undefined): number {
  if (split === undefined) return 0;
  return Math.min(split.validation.pasts.length, split.test.pasts.length);
}

/** Splits throw when a part would be empty; here that is one more reason to split otherwise. */
function attempt(make: () => Split): Split | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
