/** The engine over a catalogue nobody has visited yet: search as a shop gets it on its first day. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Item } from "@magpie/domain";
import { openEngine, type SearchOptions } from "@magpie/engine";
import { trainEngine } from "./filled-engine.ts";

export interface ServedSearch {
  /** Item ids, best first. The query is taken as typed out. */
  search(query: string, limit: number, options?: Partial<SearchOptions>): Promise<string[]>;
  close(): Promise<void>;
}

/** Imports the items, trains with the defaults and serves. */
export async function openServedSearch(items: readonly Item[]): Promise<ServedSearch> {
  const directory = mkdtempSync(join(tmpdir(), "magpie-served-"));
  const engine = await openEngine(directory);
  for (let at = 0; at < items.length; at += 1_000) {
    await engine.upsertItems(items.slice(at, at + 1_000));
  }
  await trainEngine(engine);
  return {
    async search(query, limit, options) {
      const answer = await engine.search({
        ...options,
        query: `${query} `,
        limit,
        isShown: false,
      });
      return answer.items.map(({ item }) => item.id);
    },
    async close() {
      await engine.close();
      rmSync(directory, { recursive: true });
    },
  };
}
