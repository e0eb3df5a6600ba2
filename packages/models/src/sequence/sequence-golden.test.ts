import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { plainKernels } from "@magpie/numerics";
import { GRADIENT, LOSS, openSession, rowGradient, sizeOf, type Values } from "@magpie/tensor";
import { describe, test } from "vitest";
import { OverlapFinder } from "./batch-overlaps.ts";
import { fuxiDefaults } from "./fuxi.ts";
import { gru4RecDefaults } from "./gru4rec.ts";
import { hstuDefaults } from "./hstu.ts";
import { ligrDefaults } from "./ligr.ts";
import type { SequenceConfig } from "./sequence-config.ts";
import { trainingGraph } from "./sequence-graphs.ts";

interface Golden {
  readonly config: { readonly width: number; readonly historyLimit: number };
  readonly itemCount: number;
  readonly steps: readonly {
    readonly network: string;
    readonly items: number[];
    readonly segments: number[];
    readonly positions: number[];
    readonly targets: number[];
    readonly weights: number[];
    readonly negatives: number[];
    readonly timeGaps: number[];
    readonly parameters: Readonly<Record<string, number[]>>;
    readonly itemTable: number[];
    readonly loss: number;
    readonly gradients: Readonly<Record<string, number[]>>;
    readonly itemTableGradient: number[];
  }[];
}

/** Written by PyTorch in float64: `bench/peers/sequence_networks.py`. */
const golden = JSON.parse(
  readFileSync(new URL("./fixtures/sequence-steps.json", import.meta.url), "utf8"),
) as Golden;

/** Largest difference, relative to the tensor's largest gradient. */
function relativeError(actual: Float32Array, expected: readonly number[]): number {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(actual[i]! - value))) / scale;
}

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
      const itemTable = Float32Array.from(step.itemTable);
      const ids = {
        items: Int32Array.from(step.items),
        targets: Int32Array.from(step.targets),
        negatives: Int32Array.from(step.negatives),
      };
      const batch = {
        rows,
        length,
        items: ids.items,
        targets: ids.targets,
        segments: Int32Array.from(step.segments),
        positions: Int32Array.from(step.positions),
        weights: Float32Array.from(step.weights),
      };
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
      for (const { name } of graph.parameters) {
        inputs[name] = Float32Array.from(step.parameters[name]!);
      }
      const loss = new Float32Array(1);
      const dense = new Float32Array(graph.parameterCount);
      const outputs: Record<string, Values> = { [LOSS]: loss, [GRADIENT]: dense };
      for (const [name, own] of Object.entries(ids)) {
        const gathered = new Float32Array(own.length * width);
        plainKernels.gather(itemTable, own, gathered, width);
        inputs[name] = gathered;
        outputs[rowGradient(name)] = new Float32Array(gathered.length);
      }
      const session = await openSession(graph);
      await session.bind(inputs, outputs).run();
      await session.dispose();

      assert.ok(Math.abs(loss[0]! - step.loss) < 1e-5 * step.loss, `${loss[0]} for ${step.loss}`);
      for (const { name, shape, offset } of graph.parameters) {
        const expected = step.gradients[name]!;
        const own = dense.subarray(offset, offset + sizeOf(shape));
        // A key's bias shifts all scores of a row alike: softmax takes no notice, its gradient is 0.
        if (name.endsWith("attention.key.bias")) {
          assert.ok(own.every((value) => Math.abs(value) < 1e-6));
          continue;
        }
        const error = relativeError(own, expected);
        assert.ok(error < 1e-4, `${name}: relative error ${error}`);
      }
      const table = new Float32Array(itemTable.length);
      for (const [name, own] of Object.entries(ids)) {
        plainKernels.scatterAdd(table, own, outputs[rowGradient(name)] as Float32Array, width);
      }
      const error = relativeError(table, step.itemTableGradient);
      assert.ok(error < 1e-4, `item table: relative error ${error}`);
    });
  }
});
