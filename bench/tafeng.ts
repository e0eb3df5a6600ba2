/**
 * Next baskets on Ta-Feng: the whole next basket of each customer, repeats included, all items ranked.
 *
 *     node bench/tafeng.ts [--validation-only] [--kinds tifu-knn]
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type HeldOut, historyOf, type Sequences } from "@magpie/data";
import { compareMemoryModels, type MemoryTask, metric } from "./memory-comparison.ts";
import { datasetFolder } from "./model-tasks.ts";

type Baskets = readonly (readonly number[])[];

const folder = datasetFolder("tafeng-nbr");
const history = await readBaskets("tafeng_history.json.gz");
const future = await readBaskets("tafeng_future.json.gz");
const users = [...history.keys()].filter((user) => (future.get(user)?.length ?? 0) > 0);
const itemCount = [...history.values(), ...future.values()]
  .flat(2)
  .reduce((most, item) => Math.max(most, item), 0);
const past = users.map((user) => history.get(user)!);

/** As in the paper of TIFU-kNN. */
const paperFading = { groups: 7, basketFading: 0.9, groupFading: 0.7 };

await compareMemoryModels({
  command: "tafeng",
  protocol:
    "tafeng-nbr, the folder's own split: the items of each customer's last basket, from all baskets before; all items ranked, seen items kept.",
  notes: [
    "The last basket of each customer's train baskets is validation, where there are two or more.",
    "Published numbers (TIFU-kNN: Recall@10 .1301, NDCG@10 .1011) are of another preprocessing and cannot stand in this table.",
  ],
  seenItems: "keep",
  cutoffs: [10, 20],
  pickedBy: "ndcgAt10",
  columns: {
    "Recall@10": metric("recallAt10"),
    "NDCG@10": metric("ndcgAt10"),
    "Recall@20": metric("recallAt20"),
    "NDCG@20": metric("ndcgAt20"),
  },
  published: [],
  variants: [
    { kind: "popularity" },
    { kind: "personal-frequency" },
    { kind: "tifu-knn" },
    ...[
      { own: 0.7, neighbours: 300 },
      { own: 0.5, neighbours: 300 },
      { own: 0.3, neighbours: 300 },
      { own: 0.5, neighbours: 1_000 },
      { own: 0.3, neighbours: 1_000 },
    ].map((changes) => ({ kind: "tifu-knn", ...paperFading, ...changes })),
    { kind: "tifu-knn", ...paperFading, groups: 3 },
    { kind: "tifu-knn", ...paperFading, groupFading: 0.9 },
  ],
  paired: ["tifu-knn", "personal-frequency", "ndcgAt10"],
  train: sequencesOf(past),
  test: heldOutOf(
    sequencesOf(past),
    users.map((user) => future.get(user)!.flat()),
  ),
  choice: lastBaskets(past),
  validationCases: Infinity,
});

/** Baskets of each customer, oldest first, item rows from 1; the frames of [-1] left out. */
async function readBaskets(file: string): Promise<Map<string, Baskets>> {
  const text = gunzipSync(await readFile(join(folder, file))).toString("utf8");
  const all = JSON.parse(text) as Record<string, number[][]>;
  return new Map(
    Object.entries(all).map(([user, baskets]) => [
      user,
      baskets
        .map((basket) => basket.filter((item) => item >= 0).map((item) => item + 1))
        .filter((basket) => basket.length > 0),
    ]),
  );
}

/** The data has an order of baskets and no times: a basket's moment is its number. */
function sequencesOf(customers: readonly Baskets[]): Sequences {
  const offsets = new Int32Array(customers.length + 1);
  customers.forEach(
    (baskets, user) => (offsets[user + 1] = offsets[user]! + baskets.flat().length),
  );
  return {
    userCount: customers.length,
    itemCount,
    offsets,
    items: Int32Array.from(customers.flat(2)),
    timestampsMs: Float64Array.from(
      customers.flatMap((baskets) => baskets.flatMap((basket, moment) => basket.map(() => moment))),
    ),
  };
}

function heldOutOf(sequences: Sequences, next: readonly (readonly number[])[]): HeldOut {
  const asked = next.flatMap((items, user) => (items.length > 0 ? [user] : []));
  const targetOffsets = new Int32Array(asked.length + 1);
  asked.forEach((user, i) => (targetOffsets[i + 1] = targetOffsets[i]! + next[user]!.length));
  return {
    pasts: asked.map((user) => historyOf(sequences, user)),
    targetOffsets,
    targets: Int32Array.from(asked.flatMap((user) => next[user]!)),
  };
}

function lastBaskets(customers: readonly Baskets[]): MemoryTask["choice"] {
  const before = customers.map((baskets) => (baskets.length < 2 ? baskets : baskets.slice(0, -1)));
  const last = customers.map((baskets) => (baskets.length < 2 ? [] : baskets.at(-1)!));
  const train = sequencesOf(before);
  return { train, validation: heldOutOf(train, last) };
}
