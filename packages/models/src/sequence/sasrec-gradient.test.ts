import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { plainKernels } from "@magpie/numerics";
import { GRADIENT, LOSS, openSession, rowGradient, sizeOf, type Values } from "@magpie/tensor";
import { describe, test } from "vitest";
import { OverlapFinder } from "./batch-overlaps.ts";
import { sasRecDefaults, type SasRecConfig } from "./sasrec.ts";
import { trainingGraph } from "./sequence-graphs.ts";

interface Golden {
  readonly config: Partial<SasRecConfig>;
  readonly itemCount: number;
  readonly items: number[];
  readonly segments: number[];
  readonly positions: number[];
  readonly targets: number[];
  readonly weights: number[];
  readonly negatives: number[];
  readonly negativeOffsets: number[];
  readonly parameters: Record<string, number[]>;
  readonly itemTable: number[];
  readonly loss: number;
  readonly gradients: Record<string, number[]>;
  readonly itemTableGradient: number[];
}

/** Written by PyTorch in float64: `bench/peers/sasrec_step.py golden`. */
const golden = JSON.parse(
  readFileSync(new URL("./fixtures/sasrec-step.json", import.meta.url), "utf8"),
) as Golden;

/** Loss and gradients of the golden step, by our graph. */
async function ourStep(threads: number) {
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
  const itemTable = Float32Array.from(golden.itemTable);
  const ids = {
    items: Int32Array.from(golden.items),
    targets: Int32Array.from(golden.targets),
    negatives: Int32Array.from(golden.negatives),
  };
  const batch = {
    rows,
    length,
    items: ids.items,
    targets: ids.targets,
    segments: Int32Array.from(golden.segments),
    positions: Int32Array.from(golden.positions),
    weights: Float32Array.from(golden.weights),
  };
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
  for (const { name } of graph.parameters) {
    inputs[name] = Float32Array.from(golden.parameters[name]!);
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
  const session = await openSession(graph, { threads });
  await session.bind(inputs, outputs).run();
  await session.dispose();

  const table = new Float32Array(itemTable.length);
  for (const [name, own] of Object.entries(ids)) {
    plainKernels.scatterAdd(table, own, outputs[rowGradient(name)] as Float32Array, width);
  }
  const gradients = Object.fromEntries(
    graph.parameters.map(({ name, shape, offset }) => [
      name,
      dense.subarray(offset, offset + sizeOf(shape)),
    ]),
  );
  return { loss: loss[0]!, gradients, table };
}

/** Largest difference, relative to the tensor's largest gradient. */
function relativeError(actual: Float32Array, expected: readonly number[]): number {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(actual[i]! - value))) / scale;
}

describe("one SASRec step has the loss and gradients of PyTorch", () => {
  for (const threads of [1, 2]) {
    test(`within 1e-4 in float32, on ${threads} thread${threads > 1 ? "s" : ""}`, async () => {
      const { loss, gradients, table } = await ourStep(threads);
      assert.ok(Math.abs(loss - golden.loss) < 1e-5 * golden.loss, `loss ${loss}`);
      assert.deepEqual(Object.keys(gradients).sort(), Object.keys(golden.gradients).sort());
      for (const [name, expected] of Object.entries(golden.gradients)) {
        // A key's bias shifts all scores of a row alike: softmax takes no notice, its gradient is 0.
        if (name.endsWith("attention.key.bias")) {
          assert.ok(gradients[name]!.every((value) => Math.abs(value) < 1e-6));
          continue;
        }
        const error = relativeError(gradients[name]!, expected);
        assert.ok(error < 1e-4, `${name}: relative error ${error}`);
      }
      const error = relativeError(table, golden.itemTableGradient);
      assert.ok(error < 1e-4, `item table: relative error ${error}`);
    });
  }
});
