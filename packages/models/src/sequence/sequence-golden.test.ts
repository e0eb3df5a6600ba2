import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { sizeOf, type Values } from "@magpie/tensor";
import { describe, test } from "vitest";
import { OverlapFinder } from "./batch-overlaps.ts";
import { fuxiDefaults } from "./fuxi.ts";
import { batchOf, equalsGoldenStep, type GoldenStep } from "./golden-step.suite.ts";
import { gru4RecDefaults } from "./gru4rec.ts";
import { hstuDefaults } from "./hstu.ts";
import { ligrDefaults } from "./ligr.ts";
import type { SequenceConfig } from "./sequence-config.ts";
import { trainingGraph } from "./sequence-graphs.ts";

interface Golden {
  readonly config: { readonly width: number; readonly historyLimit: number };
  readonly itemCount: number;
  readonly steps: readonly (GoldenStep & {
    readonly network: string;
    readonly timeGaps: number[];
  })[];
}

/** Written by PyTorch in float64: `bench/peers/sequence_networks.py`. */
const golden = JSON.parse(
  readFileSync(new URL("./fixtures/sequence-steps.json", import.meta.url), "utf8"),
) as Golden;

describe("one step has the loss and gradients of PyTorch, within 1e-4 in float32", () => {
  for (const step of golden.steps) {
    test(step.network, async () => {
      const base = [ligrDefaults, hstuDefaults, fuxiDefaults, gru4RecDefaults].find(
        ({ network }) => network === step.network,
      )!;
      const config = {
        ...base,
        ...golden.config,
        blocks: 1,
        dropout: 0,
        batchRows: 3,
        loss: {
          kind: "sampled-softmax",
          negatives: step.negatives.length,
          uniformShare: 1,
          logQ: "none",
          ownPast: false,
        },
      } as SequenceConfig;
      const { width, historyLimit: length, batchRows: rows } = config;
      const graph = trainingGraph(config, { rows, length, itemCount: golden.itemCount });
      const { ids, batch } = batchOf(step, rows, length);
      const overlaps = new OverlapFinder(batch, ids.negatives, golden.itemCount, false);
      overlaps.find();
      const inputs: Record<string, Values> = {
        segments: batch.segments,
        positions: batch.positions,
        weights: batch.weights,
        negativeMask: overlaps.mask,
        timeGaps: Int32Array.from(step.timeGaps),
      };
      assert.deepEqual(
        graph.parameters.map(({ name, shape }) => [name, sizeOf(shape)]).sort(),
        Object.entries(step.parameters)
          .map(([name, values]) => [name, values.length])
          .sort(),
      );
      await equalsGoldenStep(graph, inputs, step, { width });
    });
  }
});
