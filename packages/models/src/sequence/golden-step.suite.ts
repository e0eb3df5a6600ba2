import assert from "node:assert/strict";
import { plainKernels } from "@magpie/numerics";
import {
  GRADIENT,
  LOSS,
  openSession,
  rowGradient,
  sizeOf,
  type TrainingGraph,
  type Values,
} from "@magpie/tensor";

/** One step as PyTorch takes it in float64. */
export interface GoldenStep {
  readonly items: number[];
  readonly segments: number[];
  readonly positions: number[];
  readonly targets: number[];
  readonly weights: number[];
  readonly negatives: number[];
  readonly parameters: Readonly<Record<string, number[]>>;
  readonly itemTable: number[];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, number[]>>;
  readonly itemTableGradient: number[];
}

/** The step's items by what they are for, and its batch. */
export function batchOf(step: GoldenStep, rows: number, length: number) {
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
  return { ids, batch };
}

/**
 * Takes the step by our graph and holds loss and gradients to those of PyTorch, within 1e-4 of each
 * tensor's largest gradient.
 *
 * @param inputs  of the graph, but for its parameters and the rows of items
 */
export async function equalsGoldenStep(
  graph: TrainingGraph,
  inputs: Readonly<Record<string, Values>>,
  step: GoldenStep,
  { width, threads = 1 }: { readonly width: number; readonly threads?: number },
): Promise<void> {
  const { ids } = batchOf(step, 0, 0);
  const itemTable = Float32Array.from(step.itemTable);
  const bound: Record<string, Values> = { ...inputs };
  for (const { name } of graph.parameters) bound[name] = Float32Array.from(step.parameters[name]!);
  const loss = new Float32Array(1);
  const dense = new Float32Array(graph.parameterCount);
  const outputs: Record<string, Values> = { [LOSS]: loss, [GRADIENT]: dense };
  for (const [name, own] of Object.entries(ids)) {
    const gathered = new Float32Array(own.length * width);
    plainKernels.gather(itemTable, own, gathered, width);
    bound[name] = gathered;
    outputs[rowGradient(name)] = new Float32Array(gathered.length);
  }
  const session = await openSession(graph, { threads });
  await session.bind(bound, outputs).run();
  await session.dispose();

  assert.ok(Math.abs(loss[0]! - step.loss) < 1e-5 * step.loss, `${loss[0]} for ${step.loss}`);
  assert.deepEqual(
    graph.parameters.map(({ name }) => name).sort(),
    Object.keys(step.gradients).sort(),
  );
  for (const { name, shape, offset } of graph.parameters) {
    const own = dense.subarray(offset, offset + sizeOf(shape));
    // A key's bias shifts all scores of a row alike: softmax takes no notice, its gradient is 0.
    if (name.endsWith("attention.key.bias")) {
      assert.ok(own.every((value) => Math.abs(value) < 1e-6));
      continue;
    }
    const error = relativeError(own, step.gradients[name]!);
    assert.ok(error < 1e-4, `${name}: relative error ${error}`);
  }
  const table = new Float32Array(itemTable.length);
  for (const [name, own] of Object.entries(ids)) {
    plainKernels.scatterAdd(table, own, outputs[rowGradient(name)] as Float32Array, width);
  }
  const error = relativeError(table, step.itemTableGradient);
  assert.ok(error < 1e-4, `item table: relative error ${error}`);
}

/** Largest difference, relative to the tensor's largest gradient. */
function relativeError(actual: Float32Array, expected: readonly number[]): number {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(actual[i]! - value))) / scale;
}
