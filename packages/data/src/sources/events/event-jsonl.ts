import { eventTypes } from "@magpie/domain";
import { parseLines } from "../lines.ts";
import type { EventDraft, Problem, Reader } from "../reader.ts";
import { ActScanner } from "./act-scan.ts";
import { readDraft } from "./event-draft.ts";

/** JSON lines of our own event: one object a line, fields as in the event schema. */
export function eventJsonlReader(): Reader<EventDraft> {
  return {
    format: "jsonl",
    async *read(text, progress) {
      for await (const block of text.blocks(progress)) {
        const values: EventDraft[] = [];
        const lines: number[] = [];
        const problems: Problem[] = [];
        parseLines(block, problems, (value, line) => {
          const draft = readDraft(value, line, problems);
          if (draft === undefined) return;
          values.push(draft);
          lines.push(line);
        });
        yield { values, lines, problems };
      }
    },
    async *scanActs(text, progress, visit) {
      const scanner = new ActScanner(eventTypes);
      for await (const block of text.blocks(progress)) {
        scanner.scan(block, visit);
        yield block.lineCount;
      }
    },
  };
}
