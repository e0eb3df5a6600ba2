import { openEngine } from "@magpie/engine";
import type { Command } from "commander";
import type { GlobalOptions, Shell } from "../shell.ts";
import { table } from "../tables.ts";
import { searchRankingText, type TrainingResult } from "./train.ts";
import { examples } from "./verb.ts";

/** `magpie inspect search-order`: what the served snapshot learned from searches, and by what. */
export function addInspectSearchOrder(
  group: Command,
  shellOf: (options: GlobalOptions) => Shell,
): void {
  group
    .command("search-order")
    .description("the order of searches that was learned: how good it is, and what it judges by")
    .addHelpText(
      "after",
      examples("magpie inspect search-order\nmagpie inspect search-order --json"),
    )
    .action(async (_: unknown, command: Command) => {
      const shell = shellOf(command.optsWithGlobals());
      const engine = await openEngine(shell.dataFolder, { verify: "never" });
      try {
        const active = (await engine.snapshots()).find(({ status }) => status === "active");
        const { searchRanking, notes = [] } = (active?.summary ?? {}) as Partial<TrainingResult>;
        const why = notes.find((note) => note.startsWith("searches keep"));
        if (searchRanking === undefined) {
          const text =
            active === undefined
              ? "No snapshot is served: magpie train"
              : (why ?? "No order of searches was learned.");
          shell.result({ searchRanking: null }, text);
          return;
        }
        const judged = table(
          ["judged by", "share of what was gained"],
          searchRanking.importance.map(({ feature, share }) => [
            feature,
            `${(100 * share).toFixed(1)} %`,
          ]),
          [1],
        );
        const parts = [searchRankingText({ searchRanking }), ...(why ? [why] : []), judged];
        shell.result({ searchRanking }, parts.join("\n\n"));
      } finally {
        await engine.close();
      }
    });
}
