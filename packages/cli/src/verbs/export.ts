import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { openStore, type Store } from "@magpie/data";
import { RequestError, userId, type Event, type EventInput } from "@magpie/domain";
import type { Command } from "commander";
import type { GlobalOptions, Shell } from "../shell.ts";
import { addExportModel } from "./export-model.ts";
import { examples, type Verb } from "./verb.ts";

/** An event as its JSON lines are imported again. */
function toLine({ timestampMs, ...event }: Event): EventInput {
  return { ...event, timestamp: new Date(timestampMs).toISOString() };
}

async function* eventLines(store: Store): AsyncGenerator<unknown> {
  for await (const events of store.events.scan()) for (const event of events) yield toLine(event);
}

async function* itemLines(store: Store): AsyncGenerator<unknown> {
  for await (const items of store.catalog.scan()) yield* items;
}

/** All that is recorded of one person. */
async function* userLines(store: Store, id: string): AsyncGenerator<unknown> {
  const user = userId(id);
  let isKnown = false;
  for await (const events of store.events.exportUser(user)) {
    for (const event of events) {
      isKnown = true;
      yield { kind: "event", value: toLine(event) };
    }
  }
  for (const value of await store.decisions.byUser(user, Number.MAX_SAFE_INTEGER)) {
    isKnown = true;
    yield { kind: "decision", value };
  }
  if (!isKnown) {
    throw new RequestError(
      "UNKNOWN_USER",
      `Nothing is recorded of "${id}".`,
      "Check the id: it is the shop's user id, or the visitor id of somebody not signed in.",
      { kind: "not-found" },
    );
  }
}

/**
 * Writes one JSON line per value to the file (gzip by its name) or to standard output. A file
 * appears under its name only when it is whole.
 */
async function writeLines(
  values: AsyncIterable<unknown>,
  output: string | undefined,
  shell: Shell,
): Promise<number> {
  const { onProgress, signal } = shell.work();
  let lines = 0;
  const toText = new Transform({
    writableObjectMode: true,
    transform(value, _, done) {
      lines++;
      if (lines % 1_000 === 0) onProgress({ stage: "export", done: lines, unit: "lines" });
      done(null, `${JSON.stringify(value)}\n`);
    },
  });
  const source = Readable.from(values);
  if (output === undefined) {
    await pipeline(source, toText, process.stdout, { end: false, signal });
    return lines;
  }
  const draft = `${output}.part`;
  try {
    const file = createWriteStream(draft);
    if (output.endsWith(".gz")) await pipeline(source, toText, createGzip(), file, { signal });
    else await pipeline(source, toText, file, { signal });
    await rename(draft, output);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return lines;
}

export const exportData: Verb = (program, shellOf) => {
  const group = program
    .command("export")
    .description(
      "write what is stored: JSON lines that `magpie import` reads again, models as ONNX",
    );

  const add = (command: Command, linesOf: (store: Store, id: string) => AsyncIterable<unknown>) =>
    command
      .option("--output <file>", "default: standard output; .gz is compressed")
      .action(async (...given: unknown[]) => {
        const [id, options] = given.length === 3 ? [given[0] as string, given[1]] : ["", given[0]];
        const { output } = options as { readonly output?: string };
        const shell = shellOf(program.opts<GlobalOptions>());
        const store = await openStore(shell.dataFolder);
        try {
          const lines = await writeLines(linesOf(store, id), output, shell);
          if (output === undefined) return;
          shell.result({ file: output, lines }, `${lines} lines written to ${output}`);
        } finally {
          await store.close();
        }
      });

  add(group.command("events").description("the whole event log"), eventLines).addHelpText(
    "after",
    examples("magpie export events --output events.jsonl.gz"),
  );
  add(group.command("catalog").description("all items"), itemLines).addHelpText(
    "after",
    examples("magpie export catalog | head -1"),
  );
  add(
    group.command("user").description("all that is recorded of one person").argument("<user>"),
    userLines,
  ).addHelpText("after", examples("magpie export user u-17 --output u-17.jsonl"));
  addExportModel(group, shellOf);
};
