import { normaliseText } from "../text/analysis/normalise.ts";
import type { Importance, ParsedQuery, QueryGroup } from "../text/parsed-query.ts";
import type { InvertedTextIndex } from "../text/inverted-text-index.ts";
import { queryKey } from "../suggest/query-log.ts";
import type { CatalogLexicon, CatalogName } from "./catalog-lexicon.ts";
import type { CategoryGuess, CategoryPredictor } from "./category-predictor.ts";
import { priceAsked, type PriceRange } from "./price-words.ts";
import type { Correction, SpellingCorrector } from "./spelling-corrector.ts";

/** Stages of understanding, in the order in which a query passes them. */
export const queryStages = [
  "normalise",
  "dictionary",
  "price",
  "segmentation",
  "spelling",
  "entities",
  "importance",
  "categories",
  "navigational",
] as const;

export type QueryStage = (typeof queryStages)[number];

/** What one stage made of a query, for the person who wonders why. */
export interface StageRecord {
  readonly stage: QueryStage;
  readonly before: string;
  readonly after: string;
  readonly reason: string;
}

/** A name of the catalogue that the query has. */
export interface QueryEntity extends CatalogName {
  /** As the query has it. */
  readonly text: string;
}

/** A word that was searched for in place of the one that was typed. */
export interface WordCorrection {
  readonly from: string;
  readonly to: string;
  readonly reason: Correction["reason"];
}

/** A query as it is understood. */
export interface QueryAnalysis {
  readonly query: string;
  /** What is searched for, with corrections, without what became a filter. */
  readonly text: string;
  /** For `TextIndex.search`. */
  readonly parsed: ParsedQuery;
  readonly entities: readonly QueryEntity[];
  /** What the query says about the price, in minor units of the shop's currency. */
  readonly priceCents?: PriceRange;
  /** Likeliest first. A boost, never a filter. */
  readonly categories: readonly CategoryGuess[];
  /** The query with likely corrections, where they were not made of themselves. */
  readonly didYouMean?: string;
  /** The corrections that were made; asking with `correct: false` undoes them. */
  readonly corrections: readonly WordCorrection[];
  /** The query names this very thing: what comes later leaves its place alone. */
  readonly navigational?: NavigationalTarget;
  /** Every stage that changed or found something. */
  readonly stages: readonly StageRecord[];
}

/** The one thing that a query names: a brand, or the item of a row by its code or its whole title. */
export type NavigationalTarget =
  | { readonly kind: "brand"; readonly value: string }
  | { readonly kind: "code" | "title"; readonly value: string; readonly row: number };

/** What a shop tells each stage; all of it may change at any time. */
export interface QueryDictionaries {
  /** Whole queries to be searched for as another one, before anything else. */
  readonly rewrites?: readonly { readonly from: string; readonly to: string }[];
  /** Words that no stage corrects. */
  readonly neverCorrect?: readonly string[];
  /** Importance of words, above what the stages say. */
  readonly importance?: readonly { readonly word: string; readonly importance: Importance }[];
}

/** What understanding is learned from. */
export interface QueryKnowledge {
  readonly index: Pick<InvertedTextIndex, "parse" | "adjusted" | "itemsWith" | "tokens">;
  readonly lexicon: CatalogLexicon;
  readonly spelling: SpellingCorrector;
  readonly categories?: CategoryPredictor;
}

/** How one query is to be understood. */
export interface AnalysisOptions {
  /** BCP 47 tag of the reader. */
  readonly locale?: string;
  /** False: words are taken as they are typed. */
  readonly correct?: boolean;
  /** False: what the query says about the price is not read. */
  readonly price?: boolean;
}

const marketingWords = new Set(
  (
    "best cheap cheapest top new newest sale discount deal deals hot popular good great free shipping buy " +
    "online quality original genuine official latest 包邮 同款 新款 正品 现货 特价 爆款 官方 旗舰店 网红 " +
    "热销 促销 清仓 便宜 高档 优惠 ins风 新品 推荐 好看 耐用"
  ).split(" "),
);
/** A model or part number: letters and digits in one. */
const modelPattern = /^(?=.*\d)(?=.*[a-z])[a-z0-9][a-z0-9./-]{1,24}$/;
/** Longest query that is understood; the rest is searched as it is. */
const maxLength = 300;

const importanceOf: Readonly<Record<QueryEntity["kind"], Importance>> = {
  brand: "high",
  category: "high",
  color: "medium",
  size: "medium",
  material: "medium",
  attribute: "medium",
};

/**
 * Understands a query by what the catalogue and its shoppers say, stage by stage, each written down:
 *
 *     normalise ─▶ dictionary ─▶ price ─▶ segmentation ─▶ spelling ─▶ entities ─▶ importance
 *                                                                                     │
 *                 QueryAnalysis: groups for the text index, filters, boosts ◀─ categories, navigational
 *
 * Words of high and medium importance must be found; where no item has all of them, the text index
 * gives up those of medium importance. Words of low importance only rank.
 */
export class QueryUnderstanding {
  readonly #knowledge: QueryKnowledge;
  #rewrites: ReadonlyMap<string, string> = new Map();
  #neverCorrect: ReadonlySet<string> = new Set();
  #importance: ReadonlyMap<string, Importance> = new Map();

  constructor(knowledge: QueryKnowledge, dictionaries: QueryDictionaries = {}) {
    this.#knowledge = knowledge;
    this.useDictionaries(dictionaries);
  }

  /** Takes these in place of those before, for the next query. */
  useDictionaries({ rewrites = [], neverCorrect = [], importance = [] }: QueryDictionaries): void {
    this.#rewrites = new Map(rewrites.map(({ from, to }) => [queryKey(from), to]));
    this.#neverCorrect = new Set(neverCorrect.map(queryKey));
    this.#importance = new Map(importance.map((entry) => [queryKey(entry.word), entry.importance]));
  }

  analyse(
    query: string,
    { locale, correct = true, price = true }: AnalysisOptions = {},
  ): QueryAnalysis {
    const { index } = this.#knowledge;
    const stages: StageRecord[] = [];
    const note: Note = (stage, before, after, reason) => {
      stages.push({ stage, before, after, reason });
    };
    let text = query.slice(0, maxLength);
    const normal = normaliseText(text);
    if (normal !== text) note("normalise", text, normal, "case, width, accents, script");
    const rewritten = this.#rewrites.get(queryKey(text));
    if (rewritten !== undefined) {
      note("dictionary", text, rewritten, "the shop's dictionary rewrites this query");
      text = rewritten;
    }
    const asked = price ? this.#priceOf(text, note) : undefined;
    // What stood before the price is typed to its end.
    if (asked !== undefined) text = `${asked.rest} `;
    let parsed = index.parse(text, locale);
    note("segmentation", text, shown(parsed.groups), "words of the catalogue's dictionary");
    const spelt = correct ? this.#spell(parsed.groups, locale, note) : asTyped;
    if (spelt.text !== undefined) {
      text = spelt.text + (spelt.isLastWhole || text.endsWith(" ") ? " " : "");
      // Read again: the right word may have synonyms, or belong to the one beside it.
      parsed = index.parse(text, locale);
    }
    const found = this.#entities(parsed.groups);
    for (const { text: name, kind, value } of found.entities) {
      note("entities", name, value, `${kind} of the catalogue`);
    }
    const groups = this.#weigh(parsed.groups, found.kinds, note);
    const categories = this.#categoriesOf(text, groups);
    if (categories.length > 0) {
      const list = categories
        .map(({ category, probability }) => `${category} ${(100 * probability).toFixed(0)} %`)
        .join(", ");
      note("categories", text, list, "what shoppers took after this query, and its words");
    }
    const navigational = this.#navigational(text, groups, found.entities);
    if (navigational !== undefined) {
      note("navigational", text, navigational.value, `exactly this ${navigational.kind}`);
    }
    return {
      query,
      text: text.trim(),
      parsed: { text, groups },
      entities: found.entities,
      ...(asked !== undefined && { priceCents: asked.priceCents }),
      categories,
      ...(spelt.didYouMean !== undefined && { didYouMean: spelt.didYouMean }),
      corrections: spelt.corrections,
      ...(navigational !== undefined && { navigational }),
      stages,
    };
  }

  /** Operators and phrases are left alone by whoever reads words. */
  #priceOf(
    text: string,
    note: Note,
  ): { readonly rest: string; readonly priceCents: PriceRange } | undefined {
    const { currency } = this.#knowledge.lexicon;
    const asked = /["“”「『]/u.test(text) ? undefined : priceAsked(text);
    if (asked === undefined || asked.rest === "" || currency === undefined) return undefined;
    const { range, currencies, said, rest } = asked;
    if (currencies?.includes(currency) === false) {
      note("price", said, said, `prices are in ${currency} here, so this bounds none`);
      return undefined;
    }
    note("price", text.trim(), rest, `"${said}" bounds the price`);
    const cents = (amount: number): number => Math.round(amount * 10 ** minorDigitsOf(currency));
    return {
      rest,
      priceCents: {
        ...(range.min !== undefined && { min: cents(range.min) }),
        ...(range.max !== undefined && { max: cents(range.max) }),
      },
    };
  }

  #categoriesOf(text: string, groups: readonly QueryGroup[]): readonly CategoryGuess[] {
    const { categories, index } = this.#knowledge;
    if (categories === undefined) return [];
    const asked = groups.filter(({ need }) => need !== "excluded");
    return categories.predict(
      text,
      asked.flatMap((group) => categoryWords(index, group.text)),
    );
  }

  #spell(groups: readonly QueryGroup[], locale: string | undefined, note: Note): Spelt {
    const corrections: WordCorrection[] = [];
    const offered: string[] = [];
    const corrected: string[] = [];
    let [isLikely, isLastWhole] = [false, false];
    for (const group of groups) {
      const typed = operated(group);
      const correction = this.#correctionOf(group, locale);
      const isCertain = correction?.confidence === "certain";
      offered.push(correction?.text ?? typed);
      corrected.push(isCertain ? correction.text : typed);
      isLastWhole = isCertain;
      if (correction === undefined) continue;
      const { text, confidence, reason } = correction;
      const why = reason === "sounds-alike" ? "sounds alike" : "typing error";
      note("spelling", group.text, text, `${why}, ${confidence}`);
      if (isCertain) corrections.push({ from: group.text, to: text, reason });
      else isLikely = true;
    }
    return {
      corrections,
      isLastWhole,
      ...(corrections.length > 0 && { text: joinedWords(corrected) }),
      ...(isLikely && { didYouMean: joinedWords(offered) }),
    };
  }

  #correctionOf(group: QueryGroup, locale: string | undefined): Correction | undefined {
    const { lexicon, spelling, index } = this.#knowledge;
    if (group.isPhrase || group.need === "excluded" || group.alternatives.length > 0) return;
    // Half a word is no misspelt one.
    if (group.isPrefix && spelling.begins(group.text)) return;
    const key = queryKey(group.text);
    if (this.#neverCorrect.has(key) || lexicon.nameOf(key) !== undefined) return;
    const uses = spelling.usesOf(key);
    if (spelling.correct(key, uses) === undefined) return;
    // Only now, as it costs more: descriptions and changed items may say what titles do not.
    return spelling.correct(key, Math.max(uses, index.itemsWith(group, locale)));
  }

  /** The longest names first, left to right; words inside a name name nothing else. */
  #entities(groups: readonly QueryGroup[]): {
    readonly entities: readonly QueryEntity[];
    readonly kinds: readonly (QueryEntity["kind"] | undefined)[];
  } {
    const { lexicon } = this.#knowledge;
    const entities: QueryEntity[] = [];
    const kinds: (QueryEntity["kind"] | undefined)[] = groups.map(() => undefined);
    for (let i = 0; i < groups.length;) {
      let taken = 1;
      for (let length = Math.min(lexicon.longest, groups.length - i); length > 0; length--) {
        const window = groups.slice(i, i + length);
        if (window.some(({ need }) => need === "excluded")) continue;
        const text = joinedWords(window.map((group) => group.text));
        const name = lexicon.nameOf(text);
        if (name === undefined) continue;
        entities.push({ ...name, text });
        kinds.fill(name.kind, i, i + length);
        taken = length;
        break;
      }
      i += taken;
    }
    return { entities, kinds };
  }

  #weigh(
    groups: readonly QueryGroup[],
    kinds: readonly (QueryEntity["kind"] | undefined)[],
    note: Note,
  ): QueryGroup[] {
    const { index } = this.#knowledge;
    const weighed = groups.map((group, i): QueryGroup => {
      if (group.need === "excluded") return group;
      const key = queryKey(group.text);
      const kind = kinds[i];
      const own = this.#importance.get(key);
      const importance =
        own ??
        (kind !== undefined
          ? importanceOf[kind]
          : marketingWords.has(key) || group.need === "optional"
            ? "low"
            : modelPattern.test(key)
              ? "high"
              : "medium");
      const need = importance === "low" && own === undefined ? "optional" : group.need;
      return index.adjusted(group, { importance, need });
    });
    // A query of nothing but marketing words asks for them.
    const isAllLow = weighed.every(({ need }) => need !== "required");
    const taken = isAllLow
      ? weighed.map((group, i) => index.adjusted(group, { need: groups[i]!.need }))
      : weighed;
    const list = taken.map(({ text, importance }) => `${text}: ${importance}`).join(", ");
    note("importance", shown(groups), list, "names and models high, marketing words low");
    return taken;
  }

  #navigational(
    text: string,
    groups: readonly QueryGroup[],
    entities: readonly QueryEntity[],
  ): NavigationalTarget | undefined {
    const { lexicon } = this.#knowledge;
    const coded = lexicon.rowCoded(text);
    if (coded !== undefined) return { kind: "code", value: queryKey(text), row: coded };
    const titled = lexicon.rowTitled(text);
    if (titled !== undefined) return { kind: "title", value: queryKey(text), row: titled };
    const [only] = entities;
    const isWhole =
      only?.kind === "brand" &&
      entities.length === 1 &&
      queryKey(only.text) === queryKey(joinedWords(groups.map((group) => group.text)));
    return isWhole ? { kind: "brand", value: only.value } : undefined;
  }
}

type Note = (stage: QueryStage, before: string, after: string, reason: string) => void;

/** What spelling makes of a query. */
interface Spelt {
  readonly corrections: readonly WordCorrection[];
  /** The last word was corrected, so it is not being typed any more. */
  readonly isLastWhole: boolean;
  /** With certain corrections, where there are any. */
  readonly text?: string;
  /** With likely ones too, where there are any. */
  readonly didYouMean?: string;
}

const asTyped: Spelt = { corrections: [], isLastWhole: false };

/** Words of a text by which categories are learned and asked for: those that the index has. */
export function categoryWords(
  index: Pick<InvertedTextIndex, "tokens">,
  text: string,
): readonly string[] {
  return index
    .tokens(text)
    .flatMap(({ term, kind }) => (kind === "word" || kind === "segment" ? [term] : []));
}

const minorDigits = new Map<string, number>();

/** Digits of a currency's minor unit: 2 for cents, 0 for yen. */
function minorDigitsOf(currency: string): number {
  let digits = minorDigits.get(currency);
  if (digits === undefined) {
    const format = new Intl.NumberFormat("en", { style: "currency", currency });
    digits = format.resolvedOptions().maximumFractionDigits ?? 2;
    minorDigits.set(currency, digits);
  }
  return digits;
}

const shown = (groups: readonly QueryGroup[]): string => groups.map(operated).join(" │ ");

/** A group with its operators, as one types it. */
function operated({ text, isPhrase, need }: QueryGroup): string {
  return `${need === "excluded" ? "-" : ""}${isPhrase ? `"${text}"` : text}`;
}

const hanEnd = /\p{Script=Han}$/u;
const hanStart = /^\p{Script=Han}/u;

/** Words as one writes them: with spaces between, except between Chinese ones. */
function joinedWords(words: readonly string[]): string {
  return words.reduce(
    (text, word) =>
      text === "" ? word : `${text}${hanEnd.test(text) && hanStart.test(word) ? "" : " "}${word}`,
    "",
  );
}
