/**
 * Models without epochs on amazon-electronics-ultragcn: the given split, all items ranked, seen items masked.
 *
 *     node bench/amazon-electronics.ts [--validation-only] [--kinds graph-filter]
 */
import { type HeldOut, readLightGcn } from "@magpie/data";
import type { Evaluation } from "@magpie/evaluation";
import { compareMemoryModels, holdOutTenth, metric } from "./memory-comparison.ts";
import { datasetFolder } from "./model-tasks.ts";

const { train, test } = await readLightGcn(datasetFolder("amazon-electronics-ultragcn"));
await compareMemoryModels({
  command: "amazon-electronics",
  protocol:
    "amazon-electronics-ultragcn, the given split; all items ranked, items of train masked.",
  notes: [
    "A random tenth of each user's train items is validation.",
    "F1@20 is the mean over users of 2PR / (P + R), P = hits / 20, R = hits / targets.",
  ],
  seenItems: "remove",
  cutoffs: [20],
  pickedBy: "ndcgAt20",
  columns: { "F1@20": f1At20, "NDCG@20": metric("ndcgAt20") },
  published: [["UltraGCN", ".0330", ".0829"]],
  variants: [
    { kind: "popularity" },
    { kind: "graph-filter" },
    { kind: "graph-filter", sharpening: 0 },
    { kind: "graph-filter", sharpening: 1 },
    { kind: "graph-filter", rank: 128, sharpening: 1 },
    { kind: "graph-filter", rank: 64, sharpening: 0 },
    { kind: "graph-filter", idealWeight: 0, sharpening: 0 },
    { kind: "rp3-beta", recency: 1 },
    { kind: "rp3-beta", recency: 1, alpha: 1, beta: 0.5 },
    { kind: "rp3-beta", recency: 1, alpha: 1, beta: 0.3 },
    { kind: "rp3-beta", recency: 1, alpha: 0.7, beta: 0.4 },
    { kind: "rp3-beta", recency: 1, alpha: 0.7, beta: 0.3, neighbours: 1_000 },
    { kind: "item-knn", recency: 1 },
    { kind: "item-knn", recency: 1, shrinkage: 5 },
    { kind: "item-knn", recency: 1, shrinkage: 5, userDamping: 0.5 },
    { kind: "ease", recency: 1 },
    { kind: "ease", recency: 1, ridge: 100 },
    { kind: "ease", recency: 1, ridge: 500 },
  ],
  train,
  test,
  choice: holdOutTenth(train),
  validationCases: 10_000,
});

/** Mean over users of the harmonic mean of precision and recall at 20. */
function f1At20({ perCase }: Evaluation, { targetOffsets }: HeldOut): number {
  const recalls = perCase.recallAt20!;
  let sum = 0;
  recalls.forEach((recall, user) => {
    // precision = hits / 20, recall = hits / targets: F1 = 2 hits / (20 + targets)
    const targets = targetOffsets[user + 1]! - targetOffsets[user]!;
    sum += (2 * recall * targets) / (20 + targets);
  });
  return sum / recalls.length;
}
