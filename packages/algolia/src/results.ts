import type { ExplainedItem, FacetCounts, RankingResponse, RuleOutcome } from "@magpie/contract";
import type { Item } from "@magpie/domain";
import { fieldOf, levelOf } from "./fields.ts";
import type { Asked, AskedFacet } from "./parameters.ts";

type Marked = NonNullable<ExplainedItem["highlights"]>["title"];

/** A hit: the item's own fields, names that pages of the dialect expect, and what was marked. */
export interface AlgoliaHit {
  readonly objectID: string;
  readonly _highlightResult?: Readonly<Record<string, Marked>>;
  readonly _snippetResult?: Readonly<Record<string, Pick<Marked, "value" | "matchLevel">>>;
  readonly _rankingInfo?: unknown;
  /** Beyond the dialect: lacks a word of the query, and comes behind the hits that have all. */
  readonly isCloseMatch?: true;
  readonly [attribute: string]: unknown;
}

/** An answer as clients of the dialect read it. */
export interface AlgoliaResult {
  readonly index: string;
  readonly hits: readonly AlgoliaHit[];
  readonly nbHits: number;
  readonly page: number;
  readonly nbPages: number;
  readonly hitsPerPage: number;
  readonly offset?: number;
  readonly length?: number;
  readonly facets?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What values are called in the page's language, where that is another word. */
  readonly facetLabels?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly facets_stats?: Readonly<
    Record<
      string,
      { readonly min: number; readonly max: number; readonly avg: number; readonly sum: number }
    >
  >;
  readonly renderingContent: {
    /** Where a rule leads: the page goes there. */
    readonly redirect?: { readonly url: string };
    readonly facetOrdering: {
      readonly facets: { readonly order: readonly string[] };
      readonly values: Readonly<Record<string, { readonly sortRemainingBy: "count" }>>;
    };
  };
  readonly exhaustiveNbHits: true;
  readonly exhaustiveFacetsCount: true;
  readonly exhaustive: { readonly nbHits: true; readonly facetsCount: true };
  readonly processingTimeMS: number;
  readonly query: string;
  readonly params: string;
  /** Insights events carry it, and are joined by it. */
  readonly queryID: string;
  /** What was searched for in place of what was typed: by a rule, or with words corrected. */
  readonly parsedQuery?: string;
  /** Beyond the dialect, for pages that show it: words that were corrected. */
  readonly corrections?: RankingResponse["corrections"];
  /** Beyond the dialect: another query that was likely meant. */
  readonly didYouMean?: string;
  /** Beyond the dialect: what the query says of the price, in minor units; hits keep to it. */
  readonly askedPrice?: { readonly min?: number; readonly max?: number };
  /** Beyond the dialect: what sells, where nothing was found. */
  readonly instead?: { readonly by: string; readonly category?: string };
  /** Data of the rules that hold, then their banners: what `QueryRuleCustomData` shows. */
  readonly userData?: readonly unknown[];
  readonly appliedRules?: readonly { readonly objectID: string }[];
}

export interface AlgoliaFacetResult {
  readonly facetHits: readonly {
    readonly value: string;
    readonly highlighted: string;
    readonly count: number;
    /** What it is called in the page's language, where that is another word. */
    readonly shown?: string;
  }[];
  readonly exhaustiveFacetsCount: true;
  readonly processingTimeMS: number;
}

const reachable = 10_000;

/** An answer of our API as a result of the dialect. */
export function resultOf(asked: Asked, answer: RankingResponse, tookMs: number): AlgoliaResult {
  const { hitsPerPage, page, slice } = asked;
  const nbHits = answer.total ?? answer.items.length;
  const count = slice?.length ?? hitsPerPage;
  const beyond = (slice?.offset ?? page * hitsPerPage) > reachable;
  const hits = beyond ? [] : answer.items.slice(0, count).map((found) => hitOf(found, asked));
  const counted = answer.facets ?? [];
  const attributes = attributesOf(asked.facets, counted);
  return {
    index: asked.index,
    hits,
    nbHits,
    page,
    nbPages: hitsPerPage === 0 ? 0 : Math.ceil(Math.min(nbHits, reachable) / hitsPerPage),
    hitsPerPage,
    ...slice,
    ...(attributes.length > 0 && facetsOf(attributes, counted, asked.maxValuesPerFacet)),
    renderingContent: {
      ...(answer.rules?.redirect && { redirect: { url: answer.rules.redirect.url } }),
      facetOrdering: {
        facets: { order: attributes },
        values: Object.fromEntries(
          attributes.map((attribute) => [attribute, { sortRemainingBy: "count" }]),
        ),
      },
    },
    exhaustiveNbHits: true,
    exhaustiveFacetsCount: true,
    exhaustive: { nbHits: true, facetsCount: true },
    processingTimeMS: tookMs,
    query: asked.query,
    params: asked.params,
    queryID: answer.queryId,
    ...understoodOf(answer),
    ...(answer.rules && rulesOf(answer.rules)),
  };
}

function understoodOf({
  corrections,
  didYouMean,
  understood,
  instead,
}: RankingResponse): Pick<
  AlgoliaResult,
  "parsedQuery" | "corrections" | "didYouMean" | "askedPrice" | "instead"
> {
  return {
    ...(corrections && { corrections }),
    ...(corrections && understood && { parsedQuery: understood.text }),
    ...(didYouMean !== undefined && { didYouMean }),
    ...(understood?.priceCents && { askedPrice: understood.priceCents }),
    ...(instead && {
      instead: {
        by: instead.by,
        ...(instead.category !== undefined && { category: instead.category }),
      },
    }),
  };
}

function rulesOf({
  applied,
  query,
  data = [],
  banners = [],
}: RuleOutcome): Pick<AlgoliaResult, "parsedQuery" | "userData" | "appliedRules"> {
  const userData = [
    ...data.map((own) => own.data),
    ...banners.map((own) => {
      const { ruleId: _, ...banner } = own;
      return banner;
    }),
  ];
  return {
    ...(query !== undefined && { parsedQuery: query }),
    ...(userData.length > 0 && { userData }),
    appliedRules: applied.map(({ id }) => ({ objectID: id })),
  };
}

/** Names of the facets of an answer, in the order asked for; of "*", those with anything to count. */
function attributesOf(asked: readonly string[], counted: readonly FacetCounts[]): string[] {
  if (!asked.includes("*")) return [...new Set(asked)];
  return counted
    .filter(({ values, statistics }) => values.length > 0 || (statistics?.count ?? 0) > 0)
    .map(({ field }) => (field === "tags" ? "_tags" : field));
}

function facetsOf(
  attributes: readonly string[],
  counted: readonly FacetCounts[],
  limit: number,
): Pick<AlgoliaResult, "facets" | "facetLabels" | "facets_stats"> {
  const byField = new Map(counted.map((facet) => [facet.field, facet]));
  const labels: Record<string, Record<string, string>> = {};
  const facets: Record<string, Record<string, number>> = {};
  const stats: Record<string, { min: number; max: number; avg: number; sum: number }> = {};
  for (const attribute of attributes) {
    const { field, level } = fieldOf(attribute);
    const facet = byField.get(field);
    if (facet === undefined) continue;
    const values =
      level === undefined
        ? facet.values
        : facet.values.filter(({ value }) => levelOf(value) === level);
    if (values.length > 0) {
      facets[attribute] = Object.fromEntries(
        values.slice(0, limit).map(({ value, count }) => [value, count]),
      );
      const named = values
        .slice(0, limit)
        .flatMap(({ value, label }) => (label === undefined ? [] : [[value, label]]));
      if (named.length > 0) labels[attribute] = Object.fromEntries(named) as Record<string, string>;
    }
    if (facet.statistics !== undefined && facet.statistics.count > 0) {
      const { min, max, avg, sum } = facet.statistics;
      stats[attribute] = { min, max, avg, sum };
    }
  }
  return {
    facets,
    ...(Object.keys(labels).length > 0 && { facetLabels: labels }),
    ...(Object.keys(stats).length > 0 && { facets_stats: stats }),
  };
}

function hitOf(
  { item, score, highlights, reasons, variantId, isCloseMatch }: ExplainedItem,
  asked: Asked,
): AlgoliaHit {
  const isHighlighted = wanted(asked.attributesToHighlight);
  const isSnippeted = wanted(asked.attributesToSnippet?.map((one) => one.split(":")[0]!));
  const marks: Record<string, Marked> = {};
  for (const [attribute, mark] of [
    ["title", highlights?.title],
    ["name", highlights?.title],
    ["brand", highlights?.brand],
    ["description", highlights?.description],
  ] as const) {
    if (mark !== undefined && isHighlighted(attribute)) marks[attribute] = mark;
  }
  const { description } = highlights ?? {};
  return {
    ...hitOfItem(item, asked.attributesToRetrieve, variantId),
    _highlightResult: marks,
    ...(description !== undefined &&
      isSnippeted("description") && {
        _snippetResult: {
          description: { value: description.value, matchLevel: description.matchLevel },
        },
      }),
    ...(asked.getRankingInfo && {
      _rankingInfo: { userScore: score, promoted: reasons.some(isPin), reasons },
    }),
    ...(isCloseMatch && { isCloseMatch }),
  };
}

const isPin = ({ reason }: ExplainedItem["reasons"][number]): boolean =>
  reason.kind === "rule" && reason.effect === "pinned";

/**
 * The item's fields as a record of the dialect, those that are wanted.
 *
 * @param variantId  of the variant whose price and picture are shown; the featured one's when absent
 */
export function hitOfItem(
  item: Item,
  attributesToRetrieve?: readonly string[],
  variantId?: string,
): AlgoliaHit {
  const shown = item.variants.find(({ id }) => id === variantId) ?? item.variants[0]!;
  const image = shown.imageUrl ?? item.imageUrls?.[0];
  const latitude = item.attributes?.["latitude"];
  const longitude = item.attributes?.["longitude"];
  const fields: Record<string, unknown> = {
    ...item,
    name: item.title,
    price: shown.price.amount,
    currency: shown.price.currency,
    variantId,
    available: item.variants.some(({ availability }) => availability.available),
    ...(image !== undefined && { image }),
    ...(item.rating !== undefined && { rating: item.rating.value, ratingCount: item.rating.count }),
    ...(item.tags !== undefined && { _tags: item.tags }),
    ...levelsOf(item.categories ?? []),
    ...(typeof latitude === "number" &&
      typeof longitude === "number" && { _geoloc: { lat: latitude, lng: longitude } }),
  };
  delete fields["id"];
  const isWanted = wanted(attributesToRetrieve);
  return {
    objectID: item.id,
    ...Object.fromEntries(
      Object.entries(fields).filter(([name, value]) => value !== undefined && isWanted(name)),
    ),
  };
}

/** `hierarchicalCategories.lvl0`, `lvl1`, … as pages with a tree of categories read them. */
function levelsOf(paths: readonly string[]): object {
  if (paths.length === 0) return {};
  const levels: Record<string, string[]> = {};
  for (const path of paths) {
    const parts = path.split(" > ");
    parts.forEach((_, depth) => {
      const own = (levels[`lvl${depth}`] ??= []);
      const ancestor = parts.slice(0, depth + 1).join(" > ");
      if (!own.includes(ancestor)) own.push(ancestor);
    });
  }
  return { hierarchicalCategories: levels };
}

/** What a list of attributes lets through: all when absent or "*", "-name" takes one out. */
function wanted(list: readonly string[] | undefined): (attribute: string) => boolean {
  if (list === undefined) return () => true;
  const takesAll = list.includes("*");
  return (attribute) =>
    !list.includes(`-${attribute}`) &&
    (takesAll || list.some((one) => one === attribute || one.startsWith(`${attribute}.`)));
}

/** Values of an attribute that many of the given hits have, those of the first hits before others. */
export function trendingFacetsOf(
  hits: readonly AlgoliaHit[],
  attribute: string,
  limit: number,
): { readonly facetName: string; readonly facetValue: string; readonly _score: number }[] {
  const scores = new Map<string, number>();
  hits.forEach((hit, rank) => {
    const own = hit[attribute];
    for (const value of Array.isArray(own) ? own : [own]) {
      if (typeof value !== "string" || value === "") continue;
      scores.set(value, (scores.get(value) ?? 0) + 1 / Math.log2(rank + 2));
    }
  });
  const best = [...scores].sort((a, b) => b[1] - a[1]).slice(0, limit);
  const most = best[0]?.[1] ?? 1;
  return best.map(([facetValue, score]) => ({
    facetName: attribute,
    facetValue,
    _score: Math.round((100 * score) / most),
  }));
}

/** Values of a facet as hits, with the text that was typed marked. */
export function facetResultOf(
  { text, highlight, attribute }: AskedFacet,
  values: readonly { readonly value: string; readonly count: number; readonly label?: string }[],
  tookMs: number,
): AlgoliaFacetResult {
  const { level } = fieldOf(attribute);
  return {
    facetHits: values
      .filter(({ value }) => level === undefined || levelOf(value) === level)
      .map(({ value, count, label }) => ({
        value,
        count,
        highlighted: marked(label ?? value, text, highlight),
        ...(label !== undefined && { shown: label }),
      })),
    exhaustiveFacetsCount: true,
    processingTimeMS: tookMs,
  };
}

function marked(
  value: string,
  text: string,
  { open, close }: { open: string; close: string },
): string {
  const at = text === "" ? -1 : value.toLowerCase().indexOf(text.toLowerCase());
  if (at === -1) return value;
  const end = at + text.length;
  return `${value.slice(0, at)}${open}${value.slice(at, end)}${close}${value.slice(end)}`;
}

/** Where browsing goes on; undefined after the last page. */
export function browseCursor(shown: number, total: number): string | undefined {
  return shown >= Math.min(total, reachable) ? undefined : String(shown);
}
