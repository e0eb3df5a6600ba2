/**
 * Models without epochs on lightgcn-gowalla: the given split, all items ranked, seen items masked.
 *
 *     node bench/gowalla.ts [--validation-only] [--kinds graph-filter] [--variant '{"kind":"graph-filter","rank":512}']
 */
import { readLightGcn } from "@magpie/data";
import { compareMemoryModels, holdOutTenth, metric } from "./memory-comparison.ts";
import { datasetFolder } from "./model-tasks.ts";

const { train, test } = await readLightGcn(datasetFolder("lightgcn-gowalla"));
await compareMemoryModels({
  command: "gowalla",
  protocol:
    "lightgcn-gowalla, the given random split; all 40,981 items ranked, items of train masked.",
  notes: [
    "One recipe of each kind, so nothing was chosen: the graph filter's is its default, which is that of BSPM's paper. Its test was read once before, by an earlier run of the same recipe.",
  ],
  seenItems: "remove",
  cutoffs: [20],
  pickedBy: "ndcgAt20",
  columns: { "Recall@20": metric("recallAt20"), "NDCG@20": metric("ndcgAt20") },
  published: [
    ["LightGCN", ".1830", ".1554"],
    ["GF-CF", ".1849", ".1518"],
    ["EASE", ".1765", ".1467"],
    ["UltraGCN", ".1862", ".1580"],
    ["BSPM-EM", ".1920", ".1597"],
  ],
  variants: [
    { kind: "graph-filter" },
    { kind: "rp3-beta", recency: 1, alpha: 1, beta: 0.5 },
    { kind: "item-knn", recency: 1 },
  ],
  train,
  test,
  choice: holdOutTenth(train),
  validationCases: 5_000,
});
