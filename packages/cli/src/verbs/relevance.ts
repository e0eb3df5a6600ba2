import { readFile, writeFile } from "node:fs/promises";
import { openStore } from "@magpie/data";
import { DataError, type Event } from "@magpie/domain";
import { openEngine } from "@magpie/engine";
import {
  compareSearch,
  evaluateSearch,
  fitClickModel,
  formatJudgementsCsv,
  formatQuerySet,
  formatTrecQrels,
  judgementsFromClicks,
  parseJudgementsCsv,
  parseQuerySet,
  parseTrecQrels,
  searchMetrics,
  searchSessions,
  type Judgements,
  type QueryDifference,
  type SearchEvaluation,
  type SearchMetric,
} from "@magpie/evaluation";
import { meanInterval, type Interval } from "@magpie/numerics";
import { Option } from "commander";
import { table } from "../tables.ts";
import { examples, wholeNumber, type Verb } from "./verb.ts";

/** Answers of one configuration, as `run --save` writes them and `compare` reads them. */
interface SavedRun {
  readonly name: string;
  readonly answers: Readonly<Record<string, readonly string[]>>;
}

const textOf = (file: string): Promise<string> => readFile(file, "utf8");

const isQrels = (file: string): boolean => /\.(qrels|trec)$/i.test(file);

async function judgementsIn(file: string, queriesFile?: string): Promise<Judgements> {
  const text = await textOf(file);
  if (!isQrels(file)) return parseJudgementsCsv(text);
  const queries = queriesFile === undefined ? undefined : parseQuerySet(await textOf(queriesFile));
  return parseTrecQrels(text, queries);
}

/** Writes CSV, or qrels with the texts of their topics beside them, by the file's name. */
async function writeJudgements(judgements: Judgements, file: string): Promise<string[]> {
  if (!isQrels(file)) {
    await writeFile(file, formatJudgementsCsv(judgements));
    return [file];
  }
  const { qrels, queries } = formatTrecQrels(judgements);
  const queriesFile = `${file}.queries.tsv`;
  await writeFile(file, qrels);
  await writeFile(queriesFile, formatQuerySet(queries));
  return [file, queriesFile];
}

async function clickJudgements(dataFolder: string, leastShown: number): Promise<Judgements> {
  const store = await openStore(dataFolder);
  try {
    const events: Event[] = [];
    for await (const some of store.events.scan()) {
      for (const event of some) if (event.queryId !== undefined) events.push(event);
    }
    return judgementsFromClicks(fitClickModel(searchSessions(events)), { leastShown });
  } finally {
    await store.close();
  }
}

async function savedRun(file: string): Promise<SavedRun> {
  const text = await textOf(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isSavedRun(value)) return value;
  throw new DataError(
    "BAD_RUN",
    `${file} holds no saved run: {"name": …, "answers": {query: [item ids]}} was expected.`,
    "Write it with: magpie relevance run JUDGEMENTS --save FILE",
  );
}

function isSavedRun(value: unknown): value is SavedRun {
  if (typeof value !== "object" || value === null) return false;
  const { name, answers } = value as Partial<Record<keyof SavedRun, unknown>>;
  return (
    typeof name === "string" &&
    typeof answers === "object" &&
    answers !== null &&
    Object.values(answers).every(
      (ids) => Array.isArray(ids) && ids.every((id) => typeof id === "string"),
    )
  );
}

const three = (value: number): string => value.toFixed(3);
const interval = ({ mean, low, high }: Interval): string =>
  `${three(mean)} [${three(low)}, ${three(high)}]`;

function evaluationText({ queries, skippedQueries, perQuery }: SearchEvaluation): string {
  return [
    `${queries.length} queries; ${skippedQueries} left out, as nothing is judged relevant for them.`,
    "",
    table(
      ["metric", "mean [95 %]"],
      searchMetrics.map((metric) => [metric, interval(meanInterval(perQuery[metric]))]),
      [1],
    ),
  ].join("\n");
}

const summaryOf = ({ name, queries, skippedQueries, perQuery }: SearchEvaluation) => ({
  name,
  queries: queries.length,
  skippedQueries,
  metrics: Object.fromEntries(
    searchMetrics.map((metric) => [metric, meanInterval(perQuery[metric])]),
  ),
});

function differencesText(title: string, changes: readonly QueryDifference[]): string[] {
  if (changes.length === 0) return [];
  return [
    "",
    `${title} (${changes.length})`,
    table(
      ["query", "before", "after", "first of before", "first of after"],
      changes
        .slice(0, 10)
        .map(({ query, before, after, beforeItems, afterItems }) => [
          query,
          three(before),
          three(after),
          beforeItems.slice(0, 3).join(" "),
          afterItems.slice(0, 3).join(" "),
        ]),
      [1, 2],
    ),
  ];
}

export const relevance: Verb = (program, shellOf) => {
  const group = program
    .command("relevance")
    .description("how good search is by judgements: import, run, compare");

  group
    .command("import")
    .description("read judgements from CSV or TREC qrels, or from clicks; check and write them")
    .argument("[file]", "CSV with query, docid, rating; or qrels (.qrels, .trec)")
    .requiredOption("--output <file>", "CSV, or qrels with their queries when it ends in .qrels")
    .option("--queries <file>", "query set of qrels: id, tab, query")
    .option("--clicks", "judge by the data folder's own searches and clicks")
    .option("--least-shown <n>", "clicks: times an item was shown to be judged", wholeNumber(1), 10)
    .addHelpText(
      "after",
      examples(
        "magpie relevance import rated.csv --output rated.qrels\nmagpie relevance import topics.qrels --queries topics.tsv --output rated.csv\nmagpie relevance import --clicks --output clicked.csv",
      ),
    )
    .action(
      async (
        file: string | undefined,
        given: {
          readonly output: string;
          readonly queries?: string;
          readonly clicks?: boolean;
          readonly leastShown: number;
        },
      ) => {
        const shell = shellOf(program.opts());
        if ((file === undefined) === (given.clicks !== true)) {
          throw new DataError(
            "NO_JUDGEMENTS",
            file === undefined ? "Nothing was named to import." : "A file and --clicks were named.",
            "Name a file, or give --clicks; one of them.",
          );
        }
        const judgements =
          file === undefined
            ? await clickJudgements(shell.dataFolder, given.leastShown)
            : await judgementsIn(file, given.queries);
        const written = await writeJudgements(judgements, given.output);
        const pairs = [...judgements.values()].reduce((sum, { size }) => sum + size, 0);
        shell.result(
          { queries: judgements.size, judgements: pairs, written },
          `${judgements.size} queries with ${pairs} judgements, written to ${written.join(" and ")}`,
        );
      },
    );

  group
    .command("run")
    .description("answer every judged query with the published snapshot and measure the answers")
    .argument("<judgements>", "CSV or qrels")
    .option("--queries <file>", "query set of qrels: id, tab, query")
    .option("--name <name>", "of this configuration, in comparisons", "search")
    .option("--locale <tag>", "language of the reader", "en")
    .option("--save <file>", "keep the answers, for `magpie relevance compare`")
    .addHelpText(
      "after",
      examples(
        "magpie relevance run rated.csv\nmagpie relevance run rated.csv --name before --save before.json",
      ),
    )
    .action(
      async (
        file: string,
        given: {
          readonly queries?: string;
          readonly name: string;
          readonly locale: string;
          readonly save?: string;
        },
      ) => {
        const shell = shellOf(program.opts());
        const judgements = await judgementsIn(file, given.queries);
        const engine = await openEngine(shell.dataFolder);
        try {
          const answers: Record<string, readonly string[]> = {};
          const evaluation = await evaluateSearch(given.name, judgements, async (query, limit) => {
            const { locale } = given;
            const { items } = await engine.search({ query, limit, locale, isShown: false });
            return (answers[query] = items.map(({ item }) => item.id));
          });
          if (given.save !== undefined) {
            const run: SavedRun = { name: given.name, answers };
            await writeFile(given.save, `${JSON.stringify(run)}\n`);
            shell.note(`Answers kept in ${given.save}`);
          }
          shell.result(summaryOf(evaluation), evaluationText(evaluation));
        } finally {
          await engine.close();
        }
      },
    );

  group
    .command("compare")
    .description("two saved runs side by side: difference with its interval, wins and losses")
    .argument("<judgements>", "CSV or qrels")
    .argument("<before>", "answers that `run --save` kept")
    .argument("<after>", "answers that `run --save` kept")
    .option("--queries <file>", "query set of qrels: id, tab, query")
    .addOption(
      new Option("--metric <name>", "what is compared")
        .choices([...searchMetrics])
        .default("trecNdcgAt10"),
    )
    .addHelpText("after", examples("magpie relevance compare rated.csv before.json after.json"))
    .action(
      async (
        file: string,
        before: string,
        after: string,
        given: { readonly queries?: string; readonly metric: SearchMetric },
      ) => {
        const shell = shellOf(program.opts());
        const judgements = await judgementsIn(file, given.queries);
        const measured = async (runFile: string) => {
          const { name, answers } = await savedRun(runFile);
          return evaluateSearch(name, judgements, (query) => answers[query] ?? []);
        };
        const [first, second] = [await measured(before), await measured(after)];
        const comparison = compareSearch(first, second, given.metric);
        const { difference, pValue, wins, losses, ties } = comparison;
        shell.result(
          comparison,
          [
            table(
              [given.metric, "mean [95 %]"],
              [
                [first.name, interval(comparison.before)],
                [second.name, interval(comparison.after)],
                ["difference", interval(difference)],
              ],
              [1],
            ),
            "",
            `p ${pValue.toFixed(4)} (paired t test); ${wins.length} won, ${losses.length} lost, ${ties} equal`,
            ...differencesText("Won", wins),
            ...differencesText("Lost", losses),
          ].join("\n"),
        );
      },
    );
};
