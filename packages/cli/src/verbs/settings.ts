import { readFile } from "node:fs/promises";
import { DataError } from "@magpie/domain";
import { openEngine, type Engine, type ServedSettings } from "@magpie/engine";
import type { Shell } from "../shell.ts";
import { examples, wholeNumber, type Verb } from "./verb.ts";

/** What `magpie settings encoder` is told beside the kind. */
interface EncoderOptions {
  readonly folder?: string;
  readonly url?: string;
  readonly model?: string;
  readonly width?: number;
  readonly keyVariable?: string;
  readonly queryPrefix?: string;
  readonly documentPrefix?: string;
}

export const settings: Verb = (program, shellOf) => {
  const group = program
    .command("settings")
    .description("how the shop's fields are searched, and what reads their meaning");
  const withEngine = async (
    work: (engine: Engine) => ServedSettings | Promise<ServedSettings>,
  ): Promise<void> => {
    const shell = shellOf(program.opts());
    const engine = await openEngine(shell.dataFolder);
    try {
      show(shell, await work(engine));
    } finally {
      await engine.close();
    }
  };

  group
    .command("show", { isDefault: true })
    .description("the settings as JSON")
    .addHelpText("after", examples("magpie settings\nmagpie settings show --json"))
    .action(() => withEngine((engine) => engine.settings()));

  group
    .command("set")
    .description("take the settings of a JSON file in place of those before")
    .argument("<file>")
    .addHelpText("after", examples("magpie settings set settings.json"))
    .action((file: string) =>
      withEngine(async (engine) => engine.changeSettings(await readJson(file))),
    );

  group
    .command("encoder")
    .description(
      "choose what reads the meaning of items and queries; the next training encodes all",
    )
    .argument("<kind>", "embedded, onnx, endpoint or off")
    .option("--folder <folder>", "onnx: the model's folder, from the data folder or absolute")
    .option("--url <address>", "endpoint: up to and without /embeddings")
    .option("--model <name>", "endpoint: the model to ask for")
    .option("--width <n>", "endpoint: values per vector", wholeNumber(1))
    .option("--key-variable <name>", "endpoint: the environment variable that holds the key")
    .option("--query-prefix <text>", "written before each query, as E5 models ask for")
    .option("--document-prefix <text>", "written before each item's text")
    .addHelpText(
      "after",
      examples(
        "magpie settings encoder onnx --folder /models/multilingual-e5-small --query-prefix 'query: ' --document-prefix 'passage: '\n" +
          "magpie settings encoder endpoint --url http://127.0.0.1:11434/v1 --model bge-m3 --width 1024\n" +
          "magpie settings encoder off",
      ),
    )
    .action((kind: string, given: EncoderOptions) =>
      withEngine((engine) =>
        engine.changeSettings({ ...engine.settings().settings, encoder: encoderOf(kind, given) }),
      ),
    );
};

/** Fields that were given; whether they fit is for the shop to say. */
function encoderOf(kind: string, given: EncoderOptions): object {
  const { folder, url: baseUrl, model, width, keyVariable } = given;
  const { queryPrefix: query, documentPrefix: document } = given;
  const hasPrefixes = query !== undefined || document !== undefined;
  const prefixes = hasPrefixes ? { query: query ?? "", document: document ?? "" } : undefined;
  const fields = { folder, baseUrl, model, width, keyVariable, prefixes };
  const said = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { kind, ...Object.fromEntries(said) };
}

function show(shell: Shell, served: ServedSettings): void {
  const { settings: all, needsTraining } = served;
  const lines = [
    Object.keys(all).length === 0
      ? "No settings: every field is searched as usual, and the embedded encoder reads their meaning."
      : JSON.stringify(all, null, 2),
    ...(needsTraining ? ["What searches go by is from before: magpie train"] : []),
  ];
  shell.result(served, lines.join("\n"));
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new DataError(
      "FILE_UNREADABLE",
      `${path} cannot be read (${cause.code}).`,
      "Give a JSON file with settings; `magpie settings show` prints the present ones.",
      { kind: "not-found", cause },
    );
  });
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new DataError(
      "INVALID_SETTINGS",
      `${path} is not JSON: ${(cause as Error).message}.`,
      'Write it like { "language": "de", "fields": { "sku": { "search": "exact" } } }.',
      { cause },
    );
  }
}
