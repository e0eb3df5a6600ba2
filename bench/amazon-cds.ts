/**
 * Models without epochs on amazon-cds-ultragcn: the given split, all items ranked, seen items masked.
 *
 *     node bench/amazon-cds.ts [--validation-only] [--kinds graph-filter]
 */
import { readLightGcn } from "@magpie/data";
import { compareMemoryModels, holdOutTenth, metric } from "./memory-comparison.ts";
import { datasetFolder } from "./model-tasks.ts";

const { train, test } = await readLightGcn(datasetFolder("amazon-cds-ultragcn"));
await compareMemoryModels({
  command: "amazon-cds",
  protocol: "amazon-cds-ultragcn, the given split; all items ranked, items of train masked.",
  notes: ["A random tenth of each user's train items is validation."],
  seenItems: "remove",
  cutoffs: [20],
  pickedBy: "ndcgAt20",
  columns: { "Recall@20": metric("recallAt20"), "NDCG@20": metric("ndcgAt20") },
  published: [["UltraGCN", ".1622", ".1043"]],
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
