import type { Candidate, ItemIndex, Reranker, ServingRequest } from "@magpie/domain";
import { withReason } from "../with-reason.ts";
import type { RuleSource } from "./rule-effects.ts";

/** The stage that changes by a merchandiser's rules are signed with. */
export const ruleStage = "rules";

/** A lift whose items are known. */
export interface PlacedLift {
  readonly factor: number;
  readonly has: (item: ItemIndex) => boolean;
  readonly rule: RuleSource;
}

/** How far down a list a place is still worth much. */
const placeConstant = 60;

/**
 * Moves items that rules boost or bury, by what their place is worth:
 *
 *     worth of a place = 1 / (60 + place)      worth · f₁ · f₂ … = worth of the place it moves to
 *
 * f > 1 boosts, f < 1 buries. The item gets the score of the place it moves to, between two items one
 * between theirs, and past the ends one as far out as the scores are apart; each rule adds what it
 * changed. So a strength means the same whatever scores a ranking has: by words, joined, learned or
 * none. Only the first `window` places are ordered anew, so that deeper pages continue the first ones.
 *
 * Expects a ranking in order of score.
 */
export class RuleLifts implements Reranker {
  readonly name = ruleStage;
  readonly #lifts: readonly PlacedLift[];
  readonly #window: number;

  constructor(lifts: readonly PlacedLift[], window = Infinity) {
    this.#lifts = lifts;
    this.#window = window;
  }

  rerank(_request: ServingRequest, ranking: readonly Candidate[]): Candidate[] {
    const window = ranking.slice(0, this.#window);
    const scoreAt = scoresByPlace(window);
    const moved = window.map((candidate, i) => this.#moved(candidate, i + 1, scoreAt));
    // Where scores are equal, as in a listing that has none, the place decides alone.
    moved.sort((a, b) => b.candidate.score - a.candidate.score || a.place - b.place);
    return [...moved.map(({ candidate }) => candidate), ...ranking.slice(this.#window)];
  }

  #moved(
    found: Candidate,
    from: number,
    scoreAt: (place: number) => number,
  ): { readonly candidate: Candidate; readonly place: number } {
    let [candidate, place] = [found, from];
    for (const { factor, has, rule } of this.#lifts) {
      if (!has(found.itemIndex)) continue;
      const next = (placeConstant + place) / factor - placeConstant;
      candidate = withReason(candidate, ruleStage, scoreAt(next) - scoreAt(place), {
        kind: "rule",
        rule: rule.name,
        ruleId: rule.id,
        effect: factor > 1 ? "boosted" : "buried",
      });
      place = next;
    }
    return { candidate, place };
  }
}

/** The score of any place, between places and past the ends as well: never rising with the place. */
function scoresByPlace(ranking: readonly Candidate[]): (place: number) => number {
  const scores = ranking.map(({ score }) => score);
  const n = scores.length;
  const [first = 0, last = 0] = [scores[0], scores[n - 1]];
  const apart = n < 2 ? 0 : (first - last) / (n - 1);
  return (place) => {
    if (place <= 1) return first + (1 - place) * apart;
    if (place >= n) return last - (place - n) * apart;
    const above = Math.floor(place);
    const share = place - above;
    const [from, to] = [scores[above - 1]!, scores[above]!];
    return from + share * (to - from); // exact among equal scores
  };
}

/** A pin whose item is known and may be shown. */
export interface PlacedPin {
  readonly itemIndex: ItemIndex;
  /** From 1. */
  readonly position: number;
  readonly rule: RuleSource;
}

/**
 * Puts items at the places that rules want them at, whether they were found or not: whoever makes
 * the pins has looked that they may be shown. The others keep their order around them.
 *
 *     ranking  a b c d     pins  x at 1, c at 3     →  x a c b d
 *
 * Of two pins to one place the later one stands behind the earlier. A place behind the end of the
 * ranking means the end when the ranking is whole; when it was cut, the place is further down than
 * anybody looks now, and the item is left for the page that has it.
 */
export class RulePins implements Reranker {
  readonly name = ruleStage;
  readonly #pins: readonly PlacedPin[];
  readonly #isWhole: (ranking: readonly Candidate[]) => boolean;

  /**
   * @param pins     in order of place, each item once
   * @param isWhole  whether a ranking holds all that was found; always, when absent
   */
  constructor(
    pins: readonly PlacedPin[],
    isWhole: (ranking: readonly Candidate[]) => boolean = () => true,
  ) {
    this.#pins = pins;
    this.#isWhole = isWhole;
  }

  rerank(_request: ServingRequest, ranking: readonly Candidate[]): Candidate[] {
    const wanted = new Set(this.#pins.map(({ itemIndex }) => itemIndex));
    const found = new Map<ItemIndex, Candidate>();
    const free: Candidate[] = [];
    for (const candidate of ranking) {
      if (wanted.has(candidate.itemIndex)) found.set(candidate.itemIndex, candidate);
      else free.push(candidate);
    }
    const isWhole = this.#isWhole(ranking);
    const result: Candidate[] = [];
    let next = 0;
    for (const { itemIndex, position, rule } of this.#pins) {
      while (result.length < position - 1 && next < free.length) result.push(free[next++]!);
      if (result.length < position - 1 && !isWhole) break;
      const candidate = found.get(itemIndex) ?? { itemIndex, score: 0, contributions: [] };
      result.push(
        withReason(candidate, ruleStage, 0, {
          kind: "rule",
          rule: rule.name,
          ruleId: rule.id,
          effect: "pinned",
        }),
      );
    }
    return [...result, ...free.slice(next)];
  }
}
