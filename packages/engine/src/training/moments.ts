import { historyOf, type HeldOut, type Sequences } from "@magpie/data";
import { seededRandom } from "@magpie/numerics";
import { visitGapMs } from "../scenarios/visit.ts";

/**
 * Asks what comes next at one random moment within a visit of each user: the past holds all that
 * the user had done by then, the acts of the same visit included, as it does when a page is asked
 * for. A time split asks at the cut, where nearly every past ended days ago; weights fitted there
 * alone do not learn that within a visit the last click tells the most.
 *
 * @param sequences  everything, with times
 * @returns          a case per user with two acts of one visit, the later one in [fromMs, toMs)
 */
export function visitMoments(
  sequences: Sequences,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  seed: number,
): HeldOut {
  const random = seededRandom(seed, "visit-moments");
  const { userCount, offsets, items, timestampsMs = new Float64Array(0) } = sequences;
  const pasts: HeldOut["pasts"][number][] = [];
  const targets: number[] = [];
  for (let user = 0; user < userCount; user++) {
    const start = offsets[user]!;
    const moments: number[] = [];
    for (let at = start + 1; at < offsets[user + 1]!; at++) {
      const time = timestampsMs[at]!;
      if (time >= fromMs && time < toMs && time - timestampsMs[at - 1]! <= visitGapMs) {
        moments.push(at);
      }
    }
    if (moments.length === 0) continue;
    const at = moments[random.int(moments.length)]!;
    pasts.push(historyOf(sequences, user, at - start));
    targets.push(items[at]!);
  }
  return {
    pasts,
    targets: Int32Array.from(targets),
    targetOffsets: Int32Array.from({ length: pasts.length + 1 }, (_, i) => i),
  };
}
