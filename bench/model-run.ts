/**
 * Trains one model once and evaluates it, in a process of its own so that its peak memory is its
 * own. `model-comparison.ts` starts it; it goes on from a checkpoint when one is there.
 *
 *     node bench/model-run.ts REQUEST.json RESULT.json
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import type { Progress } from "@magpie/domain";
import { evaluate, type Evaluation, type SeenItems } from "@magpie/evaluation";
import { type CurvePoint, modelByKind, type TrainingCost } from "@magpie/models";
import { folderOf, type ModelTask, type ModelTaskName, modelTasks } from "./model-tasks.ts";
import { withTiesShuffled } from "./shuffled-ties.ts";

/** What one run is asked for. Two equal requests have the same result. */
export interface RunRequest {
  readonly task: ModelTaskName;
  /** Name and bytes of the data set's files. */
  readonly files: Readonly<Record<string, number>>;
  readonly kind: string;
  readonly seed: number;
  /** The whole recipe. */
  readonly config: object;
  readonly threads: number;
  /** Interactions of one user at one moment are put in an order by chance, drawn from this. */
  readonly tiesSeed?: number;
  readonly checkpointDir: string;
}

/** What one run measured. */
export interface RunResult {
  readonly request: RunRequest;
  readonly name: string;
  readonly protocol: string;
  readonly cost: TrainingCost;
  /** Cost then covers only what came after the last checkpoint. */
  readonly wasResumed: boolean;
  readonly expectedBytes: number;
  readonly curve: readonly CurvePoint[];
  readonly validationNdcgAt10: number;
  readonly test: Readonly<Record<SeenItems, Evaluation>>;
}

async function run(request: RunRequest): Promise<RunResult> {
  const task: ModelTask = modelTasks[request.task];
  const { tiesSeed } = request;
  const split = await task.split(
    folderOf(task),
    tiesSeed === undefined ? undefined : (whole) => withTiesShuffled(whole, tiesSeed),
  );
  const model = modelByKind(request.kind);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const work = { signal: stop.signal, onProgress: progressLine() };

  await mkdir(request.checkpointDir, { recursive: true });
  const wasResumed = (await readdir(request.checkpointDir)).length > 0;
  const itemFeatures = await task.itemFeatures?.(folderOf(task), split.train.itemCount);
  const data = {
    train: split.train,
    validation: split.validation,
    ...(itemFeatures && { itemFeatures }),
  };
  const trained = await model.train(data, request.config, { ...request, ...work });
  const validation = await evaluate(trained, split.validation, {
    cutoffs: [10],
    metrics: ["ndcg"],
    work,
  });
  const onTest = (seenItems: SeenItems) =>
    evaluate(trained, split.test, { seenItems, train: split.train, work });
  const result: RunResult = {
    request,
    name: trained.name,
    protocol: split.protocol,
    cost: trained.cost,
    wasResumed,
    expectedBytes: model.expectedBytes(data, request.config),
    curve: trained.curve,
    validationNdcgAt10: validation.metrics.ndcgAt10!,
    test: { keep: await onTest("keep"), remove: await onTest("remove") },
  };
  await trained.dispose();
  return result;
}

/** Shows progress on one line of a terminal, and now and then a line elsewhere. */
function progressLine(): (progress: Progress) => void {
  const every = process.stderr.isTTY ? 200 : 15_000;
  let last = 0;
  return ({ stage, done, total, unit, metrics, message }) => {
    const now = performance.now();
    if (now - last < every) return;
    last = now;
    const of = total === undefined ? "" : ` of ${total}`;
    const measured = Object.entries(metrics ?? {}).map(
      ([name, value]) => `${name} ${value.toFixed(4)}`,
    );
    const line = [`${stage} ${done}${of} ${unit}`, ...measured, message ?? ""].join("  ").trimEnd();
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  };
}

const [requestFile, resultFile] = process.argv.slice(2);
if (requestFile === undefined || resultFile === undefined || !existsSync(requestFile)) {
  process.stderr.write("usage: node bench/model-run.ts REQUEST.json RESULT.json\n");
  process.exit(2);
}
const request = JSON.parse(await readFile(requestFile, "utf8")) as RunRequest;
const result = await run(request);
const text = JSON.stringify(result, (_, value: unknown) =>
  value instanceof Float64Array ? [...value] : value,
);
// Written whole or not at all: a result that is there is complete.
await writeFile(`${resultFile}.tmp`, text);
await rename(`${resultFile}.tmp`, resultFile);
