/**
 * Models of the graph on amazon-cds-ultragcn: the given split, all items ranked, seen items masked.
 *
 *     node bench/amazon-cds-graph.ts [--seeds 1,2,3] [--kinds lightgcn] [--fresh]
 */
import { compareGraphModels } from "./graph-comparison.ts";
import { metric, type Variant } from "./memory-comparison.ts";

const lightGcn: Variant = {
  kind: "lightgcn",
  width: 64,
  epochs: 15,
  loss: { kind: "softmax", negatives: 512, temperature: 0.15, lengthPower: 0 },
};

await compareGraphModels({
  command: "amazon-cds-graph",
  folder: "amazon-cds-ultragcn",
  notes: [
    "LightGCN's recipe is an earlier one of Gowalla's with 15 epochs, RP3beta's the one that validation picked (`amazon-cds.ts`); on validation they have Recall@20 .145 and .144, NDCG@20 .069 and .072.",
  ],
  columns: { "Recall@20": metric("recallAt20"), "NDCG@20": metric("ndcgAt20") },
  published: [["UltraGCN", ".1622", ".1043"]],
  variants: [lightGcn],
  joined: [lightGcn, { kind: "rp3-beta", recency: 1, alpha: 0.45, beta: 0.3, neighbours: 1_000 }],
});
