/** A stretch of text that is analysed by one rule. */
export interface Run {
  /** `unspaced`: a script written without spaces between words: Chinese, Japanese, Thai. */
  readonly kind: "unspaced" | "spaced";
  readonly text: string;
  /** Where it begins in the whole text. */
  readonly from: number;
}

const unspaced = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}々ー`;
const spaced = String.raw`(?:(?![${unspaced}])[\p{L}\p{N}\p{M}])`;
// A spaced run keeps its inner hyphens and apostrophes, and the point inside a number.
const runPattern = new RegExp(
  String.raw`[${unspaced}]+|${spaced}+(?:(?:[-'’_]|(?<=\p{N})\.(?=\p{N}))${spaced}+)*`,
  "gu",
);
const startsUnspaced = new RegExp(`^[${unspaced}]`, "u");

/** Splits text into runs of letters and digits; everything between them is dropped. */
export function runsOf(text: string): Run[] {
  return Array.from(text.matchAll(runPattern), ({ 0: run, index }) => ({
    kind: startsUnspaced.test(run) ? "unspaced" : "spaced",
    text: run,
    from: index,
  }));
}

const partPattern = /\p{N}+(?:\.\p{N}+)*|[^\p{N}\-'’_.]+/gu;
const possessive = /['’]s$/u;

/**
 * Parts of a spaced run at its hyphens and where letters meet digits: mate60-pro → mate 60 pro.
 * A possessive ending is dropped: men's → men.
 */
export function partsOf(run: string): string[] {
  return run.replace(possessive, "").match(partPattern) ?? [];
}

/** The run written together, as others may write it: t-shirt → tshirt. Numbers keep their point. */
export function joined(parts: readonly string[]): string {
  return parts.join("");
}
