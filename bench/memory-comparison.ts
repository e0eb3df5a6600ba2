import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type HeldOut, historyOf, type Sequences } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { type Evaluation, evaluate, type MetricAt, type SeenItems } from "@magpie/evaluation";
import { modelByKind } from "@magpie/models";
import { pairedDifference, seededRandom } from "@magpie/numerics";
import { writeSection } from "./write-section.ts";

/** A model with changes to its default recipe. */
export type Variant = { readonly kind: string } & Readonly<Record<string, unknown>>;

/** One table: models without training epochs on one data set. */
export interface MemoryTask {
  /** The command's file name without ending. */
  readonly command: string;
  readonly protocol: string;
  readonly notes: readonly string[];
  readonly seenItems: SeenItems;
  readonly cutoffs: readonly number[];
  /** The metric by which validation picks. */
  readonly pickedBy: MetricAt;
  /** Of the table, each from an evaluation. */
  readonly columns: Readonly<Record<string, (evaluation: Evaluation, heldOut: HeldOut) => number>>;
  /** Published rows: label, then one cell for each column. */
  readonly published: readonly (readonly string[])[];
  readonly variants: readonly Variant[];
  /** Two kinds whose difference is tested case by case, and the metric; absent: none are. */
  readonly paired?: readonly [kind: string, baseline: string, metric: MetricAt];
  readonly train: Sequences;
  readonly test: HeldOut;
  /** What the choice is made on: cut out of train. */
  readonly choice: { readonly train: Sequences; readonly validation: HeldOut };
  /** Cases of validation that are asked, evenly spread. */
  readonly validationCases: number;
}

/** A column that is a metric as evaluated. */
export const metric = (name: MetricAt) => (evaluation: Evaluation) => evaluation.metrics[name]!;

/**
 * Trains each variant on the training part of the choice, takes the best of each kind on validation,
 * trains it on all of train, reads test once, and writes the table to `results/memory-models.md`.
 */
export async function compareMemoryModels(task: MemoryTask): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      kinds: { type: "string" },
      "validation-only": { type: "boolean", default: false },
      variant: { type: "string", multiple: true, default: [] },
    },
  });
  const given = options.variant.map((text) => JSON.parse(text) as Variant);
  const kinds = options.kinds?.split(",");
  const variants = (given.length > 0 ? given : task.variants).filter(
    ({ kind }) => kinds === undefined || kinds.includes(kind),
  );
  const best = new Map<string, { readonly variant: Variant; readonly score: number }>();
  for (const variant of variants) {
    const { kind } = variant;
    // Nothing is to be chosen among one recipe.
    if (variants.filter((other) => other.kind === kind).length === 1) {
      best.set(kind, { variant, score: NaN });
      continue;
    }
    const one = await run(variant, task.choice.train);
    const { metrics, wallSeconds } = await evaluate(one, task.choice.validation, {
      cutoffs: task.cutoffs,
      metrics: ["recall", "ndcg", "mrr"],
      seenItems: task.seenItems,
      maxCases: task.validationCases,
    });
    await one.dispose();
    const score = metrics[task.pickedBy]!;
    const shown = Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(4)}`);
    process.stdout.write(
      `validation: ${JSON.stringify(variant)} ${shown.join(" ")} (${one.cost.wallSeconds.toFixed(1)} s training, ${wallSeconds.toFixed(1)} s)\n`,
    );
    if (!(score <= (best.get(kind)?.score ?? -Infinity))) best.set(kind, { variant, score });
  }
  if (options["validation-only"]) return;
  const rows: string[][] = [];
  const perCase = new Map<string, Float64Array>();
  for (const { variant, score } of best.values()) {
    const one = await run(variant, task.train);
    const evaluation = await evaluate(one, task.test, {
      cutoffs: task.cutoffs,
      metrics: ["recall", "ndcg", "mrr", "hitRate"],
      seenItems: task.seenItems,
    });
    await one.dispose();
    const { kind, ...changes } = variant;
    if (task.paired?.includes(kind)) perCase.set(kind, evaluation.perCase[task.paired[2]]!);
    const row = [
      one.name,
      Object.entries(changes)
        .map(([field, value]) => `${field} ${JSON.stringify(value)}`)
        .join(", ") || "defaults",
      ...Object.values(task.columns).map((column) => shared(column(evaluation, task.test))),
      shared(score),
      one.cost.wallSeconds.toFixed(1),
      evaluation.wallSeconds.toFixed(0),
      (one.cost.peakRssBytes / 2 ** 20).toFixed(0),
    ];
    process.stdout.write(`test: ${row.join("  ")}\n`);
    rows.push(row);
  }
  const difference = pairedNote(task.paired, perCase);
  process.stdout.write(difference.map((line) => `${line}\n`).join(""));
  if (kinds !== undefined || given.length > 0) return;
  const header = [
    "model",
    "recipe picked",
    ...Object.keys(task.columns),
    "validation",
    "train s",
    "test s",
    "peak MiB so far",
  ];
  const table = [
    `### ${task.command}`,
    "",
    `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]?.model.trim()} · Node ${process.version} · \`node bench/${task.command}.ts\``,
    "",
    task.protocol,
    "",
    ...task.notes.map((note) => `- ${note}`),
    `- ${variants.length} recipes; where a kind has several, validation picked by ${task.pickedBy}. What was picked was trained on all of train and read test once.`,
    ...difference,
    "- Equal scores count by their expected rank. Seconds were taken on a machine that others loaded.",
    "",
    `| ${header.join(" | ")} |`,
    `|---|---|${header
      .slice(2)
      .map(() => "---:")
      .join("|")}|`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
    ...task.published.map(
      (row) => `| ${row[0]} (published) | | ${row.slice(1).join(" | ")} | | | | |`,
    ),
  ];
  const file = join(import.meta.dirname, "results", "memory-models.md");
  await writeSection(file, "Models without epochs", table.join("\n"));
}

/** How much two kinds differ on the same cases; nothing where one of them was not asked. */
function pairedNote(
  paired: MemoryTask["paired"],
  perCase: ReadonlyMap<string, Float64Array>,
): readonly string[] {
  if (paired === undefined) return [];
  const [kind, baseline, on] = paired;
  const [a, b] = [perCase.get(kind), perCase.get(baseline)];
  if (a === undefined || b === undefined) return [];
  const { difference, pValue } = pairedDifference(a, b);
  const [center, low, high] = [difference.mean, difference.low, difference.high].map((value) =>
    value.toFixed(4),
  );
  return [
    `- ${kind} minus ${baseline}, ${on}, paired over ${a.length} cases: ${center} (95 % interval ${low} to ${high}; two-sided t test, p = ${pValue.toPrecision(2)}).`,
  ];
}

async function run({ kind, ...changes }: Variant, train: Sequences) {
  const model = modelByKind(kind);
  const context = { seed: 1, threads: 1, ...silentWork() };
  return model.train({ train }, { ...model.defaults, ...changes }, context);
}

const shared = (value: number): string =>
  Number.isNaN(value) ? "–" : value.toFixed(4).replace(/^0\./, ".");

/** Holds out a random tenth of each user's items; users with one item keep it. */
export function holdOutTenth(sequences: Sequences): MemoryTask["choice"] {
  const random = seededRandom(1, "hold-out-tenth");
  const kept: number[][] = [];
  const held: number[][] = [];
  for (let user = 0; user < sequences.userCount; user++) {
    const items = random.shuffle([...historyOf(sequences, user).items]);
    const count = items.length < 2 ? 0 : Math.max(1, Math.round(items.length / 10));
    held.push(items.slice(0, count));
    kept.push(items.slice(count));
  }
  const train = packed(kept, sequences.itemCount);
  const asked = held.flatMap((items, user) => (items.length > 0 ? [user] : []));
  const targets = packed(
    asked.map((user) => held[user]!),
    sequences.itemCount,
  );
  return {
    train,
    validation: {
      pasts: asked.map((user) => historyOf(train, user)),
      targetOffsets: targets.offsets,
      targets: targets.items,
    },
  };
}

/** Lists of item rows as sequences. */
export function packed(lists: readonly (readonly number[])[], itemCount: number): Sequences {
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach((list, user) => (offsets[user + 1] = offsets[user]! + list.length));
  return { userCount: lists.length, itemCount, offsets, items: Int32Array.from(lists.flat()) };
}
