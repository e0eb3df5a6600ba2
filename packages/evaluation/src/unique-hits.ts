import type { HeldOut } from "@magpie/data";
import type { Scorer } from "@magpie/domain";
import { TopKSelector } from "@magpie/numerics";
import { EvaluationError } from "./errors.ts";

/** What one channel of candidates finds, beside the others. */
export interface ChannelHits {
  readonly channel: string;
  /** Targets among its candidates. */
  readonly hits: number;
  /** Of those, the ones that no other channel proposes: what would be lost without it. */
  readonly uniqueHits: number;
}

const blockCases = 64;

/**
 * Asks several channels for their best `k` candidates each and counts the held-out targets that each brings,
 * and brings alone. A channel is worth its place by the latter: hits that others have as well cost only time.
 * Items of a case's past are no candidates, and targets in it are not asked for.
 *
 * @returns  the channels in the given order; `targets` that were asked for; `found` by at least one
 * @throws {EvaluationError} `NO_CASES` when there is no target to ask for
 */
export async function uniqueHits(
  channels: readonly Scorer[],
  { pasts, targets, targetOffsets }: HeldOut,
  k: number,
): Promise<{
  readonly channels: readonly ChannelHits[];
  readonly targets: number;
  readonly found: number;
}> {
  const hits = channels.map(() => 0);
  const alone = channels.map(() => 0);
  let [asked, found] = [0, 0];
  const selector = new TopKSelector(k);
  for (let first = 0; first < pasts.length; first += blockCases) {
    const block = pasts.slice(first, first + blockCases);
    /** By case: which channels have each target. */
    const finders = block.map(({ items }, b) => {
      const own = targets.subarray(targetOffsets[first + b], targetOffsets[first + b + 1]);
      const past = new Set(items);
      return new Map(
        [...own].filter((target) => !past.has(target)).map((target) => [target, [] as number[]]),
      );
    });
    for (const [c, channel] of channels.entries()) {
      const size = channel.itemCount + 1;
      const scores = new Float32Array(block.length * size);
      await channel.scoreAll(block, scores);
      block.forEach(({ items }, b) => {
        const row = scores.subarray(b * size, (b + 1) * size);
        for (const item of items) row[item] = -Infinity;
        const top = selector.select(row);
        top.indices.forEach((item, rank) => {
          if (top.scores[rank]! > -Infinity) finders[b]!.get(item)?.push(c);
        });
      });
    }
    for (const one of finders.flatMap((own) => [...own.values()])) {
      asked++;
      if (one.length > 0) found++;
      for (const c of one) hits[c]!++;
      if (one.length === 1) alone[one[0]!]!++;
    }
  }
  if (asked === 0) {
    throw new EvaluationError(
      "NO_CASES",
      `None of ${pasts.length} cases asks for an item that its past does not hold.`,
      "Choose another split.",
    );
  }
  return {
    channels: channels.map(({ name }, c) => ({
      channel: name,
      hits: hits[c]!,
      uniqueHits: alone[c]!,
    })),
    targets: asked,
    found,
  };
}
