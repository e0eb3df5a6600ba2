import type { EventType } from "@magpie/domain";
import type { EventDraft, Problem } from "../reader.ts";
import type { TextBlock } from "../text.ts";
import { parseRfc3339 } from "../timestamps.ts";
import { readDraft } from "./event-draft.ts";

/** Who acted when: all that a count of activity needs. */
export type VisitAct = (actor: string, type: EventType, timestampMs: number) => void;

const userNeedle = '"userId":"';
const visitorNeedle = '"visitorId":"';
const typeNeedle = '"type":"';
const timeNeedle = '"timestamp":"';

/**
 * Finds actor, type and time of each line of our event JSON without parsing it: four times faster
 * than JSON.parse, for the pass over a file that only counts.
 *
 * `"userId":"` cannot occur inside a JSON string (its quotes would be escaped), so finding it in a
 * line finds the field. A line is parsed in full where that is not certain: a field is not found,
 * its value holds an escape, attributes may hide fields of the same name, or the time has a rare
 * shape. Lines that are no events may be counted or not. A test compares the two ways.
 */
export class ActScanner {
  readonly #types: ReadonlyMap<string, EventType>;
  readonly #ignored: Problem[] = [];
  #hasAttributes = false;

  constructor(types: readonly EventType[]) {
    this.#types = new Map(types.map((type) => [type, type]));
  }

  scan({ text }: TextBlock, visit: VisitAct): void {
    // A field, not a constant: the optimiser takes the search for pure and moves it to its use in
    // the loop, where it runs over the whole block once a line (70 µs a line instead of 0.5).
    this.#hasAttributes = text.includes('"attributes"');
    for (let from = 0; from < text.length;) {
      const feed = text.indexOf("\n", from);
      const to = feed < 0 ? text.length : feed;
      const line = text.slice(from, to);
      if ((this.#hasAttributes && line.includes('"attributes"')) || !this.#scanLine(line, visit)) {
        this.#parse(line, visit);
      }
      from = to + 1;
    }
  }

  /** False when the line must be parsed. */
  #scanLine(line: string, visit: VisitAct): boolean {
    const actor = valueOf(line, userNeedle) ?? valueOf(line, visitorNeedle);
    const typeName = valueOf(line, typeNeedle);
    const timeText = valueOf(line, timeNeedle);
    if (!actor || !typeName || !timeText) return false;
    const type = this.#types.get(typeName);
    const timestampMs = parseRfc3339(timeText);
    if (type === undefined || Number.isNaN(timestampMs)) return false;
    visit(actor, type, timestampMs);
    return true;
  }

  #parse(source: string, visit: VisitAct): void {
    let draft: EventDraft | undefined;
    try {
      draft = readDraft(JSON.parse(source), 0, this.#ignored);
    } catch {
      // Not JSON: the second pass reports it.
    }
    this.#ignored.length = 0;
    if (draft !== undefined) visit(draft.userId ?? draft.visitorId!, draft.type, draft.timestampMs);
  }
}

/** The value of a field: undefined when the field is absent, empty when it is not certain. */
function valueOf(line: string, needle: string): string | undefined {
  const at = line.indexOf(needle);
  if (at < 0) return undefined;
  const from = at + needle.length;
  const end = line.indexOf('"', from);
  if (end < 0) return "";
  const value = line.slice(from, end);
  return value.includes("\\") ? "" : value;
}
