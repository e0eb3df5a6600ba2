import {
  catalogFormats,
  encodingNamed,
  encodings,
  eventFormats,
  importCatalog,
  importEvents,
  importInteractions,
  openStore,
  renderQualityText,
  type CatalogImportOptions,
  type EventImportOptions,
  type ImportOutcome,
  type Store,
} from "@magpie/data";
import { eventTypes } from "@magpie/domain";
import { Option, type Command } from "commander";
import type { GlobalOptions, Shell } from "../shell.ts";
import { examples, fieldMap, wholeNumber, type Verb } from "./verb.ts";

/** Options of all three kinds, as commander hands them over. */
interface Given {
  readonly format?: string;
  readonly map?: Readonly<Record<string, string>>;
  readonly source: string;
  readonly encoding?: string;
  readonly currency?: string;
  readonly zone?: string;
  readonly replace?: boolean;
  readonly conflicts?: CatalogImportOptions["conflicts"];
  readonly sourcePriority?: string;
  readonly unknownItems?: EventImportOptions["unknownItems"];
  readonly duplicates?: EventImportOptions["duplicates"];
  readonly duplicateWindow?: number;
  readonly bots?: EventImportOptions["bots"];
  readonly type?: (typeof eventTypes)[number];
  readonly minWeight?: number;
}

const defined = <T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };

function commonOptions({ format, map, source, encoding, currency, zone, replace }: Given) {
  return {
    source,
    nowMs: Date.now(),
    ...defined({
      format,
      map,
      encoding: encoding === undefined ? undefined : encodingNamed(encoding),
      currency,
      zone,
      replace,
    }),
  };
}

function eventOptions(given: Given): EventImportOptions {
  const { unknownItems, duplicates, duplicateWindow, bots, type, minWeight } = given;
  return {
    ...commonOptions(given),
    ...defined({ unknownItems, duplicates, bots, type, minWeight }),
    ...(duplicateWindow !== undefined && { duplicateWindowMs: duplicateWindow }),
  } as EventImportOptions;
}

/** Imports the files one after another; what was imported stays when a later one fails. */
async function importAll(
  shell: Shell,
  files: readonly string[],
  one: (store: Store, file: string) => Promise<ImportOutcome>,
): Promise<void> {
  const store = await openStore(shell.dataFolder);
  try {
    const outcomes: ImportOutcome[] = [];
    for (const file of files) {
      const outcome = await one(store, file);
      outcomes.push(outcome);
      shell.endProgress();
      if (!shell.isJson) {
        shell.result(
          outcome,
          outcome.isAlreadyImported
            ? `${file} was imported before (${outcome.importId}); use --replace to import it by other rules.`
            : renderQualityText(outcome.report),
        );
      }
    }
    if (shell.isJson) shell.result({ imports: outcomes }, "");
  } finally {
    await store.close();
  }
}

function addCommon(command: Command, formats: readonly string[]): Command {
  return command
    .argument("<file...>", "files, gzip read directly; - is standard input")
    .addOption(new Option("--format <name>", "default: told from the content").choices(formats))
    .option("--map <field=Column>", "a column that its name does not tell; repeat it", fieldMap)
    .option("--source <name>", "where the rows come from, kept with each", "import")
    .addOption(new Option("--encoding <name>", "default: told from the content").choices(encodings))
    .option("--currency <code>", "of prices that name none, like USD")
    .option("--zone <zone>", "of times that name none, like +08:00 or Asia/Shanghai (default UTC)")
    .option("--replace", "import a file again by other rules; its rows are removed first");
}

function addEventRules(command: Command): Command {
  return command
    .addOption(
      new Option("--unknown-items <policy>", "events on items that the catalogue lacks")
        .choices(["drop", "create", "keep", "fail"])
        .default("drop"),
    )
    .addOption(
      new Option("--duplicates <policy>", "the same act twice in a moment").choices([
        "drop",
        "keep",
      ]),
    )
    .option("--duplicate-window <ms>", "how long that moment is (default 1000)", wholeNumber(0))
    .addOption(
      new Option("--bots <policy>", "users that no person could be").choices(["drop", "keep"]),
    );
}

export const importData: Verb = (program, shellOf) => {
  const group = program
    .command("import")
    .description("read, clean and store files; every row that is left out is counted and shown");
  const shell = (): Shell => shellOf(program.opts<GlobalOptions>());

  addCommon(group.command("catalog"), catalogFormats)
    .description("products: our JSON lines, CSV, Google Merchant feed, Shopify export")
    .addOption(
      new Option("--conflicts <rule>", "an item that another source described").choices([
        "fill",
        "replace",
        "keep",
      ]),
    )
    .option("--source-priority <names>", "most trusted first, comma-separated")
    .addHelpText(
      "after",
      examples(
        "magpie import catalog products.csv --map title=Name --map price=VK --currency EUR\n" +
          "magpie import catalog feed.xml.gz --source merchant\n" +
          "curl -s https://shop.example/products.jsonl | magpie import catalog -",
      ),
    )
    .action(async (files: string[], given: Given) => {
      const options: CatalogImportOptions = {
        ...commonOptions(given),
        ...(given.conflicts && { conflicts: given.conflicts }),
        ...(given.sourcePriority && { sourcePriority: given.sourcePriority.split(",") }),
      };
      const here = shell();
      await importAll(here, files, (store, file) =>
        importCatalog(store, file, options, here.work()),
      );
    });

  addEventRules(addCommon(group.command("events"), eventFormats))
    .description("behaviour: our JSON lines, CSV, GA4 and Segment e-commerce")
    .addOption(
      new Option("--type <type>", "of every row, where no column says it").choices(eventTypes),
    )
    .addHelpText(
      "after",
      examples(
        "magpie import events events-2026-*.jsonl.gz\n" +
          "magpie import events orders.csv --type purchase --map user=CustomerID --zone Europe/Berlin\n" +
          "magpie import events ga4.jsonl --format ga4 --unknown-items create",
      ),
    )
    .action(async (files: string[], given: Given) => {
      const here = shell();
      await importAll(here, files, (store, file) =>
        importEvents(store, file, eventOptions(given), here.work()),
      );
    });

  addEventRules(addCommon(group.command("interactions"), ["csv"]))
    .description("plain user, item[, time[, weight]] rows")
    .addOption(new Option("--type <type>", "what each row was (default view)").choices(eventTypes))
    .option("--min-weight <n>", "leave out smaller weights", Number)
    .addHelpText("after", examples("magpie import interactions ratings.csv --min-weight 4"))
    .action(async (files: string[], given: Given) => {
      const here = shell();
      await importAll(here, files, (store, file) =>
        importInteractions(store, file, eventOptions(given), here.work()),
      );
    });
};
