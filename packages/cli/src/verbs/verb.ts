import { InvalidArgumentError, type Command } from "commander";
import type { GlobalOptions, Shell } from "../shell.ts";

/** Adds one verb to the program. `shellOf` makes the shell from the program's own options. */
export type Verb = (program: Command, shellOf: (options: GlobalOptions) => Shell) => void;

/** "A\nB" as the examples that stand below a verb's help. */
export const examples = (text: string): string => `\nExamples:\n${text.replace(/^/gm, "  ")}`;

/** An option's whole number, from `min`. */
export const wholeNumber =
  (min: number) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= min) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min}, not "${text}".`);
  };

/** "1,2,3" → [1, 2, 3] */
export function wholeNumbers(text: string): number[] {
  return text.split(",").map((part) => wholeNumber(0)(part.trim()));
}

/** A moment: a date or an RFC 3339 time; a date alone starts at midnight UTC. */
export function moment(text: string): number {
  const value = /^\d{4}-\d{2}-\d{2}(T.*(Z|[+-]\d{2}:?\d{2}))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (!Number.isNaN(value)) return value;
  throw new InvalidArgumentError(
    `It must be a date or a time with its zone, like 2026-11-01 or 2026-11-01T08:00:00+08:00, not "${text}".`,
  );
}

/** "field=Column", repeated, gathered into one record. */
export function fieldMap(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) {
    throw new InvalidArgumentError(`It must be field=Column, like title=Name, not "${text}".`);
  }
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
