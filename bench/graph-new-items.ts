/**
 * Items that came after the training of a graph model, on lastfm-social: a tenth of the items is left out of
 * training and given vectors by a few of those who took them (`GraphVectorModel.newItems`).
 *
 *     node bench/graph-new-items.ts [--kind lightgcn] [--seeds 1,2,3] [--write]
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type HeldOut, historyOf, type Sequences } from "@magpie/data";
import { type History, type Scorer, silentWork } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { BlockScores, type GraphVectorModel, modelByKind } from "@magpie/models";
import { meanInterval, seededRandom } from "@magpie/numerics";
import { readLastfmSocial } from "./lastfm-social-data.ts";
import { packed } from "./memory-comparison.ts";
import { writeSection } from "./write-section.ts";

const { values: options } = parseArgs({
  options: {
    kind: { type: "string", default: "lightgcn" },
    seeds: { type: "string", default: "1,2,3" },
    write: { type: "boolean", default: false },
  },
});
/** Share of items that come later, of those that so many took. */
const laterShare = 0.1;
const fewestTakers = 10;
/** How many of those who took an item are known when it gets its vector. */
const takerCounts = [1, 3, 10];
const recipe = {
  width: 64,
  loss: { kind: "softmax", negatives: 512, temperature: 0.2, lengthPower: 0 },
  batch: 1_024,
  epochs: 20,
  learningRate: 0.01,
};

const { train, test } = await readLastfmSocial();
const takers = takersOf(train);
const rows = new Map<string, number[]>();
let [name, cases, laterCount] = ["", 0, 0];
for (const seed of options.seeds.split(",").map(Number)) {
  const later = pickLater(seed);
  laterCount = later.size;
  const asked = casesOf(test, later);
  cases = asked.pasts.length;
  const before = await trained(without(train, later), seed);
  await note("never seen: scores of the untrained rows", before, asked);
  for (const count of takerCounts) {
    const vectors = before.itemVectors.slice();
    const items = [...later];
    const known = items.map((item) =>
      takers[item]!.slice(0, count).map((user) => pastOf(user, later)),
    );
    const found = before.newItems(known);
    items.forEach((item, i) =>
      vectors.set(found.subarray(i * before.width, (i + 1) * before.width), item * before.width),
    );
    await note(`vectors by ${count} of those who took them`, withVectors(before, vectors), asked);
  }
  const knn = modelByKind("item-knn");
  const context = { seed, threads: 1, ...silentWork() };
  const few = keepFew(train, later, 10);
  await note(
    "item-kNN trained with the same 10",
    await knn.train({ train: few }, { ...knn.defaults, recency: 1 }, context),
    asked,
  );
  await before.dispose();
  const whole = await trained(train, seed);
  name = whole.name;
  await note("trained with all who took them", whole, asked);
  await whole.dispose();
}

const table = [
  `### Items that came later, ${name} on lastfm-social`,
  "",
  `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]?.model.trim()} · Node ${process.version} · \`node bench/graph-new-items.ts${options.kind === "lightgcn" ? "" : ` --kind ${options.kind}`}\``,
  "",
  `lastfm-social, the given split. A tenth (${laterCount}) of the items that at least ${fewestTakers} users took is left out of training, drawn anew with each seed, and then gets vectors by the first few of those users. Asked is what of these items users take in the test part (about ${cases} users); all items ranked, items of train masked. Recall@20 of these items, mean over ${options.seeds.split(",").length} seeds with 95 % intervals.`,
  "",
  "| what is known of the later items | Recall@20 |",
  "|---|---:|",
  ...[...rows].map(([label, values]) => {
    if (values.length < 2) return `| ${label} | ${shown(values[0]!)} |`;
    const { mean, high } = meanInterval(values);
    return `| ${label} | ${shown(mean)} ± ${shown(high - mean)} |`;
  }),
].join("\n");
process.stdout.write(`${table}\n`);
if (options.write) {
  const file = join(import.meta.dirname, "results", "graph-models.md");
  await writeSection(file, "Graph models", table);
}

function shown(value: number): string {
  return value.toFixed(4).replace(/^0\./, ".");
}

async function note(label: string, scorer: Scorer, asked: HeldOut): Promise<void> {
  const { metrics } = await evaluate(scorer, asked, {
    cutoffs: [20],
    metrics: ["recall"],
    seenItems: "remove",
  });
  rows.set(label, [...(rows.get(label) ?? []), metrics.recallAt20!]);
  process.stdout.write(`${label}: ${shown(metrics.recallAt20!)}\n`);
}

async function trained(sequences: Sequences, seed: number): Promise<GraphVectorModel> {
  const model = modelByKind(options.kind);
  const config = { ...model.defaults, ...(options.kind === "lightgcn" && recipe) };
  const context = { seed, threads: 1, ...silentWork() };
  return (await model.train({ train: sequences }, config, context)) as GraphVectorModel;
}

/** Of each item, who took it, in the order of the file. */
function takersOf({ userCount, itemCount, offsets, items }: Sequences): number[][] {
  const lists = Array.from({ length: itemCount + 1 }, (): number[] => []);
  for (let user = 0; user < userCount; user++) {
    for (const item of items.subarray(offsets[user], offsets[user + 1])) lists[item]!.push(user);
  }
  return lists;
}

function pickLater(seed: number): ReadonlySet<number> {
  const known = takers.flatMap((users, item) => (users.length >= fewestTakers ? [item] : []));
  const shuffled = seededRandom(seed, "later-items").shuffle(known);
  return new Set(shuffled.slice(0, Math.round(laterShare * shuffled.length)));
}

function without(sequences: Sequences, items: ReadonlySet<number>): Sequences {
  return packed(
    Array.from({ length: sequences.userCount }, (_, user) => [...pastOf(user, items).items]),
    sequences.itemCount,
  );
}

/** The past of a user, as a model knows it that was trained without these items. */
function pastOf(user: number, items: ReadonlySet<number>): History {
  const past = historyOf(train, user);
  return { userIndex: user, items: past.items.filter((item) => !items.has(item)) };
}

/** Train, but of these items only the first few who took them. */
function keepFew(sequences: Sequences, items: ReadonlySet<number>, count: number): Sequences {
  const kept = Array.from({ length: sequences.userCount }, (_, user) => [
    ...pastOf(user, items).items,
  ]);
  for (const item of items)
    for (const user of takers[item]!.slice(0, count)) kept[user]!.push(item);
  return packed(kept, sequences.itemCount);
}

/** Cases whose targets are among these items; the targets are those alone. */
function casesOf({ pasts, targets, targetOffsets }: HeldOut, items: ReadonlySet<number>): HeldOut {
  const wanted = pasts.map((_, i) => {
    const own = targets.subarray(targetOffsets[i], targetOffsets[i + 1]);
    return Array.from(own.filter((item) => items.has(item)));
  });
  const asked = wanted.flatMap((list, i) => (list.length > 0 ? [i] : []));
  const kept = packed(
    asked.map((i) => wanted[i]!),
    train.itemCount,
  );
  return {
    pasts: asked.map((i) => pasts[i]!),
    targetOffsets: kept.offsets,
    targets: kept.items,
  };
}

/** The model's users with other vectors of items. */
function withVectors(model: GraphVectorModel, vectors: Float32Array): Scorer {
  const { name, itemCount, width } = model;
  const scores = new BlockScores(vectors, width);
  return {
    name,
    itemCount,
    scoreAll: (histories, out) =>
      scores.scoreAll(histories, (asked, users) => model.encode(asked, users), out),
  };
}
