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
  notes: [
    "A random tenth of each user's train items is validation; 10,000 users of it are asked.",
    "Test was read once before, by the recipes that Electronics' validation had picked: RP3beta with alpha .7 had Recall@20 .1585, NDCG@20 .1066.",
  ],
  seenItems: "remove",
  cutoffs: [20],
  pickedBy: "ndcgAt20",
  columns: { "Recall@20": metric("recallAt20"), "NDCG@20": metric("ndcgAt20") },
  published: [["UltraGCN", ".1622", ".1043"]],
  variants: [
    { kind: "item-knn", recency: 1 },
    { kind: "item-knn", recency: 1, userDamping: 0.5 },
    { kind: "rp3-beta", recency: 1, alpha: 0.7, beta: 0.3, neighbours: 1_000 },
    { kind: "rp3-beta", recency: 1, alpha: 0.55, beta: 0.3, neighbours: 1_000 },
    { kind: "rp3-beta", recency: 1, alpha: 0.45, beta: 0.3, neighbours: 1_000 },
    { kind: "rp3-beta", recency: 1, alpha: 0.45, beta: 0.4, neighbours: 1_000 },
    { kind: "rp3-beta", recency: 1, alpha: 0.35, beta: 0.2, neighbours: 1_000 },
    { kind: "graph-filter", idealWeight: 0, sharpening: 0 },
  ],
  train,
  test,
  choice: holdOutTenth(train),
  validationCases: 10_000,
});
