import { readFileSync } from "node:fs";
import type { Values } from "@magpie/tensor";
import { describe, test } from "vitest";
import { OverlapFinder } from "./batch-overlaps.ts";
import { batchOf, equalsGoldenStep, type GoldenStep } from "./golden-step.suite.ts";
import { sasRecDefaults, type SasRecConfig } from "./sasrec.ts";
import { trainingGraph } from "./sequence-graphs.ts";

interface Golden extends GoldenStep {
  readonly config: Partial<SasRecConfig>;
  readonly itemCount: number;
  readonly negativeOffsets: number[];
}

/** Written by PyTorch in float64: `bench/peers/sasrec_step.py golden`. */
const golden = JSON.parse(
  readFileSync(new URL("./fixtures/sasrec-step.json", import.meta.url), "utf8"),
) as Golden;

describe("one SASRec step has the loss and gradients of PyTorch", () => {
  for (const threads of [1, 2]) {
    test(`within 1e-4 in float32, on ${threads} thread${threads > 1 ? "s" : ""}`, async () => {
      const config: SasRecConfig = {
        ...sasRecDefaults,
        ...golden.config,
        loss: {
          kind: "sampled-softmax",
          negatives: golden.negatives.length,
          uniformShare: 1,
          logQ: "negatives",
          ownPast: true,
        },
      };
      const { width, historyLimit: length, batchRows: rows } = config;
      const graph = trainingGraph(config, { rows, length, itemCount: golden.itemCount });
      const { ids, batch } = batchOf(golden, rows, length);
      const overlaps = new OverlapFinder(batch, ids.negatives, golden.itemCount, true);
      overlaps.find(Float32Array.from(golden.negativeOffsets));
      const inputs: Record<string, Values> = {
        segments: batch.segments,
        positions: batch.positions,
        weights: batch.weights,
        targetIds: ids.targets,
        itemIds: ids.items,
        negativeMask: overlaps.mask,
        repeats: overlaps.repeats,
        duplicates: overlaps.duplicates,
      };
      await equalsGoldenStep(graph, inputs, golden, { width, threads });
    });
  }
});
