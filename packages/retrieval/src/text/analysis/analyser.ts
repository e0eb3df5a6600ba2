import { normaliseText } from "./normalise.ts";
import { syllablesOf } from "./pinyin.ts";
import { singular } from "./plural.ts";
import { joined, partsOf, runsOf } from "./runs.ts";
import type { Segmenter } from "./segmenter.ts";

/**
 * Terms are what the index keeps and queries ask for. Their first character tells their kind, and
 * none of these can begin a word:
 *
 *     shoe, mate, 3.5    a Latin (Cyrillic, …) word or number, in the singular
 *     鞋, 跑步            a character, or two that stand side by side
 *     =跑步              a word that the segmenter found
 *     ~paobu, ~pb        how a word is typed in Latin letters, and its initials
 */
export type Term = string;
const wordTerm = (word: string): Term => `=${word}`;
export const pinyinTerm = (letters: string): Term => `~${letters}`;

/** Longest run that is also typed in one go: naikeyundongxie. */
const maxJoinedPinyin = 8;

const han = /^\p{Script=Han}+$/u;

/** One thing that must be in the item, in one of several ways that the index resolves. */
export interface QueryClause {
  readonly term: Term;
  /** Share of its unit's weight. */
  readonly weight: number;
  /**
   * `exact`: as it stands. `word`: where no item has it, words one typo away or the pinyin term
   * stand in. `number`: like `exact`, because a wrong digit is another product.
   */
  readonly kind: "exact" | "word" | "number";
  /** The reader may still be typing it. */
  readonly isPrefix: boolean;
}

/** One word of the query. */
export interface QueryUnit {
  /** As the reader typed it. */
  readonly word: string;
  /** Ways to read it: an item has the word when it has all clauses of one of them. */
  readonly readings: readonly (readonly QueryClause[])[];
  /** Clauses that only add to the score. */
  readonly extras: readonly QueryClause[];
  /** Words such as "for", 的 or 包邮 rank, but need not be there. */
  readonly isWeak: boolean;
}

const weakWords = new Set(
  (
    "a an and are as at be by for from in is it my of on or s that the this to with your " +
    "的 了 和 与 及 或 在 是 款 同款 新款 正品 包邮 现货 特价 爆款 官方 旗舰店"
  ).split(" "),
);
const maxUnits = 32;
/** What a query has after this many characters is not looked at. */
const maxQueryLength = 300;

/** Turns texts into terms and queries into units, by the same rules. */
export class Analyser {
  readonly #segmenter: Segmenter;
  readonly #ownWords: readonly string[];
  #soundingLike: Map<string, string[]> | undefined;

  /** @param ownWords  normalised words of the shop, which spelling by sound may fall back on */
  constructor(segmenter: Segmenter, ownWords: readonly string[]) {
    this.#segmenter = segmenter;
    this.#ownWords = ownWords;
  }

  /**
   * Gives every term of a text, as often as it occurs.
   *
   * @returns  the length of the text in words, for length normalisation
   */
  analyse(text: string, emit: (term: Term) => void): number {
    let length = 0;
    for (const run of runsOf(normaliseText(text))) {
      if (run.kind === "unspaced") {
        const characters = [...run.text];
        length += characters.length / 2; // Chinese words have about two characters
        characters.forEach((character, i) => {
          emit(character);
          if (i > 0) emit(characters[i - 1]! + character);
        });
        for (const word of this.#segmenter.cutFine(run.text)) {
          if (word.length > 1) emit(wordTerm(word));
        }
      } else {
        const parts = partsOf(run.text).map(singular);
        length += parts.length;
        for (const part of parts) emit(part);
        if (parts.length > 1) emit(singular(joined(parts)));
      }
    }
    return length;
  }

  /** Gives every pinyin term of a text. */
  analysePinyin(text: string, emit: (term: Term) => void): void {
    for (const run of runsOf(normaliseText(text))) {
      if (run.kind !== "unspaced") continue;
      const inOneGo: string[] = [];
      let before: readonly string[] = [];
      for (const word of this.#segmenter.cut(run.text)) {
        if (!han.test(word)) {
          before = [];
          continue;
        }
        const syllables = syllablesOf(word);
        inOneGo.push(...syllables);
        for (const syllable of syllables) emit(pinyinTerm(syllable));
        emitTyped(syllables, emit);
        // Where the segmenter sees two words, the reader may see one: 跑步|鞋 → paobuxie.
        if (before.length > 0) emitTyped([...before, ...syllables], emit);
        before = syllables;
        for (const inner of this.#segmenter.cutFine(word)) {
          if (inner.length > 1 && inner !== word) emitTyped(syllablesOf(inner), emit);
        }
      }
      if (inOneGo.length <= maxJoinedPinyin) emitTyped(inOneGo, emit);
    }
  }

  /** The words of a query, as units that an item may have or not have. */
  units(query: string): QueryUnit[] {
    const typed = query.slice(0, maxQueryLength).normalize("NFKC");
    const runs = runsOf(typed);
    const last = runs.at(-1);
    const isTyping =
      last?.kind === "spaced" && typed.trimEnd() === typed && typed.endsWith(last.text);
    const units = runs.flatMap((run, i): QueryUnit[] =>
      run.kind === "unspaced"
        ? this.#unspacedUnits(run.text)
        : spacedUnits(run.text, isTyping && i === runs.length - 1),
    );
    return units.slice(0, maxUnits);
  }

  /** The words inside a long Chinese word, for a second try: 跑步鞋垫 → 跑步, 鞋垫. */
  finerUnits(unit: QueryUnit): QueryUnit[] {
    const word = normaliseText(unit.word);
    if (!han.test(word)) return [];
    const inner = this.#segmenter.cutFine(word).filter((part) => part !== word);
    return inner.map((part) => wordUnit(part, part, false));
  }

  /**
   * The shop's words that sound like this one, for a word that nobody knows: 耐客 → 耐克. Words of
   * the dictionary are left alone: 景点 must not become 经典, though both read jingdian.
   */
  soundingLike(unit: QueryUnit): QueryUnit[] {
    const word = normaliseText(unit.word);
    if (word.length < 2 || !han.test(word) || this.#segmenter.isKnown(word)) return [];
    this.#soundingLike ??= Map.groupBy(
      this.#ownWords.filter((own) => han.test(own)),
      soundOf,
    );
    return (this.#soundingLike.get(soundOf(word)) ?? [])
      .filter((own) => own !== word)
      .map((own) => wordUnit(unit.word, own, false));
  }

  #unspacedUnits(typed: string): QueryUnit[] {
    const simplified = normaliseText(typed);
    // Words of the reader are shown as typed where simplifying kept the characters in place.
    const inPlace = simplified.length === typed.length;
    const units: QueryUnit[] = [];
    let from = 0;
    for (const word of this.#segmenter.cut(simplified)) {
      const shown = inPlace ? typed.slice(from, from + word.length) : word;
      const unit = wordUnit(shown, word, weakWords.has(word));
      // The pair across two words: 跑步|鞋 adds to items that have 步鞋 in one piece.
      const across = from === 0 ? "" : pairAcross(simplified, from);
      units.push(across === "" ? unit : { ...unit, extras: [...unit.extras, exact(across, 0.2)] });
      from += word.length;
    }
    return units;
  }
}

const soundOf = (word: string): string => syllablesOf(word).join(" ");

function emitTyped(syllables: readonly string[], emit: (term: Term) => void): void {
  if (syllables.length < 2) return;
  emit(pinyinTerm(syllables.join("")));
  emit(pinyinTerm(syllables.map((syllable) => syllable[0]!).join("")));
}

/** The two characters around position `at`, which may take two code units each. */
function pairAcross(text: string, at: number): string {
  const before = /.$/u.exec(text.slice(0, at))!;
  return before[0] + String.fromCodePoint(text.codePointAt(at)!);
}

const exact = (term: Term, weight: number): QueryClause => ({
  term,
  weight,
  kind: "exact",
  isPrefix: false,
});

/** A word of an unspaced script: its characters side by side, more when it stands there as a word. */
function wordUnit(shown: string, word: string, isWeak: boolean): QueryUnit {
  const characters = [...word];
  if (characters.length === 1) {
    return { word: shown, readings: [[exact(word, 0.6)]], extras: [], isWeak };
  }
  const pairs = characters.slice(1).map((character, i) => characters[i]! + character);
  return {
    word: shown,
    readings: [pairs.map((pair) => exact(pair, 0.5 / pairs.length))],
    extras: [exact(wordTerm(word), 0.5)],
    isWeak,
  };
}

function spacedUnits(typed: string, isTyping: boolean): QueryUnit[] {
  const normalised = normaliseText(typed);
  const parts = partsOf(normalised);
  if (parts.length === 0) return [];
  const isWeak = parts.length === 1 && weakWords.has(parts[0]!);
  const clause = (part: string, weight: number, isLast: boolean): QueryClause => ({
    term: singular(part),
    weight,
    kind: /\p{N}/u.test(part) ? "number" : "word",
    isPrefix: isTyping && isLast,
  });
  if (parts.length === 1) {
    return [{ word: typed, readings: [[clause(parts[0]!, 1, true)]], extras: [], isWeak }];
  }
  // Mixed words are indexed whole and in parts. Whoever wrote t-shirt may have meant tshirt; a
  // model number is only right when all its parts are.
  const split = parts.map((part, i) => clause(part, 0.6 / parts.length, i === parts.length - 1));
  const whole = clause(joined(parts), 1, true);
  return whole.kind === "number"
    ? [
        {
          word: typed,
          readings: [split],
          extras: [{ ...whole, weight: 0.4, isPrefix: false }],
          isWeak,
        },
      ]
    : [{ word: typed, readings: [[{ ...whole, kind: "exact" }], split], extras: [], isWeak }];
}
