import type { Candidate, Contribution, Item, ItemIndex, ServingRequest } from "@magpie/domain";
import {
  ItemSet,
  type InvertedTextIndex,
  type QueryAnalysis,
  type QueryGroup,
  type StageRecord,
  type TextField,
  type TextHits,
} from "@magpie/retrieval";
import type { LiveCatalog } from "../../live/live-catalog.ts";
import type { ExplainedRules } from "../../rules/explain-rules.ts";
import type { AnsweredBy, Found } from "./live-text-retriever.ts";

/** A term that the analyser made of a text, with its place in it. */
export interface ExplainedToken {
  readonly term: string;
  readonly kind: "word" | "character" | "pair" | "segment" | "quantity" | "pinyin" | "stem";
  readonly start: number;
  readonly end: number;
}

/** What one word of the query, found in one field, gave to an item's final score. */
export interface FieldScore {
  readonly word: string;
  readonly field: TextField;
  readonly amount: number;
}

/** Why an item is where it is, or why it is not there. */
export interface ExplainedHit {
  readonly itemId: string;
  /**
   * `shown`: among what was ranked; `beyond`: found, and further down than is looked here;
   * `no-match`: without the words that others have; `filtered`: taken out by a condition or a
   * choice; `hidden`: left out by a rule; `absent`: not in the catalogue.
   */
  readonly state: "shown" | "beyond" | "no-match" | "filtered" | "hidden" | "absent";
  /** From 1, when shown. */
  readonly position?: number;
  readonly score?: number;
  /** They sum to the score. */
  readonly contributions: readonly Contribution[];
  /** They sum to the text's part of the score. */
  readonly fieldScores: readonly FieldScore[];
  readonly matchedWords: readonly string[];
  readonly missingWords: readonly string[];
  /** What the analyser makes of its title and brand. */
  readonly tokens: readonly {
    readonly field: string;
    readonly tokens: readonly ExplainedToken[];
  }[];
}

/** One reason for which one item stands above another: what it gave to each. */
export interface ScoreDifference {
  /** "text", "popularity" or another stage. */
  readonly stage: string;
  /** The word and field of a text match. */
  readonly word?: string;
  readonly field?: TextField;
  readonly first: number;
  readonly second: number;
}

export interface SearchExplanation {
  readonly query: {
    readonly text: string;
    readonly tokens: readonly ExplainedToken[];
    /** What was asked for: words, phrases and exclusions, with what may stand for them. */
    readonly groups: readonly QueryGroup[];
    /** What each stage of understanding made of it, and why. */
    readonly stages: readonly StageRecord[];
  };
  readonly total: number;
  readonly relaxed: boolean;
  readonly answeredBy: AnsweredBy;
  readonly items: readonly ExplainedHit[];
  /** Between the first two items, largest difference first; their sum is that of the scores. */
  readonly differences: readonly ScoreDifference[];
  /** How the rules looked at the search; absent where there are none. */
  readonly rules?: ExplainedRules;
}

/** A ranking that was made, and the parts needed to say how. */
export interface ExplainParts {
  readonly catalog: LiveCatalog;
  readonly index: InvertedTextIndex;
  readonly request: ServingRequest;
  readonly reading: QueryAnalysis;
  readonly ranking: readonly Candidate[];
  readonly found: Found;
  /** Asked about, with their records; undefined where the catalogue has none. */
  readonly items: readonly { readonly id: string; readonly item: Item | undefined }[];
}

/** Says how a query was read, and for each item why it is where it is. */
export function explainSearch(parts: ExplainParts): SearchExplanation {
  const { catalog, index, request, reading, found, items } = parts;
  const query = request.query ?? "";
  const { parsed, stages } = reading;
  const explained = items.map(({ id, item }) => explainHit(parts, id, item));
  return {
    query: { text: query, tokens: tokensOf(index, query), groups: parsed.groups, stages },
    total: found.total,
    relaxed: found.relaxed,
    answeredBy: found.answeredBy,
    items: explained,
    differences: differencesOf(explained),
  };

  function explainHit(
    { ranking }: ExplainParts,
    itemId: string,
    item: Item | undefined,
  ): ExplainedHit {
    const row = catalog.indexOf(itemId);
    const nothing = {
      itemId,
      contributions: [],
      fieldScores: [],
      matchedWords: [],
      missingWords: [],
      tokens: [],
    };
    if (item === undefined || row === -1) return { ...nothing, state: "absent" };
    const alone = aloneIn(index, parts, row);
    const place = ranking.findIndex(({ itemIndex }) => itemIndex === row);
    const candidate = ranking[place];
    const words = parsed.groups.filter(({ need }) => need !== "excluded").map(({ text }) => text);
    const matchedWords = [...(alone?.matchedWords[0] ?? [])];
    const about = {
      itemId,
      matchedWords,
      missingWords: words.filter((word) => !matchedWords.includes(word)),
      tokens: Object.entries({ title: item.title, brand: item.brand }).flatMap(([field, text]) =>
        text === undefined ? [] : [{ field, tokens: tokensOf(index, text) }],
      ),
    };
    if (candidate === undefined) {
      const isMatch = found.matches.has(row);
      const passes =
        catalog.filter.compile(request.filter).has(row) &&
        [...found.refinements.values()].every((choice) => choice.has(row));
      const state = !passes ? "filtered" : isMatch ? "beyond" : "no-match";
      return { ...about, state, contributions: [], fieldScores: [] };
    }
    return {
      ...about,
      state: "shown",
      position: place + 1,
      score: candidate.score,
      contributions: candidate.contributions,
      fieldScores: scaled(alone, candidate),
    };
  }
}

function tokensOf(index: InvertedTextIndex, text: string): ExplainedToken[] {
  return index.tokens(text).map(({ term, kind, start, end }) => ({ term, kind, start, end }));
}

/** The query asked of one item alone: what it has of the words, whatever others have. */
function aloneIn(
  index: InvertedTextIndex,
  { catalog, request, reading }: ExplainParts,
  row: ItemIndex,
): TextHits | undefined {
  if (reading.parsed.groups.length === 0) return undefined;
  const filter = ItemSet.of(catalog.filter.rows, [row]);
  return index.search(reading.parsed, { limit: 1, locale: request.locale, filter, explain: true });
}

/** Parts of the match in units of the final score: they sum to what the text gave to it. */
function scaled(alone: TextHits | undefined, { contributions }: Candidate): FieldScore[] {
  const raw = alone?.parts[0] ?? [];
  const whole = raw.reduce((sum, { amount }) => sum + amount, 0);
  let given = 0;
  for (const { amount, reason } of contributions)
    if (reason.kind === "query-match") given += amount;
  if (whole === 0) return [];
  return raw.map(({ word, field, amount }) => ({ word, field, amount: (amount * given) / whole }));
}

function differencesOf([a, b]: readonly ExplainedHit[]): ScoreDifference[] {
  if (a?.score === undefined || b?.score === undefined) return [];
  const differences = new Map<
    string,
    { -readonly [K in keyof ScoreDifference]: ScoreDifference[K] }
  >();
  for (const [side, hit] of [
    ["first", a],
    ["second", b],
  ] as const) {
    const add = (part: Omit<ScoreDifference, "first" | "second">, amount: number): void => {
      const key = JSON.stringify([part.stage, part.word, part.field]);
      const known = differences.get(key) ?? { ...part, first: 0, second: 0 };
      known[side] += amount;
      differences.set(key, known);
    };
    for (const { word, field, amount } of hit.fieldScores)
      add({ stage: "text", word, field }, amount);
    for (const { stage, amount, reason } of hit.contributions) {
      if (reason.kind !== "query-match") add({ stage }, amount);
    }
  }
  return [...differences.values()].sort(
    (x, y) => Math.abs(y.first - y.second) - Math.abs(x.first - x.second),
  );
}
