import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { simulateShop } from "@magpie/data";
import { afterAll, beforeAll, describe, test, vi } from "vitest";

// The real binary in processes of its own, on folders of its own. Starting one takes most of a
// second of processor time, and a busy machine may make that ten.
vi.setConfig({ testTimeout: 120_000 });

const binary = join(import.meta.dirname, "../bin/magpie.js");
const nowMs = Date.now();
// As many people as it takes to measure anything.
const shop = simulateShop({
  seed: 4,
  size: { items: 60, shoppers: 60, events: 2_000, days: 60 },
  nowMs,
});

let folder = "";
const inFolder = (name: string): string => join(folder, name);

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr!.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  return once(child, "close").then(([code]) => ({ code: code as number | null, stdout, stderr }));
}

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const { NO_COLOR: _, FORCE_COLOR: __, MAGPIE_DATA: ___, ...inherited } = process.env;
  return spawn(process.execPath, [binary, ...args], {
    cwd: folder,
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

const magpie = (...args: string[]): Promise<Outcome> => outcomeOf(start(args));

/** Runs with --json and gives the one document of standard output. */
async function json<T>(expectedCode: number, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await magpie(...args, "--json");
  assert.equal(code, expectedCode, stderr);
  return JSON.parse(stdout) as T;
}

/** Runs commands one after another in one process: starting one for each would take minutes. */
async function inOneProcess(
  ...commands: readonly (readonly string[])[]
): Promise<{ readonly code: number; readonly said: string }[]> {
  const main = pathToFileURL(join(import.meta.dirname, "main.ts")).href;
  const code = `
    import { main } from ${JSON.stringify(main)};
    process.stderr.write = process.stdout.write.bind(process.stdout);
    for (const args of ${JSON.stringify(commands)}) {
      const code = await main(args);
      console.log("\\v" + code + "\\f");
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { stdout, stderr } = await outcomeOf(child);
  const outcomes = stdout.split("\f").slice(0, -1);
  assert.equal(outcomes.length, commands.length, stderr);
  return outcomes.map((one) => {
    const [said, ended] = one.split("\v");
    return { code: Number(ended), said: said! };
  });
}

const lines = (values: readonly unknown[]): string =>
  values.map((value) => JSON.stringify(value)).join("\n");

interface Failed {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

interface Ranked {
  readonly items: readonly {
    readonly item: { readonly id: string };
    readonly position: number;
    readonly score: number;
    readonly contributions: readonly { readonly amount: number }[];
  }[];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "magpie-cli-"));
  await writeFile(inFolder("catalog.jsonl"), lines(shop.items));
  const events = [...shop.events()].map(({ timestampMs, ...event }) => ({
    ...event,
    timestamp: new Date(timestampMs).toISOString(),
  }));
  await writeFile(inFolder("events.jsonl"), lines(events));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("help", () => {
  test("lists the verbs, the exit codes and the first steps", async () => {
    const { code, stdout } = await magpie("--help");
    assert.equal(code, 0);
    for (const verb of [
      "demo init import inspect train evaluate tune quantise serve recommend similar search relevance export erase",
      "keys snapshots rules synonyms",
    ].flatMap((row) => row.split(" "))) {
      assert.match(stdout, new RegExp(`^ {2}${verb}\\b`, "m"));
    }
    assert.match(stdout, /Exit codes: 0 done, 2 wrong input/);
    assert.match(stdout, /magpie demo/);
  });

  test("of every verb has examples that begin with its words", async () => {
    const verbs = [
      "demo|init|import catalog|import events|import interactions|inspect|inspect model|inspect search-order|train|evaluate|tune|quantise|serve",
      "recommend|similar|search|export events|export catalog|export user|export model|erase|keys create",
      "relevance import|relevance run|relevance compare",
      "keys list|keys revoke|snapshots list|snapshots activate|snapshots rollback",
      "rules list|rules put|rules delete|rules check|rules publish|rules history|rules rollback|rules try",
      "synonyms list|synonyms put|synonyms delete|synonyms candidates|synonyms approve|synonyms refuse",
    ].flatMap((row) => row.split("|"));
    const pages = await inOneProcess(...verbs.map((verb) => [...verb.split(" "), "--help"]));
    assert.equal(pages.length, verbs.length);
    pages.forEach(({ code, said }, i) => {
      assert.equal(code, 0, said);
      const [, examples = ""] = said.split("\nExamples:\n");
      assert.ok(examples.includes(`magpie ${verbs[i]!}`), `${verbs[i]!}: ${said}`);
    });
  });
});

describe("wrong use", () => {
  test("of an unknown verb or option ends with 2 and points to the help", async () => {
    const wrong = [["frobnicate"], ["train", "--budget", "soon"], ["import", "catalog"]];
    const outcomes = await Promise.all(wrong.map((args) => magpie(...args)));
    for (const { code, stdout, stderr } of outcomes) {
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, /error:.*\n\(add --help/s);
    }
  });

  test("of a file that does not exist ends with 3 and says which", async () => {
    const failed = await json<Failed>(3, "--data", "d1", "import", "catalog", "nowhere.csv");
    assert.equal(failed.error.code, "FILE_NOT_FOUND");
    assert.match(failed.error.message, /nowhere\.csv/);
  });

  test("of an empty folder ends with words, not with a stack", async () => {
    const { code, stderr } = await magpie("--data", "d2", "recommend");
    assert.equal(code, 5);
    assert.match(stderr, /Nothing is published yet.*\nTrain first: magpie train/);
    assert.doesNotMatch(stderr, /^\s+at /m);
    const debug = await magpie("--data", "d2", "recommend", "--debug");
    assert.match(debug.stderr, /^\s+at /m);
  });

  test("of a file that holds something else ends with 2 and stores nothing", async () => {
    await writeFile(inFolder("poem.txt"), "Roses are red,\nviolets are blue\n");
    const failed = await json<Failed>(2, "--data", "d3", "import", "catalog", "poem.txt");
    assert.ok(failed.error.hint.length > 0);
    const { items } = await json<{ items: number }>(0, "--data", "d3", "inspect");
    assert.equal(items, 0);
  });

  test("is coloured where colours are wanted, and not with NO_COLOR", async () => {
    const args = ["--data", "d4", "import", "catalog", "nowhere.csv"];
    const [coloured, plain] = await Promise.all([
      outcomeOf(start(args, { FORCE_COLOR: "1" })),
      outcomeOf(start(args, { NO_COLOR: "1" })),
    ]);
    // oxlint-disable-next-line no-control-regex -- the escape is what is looked for
    assert.match(coloured.stderr, /\u001b\[31m/);
    assert.ok(!plain.stderr.includes("\u001b"));
  });
});

describe("the way from files to answers", () => {
  const data = ["--data", "shop"];

  test("makes a folder and shows its first key once", async () => {
    const made = await json<{ key?: { secret: string } }>(0, ...data, "init");
    assert.match(made.key!.secret, /^mgp_/);
    const again = await json<{ key?: unknown }>(0, ...data, "init");
    assert.equal(again.key, undefined);
  });

  test("imports a catalogue and events, once", async () => {
    type Report = {
      rowsRead: number;
      rowsStored: number;
      findings: { rule: string; effect: string; count: number }[];
    };
    type Imported = { imports: { isAlreadyImported: boolean; report: Report }[] };
    const catalog = await json<Imported>(0, ...data, "import", "catalog", "catalog.jsonl");
    assert.equal(catalog.imports[0]!.report.rowsStored, 60);
    const events = await json<Imported>(0, ...data, "import", "events", "events.jsonl");
    const { rowsRead, rowsStored, findings } = events.imports[0]!.report;
    // The shop ends now, and at some hours somebody in it does the same twice within a second.
    const dropped = findings.filter(({ effect }) => effect === "dropped");
    assert.ok(dropped.every(({ rule }) => rule === "near-duplicate"));
    assert.equal(rowsStored + dropped.reduce((sum, { count }) => sum + count, 0), rowsRead);
    assert.ok(rowsStored >= rowsRead - 3);
    const again = await json<Imported>(0, ...data, "import", "events", "events.jsonl");
    assert.equal(again.imports[0]!.isAlreadyImported, true);
  });

  test("inspects what is stored, as JSON and as a page", async () => {
    const known = await json<{ items: number; users: number; reports: unknown[] }>(
      0,
      ...data,
      "inspect",
      "--html",
      "quality.html",
    );
    assert.equal(known.items, 60);
    assert.ok(known.users > 20);
    assert.equal(known.reports.length, 2);
    assert.match(await readFile(inFolder("quality.html"), "utf8"), /^<!doctype html>/i);
  });

  test("trains, measures and publishes; progress stays off standard output", async () => {
    const { code, stdout, stderr } = await magpie(
      ...data,
      ..."train --budget 5 --workers 2 --json".split(" "),
    );
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout) as { items: number; measurement: { models: object[] } };
    assert.equal(result.items, 60);
    assert.ok(result.measurement.models.length >= 4);
    assert.match(stderr, /sasrec\/train/);
  });

  test("shows the cards of what is served: data, seed, metrics, cost, date", async () => {
    interface Cards {
      readonly models: readonly {
        readonly card: {
          readonly kind: string;
          readonly origin: {
            readonly trainedMs: number;
            readonly seed: number;
            readonly workers?: number;
            readonly data: { readonly sha256: string; readonly interactions: number };
            readonly measured: { readonly metrics: { readonly ndcgAt10: number } };
          };
        };
      }[];
    }
    const { models } = await json<Cards>(0, ...data, "inspect", "model");
    const sasrec = models.find(({ card }) => card.kind === "sasrec")!.card;
    assert.ok(sasrec.origin.trainedMs >= nowMs);
    assert.equal(sasrec.origin.seed, 1);
    assert.equal(sasrec.origin.workers, 2);
    assert.match(sasrec.origin.data.sha256, /^[0-9a-f]{64}$/);
    assert.ok(sasrec.origin.measured.metrics.ndcgAt10 > 0);
    const { stdout } = await magpie(...data, "inspect", "model", "sasrec");
    assert.match(
      stdout,
      /^sasrec of snapshot .*\n {2}model +SASRec \(sasrec, format \d+\), 60 items/,
    );
    const missed = await json<Failed>(3, ...data, "inspect", "model", "frobnicate");
    assert.equal(missed.error.code, "UNKNOWN_MODEL");
  });

  test("says why the order of searches was not learned", async () => {
    const { code, stdout } = await magpie(...data, "inspect", "search-order");
    assert.equal(code, 0);
    assert.match(stdout, /^searches keep their default order: it takes 300 searches/);
  });

  test("searches a model's settings, goes on from what it found, and measures the recipe", async () => {
    interface Tuned {
      readonly best: { readonly ndcgAt10: number };
      readonly trials: readonly { readonly recipe: number; readonly ndcgAt10: number }[];
      readonly resumed: number;
      readonly recipe: string;
    }
    const search = [...data, "tune", "item-knn", "--output", "tuned", "--recipes"];
    const first = await json<Tuned>(0, ...search, "2");
    const second = await json<Tuned>(0, ...search, "4");
    assert.equal(first.trials.length, 2);
    assert.equal(second.resumed, 2);
    assert.deepEqual(second.trials.map(({ recipe }) => recipe).toSorted(), [0, 1, 2, 3]);
    const defaults = second.trials.find(({ recipe }) => recipe === 0)!;
    assert.ok(second.best.ndcgAt10 >= defaults.ndcgAt10);
    await json(0, ...data, "evaluate", "--models", "item-knn", "--recipe", second.recipe);

    await writeFile(inFolder("wrong.json"), '{ "item-knn": { "neighbors": 10 } }');
    const refused = await json<Failed>(2, ...data, "train", "--recipe", "wrong.json");
    assert.equal(refused.error.code, "BAD_RECIPE");
    assert.match(refused.error.message, /no setting "neighbors", but neighbours/);
  });

  test("measures models that read what the catalogue says of items", async () => {
    type Measured = { comparison: { models: { metrics: { ndcgAt10: { mean: number } } }[] } };
    const args = [...data, "evaluate", "--models", "content-knn"];
    const { comparison } = await json<Measured>(0, ...args);
    assert.ok(comparison.models[0]!.metrics.ndcgAt10.mean > 0);
  });

  test("warns of a model that is no better than its twin on permuted interactions", async () => {
    type Twins = { twins: { model: string; warning?: string; difference: { mean: number } }[] };
    const args = ["evaluate", "--models", "popularity", "--permuted-twin"];
    const { twins } = await json<Twins>(0, ...data, ...args);
    assert.equal(twins.length, 1);
    assert.match(twins[0]!.warning!, /^popularity, all time is not better than its twin/);
    assert.equal(twins[0]!.difference.mean, 0);
  });

  test("recommends with contributions that add up to the score", async () => {
    const { userId } = shop.events().find((event) => event.userId !== undefined)!;
    const { items } = await json<Ranked>(0, ...data, "recommend", userId!, "--limit", "5");
    assert.deepEqual(
      items.map(({ position }) => position),
      [1, 2, 3, 4, 5],
    );
    for (const { score, contributions } of items) {
      const sum = contributions.reduce((total, { amount }) => total + amount, 0);
      assert.ok(Math.abs(sum - score) < 1e-6);
    }
  });

  test("finds similar items, and ends with 3 for an unknown one", async () => {
    const { items } = await json<Ranked>(0, ...data, "similar", "kettles-001");
    assert.ok(items.length > 0);
    assert.ok(items.every(({ item }) => item.id !== "kettles-001"));
    const failed = await json<Failed>(3, ...data, "similar", "no-such-item");
    assert.equal(failed.error.code, "UNKNOWN_ITEM");
  });

  test("searches in Chinese", async () => {
    const { items } = await json<Ranked>(0, ...data, "search", "跑步鞋", "--locale", "zh");
    assert.match(items[0]!.item.id, /^running-shoes-/);
  });

  test("says how a query was read, and what sells where nothing is found", async () => {
    const [asked] = await inOneProcess([...data, "search", "zzyzx", "under", "20"]);
    assert.match(
      asked!.said,
      /Nothing to show\.[^]*prices up to 2000 in minor units[^]*what sells: /,
    );
  });

  test("measures its search by what shoppers clicked", async () => {
    const judged = await json<{ queries: number; judgements: number }>(
      0,
      ...data,
      ..."relevance import --clicks --least-shown 2 --output clicked.csv".split(" "),
    );
    assert.ok(judged.queries > 0 && judged.judgements >= judged.queries);
    const measured = await json<{ queries: number; metrics: { mrrAt10: { mean: number } } }>(
      0,
      ...data,
      ..."relevance run clicked.csv --locale zh --save run.json".split(" "),
    );
    assert.equal(measured.queries, judged.queries);
    assert.ok(measured.metrics.mrrAt10.mean > 0);
    const saved = JSON.parse(await readFile(inFolder("run.json"), "utf8")) as { answers: object };
    assert.equal(Object.keys(saved.answers).length, judged.queries);
  });

  test("exports what import reads again", async () => {
    const told = await json<{ lines: number }>(
      0,
      ...data,
      "export",
      "events",
      "--output",
      "out.jsonl.gz",
    );
    const text = gunzipSync(await readFile(inFolder("out.jsonl.gz"))).toString("utf8");
    assert.equal(text.trimEnd().split("\n").length, told.lines);
    await magpie("--data", "copy", "import", "catalog", "catalog.jsonl");
    const copied = await json<{ imports: { report: { rowsStored: number } }[] }>(
      0,
      "--data",
      "copy",
      "import",
      "events",
      "out.jsonl.gz",
    );
    assert.equal(copied.imports[0]!.report.rowsStored, told.lines);
  });

  test("exports a trained model as ONNX with item ids by row", async () => {
    interface Exported {
      readonly folder: string;
      readonly itemCount: number;
      readonly inputs: readonly { readonly name: string }[];
      readonly origin: { readonly seed: number };
    }
    const told = await json<Exported>(0, ...data, "export", "model", "sasrec", "--int8");
    assert.equal(told.folder, "exported-sasrec");
    assert.deepEqual([told.itemCount, told.inputs[0]!.name, told.origin.seed], [60, "history", 1]);
    const items = JSON.parse(
      await readFile(inFolder("exported-sasrec/items.json"), "utf8"),
    ) as string[];
    assert.equal(items.length, 61);
    assert.equal(items[0], null);
    assert.ok(shop.items.some(({ id }) => id === items[1]));
    assert.ok((await readFile(inFolder("exported-sasrec/model.onnx"))).length > 0);
    const again = await json<Failed>(4, ...data, "export", "model", "sasrec");
    assert.equal(again.error.code, "OUTPUT_EXISTS");
    const popular = (await magpie(...data, "inspect", "model")).stdout;
    const [, kind] = /^(popularity\S*) of snapshot/m.exec(popular)!;
    const refused = await json<Failed>(2, ...data, "export", "model", kind!);
    assert.equal(refused.error.code, "EXPORT_UNSUPPORTED");
  });

  test("says what a model costs and gives in 8 bits", async () => {
    interface Row {
      readonly precision: { readonly network: string; readonly items: string };
      readonly bytes: number;
      readonly encodeMs: number;
      readonly change?: { readonly difference: { readonly mean: number } };
    }
    const { rows } = await json<{ rows: Row[] }>(0, ...data, "quantise", "sasrec");
    assert.deepEqual(
      rows.map(({ precision: { network, items } }) => `${network} ${items}`),
      ["float32 float32", "float32 int8", "int8 float32", "int8 int8"],
    );
    assert.ok(rows[3]!.bytes < 0.4 * rows[0]!.bytes);
    assert.ok(rows.every(({ encodeMs }) => encodeMs > 0));
    assert.ok(rows.slice(1).every(({ change }) => Math.abs(change!.difference.mean) < 0.1));
    const refused = await json<Failed>(2, ...data, "quantise", "item-knn");
    assert.equal(refused.error.code, "QUANTISE_UNSUPPORTED");
  });

  test("puts, lists and deletes synonyms", async () => {
    const said = await inOneProcess(
      [...data, "synonyms", "put", "cups", "cup,mug", "--weight", "0.5"],
      [...data, "synonyms", "put", "cups", "cup", "mug, 杯子"],
      [...data, "synonyms", "list"],
      [...data, "synonyms", "put", "alone", "cup"],
      [...data, "synonyms", "approve", "sneakers", "trainers"],
      [...data, "synonyms", "delete", "cups"],
      [...data, "synonyms", "delete", "cups"],
    );
    assert.deepEqual(
      said.map(({ code }) => code),
      [0, 0, 0, 2, 3, 0, 3],
    );
    assert.match(said[2]!.said, /cups\s+cup → mug, 杯子\s+0\.8/);
  });

  test("makes, lists and revokes keys", async () => {
    type Key = { id: string; secret?: string; scopes: string[] };
    const key = await json<Key>(0, ...data, "keys", "create", "pages", "--scopes", "events,read");
    assert.deepEqual(key.scopes, ["events", "read"]);
    const listed = JSON.stringify(await json<unknown>(0, ...data, "keys", "list"));
    assert.ok(listed.includes(key.id) && !listed.includes(key.secret!));
    assert.equal((await magpie(...data, "keys", "revoke", key.id)).code, 0);
    assert.equal((await magpie(...data, "keys", "revoke", "no-such-key")).code, 3);
  });

  test("keeps settings, and says when searches go by older ones", async () => {
    await writeFile(inFolder("settings.json"), JSON.stringify({ language: "de" }));
    const set = await json<object>(0, ...data, "settings", "set", "settings.json");
    assert.deepEqual(set, { settings: { language: "de" }, needsTraining: true });
    const encoder = { kind: "endpoint", baseUrl: "http://127.0.0.1:9/v1", model: "m", width: 3 };
    await magpie(
      ...data,
      ..."settings encoder endpoint --url http://127.0.0.1:9/v1 --model m --width 3".split(" "),
    );
    const { settings } = await json<{ settings: object }>(0, ...data, "settings");
    assert.deepEqual(settings, { language: "de", encoder });
    const wrong = await json<Failed>(2, ...data, "settings", "encoder", "magic");
    assert.equal(wrong.error.code, "INVALID_SETTINGS");
    await writeFile(inFolder("settings.json"), "{}");
    await magpie(...data, "settings", "set", "settings.json");
    assert.deepEqual(await json<object>(0, ...data, "settings", "show"), {
      settings: {},
      needsTraining: false,
    });
  });

  test("works on rules, tries them, publishes them and goes back", async () => {
    const [first, second] = shop.items;
    const pin = (id: string, itemId: string) => ({
      id,
      name: `Pin ${id}`,
      conditions: [{ contexts: ["landing"] }],
      actions: { pins: [{ itemId, position: 1 }] },
    });
    await writeFile(inFolder("one.json"), JSON.stringify(pin("a", first!.id)));
    await writeFile(inFolder("two.json"), JSON.stringify([pin("b", second!.id), pin("c", "gone")]));
    await writeFile(inFolder("wrong.json"), JSON.stringify([{ ...pin("d", "x"), name: "" }]));
    const rules = (...args: string[]) => [...data, "rules", ...args];
    const outcomes = await inOneProcess(
      rules("history"),
      rules("put", "one.json"),
      rules("put", "two.json"),
      rules("put", "wrong.json"),
      rules("check", "--json"),
      rules("delete", "c", "no-such-rule"),
      rules("delete", "c", "b"),
      rules("list"),
      rules("try", "--context", "landing", "--limit", "1"),
      rules("try", "mug"),
      rules("publish", "--note", "first"),
      rules("put", "two.json", "--replace"),
      rules("publish"),
      rules("rollback", "1"),
      rules("rollback", "9"),
      rules("history"),
      rules("list", "--published"),
    );
    const expected: readonly (readonly [number, RegExp])[] = [
      [0, /Nothing was published yet/],
      [0, /The draft has 1 rules/],
      [0, /The draft has 3 rules/],
      [2, /rules\[3\]\.name/],
      [0, /"kind": "unknown-item"[^]*"kind": "same-place"/],
      [3, /The draft has no rule "no-such-rule"/],
      [0, /The draft has 1 rules/],
      [0, /^a +Pin a +page landing +pins$/m],
      [0, new RegExp(`a +applied +pin[^]*1 +${first!.id} .* pinned by Pin a`)],
      [0, /a +passed-over +not met: context/],
      [0, /Version 1 is in force, 1 rules/],
      [0, /The draft has 2 rules/],
      [0, /Version 2 is in force, 2 rules/],
      [0, /Version 3 is in force with the 1 rules of version 1/],
      [3, /never published under version 9/],
      [0, /▶ +3 .* 1 +1 *\n +2 .* 2 *\n +1 .* 1 +first/],
      [0, /^a +Pin a/m],
    ];
    for (const [i, [code, said]] of expected.entries()) {
      assert.equal(outcomes[i]!.code, code, outcomes[i]!.said);
      assert.match(outcomes[i]!.said, said);
    }
  });

  test("ends with 4 when there is nothing to roll back to", async () => {
    await json<Failed>(4, ...data, "snapshots", "rollback");
  });

  test("erases a person only when told so, and then wholly", async () => {
    // Whoever did something: not every shopper of a tiny shop has.
    const { userId } = shop.events().find((event) => event.userId !== undefined)!;
    const unasked = await json<Failed>(2, ...data, "erase", userId!);
    assert.equal(unasked.error.code, "CONFIRMATION_NEEDED");
    const erased = await json<{ events: number }>(0, ...data, "erase", userId!, "--yes");
    assert.ok(erased.events > 0);
    assert.equal((await magpie(...data, "export", "user", userId!)).code, 3);
  });

  test("serves until Ctrl-C, and has the folder to itself meanwhile", async () => {
    const server = start([...data, "serve", "--open", "--port", "0", "--no-storefront", "--json"]);
    const ended = outcomeOf(server);
    const [said] = (await once(server.stdout!, "data")) as [string];
    const { api } = JSON.parse(said) as { api: string };
    assert.equal((await fetch(`${api}/health`)).status, 200);

    const second = await json<Failed>(4, ...data, "inspect");
    assert.equal(second.error.code, "DATA_FOLDER_IN_USE");

    server.kill("SIGINT");
    assert.equal((await ended).code, 0);
    assert.equal((await magpie(...data, "inspect")).code, 0);
  });
});

describe("Ctrl-C", () => {
  test("in an import ends with 130, keeps nothing half-done, and the next run does it all", async () => {
    const rows = 150_000;
    const many = Array.from({ length: rows }, (_, i) => ({
      eventId: `e${i}`,
      type: "view",
      timestamp: new Date(nowMs - (rows - i) * 10_000).toISOString(),
      userId: `u${i % 5_000}`,
      items: [{ itemId: `kettles-00${1 + (i % 7)}` }],
    }));
    await writeFile(inFolder("many.jsonl"), lines(many));
    const data = ["--data", "stopped"];
    await magpie(...data, "import", "catalog", "catalog.jsonl");

    const before = inFolder("stopped/owner.json");
    await rm(before, { force: true });
    const child = start([...data, "import", "events", "many.jsonl", "--json"]);
    const ended = outcomeOf(child);
    while (!existsSync(before)) await pause(5);
    child.kill("SIGINT");
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 130, stderr);
    assert.equal((JSON.parse(stdout) as Failed).error.code, "INTERRUPTED");
    assert.match(stderr, /Run the same command again/);

    const between = await json<{ events: number }>(0, ...data, "inspect");
    assert.equal(between.events, 0);
    const done = await json<{ imports: { report: { rowsStored: number } }[] }>(
      0,
      ...data,
      "import",
      "events",
      "many.jsonl",
    );
    assert.equal(done.imports[0]!.report.rowsStored, rows);
  });
});

describe("the relevance lab", () => {
  test("goes from qrels to CSV and back, and compares two runs query by query", async () => {
    await writeFile(inFolder("topics.tsv"), "t1\tshoes\nt2\tbags\n");
    await writeFile(inFolder("rated.qrels"), "t1 0 a 3\nt1 0 b 0\nt2 0 c 1\n");
    const imported = await json<{ queries: number; judgements: number }>(
      0,
      ..."relevance import rated.qrels --queries topics.tsv --output rated.csv".split(" "),
    );
    assert.deepEqual([imported.queries, imported.judgements], [2, 3]);
    assert.equal(
      await readFile(inFolder("rated.csv"), "utf8"),
      "query,docid,rating\nshoes,a,3\nshoes,b,0\nbags,c,1\n",
    );
    const runOf = (name: string, shoes: string[]) =>
      writeFile(
        inFolder(`${name}.json`),
        JSON.stringify({ name, answers: { shoes, bags: ["c"] } }),
      );
    await Promise.all([runOf("before", ["b", "a"]), runOf("after", ["a", "b"])]);
    const compared = await json<{
      difference: { mean: number };
      wins: { query: string; before: number; after: number }[];
      ties: number;
    }>(0, ..."relevance compare rated.csv before.json after.json --metric mrrAt10".split(" "));
    assert.equal(compared.difference.mean, 1 / 4);
    assert.deepEqual(
      compared.wins.map(({ query, before, after }) => [query, before, after]),
      [["shoes", 1 / 2, 1]],
    );
    assert.equal(compared.ties, 1);
  });

  test("says which line of a judgement list is wrong, and that a run is none", async () => {
    await writeFile(inFolder("bad.csv"), "query,docid,rating\nshoes,a,good\n");
    const bad = await json<Failed>(2, "relevance", "import", "bad.csv", "--output", "x.csv");
    assert.equal(bad.error.code, "BAD_JUDGEMENTS");
    assert.match(bad.error.message, /^Line 2: "good" is no grade/);
    const args = ["rated.csv", "bad.csv", "bad.csv"];
    const run = await json<Failed>(2, "relevance", "compare", ...args);
    assert.equal(run.error.code, "BAD_RUN");
  });
});
