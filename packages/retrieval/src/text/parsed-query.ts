/** How soon a word is given up when no item has all of them: low first, high last. */
export type Importance = "high" | "medium" | "low";

/** Another way to say what a group says. */
export interface QueryAlternative {
  readonly text: string;
  /** Share of the group's score that an item gets for it, in (0, 1]. */
  readonly weight: number;
}

/**
 * One thing that the reader asked for: a word, a quantity or a phrase. An item has it when it has
 * the typed text or one of the alternatives.
 */
export interface QueryGroup {
  /** As typed; the word that answers name as matched. */
  readonly text: string;
  /** Synonyms, corrections, translations: whatever may stand for the typed text. */
  readonly alternatives: readonly QueryAlternative[];
  /** `optional` groups rank and need not be there; `excluded` ones must not be there. */
  readonly need: "required" | "optional" | "excluded";
  readonly importance: Importance;
  /** Its words stand side by side, in this order. */
  readonly isPhrase: boolean;
  /** The reader may still be typing it. */
  readonly isPrefix: boolean;
}

/**
 * A query as its groups. Plain data: whoever understands queries better may add alternatives,
 * change needs and importance, and hand it back to `TextIndex.search`.
 */
export interface ParsedQuery {
  readonly text: string;
  readonly groups: readonly QueryGroup[];
}

/** A stretch of a query under one operator. */
export interface QuerySpan {
  readonly text: string;
  readonly isExcluded: boolean;
  readonly isPhrase: boolean;
}

const closingQuotes: Readonly<Record<string, string>> = {
  '"': '"“”＂',
  "“": '”“"',
  "＂": '＂"',
  "「": "」",
  "『": "』",
};
const minus = /[-－−]/;
const opensWord = /[\p{L}\p{N}"“＂「『]/u;

/**
 * Cuts a query at its operators: `"words side by side"` and `-without`. A quote after a digit is
 * the inch sign, one that nobody closes is nothing, and a minus inside a word is a hyphen.
 *
 *     red "running shoes" -nike  →  red │ running shoes (phrase) │ nike (excluded)
 */
export function spansOf(query: string): QuerySpan[] {
  const spans: QuerySpan[] = [];
  let plainFrom = 0;
  const endPlain = (at: number): void => {
    const text = query.slice(plainFrom, at);
    if (text.trim() !== "") spans.push({ text, isExcluded: false, isPhrase: false });
  };
  let at = 0;
  while (at < query.length) {
    const startsWord = at === 0 || /\s/u.test(query[at - 1]!);
    const isExcluded =
      startsWord && minus.test(query[at]!) && opensWord.test(query.slice(at + 1, at + 3));
    const opening = isExcluded ? at + 1 : at;
    const closing = closingQuotes[query[opening] ?? ""];
    const isInch = opening > 0 && /\p{N}/u.test(query[opening - 1]!);
    const end = closing === undefined || isInch ? -1 : indexOfAny(query, closing, opening + 1);
    if (end >= 0) {
      endPlain(at);
      const text = query.slice(opening + 1, end);
      if (text.trim() !== "") spans.push({ text, isExcluded, isPhrase: true });
      at = end + 1;
      plainFrom = at;
    } else if (isExcluded) {
      endPlain(at);
      const length = query.slice(opening).search(/\s/u);
      at = length < 0 ? query.length : opening + length;
      spans.push({ text: query.slice(opening, at), isExcluded, isPhrase: false });
      plainFrom = at;
    } else at++;
  }
  endPlain(query.length);
  return spans;
}

function indexOfAny(text: string, characters: string, from: number): number {
  for (let i = from; i < text.length; i++) if (characters.includes(text[i]!)) return i;
  return -1;
}
