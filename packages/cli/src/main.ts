import { Command, CommanderError } from "commander";
import pc from "picocolors";
import { exitCodes, failureOf } from "./failure.ts";
import { Shell, type GlobalOptions } from "./shell.ts";
import { demo } from "./verbs/demo.ts";
import { erase } from "./verbs/erase.ts";
import { evaluateModels } from "./verbs/evaluate.ts";
import { exportData } from "./verbs/export.ts";
import { importData } from "./verbs/import.ts";
import { init } from "./verbs/init.ts";
import { inspect } from "./verbs/inspect.ts";
import { keys } from "./verbs/keys.ts";
import { quantise } from "./verbs/quantise.ts";
import { recommend } from "./verbs/recommend.ts";
import { relevance } from "./verbs/relevance.ts";
import { rules } from "./verbs/rules.ts";
import { search } from "./verbs/search.ts";
import { serve } from "./verbs/serve.ts";
import { settings } from "./verbs/settings.ts";
import { similar } from "./verbs/similar.ts";
import { snapshots } from "./verbs/snapshots.ts";
import { synonyms } from "./verbs/synonyms.ts";
import { train } from "./verbs/train.ts";
import { tuneModel } from "./verbs/tune.ts";
import type { Verb } from "./verbs/verb.ts";

const verbs: readonly Verb[] = [
  demo,
  init,
  importData,
  inspect,
  train,
  evaluateModels,
  tuneModel,
  quantise,
  serve,
  recommend,
  similar,
  search,
  relevance,
  exportData,
  erase,
  keys,
  settings,
  snapshots,
  rules,
  synonyms,
];

const footer = `
Exit codes: 0 done, 2 wrong input or use, 3 not found, 4 not possible in this state,
            5 a fault or something unavailable, 130 interrupted.

First steps:
  magpie demo                               a shop to look at, with everything running
  magpie init && magpie import catalog products.csv && magpie import events events.jsonl.gz
  magpie train && magpie serve              your own`;

/**
 * The command line. Resolves with the exit code and never rejects.
 *
 * @param args  what stands after `magpie`
 */
export async function main(args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const program = new Command("magpie")
    .description("AI search and recommendation for your shop, in your own house.")
    .option("--data <folder>", "data folder (default: $MAGPIE_DATA, else ./magpie-data)")
    .option("--json", "one JSON document on standard output; all else on standard error")
    .option("--quiet", "no progress and no notes")
    .option("--debug", "show where an error came from")
    .version("0.1.0")
    .showHelpAfterError("(add --help for what this command takes)")
    .addHelpText("after", footer)
    .exitOverride();
  for (const verb of verbs) verb(program, (options: GlobalOptions) => new Shell(options, stop));

  const interrupt = (): void => {
    // The second Ctrl-C does not wait for the verb to come to a good place.
    if (stop.signal.aborted) process.exit(exitCodes.interrupted);
    stop.abort();
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  // A closed pipe (`magpie export events | head`) is the reader's wish, not a failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.ok);
    throw error;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.invalid;
    const options = program.opts<GlobalOptions>();
    const failure = failureOf(error, stop.signal.aborted);
    process.stderr.write(`\n${pc.red(failure.message)}\n${failure.hint}\n`);
    if (options.debug) process.stderr.write(`${(error as Error).stack ?? ""}\n`);
    if (options.json) {
      const { exitCode: _, ...told } = failure;
      process.stdout.write(`${JSON.stringify({ error: told }, null, 2)}\n`);
    }
    return failure.exitCode;
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}
