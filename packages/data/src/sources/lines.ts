import { shown, type Problem } from "./reader.ts";
import type { TextBlock } from "./text.ts";

/** One line of JSON, parsed. */
export type VisitLine = (value: unknown, line: number) => void;

/**
 * Parses every line of a block as JSON and hands it on; blank lines are passed over. Lines that
 * are not JSON, or whose bytes are bad, become problems.
 */
export function parseLines(block: TextBlock, problems: Problem[], visit: VisitLine): void {
  const { text, bad } = block;
  let line = block.firstLine;
  for (let from = 0; from < text.length; line++) {
    const at = text.indexOf("\n", from);
    const to = at < 0 ? text.length : at;
    if (bad?.has(line) === true) {
      problems.push({ line, ...bad.get(line)! });
    } else if (to - from > 1 || !isBlank(text, from, to)) {
      let value: unknown;
      let isParsed = true;
      try {
        value = JSON.parse(text.slice(from, to));
      } catch (error) {
        isParsed = false;
        const source = text.slice(from, to).trim();
        if (source !== "") problems.push(unparsable(source, line, error));
      }
      if (isParsed) visit(value, line);
    }
    from = to + 1;
  }
}

function isBlank(text: string, from: number, to: number): boolean {
  const code = text.charCodeAt(from);
  return to === from || code === 32 || code === 13 || code === 9;
}

function unparsable(source: string, line: number, error: unknown): Problem {
  return { rule: "unparsable", line, value: shown(source), message: whyNotJson(source, error) };
}

/** What is wrong with a line that is not JSON, with the fix where a common mistake is seen. */
function whyNotJson(source: string, error: unknown): string {
  const reason = error instanceof Error ? error.message.replace(/, ".*$|, \.\.\..*$/s, "") : "";
  if (error instanceof RangeError) return "is nested too deeply to be read";
  if (/[:[,]\s*(NaN|-?Infinity)\b/.test(source)) {
    return "is not JSON: NaN and Infinity are not JSON numbers; leave the field out";
  }
  if (source.includes("\u0000")) return "is not JSON: it holds zero bytes";
  if (/^[[{]/.test(source) && !/[\]}]$/.test(source)) {
    return "is not JSON: it ends in the middle; each line must hold one whole object";
  }
  if (/^\{\s*'/.test(source)) return "is not JSON: names and strings need double quotes";
  return `is not JSON: ${reason}`;
}
