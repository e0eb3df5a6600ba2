import { normaliseText } from "../text/analysis/normalise.ts";
import type { Importance, ParsedQuery, QueryGroup } from "../text/parsed-query.ts";
import type { TextIndex } from "../text/text-index.ts";
import { queryKey } from "../suggest/query-log.ts";
import type { CatalogLexicon, CatalogName } from "./catalog-lexicon.ts";
import type { CategoryGuess, CategoryPredictor } from "./category-predictor.ts";
import { priceAsked, type PriceRange } from "./price-words.ts";
import type { SpellingCorrector } from "./spelling-corrector.ts";

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

/** A query as it is understood. */
export interface QueryAnalysis {
  readonly query: string;
  /** What is searched for, with corrections, without what became a filter. */
  readonly text: string;
  /** For `TextIndex.search`. */
  readonly parsed: ParsedQuery;
  readonly entities: readonly QueryEntity[];
  /** What the query says about the price. */
  readonly price?: PriceRange;
  /** Likeliest first. A boost, never a filter. */
  readonly categories: readonly CategoryGuess[];
  /** The query with likely corrections, where they were not made of themselves. */
  readonly didYouMean?: string;
  /** The corrections that were made; searching for `query` as typed undoes them. */
  readonly corrected: boolean;
  /** The query names this very thing: personalisation never lowers it. */
  readonly navigational?: NavigationalTarget;
  /** Every stage that changed or found something. */
  readonly stages: readonly StageRecord[];
}

export type NavigationalTarget =
  | { readonly kind: "brand"; readonly value: string }
  | { readonly kind: "code"; readonly value: string }
  | { readonly kind: "title"; readonly value: string };

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
  readonly index: Pick<TextIndex, "parse">;
  readonly lexicon: CatalogLexicon;
  readonly spelling: SpellingCorrector;
  readonly categories?: CategoryPredictor;
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

  analyse(query: string, locale?: string): QueryAnalysis {
    const stages: StageRecord[] = [];
    const note = (stage: QueryStage, before: string, after: string, reason: string): void => {
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
    // Operators and phrases are left alone by whoever reads words.
    const asked = /["“”「『]/u.test(text) ? undefined : priceAsked(text);
    if (asked !== undefined && asked.rest !== "") {
      note("price", text, asked.rest, `"${asked.said}" bounds the price`);
      text = asked.rest;
    }
    const parsed = this.#knowledge.index.parse(text, locale);
    note("segmentation", text, shown(parsed.groups), "words of the catalogue's dictionary");
    const spelt = this.#spell(parsed.groups, note);
    const found = this.#entities(spelt.groups);
    for (const { text: name, kind, value } of found.entities) {
      note("entities", name, value, `${kind} of the catalogue`);
    }
    const groups = this.#weigh(spelt.groups, found.kinds, note);
    const words = groups
      .filter(({ need }) => need !== "excluded")
      .map(({ text: word }) => queryKey(word));
    const categories = this.#knowledge.categories?.predict(text, words) ?? [];
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
      text: spelt.text ?? text,
      parsed: { text, groups },
      entities: found.entities,
      ...(asked !== undefined && asked.rest !== "" && { price: asked.range }),
      categories,
      ...(spelt.didYouMean !== undefined && { didYouMean: spelt.didYouMean }),
      corrected: spelt.text !== undefined,
      ...(navigational !== undefined && { navigational }),
      stages,
    };
  }

  #spell(
    groups: readonly QueryGroup[],
    note: (stage: QueryStage, before: string, after: string, reason: string) => void,
  ): {
    readonly groups: readonly QueryGroup[];
    readonly text?: string;
    readonly didYouMean?: string;
  } {
    let [certain, likely] = [false, false];
    const offered: string[] = [];
    const corrected = groups.map((group): QueryGroup => {
      const correction = this.#correctionOf(group);
      offered.push(correction?.text ?? operated(group));
      if (correction === undefined) return group;
      const { text, confidence, reason } = correction;
      const why = reason === "sounds-alike" ? "sounds alike" : "typing error";
      note("spelling", group.text, text, `${why}, ${confidence}`);
      if (confidence === "likely") {
        likely = true;
        return group;
      }
      certain = true;
      return { ...group, text };
    });
    const whole = joinedWords(offered);
    return {
      groups: corrected,
      ...(certain && { text: joinedWords(corrected.map(operated)) }),
      ...(likely && { didYouMean: whole }),
    };
  }

  #correctionOf(group: QueryGroup) {
    const { lexicon, spelling } = this.#knowledge;
    if (group.isPhrase || group.need === "excluded" || group.alternatives.length > 0) return;
    // Half a word is no misspelt one.
    if (group.isPrefix && this.#beginsWord(group.text)) return;
    const key = queryKey(group.text);
    if (this.#neverCorrect.has(key) || lexicon.nameOf(key) !== undefined) return;
    return spelling.correct(key);
  }

  #beginsWord(text: string): boolean {
    return this.#knowledge.spelling.begins(text);
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
    note: (stage: QueryStage, before: string, after: string, reason: string) => void,
  ): QueryGroup[] {
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
      return { ...group, importance, need };
    });
    // A query of nothing but marketing words asks for them.
    const isAllLow = weighed.every(({ need }) => need !== "required");
    const taken = isAllLow
      ? weighed.map((group, i) => ({ ...group, need: groups[i]!.need }))
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
    if (lexicon.isCode(text)) return { kind: "code", value: queryKey(text) };
    const item = lexicon.itemTitled(text);
    if (item !== undefined) return { kind: "title", value: item };
    const [only] = entities;
    const isWhole =
      only?.kind === "brand" &&
      entities.length === 1 &&
      queryKey(only.text) === queryKey(joinedWords(groups.map((group) => group.text)));
    return isWhole ? { kind: "brand", value: only.value } : undefined;
  }
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
