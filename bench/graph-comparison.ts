import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type HeldOut, historyOf, readLightGcn, type Sequences } from "@magpie/data";
import { type History, type Scorer, silentWork } from "@magpie/domain";
import { type Evaluation, evaluate } from "@magpie/evaluation";
import { modelByKind } from "@magpie/models";
import { meanInterval, seededRandom } from "@magpie/numerics";
import { holdOutTenth, packed, type Variant } from "./memory-comparison.ts";
import { datasetFolder } from "./model-tasks.ts";
import { writeSection } from "./write-section.ts";

/** One table: models of the graph of users and items, which learn in epochs, on one data set. */
export interface GraphTask {
  /** The command's file name without ending. */
  readonly command: string;
  /** Folder of the data set, in LightGCN's form. */
  readonly folder: string;
  readonly notes: readonly string[];
  /** Of the table, each from an evaluation. */
  readonly columns: Readonly<Record<string, (evaluation: Evaluation, heldOut: HeldOut) => number>>;
  /** Published rows: label, then one cell for each column. */
  readonly published: readonly (readonly string[])[];
  /** One recipe of each kind, chosen before on validation or elsewhere, as the notes say. */
  readonly variants: readonly Variant[];
  /** Two kinds whose standardised scores are added, half and half. */
  readonly joined?: readonly [Variant, Variant];
}

/** What one seed of one recipe measured. */
interface Result {
  readonly name: string;
  readonly values: readonly number[];
  readonly wallSeconds: number;
  readonly epochs: number;
}

const cutoffs = [20];
const cache = join(import.meta.dirname, ".cache", "graph");

/**
 * Trains each recipe on all of train for all its epochs with each seed, reads test once, and writes the
 * table to `results/graph-models.md`. What was measured is kept in `bench/.cache/graph`, as models and
 * checkpoints are, so that seeds may be run one by one.
 *
 *     [--kinds lightgcn] [--seeds 1,2,3] [--fresh]
 *     [--validation-only --recipe '{"kind":"lightgcn","epochs":8}']   learns from nine tenths; test is not read
 *     [--validation-only --users 3000]   the same on so many users and the items that three of them took
 */
export async function compareGraphModels(task: GraphTask): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      kinds: { type: "string" },
      seeds: { type: "string", default: "1,2,3" },
      fresh: { type: "boolean", default: false },
      "validation-only": { type: "boolean", default: false },
      recipe: { type: "string", multiple: true, default: [] },
      users: { type: "string" },
    },
  });
  const kinds = options.kinds?.split(",");
  const given = options.recipe.map((text) => JSON.parse(text) as Variant);
  const wanted = (given.length > 0 ? given : task.variants).filter(
    ({ kind }) => kinds === undefined || kinds.includes(kind),
  );
  if (options["validation-only"]) return validate(task, wanted, options.users);
  if (options.fresh) await rm(join(cache, task.command), { recursive: true, force: true });
  const seeds = options.seeds.split(",").map(Number);
  const rows: string[] = [];
  for (const variant of wanted) rows.push(await row(task, [variant], seeds));
  if (task.joined !== undefined && kinds === undefined) {
    rows.push(await row(task, task.joined, seeds));
  }
  if (kinds !== undefined || given.length > 0) return;
  const columns = Object.keys(task.columns);
  const table = [
    `### ${task.command}`,
    "",
    `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]?.model.trim()} · Node ${process.version} · \`node bench/${task.command}.ts${process.argv.length > 2 ? ` ${process.argv.slice(2).join(" ")}` : ""}\``,
    "",
    `${task.folder}, the given split; all items ranked, items of train masked.`,
    "",
    ...task.notes.map((note) => `- ${note}`),
    `- Each learns from all of train for all its epochs; test was read once by each seed. ${seeds.length === 1 ? "One seed: no interval can be given." : `Means over ${seeds.length} seeds with 95 % intervals.`}`,
    "- Equal scores count by their expected rank. Seconds were taken on a machine that others loaded.",
    "",
    `| model | changes to the default recipe | ${columns.join(" | ")} | epochs | train s |`,
    `|---|---|${columns.map(() => "---:").join("|")}|---:|---:|`,
    ...rows,
    ...task.published.map(
      ([label, ...cells]) => `| ${label} (published) | | ${cells.join(" | ")} | | |`,
    ),
  ];
  const file = join(import.meta.dirname, "results", "graph-models.md");
  await writeSection(file, "Graph models", table.join("\n"));
}

/** What a recipe gives on the tenth of train that it does not learn from. */
async function validate(
  task: GraphTask,
  variants: readonly Variant[],
  users: string | undefined,
): Promise<void> {
  const { train } = await readLightGcn(datasetFolder(task.folder));
  const choice = holdOutTenth(users === undefined ? train : sampleOf(train, Number(users)));
  for (const { kind, ...changes } of variants) {
    const model = modelByKind(kind);
    const config = { ...model.defaults, ...changes };
    const trained = await model.train(choice, config, {
      ...progressOf(kind, 1),
      seed: 1,
      threads: 1,
    });
    const { metrics } = await evaluate(trained, choice.validation, {
      cutoffs,
      metrics: ["recall", "ndcg"],
      seenItems: "remove",
      maxCases: 10_000,
    });
    await trained.dispose();
    process.stdout.write(
      `validation: ${JSON.stringify({ kind, ...changes })} ${JSON.stringify(metrics)} ${trained.cost.cpuSeconds.toFixed(0)} s of processor\n`,
    );
  }
}

/** So many users, and of their items those that three of them took; users left with fewer than five go. */
function sampleOf(train: Sequences, count: number): Sequences {
  const random = seededRandom(7, "users");
  const users = random.shuffle(Array.from({ length: train.userCount }, (_, user) => user));
  const pasts = users.slice(0, count).map((user) => historyOf(train, user).items);
  const takers = new Int32Array(train.itemCount + 1);
  for (const past of pasts) for (const item of past) takers[item]!++;
  const rows = new Int32Array(train.itemCount + 1);
  let itemCount = 0;
  takers.forEach((times, item) => {
    if (times >= 3) rows[item] = ++itemCount;
  });
  const lists = pasts.map((past) => [...past].map((item) => rows[item]!).filter((row) => row > 0));
  return packed(
    lists.filter((list) => list.length >= 5),
    itemCount,
  );
}

async function row(
  task: GraphTask,
  variants: readonly Variant[],
  seeds: readonly number[],
): Promise<string> {
  const results: Result[] = [];
  for (const seed of seeds) results.push(await result(task, variants, seed));
  const [first] = results;
  const cells = first!.values.map((_, c) => spread(results.map(({ values }) => values[c]!)));
  const recipe =
    variants.length > 1
      ? `${recipeText(variants[1]!)}; standardised scores, half and half`
      : recipeText(variants[0]!);
  const seconds = results.map(({ wallSeconds }) => wallSeconds.toFixed(0)).join(", ");
  return `| ${first!.name} | ${recipe} | ${cells.join(" | ")} | ${first!.epochs || ""} | ${seconds} |`;
}

/** What a seed measured: as kept, or trained and tested now. */
async function result(
  task: GraphTask,
  variants: readonly Variant[],
  seed: number,
): Promise<Result> {
  const folder = join(cache, task.command, `${keyOf(variants)}-${seed}`);
  const kept = join(folder, "result.json");
  if (existsSync(kept)) return JSON.parse(await readFile(kept, "utf8")) as Result;
  await mkdir(folder, { recursive: true });
  const { train, test } = await readLightGcn(datasetFolder(task.folder));
  const scorers: Scorer[] = [];
  let [wallSeconds, epochs] = [0, 0];
  for (const variant of variants) {
    const { kind, ...changes } = variant;
    const model = modelByKind(kind);
    const own = join(cache, task.command, `${keyOf([variant])}-${seed}`, "model");
    if (!existsSync(join(own, "model.json"))) {
      await mkdir(own, { recursive: true });
      const context = {
        ...progressOf(kind, seed),
        seed,
        threads: 1,
        checkpointDir: join(own, ".."),
      };
      const trained = await model.train({ train }, { ...model.defaults, ...changes }, context);
      await trained.save(own);
      await trained.dispose();
    }
    const loaded = await model.load(own);
    scorers.push(loaded);
    wallSeconds += loaded.cost.wallSeconds;
    epochs += loaded.curve.length;
  }
  const [one, other] = scorers;
  const scorer = other === undefined ? one! : standardisedSum(one!, other);
  const evaluation = await evaluate(scorer, test, {
    cutoffs,
    metrics: ["recall", "ndcg"],
    seenItems: "remove",
  });
  const values = Object.values(task.columns).map((column) => column(evaluation, test));
  const measured: Result = { name: scorer.name, values, wallSeconds, epochs };
  process.stdout.write(`test: ${JSON.stringify({ variants, seed, ...measured })}\n`);
  await writeFile(kept, JSON.stringify(measured));
  return measured;
}

/** Of the whole recipes: what another default gave is another result. */
const keyOf = (variants: readonly Variant[]): string => {
  const recipes = variants.map((variant) => ({
    ...modelByKind(variant.kind).defaults,
    ...variant,
  }));
  return createHash("sha256").update(JSON.stringify(recipes)).digest("hex").slice(0, 12);
};

/** Scores of two models, each at mean 0 and deviation 1 over the items of a past, added. */
function standardisedSum(one: Scorer, other: Scorer): Scorer {
  const { itemCount } = one;
  return {
    name: `${one.name} + ${other.name}`,
    itemCount,
    async scoreAll(histories: readonly History[], out: Float32Array) {
      const second = new Float32Array(histories.length * (itemCount + 1));
      await one.scoreAll(histories, out);
      await other.scoreAll(histories, second);
      for (let b = 0; b < histories.length; b++) {
        const [from, to] = [b * (itemCount + 1) + 1, (b + 1) * (itemCount + 1)];
        standardise(out.subarray(from, to));
        standardise(second.subarray(from, to));
        for (let i = from; i < to; i++) out[i]! += second[i]!;
      }
    },
  };
}

function standardise(scores: Float32Array): void {
  let [sum, squares] = [0, 0];
  for (const score of scores) sum += score;
  const mean = sum / scores.length;
  for (const score of scores) squares += (score - mean) ** 2;
  const deviation = Math.sqrt(squares / scores.length) || 1;
  for (let i = 0; i < scores.length; i++) scores[i] = (scores[i]! - mean) / deviation;
}

function progressOf(kind: string, seed: number) {
  return {
    ...silentWork(),
    onProgress({ done, metrics }: { done: number; metrics?: Readonly<Record<string, number>> }) {
      const measured = Object.entries(metrics ?? {}).map(
        ([name, value]) => `${name} ${value.toFixed(4)}`,
      );
      process.stdout.write(
        `${kind}, seed ${seed}, ${done}: ${measured.join(", ")}, ${process.uptime().toFixed(0)} s\n`,
      );
    },
  };
}

function recipeText(variant: Variant): string {
  const fields = Object.entries(variant)
    .filter(([field]) => field !== "kind")
    .map(([field, value]) => `${field} ${JSON.stringify(value).replaceAll('"', "")}`);
  return fields.join(", ") || "none";
}

function spread(values: readonly number[]): string {
  const shown = (value: number) => value.toFixed(4).replace(/^0\./, ".");
  if (values.length < 2) return shown(values[0]!);
  const { mean, high } = meanInterval(values);
  return `${shown(mean)} ± ${shown(high - mean)}`;
}
