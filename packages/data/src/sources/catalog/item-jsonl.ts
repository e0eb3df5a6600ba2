import type { Item } from "@magpie/domain";
import { parseLines } from "../lines.ts";
import type { Problem, Reader } from "../reader.ts";
import { readItem } from "./item-draft.ts";

/** JSON lines of our own item: one object a line, fields as in the item schema. */
export function itemJsonlReader(): Reader<Item> {
  return {
    format: "jsonl",
    async *read(text, progress) {
      for await (const block of text.blocks(progress)) {
        const values: Item[] = [];
        const lines: number[] = [];
        const problems: Problem[] = [];
        parseLines(block, problems, (value, line) => {
          const item = readItem(value, line, problems);
          if (item === undefined) return;
          values.push(item);
          lines.push(line);
        });
        yield { values, lines, problems };
      }
    },
  };
}
