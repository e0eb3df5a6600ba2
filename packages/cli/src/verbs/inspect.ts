import { writeFile } from "node:fs/promises";
import {
  openStore,
  renderQualityHtml,
  renderQualityText,
  type ImportRecord,
  type QualityReport,
  type ReportLanguage,
  type Store,
} from "@magpie/data";
import { DataError } from "@magpie/domain";
import { Option } from "commander";
import { table } from "../tables.ts";
import { addInspectModel } from "./inspect-model.ts";
import { addInspectSearchOrder } from "./inspect-search-order.ts";
import { examples, type Verb } from "./verb.ts";

const reportOf = (record: ImportRecord): QualityReport => record.report as QualityReport;

async function facts(store: Store) {
  const [items, events, types, users] = await Promise.all([
    store.catalog.count(),
    store.events.count(),
    store.events.countByType(),
    store.events.userKeys(),
  ]);
  return { items, users: users.length, events, eventsByType: types };
}

function overview(
  { items, users, events, eventsByType }: Awaited<ReturnType<typeof facts>>,
  imports: readonly ImportRecord[],
): string {
  const types = Object.entries(eventsByType)
    .toSorted(([, a], [, b]) => b - a)
    .map(([type, count]) => `${type} ${count.toLocaleString("en-US")}`);
  return [
    `${items.toLocaleString("en-US")} items, ${users.toLocaleString("en-US")} users, ${events.toLocaleString("en-US")} events`,
    ...(types.length > 0 ? [types.join(", ")] : []),
    "",
    imports.length === 0
      ? "Nothing was imported yet."
      : table(
          ["import", "kind", "file", "source", "read", "stored", "left out"],
          imports.map((record) => {
            const { rowsRead, rowsStored } = reportOf(record);
            return [
              record.importId.slice(0, 12),
              record.kind,
              record.file,
              record.source,
              rowsRead,
              rowsStored,
              rowsRead - rowsStored,
            ];
          }),
          [4, 5, 6],
        ),
  ].join("\n");
}

export const inspect: Verb = (program, shellOf) => {
  const command = program
    .command("inspect")
    .description("what is stored, and how good it is: the data-quality reports of all imports")
    .argument("[import]", "id (or its beginning) of one import; its whole report is shown")
    .option("--html <file>", "write the reports as a page")
    .addOption(new Option("--lang <language>", "of reports").choices(["en", "zh"]).default("en"))
    .addHelpText(
      "after",
      examples("magpie inspect\nmagpie inspect 3fa9 --lang zh\nmagpie inspect --html quality.html"),
    )
    .action(
      async (
        wanted: string | undefined,
        options: { readonly html?: string; readonly lang: ReportLanguage },
      ) => {
        const shell = shellOf(program.opts());
        const store = await openStore(shell.dataFolder);
        try {
          const all = await store.imports.list();
          const chosen =
            wanted === undefined ? all : all.filter((one) => one.importId.startsWith(wanted));
          if (wanted !== undefined && chosen.length !== 1) {
            throw new DataError(
              "UNKNOWN_IMPORT",
              `${chosen.length === 0 ? "No import has" : "More than one import has"} an id that begins with "${wanted}".`,
              "Run `magpie inspect` for the list.",
              { kind: "not-found" },
            );
          }
          const reports = chosen.map(reportOf);
          if (options.html !== undefined) {
            await writeFile(options.html, renderQualityHtml(reports, options.lang));
            shell.note(`Written to ${options.html}`);
          }
          const known = await facts(store);
          shell.result(
            { ...known, reports },
            wanted === undefined
              ? overview(known, all)
              : renderQualityText(reports[0]!, options.lang),
          );
        } finally {
          await store.close();
        }
      },
    );
  addInspectModel(command, shellOf);
  addInspectSearchOrder(command, shellOf);
};
