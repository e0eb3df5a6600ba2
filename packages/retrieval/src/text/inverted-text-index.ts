import type { Item } from "@magpie/domain";
import { ItemSet } from "../filter/item-set.ts";
import { Analyser, pinyinTerm, type QueryUnit, type Token } from "./analysis/analyser.ts";
import { normaliseText } from "./analysis/normalise.ts";
import { runsOf } from "./analysis/runs.ts";
import { loadSegmenter, type Segmenter } from "./analysis/segmenter.ts";
import { stemmedLanguageOf, type StemmedLanguage } from "./analysis/stemming/stem.ts";
import { bestPlaces } from "./best-places.ts";
import { ChangedItems } from "./changed-items.ts";
import { CompiledDictionaries, type TextDictionaries } from "./dictionaries.ts";
import { Highlighter, type HighlightWord } from "./highlight.ts";
import { ItemIndexer } from "./item-indexer.ts";
import { visitOwnNames } from "./item-texts.ts";
import type { ParsedQuery, QueryGroup } from "./parsed-query.ts";
import { has, placeOf, PostingLists } from "./posting-lists.ts";
import { PostingsBuilder } from "./postings-builder.ts";
import { Postings, usualWeights } from "./postings.ts";
import { maxGroups, QueryParser, type Vocabulary } from "./query-parser.ts";
import { anyRow, foundRow, passesGate, Scratch } from "./scratch.ts";
import { Segment } from "./segment.ts";
import { standIn } from "./stand-ins.ts";
import type {
  MatchStage,
  TextField,
  TextHits,
  TextIndex,
  TextPart,
  TextSearchOptions,
} from "./text-index.ts";
import { TextPlan, type TextSettings } from "./text-plan.ts";
import { UnitResolver, type Clause, type Unit } from "./unit-resolver.ts";

/** Together with the units of the query fewer than 256, which is where counts of them end. */
const maxFinerUnits = 100;
/** With so many items that have all words, a search looks for no others. */
const enough = { all: 0, relaxed: 1, close: 20, broad: 100 } as const;
/** Items that lack one word are taken up to so many, the best ones. */
const maxClose = 100;
const maxOwnWordLength = 10;

/** What is asked of a query's groups, once they are looked up. */
interface Asked {
  readonly units: readonly Unit[];
  readonly sources: readonly QueryUnit[];
  readonly filter: ItemSet | undefined;
}

/**
 * The embedded text index: BM25F over typed arrays, in memory, opened from a snapshot in a moment.
 *
 *     query ─▶ units (words) ─▶ each unit: items that have all clauses of one reading, with a score
 *                              └▶ items that have all units; where none has, items with some
 *
 * Chinese is indexed as words, pairs and single characters, so that a wrong cut never hides an
 * item; words only raise it. Latin words fall back on prefixes (of the last word), on pinyin, and
 * on one typing error. Scores are comparable within one answer.
 */
export class InvertedTextIndex implements TextIndex {
  /** Of the items that the index was built of. */
  readonly #base: Postings;
  readonly #analyser: Analyser;
  readonly #ownWords: readonly string[];
  readonly #plan: TextPlan;
  readonly #changes: ChangedItems;
  readonly #vocabulary: Vocabulary;
  readonly #parser: QueryParser;
  readonly #resolver: UnitResolver;
  #scratch: Scratch;

  private constructor(
    postings: Postings,
    ownWords: readonly string[],
    analyser: Analyser,
    plan: TextPlan,
  ) {
    this.#base = postings;
    this.#analyser = analyser;
    this.#ownWords = ownWords;
    this.#plan = plan;
    const base = new Segment(postings);
    this.#vocabulary = {
      lists: new PostingLists([base]),
      dictionaries: new CompiledDictionaries({}, (text) => analyser.keyOf(text)),
    };
    this.#parser = new QueryParser(analyser, this.#vocabulary, plan.hasExactFields);
    this.#resolver = new UnitResolver(analyser, this.#vocabulary, this.#parser);
    this.#scratch = new Scratch(postings.rows);
    analyser.useFrequencies((term) => this.#vocabulary.lists.frequencyOf(term));
    this.#changes = new ChangedItems(
      base,
      (items) => index(items, analyser, plan, this.#vocabulary.lists),
      (segments) => this.#take(segments),
    );
  }

  /**
   * @param items      the item of row 1, of row 2, and so on; undefined where a row has none
   * @param segmenter  jieba with the words of these items when absent
   * @param settings   how the shop's fields are searched; kept with the index
   */
  static async build(
    items: Iterable<Item | undefined>,
    options: {
      readonly segmenter?: Segmenter;
      readonly settings?: TextSettings;
      /** Words that Chinese texts and queries are not cut in, beside names of the catalogue. */
      readonly wholeWords?: readonly string[];
    } = {},
  ): Promise<InvertedTextIndex> {
    // Gone through twice, so that a large catalogue need not be in memory; what can be gone through
    // only once must be.
    const all = "next" in items ? [...items] : items;
    const plan = new TextPlan(options.settings);
    const { ownWords, languages } = survey(all, plan, options.wholeWords);
    const segmenter = options.segmenter ?? (await loadSegmenter(ownWords));
    const analyser = analyserOf(segmenter, ownWords, languages, plan);
    return new InvertedTextIndex(await index(all, analyser, plan), ownWords, analyser, plan);
  }

  /** Opens what `toBytes` gave: the postings are views of `bytes`. */
  static async open(bytes: Uint8Array): Promise<InvertedTextIndex> {
    const { postings, header } = Postings.open(bytes);
    const ownWords = header["ownWords"] as string[];
    const languages = (header["languages"] ?? []) as StemmedLanguage[];
    const plan = new TextPlan((header["settings"] ?? {}) as TextSettings);
    const analyser = analyserOf(await loadSegmenter(ownWords), ownWords, languages, plan);
    return new InvertedTextIndex(postings, ownWords, analyser, plan);
  }

  /** What the index was built of. Changes since are not in it: whoever gave them has them. */
  toBytes(): Uint8Array {
    return this.#base.toBytes({
      ownWords: this.#ownWords,
      languages: this.#analyser.languages,
      settings: this.#plan.settings,
    });
  }

  /** Rows of the index, padding row 0 included. */
  get rows(): number {
    return this.#scratch.rows;
  }

  /**
   * Takes items that are new, changed or gone (undefined), by row; rows past the end make room. They
   * are found from when the promise is kept, all of them at once; the work is that of analysing
   * them, whatever the size of the index. All scores go by the items that are there from then on.
   *
   * Texts are cut by the words, and compounds parted by those, that were known when they were given.
   */
  async update(changes: ReadonlyMap<number, Item | undefined>): Promise<void> {
    await this.#changes.add(changes);
  }

  /** Waits until the parts that changes left behind are merged, which otherwise goes on beside. */
  async settle(): Promise<void> {
    await this.#changes.settle();
  }

  #take(segments: readonly Segment[]): void {
    this.#vocabulary.lists = new PostingLists(segments);
    const rows = Math.max(...segments.map(({ postings }) => postings.rows));
    if (rows > this.#scratch.rows) this.#scratch = new Scratch(rows);
  }

  /** An index of other items that analyses as this one does: by its words and languages. */
  async alike(items: Iterable<Item | undefined>): Promise<InvertedTextIndex> {
    const analyser = analyserOf(
      this.#analyser.segmenter,
      this.#ownWords,
      this.#analyser.languages,
      this.#plan,
    );
    const postings = await index(items, analyser, this.#plan);
    return new InvertedTextIndex(postings, this.#ownWords, analyser, this.#plan);
  }

  /** Takes the shop's dictionaries in place of those before; the next query is parsed by them. */
  useDictionaries(dictionaries: TextDictionaries): void {
    this.#vocabulary.dictionaries = new CompiledDictionaries(dictionaries, (text) =>
      this.#analyser.keyOf(text),
    );
  }

  /** What the analyser makes of a text: every term with its kind and place. */
  tokens(text: string): Token[] {
    return this.#analyser.tokens(text);
  }

  parse(query: string, locale?: string): ParsedQuery {
    return this.#parser.parse(query, locale);
  }

  /** The same group with another need or importance; what was parsed of it stays. */
  adjusted(
    group: QueryGroup,
    change: Partial<Pick<QueryGroup, "need" | "importance">>,
  ): QueryGroup {
    return this.#parser.adjusted(group, change);
  }

  /**
   * At most how many items have a group as it is typed, or one of its alternatives: by inflections,
   * prefixes and pinyin too, but not by what may be a typing error. 0: none has.
   */
  itemsWith(group: QueryGroup, locale?: string): number {
    const units = group.isPhrase
      ? [{ readings: [[this.#vocabulary.lists.phrase(this.#analyser.phrase(group.text), 1)]] }]
      : this.#resolver
          .sourcesOf(group, locale)
          .map((unit) => this.#resolver.resolve(unit, "medium", 1, false));
    return units.reduce((sum, { readings }) => {
      const open = readings.filter((reading) => reading.every((clause) => clause.length > 0));
      return sum + open.reduce((of, reading) => of + Math.min(...reading.map(lengthOf)), 0);
    }, 0);
  }

  search(query: string | ParsedQuery, options: TextSearchOptions): TextHits {
    const parsed = typeof query === "string" ? this.parse(query, options.locale) : query;
    const asked = this.#ask(parsed, options);
    if (asked.units.length === 0) return this.#browse(asked.filter, options);
    const strong = asked.units.filter(({ isWeak }) => !isWeak);
    const required = strong.length > 0 ? strong : asked.units;
    const weak = strong.length > 0 ? asked.units.filter(({ isWeak }) => isWeak) : [];
    const strict = this.#collect(required, weak, asked.filter, "all", options);
    const found = strict.matches.count();
    const { mode = "relaxed" } = options;
    const isFilled = options.sort === undefined && required.length > 1;
    if (found >= (isFilled ? enough[mode] : Math.min(1, enough[mode]))) return strict;
    if (found > 0) {
      return this.#collect(required, weak, asked.filter, mode as "close" | "broad", options);
    }
    const stages =
      mode === "broad" && options.sort === undefined
        ? []
        : ([
            ["without-low", required.filter(({ importance }) => importance !== "low")],
            ["high-only", required.filter(({ importance }) => importance === "high")],
          ] as const);
    let before = required.length;
    for (const [stage, kept] of stages) {
      if (kept.length === 0 || kept.length === before) continue;
      before = kept.length;
      const rest = [...weak, ...required.filter((unit) => !kept.includes(unit))];
      const hits = this.#collect(kept, rest, asked.filter, stage, options);
      if (hits.total > 0) return hits;
    }
    const finer = asked.sources
      .flatMap((unit) => this.#analyser.finerUnits(unit))
      .slice(0, maxFinerUnits)
      .map((part) => this.#resolver.resolve(part, "medium", standIn.inner));
    return this.#collect([...required, ...finer], weak, asked.filter, "some", options);
  }

  highlighter(query: string | ParsedQuery, locale?: string): Highlighter {
    const parsed = typeof query === "string" ? this.parse(query, locale) : query;
    const words = parsed.groups
      .filter(({ need }) => need !== "excluded")
      .map((group): HighlightWord => {
        if (group.isPhrase) {
          return { word: group.text, terms: new Set(), phrase: this.#analyser.phrase(group.text) };
        }
        const terms = new Set<string>();
        for (const unit of this.#resolver.sourcesOf(group, locale)) {
          for (const clause of [...unit.readings.flat(), ...unit.extras]) {
            terms.add(clause.term);
            const own = this.#resolver
              .alternatives(clause, 1)
              .map(({ segment, term }) => segment.postings.dictionary.term(term));
            // Where the word is typed in full, longer ones that begin with it are not meant.
            const typed = pinyinTerm(clause.term);
            const isTyped = own.includes(typed);
            for (const term of own)
              if (!isTyped || term[0] !== "~" || term === typed) terms.add(term);
          }
          for (const sounding of this.#resolver.isKnown(unit)
            ? []
            : this.#analyser.soundingLike(unit)) {
            for (const clause of sounding.readings.flat()) terms.add(clause.term);
          }
        }
        return { word: group.text, terms };
      });
    return new Highlighter(this.#analyser, words);
  }

  /** Looks a query's groups up; what is excluded leaves the filter. */
  #ask({ groups }: ParsedQuery, { filter, locale }: TextSearchOptions): Asked {
    const units: Unit[] = [];
    const sources: QueryUnit[] = [];
    let passing = filter;
    for (const group of groups.slice(0, maxGroups)) {
      const own = group.isPhrase ? [] : this.#resolver.sourcesOf(group, locale);
      if (group.need === "excluded") {
        const out = this.#rowsOf(group, own);
        passing = passing === undefined ? ItemSet.all(this.rows) : passing.clone();
        for (const row of out) passing.delete(row);
        continue;
      }
      if (own.length === 0 && !group.isPhrase) continue;
      sources.push(...own.slice(0, 1));
      units.push(this.#resolver.unitOf(group, own));
    }
    return { units, sources, filter: passing };
  }

  /** The rows that have a group exactly as it is typed. */
  #rowsOf(group: QueryGroup, sources: readonly QueryUnit[]): Int32Array {
    const readings = group.isPhrase
      ? [[this.#vocabulary.lists.phrase(this.#analyser.phrase(group.text), 1)]]
      : sources.flatMap(({ readings: own }) =>
          own.map((reading) => reading.map((clause) => this.#resolver.exactly(clause))),
        );
    const scratch = this.#scratch;
    scratch.begin();
    this.#evaluate(
      { word: group.text, importance: "medium", isWeak: false, readings, extras: [] },
      undefined,
      anyRow,
      false,
    );
    return scratch.found.slice(0, scratch.foundCount);
  }

  /** Hits of one stage. */
  #collect(
    required: readonly Unit[],
    others: readonly Unit[],
    filter: ItemSet | undefined,
    stage: MatchStage | "broad" | "close",
    options: TextSearchOptions,
  ): TextHits {
    const scratch = this.#scratch;
    const isFilled = stage === "broad" || stage === "close";
    const isPartial = stage === "some" || isFilled;
    scratch.begin();
    const needed = stage === "close" ? required.filter(hasDigit) : [];
    const isOrdered = !isPartial || stage === "close";
    const byCost = isOrdered
      ? required.toSorted((a, b) => this.#cost(a) - this.#cost(b))
      : required;
    const ordered = [...needed, ...byCost.filter((unit) => !needed.includes(unit))];
    // Who lacks one word at most has one of any two, so frequent words find nothing new.
    const finding = needed.length > 0 ? 1 : 2;
    let mayBeClose: ItemSet | undefined;
    for (const [i, unit] of ordered.entries()) {
      const gate = !isPartial ? i : stage === "close" && i >= finding ? foundRow : anyRow;
      this.#evaluate(unit, filter, gate, false);
      if (i === needed.length - 1) mayBeClose = scratch.with(needed.length);
    }
    for (const unit of others) this.#evaluate(unit, filter, anyRow, true);
    const least = isPartial ? 1 : required.length;
    const { found, matched, scores, foundCount } = scratch;
    const matches = new ItemSet(this.rows);
    const lacking = isFilled ? new ItemSet(this.rows) : undefined;
    for (let i = 0; i < foundCount; i++) {
      const row = found[i]!;
      const isWhole = matched[row]! >= required.length;
      if (stage === "close" ? isWhole : matched[row]! >= least) {
        matches.words[row >> 5]! |= 1 << (row & 31);
      }
      if (stage === "broad" && !isWhole) lacking!.add(row);
      // Items with more of the words go before those with fewer.
      if (isPartial) scores[row]! *= matched[row]! / required.length;
    }
    if (isFilled) scratch.putBehind(required.length);
    if (stage === "close") {
      for (const row of scratch.bestWith(required.length - 1, maxClose, mayBeClose)) {
        matches.add(row);
        lacking!.add(row);
      }
    }
    return this.#page(
      [...required, ...others],
      { matches, lacking },
      isFilled ? "all" : stage,
      options,
      (row) => scores[row]!,
    );
  }

  /** Everything that passes, for a query without words. */
  #browse(filter: ItemSet | undefined, options: TextSearchOptions): TextHits {
    const matches =
      options.emptyFindsAll !== true
        ? new ItemSet(this.rows)
        : filter === undefined
          ? ItemSet.all(this.rows)
          : filter.clone();
    return this.#page([], { matches }, "all", options, () => 0);
  }

  #page(
    units: readonly Unit[],
    { matches, lacking }: { readonly matches: ItemSet; readonly lacking?: ItemSet | undefined },
    stage: MatchStage,
    { limit, offset = 0, refinements, sort, explain = true }: TextSearchOptions,
    scoreOf: (row: number) => number,
  ): TextHits {
    let hits = matches;
    if (refinements !== undefined && refinements.size > 0) {
      hits = matches.clone();
      for (const choice of refinements.values()) hits.intersect(choice);
    }
    const rows = hits.toRows();
    const places = bestPlaces(rows, scoreOf, sort, offset + limit).subarray(offset);
    const items = Int32Array.from(places, (place) => rows[place]!);
    const scores = Float32Array.from(items, scoreOf);
    const parts = explain
      ? Array.from(items, (row, place) => this.#explain(units, row, scores[place]!))
      : [];
    return {
      items,
      scores,
      total: rows.length,
      withAllWords:
        stage !== "all" ? 0 : rows.length - (lacking === undefined ? 0 : countIn(rows, lacking)),
      stage,
      relaxed: stage !== "all" && rows.length > 0,
      matches,
      ...(lacking && { lacking }),
      parts,
      matchedWords: parts.map((own) => [...new Set(own.map(({ word }) => word))]),
    };
  }

  /**
   * Adds a unit's score to the items that have it.
   *
   * @param gate       only items that have matched this many units so far, or `anyRow`, or `foundRow`
   * @param onlyFound  only items that an earlier unit has found, without counting the unit
   */
  #evaluate(unit: Unit, filter: ItemSet | undefined, gate: number, onlyFound: boolean): void {
    const scratch = this.#scratch;
    const words = filter?.words;
    scratch.beginUnit();
    const { matched } = scratch;
    const only = onlyLists(unit);
    if (only !== undefined && !onlyFound) {
      for (const list of only) scratch.addList(list, words, gate);
      return;
    }
    const isOpen = (row: number): boolean =>
      (words === undefined || has(words, row)) &&
      (gate === anyRow || passesGate(matched[row]!, gate));
    for (const reading of unit.readings) {
      const clauses = reading.toSorted((a, b) => lengthOf(a) - lengthOf(b));
      if (clauses.length === 0 || clauses[0]!.length === 0) continue;
      if (clauses.length === 1) {
        scratch.addReading(clauses[0]!, words, gate);
        continue;
      }
      scratch.beginReading(clauses.length);
      clauses.forEach((clause, place) => {
        this.#walk(clause, (row, amount) => {
          if (place === 0 && !isOpen(row)) return;
          scratch.addToReading(row, amount, place);
        });
      });
    }
    for (const extra of unit.extras) {
      this.#walk(extra, (row, amount) => scratch.addToUnit(row, amount));
    }
    scratch.endUnit(onlyFound);
  }

  /** Calls `visit` once for each item that has a term of the clause, with its best amount. */
  #walk(clause: Clause, visit: (row: number, amount: number) => void): void {
    if (areOfOneSubject(clause)) {
      for (const { rows, impacts, from, to, factor, dead } of clause) {
        for (let i = from; i < to; i++) {
          const row = rows[i]!;
          if (dead === undefined || !has(dead, row)) visit(row, factor * impacts[i]!);
        }
      }
      return;
    }
    const scratch = this.#scratch;
    scratch.beginClause();
    for (const { rows, impacts, from, to, factor, dead } of clause) {
      for (let i = from; i < to; i++) {
        const row = rows[i]!;
        if (dead === undefined || !has(dead, row)) scratch.addToClause(row, factor * impacts[i]!);
      }
    }
    scratch.visitClause(visit);
  }

  /** Postings that the cheapest way through a unit reads. */
  #cost({ readings }: Unit): number {
    return readings.reduce(
      (sum, reading) => sum + Math.min(...reading.map(lengthOf), Number.MAX_SAFE_INTEGER),
      0,
    );
  }

  /** What each word of the query gave in each field, summing to `score`. */
  #explain(units: readonly Unit[], row: number, score: number): TextPart[] {
    const parts = new Map<string, { word: string; field: TextField; amount: number }>();
    let sum = 0;
    for (const { word, readings, extras } of units) {
      const best = readings
        .map((reading) => reading.map((clause) => this.#bestOf(clause, row)))
        .filter((clauses) => clauses.length > 0 && clauses.every((met) => met !== undefined))
        .map((clauses) => clauses.filter((met) => met !== undefined))
        .toSorted((a, b) => amountOf(b) - amountOf(a))[0];
      if (best === undefined) continue;
      const more = extras
        .map((clause) => this.#bestOf(clause, row))
        .filter((met) => met !== undefined);
      for (const { amount, postings, posting, isPinyin } of [...best, ...more]) {
        for (const { field, share } of postings.fieldShares(posting, isPinyin)) {
          const key = `${field} ${word}`;
          const part = parts.get(key) ?? { word, field, amount: 0 };
          part.amount += amount * share;
          parts.set(key, part);
        }
        sum += amount;
      }
    }
    // The score was summed in float32 and scaled for words that are missing: to its own scale.
    const scale = sum > 0 ? score / sum : 0;
    return Array.from(parts.values(), ({ word, field, amount }) => {
      return { word, field, amount: amount * scale };
    });
  }

  #bestOf(clause: Clause, row: number): Met | undefined {
    let best: Met | undefined;
    for (const { segment, rows, impacts, from, to, factor, term, isPinyin, dead } of clause) {
      const at = has(dead, row) ? -1 : placeOf(rows, from, to, row);
      if (at < 0) continue;
      const amount = factor * impacts[at]!;
      if (best === undefined || amount > best.amount) {
        const { postings } = segment;
        best = { amount, postings, posting: postings.find(term, row), isPinyin };
      }
    }
    return best;
  }
}

/** A wrong digit is another product: who asks for a 15 is not answered by a 14. */
const hasDigit = ({ word }: Unit): boolean => /\p{N}/u.test(word);

/** The lists of one subject that are all there is to a unit, where that is so. */
function onlyLists({ readings, extras }: Unit): Clause | undefined {
  if (readings.length !== 1 || extras.length > 0) return undefined;
  const [clauses] = readings;
  const [clause] = clauses!;
  return clauses!.length === 1 && areOfOneSubject(clause!) ? clause : undefined;
}

/** True for lists without a live row in common. */
function areOfOneSubject(clause: Clause): boolean {
  const [first] = clause;
  return first !== undefined && clause.every(({ subject }) => subject === first.subject);
}

const countIn = (rows: Int32Array, set: ItemSet): number =>
  rows.reduce((count, row) => count + Number(set.has(row)), 0);

const lengthOf = (clause: Clause): number => clause.reduce((sum, { live }) => sum + live, 0);

interface Met {
  readonly amount: number;
  readonly postings: Postings;
  readonly posting: number;
  readonly isPinyin: boolean;
}

const amountOf = (clauses: readonly Met[]): number =>
  clauses.reduce((sum, { amount }) => sum + amount, 0);

/** Items indexed before the event loop gets its turn. */
const itemsPerTurn = 200;

async function index(
  items: Iterable<Item | undefined>,
  analyser: Analyser,
  plan: TextPlan,
  beside?: PostingLists,
): Promise<Postings> {
  const builder = new PostingsBuilder();
  const indexer = new ItemIndexer(analyser, builder, plan);
  let count = 0;
  for (const item of items) {
    if (count++ % itemsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
    indexer.add(item);
  }
  indexer.partCompounds((term) => beside?.frequencyOf(term) ?? 0);
  const weights = usualWeights.map((usual, slot) => plan.weights[slot] ?? usual);
  return builder.finish(weights, beside?.averageLengths);
}

const analyserOf = (
  segmenter: Segmenter,
  ownWords: readonly string[],
  languages: readonly StemmedLanguage[],
  { hasExactFields }: TextPlan,
): Analyser => new Analyser(segmenter, ownWords, languages, { hasExactValues: hasExactFields });

/** What is settled before indexing: Chinese words of brands and categories, languages to stem. */
function survey(
  items: Iterable<Item | undefined>,
  { settings: { language, fields = {} } }: TextPlan,
  wholeWords: readonly string[] = [],
): {
  readonly ownWords: readonly string[];
  readonly languages: readonly StemmedLanguage[];
} {
  const names = new Set(wholeWords);
  const locales = new Set(Object.values(fields).flatMap((field) => field.language ?? []));
  if (language !== undefined) locales.add(language);
  for (const item of items) {
    if (item === undefined) continue;
    visitOwnNames(item, (name) => names.add(name));
    if (item.locale !== undefined) locales.add(item.locale);
    for (const locale in item.locales) locales.add(locale);
  }
  const words = new Set<string>();
  for (const name of names) {
    for (const { kind, text: word } of runsOf(normaliseText(name))) {
      const fits = word.length > 1 && word.length <= maxOwnWordLength;
      if (kind === "unspaced" && fits) words.add(word);
    }
  }
  const languages = new Set(Array.from(locales, stemmedLanguageOf));
  return {
    ownWords: [...words],
    languages: [...languages].filter((language) => language !== undefined).sort(),
  };
}
