import type { Device, ItemFilter, ItemIndex, Reranker, ServingRequest } from "@magpie/domain";
import {
  effectsOf,
  RuleLifts,
  RulePins,
  ruleStage,
  type MatchedRule,
  type PlacedLift,
  type PlacedPin,
  type RuleEffects,
  type RuleRequest,
} from "@magpie/ranking";
import { candidateWindow } from "../scenarios/options.ts";
import type { Pipeline } from "../scenarios/pipeline.ts";
import type { Serving } from "../snapshot/serving.ts";
import type { CompiledRules, RulesSource } from "./compiled-rules.ts";

/** What a page tells about itself and its visitor, for rules to look at. */
export interface RuleTags {
  /** Of the page: "category:mugs", "landing-spring". */
  readonly contexts?: readonly string[];
  /** Of the shopper, as the shop groups them: "vip". */
  readonly segments?: readonly string[];
  readonly device?: Device;
}

/** What is needed of a snapshot. */
export type RuledShop = Pick<Serving, "catalog" | "search" | "words">;

/** What rules compare with their conditions. */
export function ruleRequestOf(request: ServingRequest, tags: RuleTags): RuleRequest {
  const { scenario, nowMs, locale, query } = request;
  const { contexts, segments, device } = tags;
  return {
    scenario,
    nowMs,
    locale,
    ...(query !== undefined && { query }),
    ...(contexts && { contexts }),
    ...(segments && { segments }),
    ...(device && { device }),
  };
}

/** What the rules say about a request; undefined when none of them has anything to say. */
export function rulingOn(
  rules: CompiledRules,
  shop: RuledShop,
  request: ServingRequest,
  tags: RuleTags,
): Ruling | undefined {
  const matched = rules.matcher.match(ruleRequestOf(request, tags), shop.words);
  if (matched.length === 0) return undefined;
  const isOrdered = request.search?.sort !== undefined;
  const effects = effectsOf(isOrdered ? matched.map(withoutPlaces) : matched, request.query);
  return effects.applied.length === 0
    ? undefined
    : new Ruling(rules.source, shop, request, effects);
}

/** Who asks for an order gets it: nothing stands elsewhere because of a rule then. */
function withoutPlaces({ rule, captures }: MatchedRule): MatchedRule {
  const { pins: _, boosts: __, buries: ___, ...actions } = rule.actions;
  return { rule: { ...rule, actions }, captures };
}

/**
 * What the rules that hold for a request change about its answer:
 *
 *     request ─▶ other words, stricter filter ─▶ retrieve ─▶ rank ─▶ lifts ─▶ rerank ─▶ pins
 *
 * Filters and hiding come first, so that totals and facet counts know of them; boosting and burying
 * move what was ranked before stock and variety have their say; pins have the last word.
 */
export class Ruling {
  readonly source: RulesSource;
  readonly effects: RuleEffects;
  /** The request as the rules want it answered. */
  readonly request: ServingRequest;
  readonly #shop: RuledShop;

  constructor(source: RulesSource, shop: RuledShop, request: ServingRequest, effects: RuleEffects) {
    this.source = source;
    this.effects = effects;
    this.#shop = shop;
    this.request = {
      ...request,
      ...(effects.query !== undefined && { query: effects.query }),
      filter: narrowed(request.filter, effects),
    };
  }

  /** The pipeline with the stages that rules add to it. */
  around(pipeline: Pipeline): Pipeline {
    const { lifts, pins } = this.effects;
    const isSearch = this.request.search !== undefined;
    return {
      ...pipeline,
      // The decision log tells by which rules an item came to its place.
      name: `${pipeline.name} ${nameOf(this.source)}`,
      // Pins that belong further down leave gaps, which others fill.
      depth: Math.max(pipeline.depth, this.request.limit + pins.length),
      rerankers: [
        ...(lifts.length === 0 ? [] : [this.#lifting(isSearch ? candidateWindow : Infinity)]),
        ...pipeline.rerankers,
        ...(pins.length === 0 ? [] : [this.#pinning()]),
      ],
    };
  }

  /**
   * Pins whose items may be shown: those that the catalogue has and that pass the filter and the
   * choices in facets. A search counts them as found from now on.
   */
  placePins(): readonly PlacedPin[] {
    const { catalog, search } = this.#shop;
    const passing = catalog.filter.compile(this.request.filter);
    const present = this.effects.pins.flatMap(({ itemId, position, rule }): PlacedPin[] => {
      const itemIndex = catalog.indexOf(itemId);
      // Nothing is like itself: the item whose page is shown stands there already.
      const isOnShow = itemIndex === this.request.contextItem;
      if (itemIndex === -1 || isOnShow || !passing.has(itemIndex)) return [];
      return [{ itemIndex, position, rule }];
    });
    // Before the choices: a facet's other values are counted as if its own choice were not made.
    search.addFound(
      this.request,
      present.map(({ itemIndex }) => itemIndex),
    );
    const choices = [...(search.foundBy(this.request)?.refinements.values() ?? [])];
    return present.filter(({ itemIndex }) => choices.every((choice) => choice.has(itemIndex)));
  }

  #lifting(window: number): Reranker {
    const { catalog } = this.#shop;
    const lifts = this.effects.lifts.map(({ factor, itemIds, where, rule }): PlacedLift => {
      if (where !== undefined) return { factor, has: catalog.facets.tester(where), rule };
      const rows = new Set<ItemIndex | -1>(itemIds!.map((id) => catalog.indexOf(id)));
      return { factor, has: (item) => rows.has(item), rule };
    });
    return new RuleLifts(lifts, window);
  }

  #pinning(): Reranker {
    return {
      name: ruleStage,
      rerank: (request, ranking) => {
        const total = this.#shop.search.foundBy(request)?.total ?? 0;
        const isWhole = ranking.length >= total;
        return new RulePins(this.placePins(), () => isWhole).rerank(request, ranking);
      },
    };
  }
}

const nameOf = (source: RulesSource): string =>
  source.state === "published" ? `rules/${source.version}` : `rules-draft/${source.revision}`;

/** A filter with what rules hide, and what they let through. */
export function narrowed(
  filter: ItemFilter,
  { filter: where, hidden }: Pick<RuleEffects, "filter" | "hidden">,
): ItemFilter {
  return {
    ...filter,
    ...(where.length > 0 && { where: [...(filter.where ?? []), ...where] }),
    ...(hidden.length > 0 && { excludeItemIds: [...(filter.excludeItemIds ?? []), ...hidden] }),
  };
}
