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

/**
 * Multiplies the scores of items that rules boost or bury, and puts the ranking in order again:
 *
 *     score · f₁ · f₂ …      f > 1 boosts, f < 1 buries; each adds what it changed
 *
 * A score below 0 is moved by the same amount in the same direction, so that boosting never lowers.
 * Only the first `window` places are ordered anew, so that deeper pages continue the first ones.
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
    const window = ranking.slice(0, this.#window).map((candidate) => this.#lifted(candidate));
    window.sort((a, b) => b.score - a.score);
    return [...window, ...ranking.slice(this.#window)];
  }

  #lifted(candidate: Candidate): Candidate {
    let lifted = candidate;
    for (const { factor, has, rule } of this.#lifts) {
      if (!has(candidate.itemIndex)) continue;
      lifted = withReason(lifted, ruleStage, Math.abs(lifted.score) * (factor - 1), {
        kind: "rule",
        rule: rule.name,
        ruleId: rule.id,
        effect: factor > 1 ? "boosted" : "buried",
      });
    }
    return lifted;
  }
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
