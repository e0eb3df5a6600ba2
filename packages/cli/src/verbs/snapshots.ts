import { openEngine } from "@magpie/engine";
import type { SnapshotRecord } from "@magpie/data";
import { table } from "../tables.ts";
import { examples, type Verb } from "./verb.ts";
import type { TrainingResult } from "./train.ts";

function row({ version, createdMs, status, summary }: SnapshotRecord) {
  const { items, interactions, measurement } = summary as Partial<TrainingResult>;
  const best = measurement?.models.map(({ ndcgAt10 }) => ndcgAt10) ?? [];
  return [
    status === "active" ? "▶" : "",
    version,
    new Date(createdMs).toISOString().slice(0, 16).replace("T", " "),
    items ?? "",
    interactions ?? "",
    best.length > 0 ? Math.max(...best).toFixed(4) : "",
  ];
}

export const snapshots: Verb = (program, shellOf) => {
  const group = program
    .command("snapshots")
    .description("published states: list, activate, roll back");

  group
    .command("list")
    .description("all snapshots, newest first; ▶ is served")
    .addHelpText("after", examples("magpie snapshots list"))
    .action(async () => {
      const shell = shellOf(program.opts());
      const engine = await openEngine(shell.dataFolder, { verify: "never" });
      try {
        const all = await engine.snapshots();
        shell.result(
          { snapshots: all },
          all.length === 0
            ? "There are no snapshots. Make one: magpie train"
            : table(
                ["", "version", "made (UTC)", "items", "interactions", "best NDCG@10"],
                all.map(row),
                [3, 4, 5],
              ),
        );
      } finally {
        await engine.close();
      }
    });

  group
    .command("activate")
    .description("serve this snapshot")
    .argument("<version>")
    .addHelpText("after", examples("magpie snapshots activate 20261124-0600-3fa9"))
    .action(async (version: string) => {
      const shell = shellOf(program.opts());
      const engine = await openEngine(shell.dataFolder);
      try {
        await engine.activateSnapshot(version);
        shell.result({ active: version }, `Snapshot ${version} is active.`);
      } finally {
        await engine.close();
      }
    });

  group
    .command("rollback")
    .description("serve the snapshot before the present one")
    .addHelpText("after", examples("magpie snapshots rollback"))
    .action(async () => {
      const shell = shellOf(program.opts());
      const engine = await openEngine(shell.dataFolder);
      try {
        const { version } = await engine.rollBack();
        shell.result({ active: version }, `Rolled back: snapshot ${version} is active.`);
      } finally {
        await engine.close();
      }
    });
};
