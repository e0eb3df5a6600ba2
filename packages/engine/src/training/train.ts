import { rm } from "node:fs/promises";
import { join } from "node:path";
import { itemVocabulary, Vocabulary, type ItemVocabulary, type Store } from "@magpie/data";
import {
  TrainingError,
  type ItemId,
  type ItemIndex,
  type ShopSettings,
  type WorkContext,
} from "@magpie/domain";
import type { EncoderChoice } from "@magpie/encoder";
import { endOfThread, startTrainingThread } from "@magpie/models";
import type { TrainOptions } from "../engine.ts";
import { makeDraft, readManifest, sealSnapshot } from "../snapshot/folder.ts";
import { snapshotFiles, type SnapshotFacts, type SnapshotManifest } from "../snapshot/manifest.ts";
import { CancelledError, throwIfCancelled } from "../tasks.ts";
import { freezeRun } from "./frozen-run.ts";
import type { TrainingOutcome, TrainingRecipe } from "./run.ts";
import type {
  CatalogStart,
  FromWorker,
  RebuildStart,
  ToWorker,
  TrainingStart,
  WorkerStart,
} from "./worker-messages.ts";

/** What a training run is given. */
export interface TrainRequest {
  readonly store: Store;
  /** Data folder: snapshots stand in it, and the work of the run. */
  readonly snapshotsRoot: string;
  readonly workFolder: string;
  readonly options: TrainOptions;
  readonly recipe: TrainingRecipe;
  readonly encoder: EncoderChoice | false;
  readonly settings: ShopSettings;
  readonly nowMs: number;
  readonly context: WorkContext;
}

const defaultSeed = 1;

/**
 * Reads the shop, trains in a thread of its own so that requests are answered meanwhile, and seals
 * the snapshot. A run that was interrupted goes on where its last checkpoint was; a cancelled run
 * leaves its checkpoints for the next one with the same options.
 *
 * @returns the manifest of the snapshot, which is on disk but not registered yet
 * @throws {TrainingError} `EMPTY_CATALOGUE` when there is nothing to serve
 */
export async function train(request: TrainRequest): Promise<SnapshotManifest> {
  const { store, snapshotsRoot, workFolder, options, recipe, settings, nowMs, context } = request;
  if ((await store.catalog.count()) === 0) {
    throw new TrainingError(
      "EMPTY_CATALOGUE",
      "The catalogue is empty, so there is nothing to serve.",
      "Import a catalogue first: magpie import catalog FILE.",
      { kind: "conflict" },
    );
  }
  if (options.catalogOnly === true) return rebuild(request);
  const seed = options.seed ?? defaultSeed;
  const { budgetSeconds } = options;
  context.onProgress({ stage: "read", done: 0, unit: "events", message: "Reading the shop." });
  const run = await freezeRun(
    store,
    workFolder,
    { seed, budgetSeconds, recipe },
    await activeVocabulary(store, snapshotsRoot),
    nowMs,
  );
  throwIfCancelled(context.signal, "Training");
  context.onProgress({
    stage: "read",
    done: run.events,
    total: run.events,
    unit: "events",
    message: `${run.resumed ? "Going on with the interrupted run of" : "Read"} ${run.events} events and ${run.vocabulary.size} items.`,
  });
  const draft = await makeDraft(snapshotsRoot, "training");
  const outcome = await runInThread(
    store,
    `on ${run.sequences.items.length} interactions`,
    {
      ...(await catalogStart(request, run.vocabulary, draft)),
      sequences: run.sequences,
      searches: run.searches,
      ...(run.searchLog && { searchLog: run.searchLog }),
      checkpoints: join(workFolder, "checkpoints"),
      seed,
      workers: options.workers ?? 1,
      int8: options.int8 ?? false,
      quick: options.quick ?? false,
      startedMs: run.startedMs,
      ...(budgetSeconds !== undefined && { budgetSeconds }),
      recipe,
    },
    context,
  );
  const facts: SnapshotFacts = {
    ...outcome,
    settings,
    catalogRevision: run.catalogRevision,
    events: run.events,
    vocabularySha256: run.vocabulary.digest,
  };
  const manifest = await sealSnapshot(snapshotsRoot, draft, facts, nowMs);
  await rm(workFolder, { recursive: true, force: true });
  return manifest;
}

/**
 * Makes the catalogue of the active snapshot anew and keeps its models.
 *
 * @throws {TrainingError} `NOTHING_LEARNED` when there is no snapshot to keep anything of
 */
async function rebuild(request: TrainRequest): Promise<SnapshotManifest> {
  const { store, snapshotsRoot, settings, nowMs, context } = request;
  const active = await store.snapshots.active();
  if (active === undefined) {
    throw new TrainingError(
      "NOTHING_LEARNED",
      "There is no snapshot yet whose models could be kept.",
      "Train without catalogOnly first.",
      { kind: "conflict" },
    );
  }
  const former = join(snapshotsRoot, active.version);
  // Before the catalogue is read: what changes meanwhile is caught up with when serving opens.
  const catalogRevision = await store.catalog.revision();
  const ids: string[] = [];
  for await (const batch of store.catalog.scan()) ids.push(...batch.map(({ id }) => id));
  const known = await Vocabulary.load<ItemId, ItemIndex>(join(former, snapshotFiles.vocabulary));
  const vocabulary = known.extend(ids);
  throwIfCancelled(context.signal, "Training");
  const draft = await makeDraft(snapshotsRoot, "training");
  const outcome = await runInThread(
    store,
    `on ${vocabulary.size} items`,
    { ...(await catalogStart(request, vocabulary, draft)), former },
    context,
  );
  const { events } = await readManifest<SnapshotFacts>(former);
  const vocabularySha256 = vocabulary.digest;
  const facts: SnapshotFacts = { ...outcome, settings, catalogRevision, events, vocabularySha256 };
  return sealSnapshot(snapshotsRoot, draft, facts, nowMs);
}

async function catalogStart(
  { store, encoder, settings }: TrainRequest,
  vocabulary: ItemVocabulary,
  draft: string,
): Promise<Omit<CatalogStart, "stop">> {
  const { stages } = await store.dictionaries.get();
  return {
    vocabulary: vocabulary.toBytes(),
    draft,
    ...(encoder !== false && { encoder }),
    settings,
    wholeWords: (stages["whole-words"] ?? []).map(({ word }) => word),
  };
}

/** Ids keep their rows from one snapshot to the next. */
async function activeVocabulary(store: Store, snapshotsRoot: string): Promise<ItemVocabulary> {
  const active = await store.snapshots.active();
  if (active === undefined) return itemVocabulary();
  try {
    const path = join(snapshotsRoot, active.version, snapshotFiles.vocabulary);
    return await Vocabulary.load<ItemId, ItemIndex>(path);
  } catch {
    // A damaged snapshot must not keep a shop from training a new one; rows may then change.
    return itemVocabulary();
  }
}

function runInThread(
  store: Store,
  /** Words for what it works on. */
  on: string,
  given: Omit<CatalogStart, "stop"> & (TrainingStart | RebuildStart),
  { onProgress, signal }: WorkContext,
): Promise<TrainingOutcome> {
  const start: WorkerStart = { ...given, stop: new Int32Array(new SharedArrayBuffer(4)) };
  const worker = startTrainingThread(new URL("./training.worker.ts", import.meta.url), {
    workerData: start,
    // Sequences of a large shop, its texts and a model side by side.
    resourceLimits: { maxOldGenerationSizeMb: 8_192 },
  });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  const tell = (message: ToWorker): void => worker.postMessage(message);
  const stop = (): void => {
    Atomics.store(start.stop, 0, 1);
    tell({ kind: "stop" });
  };
  signal.addEventListener("abort", stop, { once: true });
  const batches = store.catalog.scan()[Symbol.asyncIterator]();

  return new Promise<TrainingOutcome>((resolve, reject) => {
    worker.on("message", (message: FromWorker) => {
      switch (message.kind) {
        case "progress":
          return onProgress(message.progress);
        case "more-items":
          void batches
            .next()
            .then(
              ({ value, done }) => tell({ kind: "items", items: done ? undefined : value }),
              reject,
            );
          return;
        case "done":
          return resolve(message.outcome);
        case "failed": {
          const { code, message: text, hint } = message.error;
          return reject(
            signal.aborted
              ? new CancelledError("Training")
              : new TrainingError(code, text, hint, { kind: "unavailable" }),
          );
        }
        default:
          return message satisfies never;
      }
    });
    worker.on("error", reject);
    worker.on("exit", (code) => {
      reject(
        new TrainingError(
          "TRAINING_STOPPED",
          `The training thread ended with code ${code} before it was done, ${on}.`,
          "It may have run out of memory: train with fewer items or events, or on a larger machine.",
          { kind: "unavailable" },
        ),
      );
    });
  }).finally(async () => {
    signal.removeEventListener("abort", stop);
    await batches.return?.();
    await endOfThread(worker);
  });
}
