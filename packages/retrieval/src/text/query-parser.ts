import { exactTerm, keyOfWord, type Analyser, type QueryUnit } from "./analysis/analyser.ts";
import { normaliseText, withoutStrayMarks } from "./analysis/normalise.ts";
import type { CompiledDictionaries } from "./dictionaries.ts";
import { spansOf, type ParsedQuery, type QueryGroup } from "./parsed-query.ts";
import type { PostingLists } from "./posting-lists.ts";
import { standIn } from "./stand-ins.ts";

/** What changes under a parser's eyes: the items that are there, and the shop's dictionaries. */
export interface Vocabulary {
  lists: PostingLists;
  dictionaries: CompiledDictionaries;
}

const maxQueryLength = 300;
/** Groups that a query may have; what comes after is left out. */
export const maxGroups = 32;

/**
 * Parses queries into groups: phrases and exclusions as typed, the words between them by the analyser,
 * words that the catalogue writes in one piece joined, synonyms beside what they stand for.
 */
export class QueryParser {
  readonly #analyser: Analyser;
  readonly #vocabulary: Vocabulary;
  readonly #hasExactFields: boolean;
  /** Units of groups that were parsed here, as long as nobody made other groups of them. */
  readonly #units = new WeakMap<QueryGroup, QueryUnit>();

  constructor(analyser: Analyser, vocabulary: Vocabulary, hasExactFields: boolean) {
    this.#analyser = analyser;
    this.#vocabulary = vocabulary;
    this.#hasExactFields = hasExactFields;
  }

  parse(query: string, locale?: string): ParsedQuery {
    const typed = withoutStrayMarks(query.slice(0, maxQueryLength));
    const spans = spansOf(typed);
    const groups = spans.flatMap((span, i): QueryGroup[] => {
      if (span.isPhrase || span.isExcluded) {
        const need = span.isExcluded ? "excluded" : "required";
        return [groupOf(span.text.trim(), need, { isPhrase: span.isPhrase })];
      }
      const whole = this.#wholeValue(span.text);
      if (whole !== undefined) return [whole];
      const mayBeTyping = i === spans.length - 1 && typed.endsWith(span.text);
      const units = this.#analyser.units(span.text, { mayBeTyping, ...(locale && { locale }) });
      const own = units.map((unit): QueryGroup => {
        const isWeak =
          unit.isWeak || this.#vocabulary.dictionaries.isStopWord(normaliseText(unit.word));
        const isPrefix = unit.readings.some((reading) => reading.some((clause) => clause.isPrefix));
        const group = groupOf(unit.word, isWeak ? "optional" : "required", { isPrefix });
        this.#units.set(group, unit);
        return group;
      });
      return this.#withSynonyms(this.#withCompounds(own));
    });
    return { text: query, groups: groups.slice(0, maxGroups) };
  }

  /** The same group with another need or importance; what was parsed of it stays. */
  adjusted(
    group: QueryGroup,
    change: Partial<Pick<QueryGroup, "need" | "importance">>,
  ): QueryGroup {
    const next = { ...group, ...change };
    const unit = this.#units.get(group);
    if (unit !== undefined) this.#units.set(next, unit);
    return next;
  }

  /** What the analyser made of a group; undefined for one that was not parsed here. */
  unitOf(group: QueryGroup): QueryUnit | undefined {
    return this.#units.get(group);
  }

  /** What is typed, as one group, when it is all of a value that is only found whole: AB-12 X. */
  #wholeValue(text: string): QueryGroup | undefined {
    const term = this.#hasExactFields ? exactTerm(text) : undefined;
    const isValue = term !== undefined && this.#vocabulary.lists.has(term);
    return isValue ? groupOf(text.trim(), "required") : undefined;
  }

  /** Words that the catalogue also writes in one piece become one group: basket ball. */
  #withCompounds(groups: readonly QueryGroup[]): QueryGroup[] {
    const joined: QueryGroup[] = [];
    for (let i = 0; i < groups.length; i++) {
      const [first, second] = [groups[i]!, groups[i + 1]];
      const isPair = second?.need === "required" && first.need === "required";
      const whole = isPair ? latinWord(first.text) + latinWord(second.text) : "";
      const isJoined =
        isPair &&
        latinWord(first.text) !== "" &&
        latinWord(second.text) !== "" &&
        this.#vocabulary.lists.has(keyOfWord(whole));
      if (!isJoined) {
        joined.push(first);
        continue;
      }
      joined.push({
        ...groupOf(`${first.text} ${second.text}`, "required", { isPrefix: second.isPrefix }),
        alternatives: [{ text: whole, weight: standIn.compound }],
      });
      i++;
    }
    return joined;
  }

  #withSynonyms(groups: readonly QueryGroup[]): QueryGroup[] {
    const longest = this.#vocabulary.dictionaries.longestSynonym;
    if (longest === 0) return [...groups];
    const joined: QueryGroup[] = [];
    for (let i = 0; i < groups.length;) {
      let taken = 1;
      let group = groups[i]!;
      for (let length = Math.min(longest, groups.length - i); length > 0; length--) {
        const window = groups.slice(i, i + length);
        const synonyms = this.#vocabulary.dictionaries.synonymsOf(
          window.map(({ text }) => keyOfWord(text)).join(" "),
        );
        if (synonyms.length === 0) continue;
        if (length > 1) {
          const text = window.map((part) => part.text).join(" ");
          group = groupOf(text, "required", { isPrefix: window.at(-1)!.isPrefix });
        }
        const unit = this.#units.get(groups[i]!);
        group = { ...group, alternatives: [...group.alternatives, ...synonyms] };
        if (length === 1 && unit !== undefined) this.#units.set(group, unit);
        taken = length;
        break;
      }
      joined.push(group);
      i += taken;
    }
    return joined;
  }
}

function groupOf(
  text: string,
  need: QueryGroup["need"],
  flags: { readonly isPhrase?: boolean; readonly isPrefix?: boolean } = {},
): QueryGroup {
  const { isPhrase = false, isPrefix = false } = flags;
  return { text, alternatives: [], need, importance: "medium", isPhrase, isPrefix };
}

/** The word in its normal form when it is one of plain letters or digits, else "". */
function latinWord(text: string): string {
  const normalised = normaliseText(text);
  return /^[a-z0-9]+$/.test(normalised) ? normalised : "";
}
