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
    "The recipes are those that Electronics' validation picked, unchanged; nothing was chosen here.",
  ],
  seenItems: "remove",
  cutoffs: [20],
  pickedBy: "ndcgAt20",
  columns: { "Recall@20": metric("recallAt20"), "NDCG@20": metric("ndcgAt20") },
  published: [["UltraGCN", ".1622", ".1043"]],
  variants: [
    { kind: "item-knn", recency: 1 },
    { kind: "rp3-beta", recency: 1, alpha: 0.7, beta: 0.3, neighbours: 1_000 },
    { kind: "graph-filter", idealWeight: 0, sharpening: 0 },
  ],
  train,
  test,
  choice: holdOutTenth(train),
  validationCases: 10_000,
});
