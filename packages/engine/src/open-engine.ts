import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  openStore,
  type ApiKey,
  type Decision,
  type Erasure,
  type KeyScope,
  type SnapshotRecord,
  type Store,
  type UserSummary,
} from "@magpie/data";
import {
  compile,
  itemSchema,
  RequestError,
  StoreError,
  type Event,
  type Item,
  type Promotion,
  type Shop,
  type ShopSettings,
  type UserId,
  type WorkContext,
} from "@magpie/domain";
import { openEncoder, type EncoderChoice, type TextEncoder } from "@magpie/encoder";
import type { FacetValue } from "@magpie/retrieval";
import type {
  Engine,
  FacetValueOptions,
  Health,
  ItemOutcome,
  RecommendOptions,
  SearchExplanation,
  SearchOptions,
  ServedRanking,
  ServedSettings,
  ServedSuggestions,
  SuggestRequest,
  Task,
  TrainOptions,
} from "./engine.ts";
import { gateEvent } from "./ingest.ts";
import { LiveHistories } from "./live/histories.ts";
import { encoderChoiceOf, LiveSettings, wouldTrainOtherwise } from "./live/settings.ts";
import { RecentSearches } from "./live/recent-searches.ts";
import { ItemRecords } from "./live/records.ts";
import { ShopDictionaries } from "./dictionaries/shop-dictionaries.ts";
import { ShopRules } from "./rules/shop-rules.ts";
import { Answerer } from "./scenarios/answer.ts";
import { DecisionLog } from "./scenarios/decision-log.ts";
import { scenarioNames } from "./scenarios/scenarios.ts";
import { answerSuggest } from "./scenarios/suggest/answer-suggest.ts";
import type { SnapshotManifest } from "./snapshot/manifest.ts";
import { removeDrafts, verifyHashes } from "./snapshot/folder.ts";
import { meaningSubject, Serving } from "./snapshot/serving.ts";
import { TaskQueue } from "./tasks.ts";
import type { TrainingRecipe } from "./training/run.ts";
import { train } from "./training/train.ts";

/** How an engine is opened. */
export interface EngineOptions {
  /** Unix milliseconds; the system's clock when absent. */
  readonly now?: () => number;
  /**
   * When the bytes of the snapshot are compared with their hashes: after opening, in the
   * background (the default), before it is used, or never. Sizes are compared always.
   */
  readonly verify?: "background" | "before-use" | "never";
  /** Snapshots kept for roll-back, the active one included; older ones are deleted. */
  readonly keepSnapshots?: number;
  /** How models are trained, where it should differ from the defaults. */
  readonly recipe?: TrainingRecipe;
  /**
   * What reads the meaning of items and queries, whatever the shop's settings say; false: search goes
   * by words alone. Another one counts from the next training on, which encodes all items again.
   */
  readonly encoder?: EncoderChoice | false;
}

/** Folder of all snapshots inside the data folder. */
const snapshotsFolder = "snapshots";
/** Folder of an unfinished training run inside the data folder. */
const workFolder = "training";

const checkItem = compile(itemSchema);

/**
 * Opens the shop in a data folder, which is made when it does not exist. The active snapshot is
 * opened with it; when it is damaged, the newest older one that is whole serves in its place, and
 * `health` says so.
 *
 * @throws {StoreError} `DATA_FOLDER_IN_USE` when another process owns the folder
 */
export async function openEngine(directory: string, options: EngineOptions = {}): Promise<Engine> {
  const store = await openStore(directory);
  try {
    const engine = new ShopEngine(directory, store, options);
    await engine.open();
    return engine;
  } catch (error) {
    await store.close();
    throw error;
  }
}

class ShopEngine implements Engine {
  readonly rules: ShopRules;
  readonly dictionaries: ShopDictionaries;
  readonly #directory: string;
  readonly #store: Store;
  readonly #options: Required<Omit<EngineOptions, "encoder">> & Pick<EngineOptions, "encoder">;
  readonly #settings: LiveSettings;
  readonly #histories: LiveHistories;
  readonly #searches: RecentSearches;
  readonly #records: ItemRecords;
  readonly #decisions: DecisionLog;
  readonly #answerer: Answerer;
  readonly #tasks: TaskQueue;
  readonly #openedMs: number;
  readonly #closing = new AbortController();
  /** What makes health "degraded", by subject; the newest word on a subject counts. */
  readonly #notes = new Map<string, string>();
  #serving: Serving | undefined;
  #encoder: Promise<TextEncoder | undefined> | undefined;
  /** Catalogue changes and snapshot switches one after another: none may slip between the two. */
  #exclusive: Promise<unknown> = Promise.resolve();
  #verifying: Promise<void> = Promise.resolve();
  /** A user was erased while a run was going on over data that still holds the user's past. */
  #discardAfterRun = false;

  constructor(directory: string, store: Store, options: EngineOptions) {
    this.#directory = directory;
    this.#store = store;
    this.#options = {
      now: Date.now,
      verify: "background",
      keepSnapshots: 5,
      recipe: {},
      ...options,
    };
    this.#settings = new LiveSettings(store.settings);
    this.#histories = new LiveHistories(store.events);
    this.#searches = new RecentSearches(store.events);
    this.#records = new ItemRecords(store.catalog);
    this.#decisions = new DecisionLog(store.decisions, (error) =>
      this.#note("decision log", `Decisions could not be logged: ${messageOf(error)}`),
    );
    this.rules = new ShopRules({
      store: store.rules,
      now: this.#options.now,
      serving: () => this.#serving,
    });
    this.dictionaries = new ShopDictionaries({
      store: store.dictionaries,
      serving: () => this.#serving,
    });
    this.#answerer = new Answerer({
      histories: this.#histories,
      records: this.#records,
      decisions: this.#decisions,
      rules: this.rules,
      mayPersonalise: () => this.#settings.value.personalise ?? true,
      note: (subject, text) => this.#note(subject, text),
    });
    this.#tasks = new TaskQueue(this.#options.now);
    this.#openedMs = this.#options.now();
  }

  async open(): Promise<void> {
    await removeDrafts(this.#snapshotsRoot);
    await this.#settings.open();
    await this.dictionaries.open();
    await this.rules
      .open()
      .catch((error: unknown) => this.#note("rules", `Rules are left out: ${messageOf(error)}`));
    await this.#openActive();
  }

  settings(): ServedSettings {
    const settings = this.#settings.value;
    const former = this.#serving?.manifest.settings ?? {};
    const needsTraining = this.#serving !== undefined && wouldTrainOtherwise(former, settings);
    return { settings, needsTraining };
  }

  async changeSettings(settings: unknown): Promise<ServedSettings> {
    await this.#settings.change(settings);
    this.#serving?.catalog.facets.hide(this.#settings.hiddenFacets());
    return this.settings();
  }

  recommend(scenario: string, options: RecommendOptions): Promise<ServedRanking> {
    return this.#answer(scenario, options);
  }

  search(options: SearchOptions): Promise<ServedRanking> {
    return this.#answer("search", options);
  }

  explainSearch(
    options: SearchOptions & { readonly itemIds: readonly string[] },
  ): Promise<SearchExplanation> {
    return this.#fromSnapshot((serving) =>
      this.#answerer.explainSearch(serving, options, this.#options.now()),
    );
  }

  searchFacet(options: FacetValueOptions): Promise<readonly FacetValue[]> {
    return this.#fromSnapshot((serving) =>
      this.#answerer.facetValues(serving, options, this.#options.now()),
    );
  }

  suggest(request: SuggestRequest): Promise<ServedSuggestions> {
    return this.#fromSnapshot(async (serving) =>
      answerSuggest(
        serving,
        {
          histories: this.#histories,
          searches: this.#searches,
          records: this.#records,
          rules: await this.rules.compiledFor("published"),
        },
        request,
        this.#options.now(),
      ),
    );
  }

  scenarios(): readonly string[] {
    return scenarioNames;
  }

  async ingest(
    events: readonly unknown[],
    nowMs: number,
  ): Promise<ItemOutcome<"stored" | "duplicate" | "dropped">[]> {
    const gated = events.map((event) => gateEvent(event, nowMs));
    const passed = gated.flatMap((one) => (one.pass === true ? [one.event] : []));
    const stored = passed.length === 0 ? [] : await this.#store.events.append(passed, "live");
    let next = 0;
    return gated.map((one) => {
      if (one.pass === false) {
        const { pass: _, ...refusal } = one;
        return { ok: false, ...refusal };
      }
      if (one.pass === "dropped") return { ok: true, id: one.id, status: "dropped" };
      const status = stored[next++]!;
      if (status === "stored") {
        this.#histories.record(one.event);
        this.#searches.record(one.event);
      }
      return { ok: true, id: one.event.eventId, status };
    });
  }

  async item(id: string): Promise<Item | undefined> {
    return (await this.#records.getMany([id]))[0];
  }

  async upsertItems(items: readonly unknown[]): Promise<ItemOutcome<"stored">[]> {
    const checked = items.map((item) => checkItem(item));
    const good = checked.flatMap((one) => (one.ok ? [one.value] : []));
    if (good.length > 0) {
      await this.#exclusively(async () => {
        await this.#store.catalog.upsert(good, "live");
        for (const item of good) {
          this.#records.put(item);
          this.#serving?.catalog.put(item);
        }
      });
    }
    return checked.map((one) => {
      if (one.ok) return { ok: true, id: one.value.id, status: "stored" };
      const { field, message } = one.violations[0]!;
      return {
        ok: false,
        code: "INVALID_ITEM",
        field,
        message: field === "" ? `item ${message}` : message,
        hint: "See the Item schema in the API documentation for the fields and their forms.",
      };
    });
  }

  async deleteItems(ids: readonly string[]): Promise<ItemOutcome<"deleted">[]> {
    return this.#exclusively(async () => {
      const known = await this.#store.catalog.getMany(ids);
      await this.#store.catalog.delete([...known.keys()]);
      for (const id of known.keys()) {
        this.#records.delete(id);
        this.#serving?.catalog.delete(id);
      }
      return ids.map((id) =>
        known.has(id)
          ? { ok: true, id, status: "deleted" }
          : {
              ok: false,
              code: "UNKNOWN_ITEM",
              field: "id",
              message: `the catalogue has no item "${id}"`,
              hint: "It may have been deleted before.",
            },
      );
    });
  }

  async categories(
    locale: string,
  ): Promise<readonly { readonly path: string; readonly label: string; readonly count: number }[]> {
    return this.#serving?.catalog.categories(locale) ?? [];
  }

  shops(): Promise<readonly Shop[]> {
    return this.#store.catalog.shops();
  }

  async promotions(nowMs: number): Promise<readonly Promotion[]> {
    const all = await this.#store.catalog.promotions();
    return all.filter(
      ({ startsAt, endsAt }) => Date.parse(startsAt) <= nowMs && nowMs < Date.parse(endsAt),
    );
  }

  users(limit: number): Promise<readonly UserSummary[]> {
    return this.#store.events.topUsers(limit);
  }

  userEvents(user: UserId, limit: number): Promise<readonly Event[]> {
    return this.#store.events.byUser(user, limit);
  }

  async *exportUser(
    user: UserId,
  ): AsyncIterable<{ readonly kind: "event" | "decision"; readonly value: Event | Decision }> {
    for await (const events of this.#store.events.exportUser(user)) {
      for (const value of events) yield { kind: "event", value };
    }
    await this.#decisions.settle();
    const decisions = await this.#store.decisions.byUser(user, Number.MAX_SAFE_INTEGER);
    for (const value of decisions) yield { kind: "decision", value };
  }

  async eraseUser(user: UserId): Promise<Erasure & { readonly note: string }> {
    this.#forget(user);
    await this.#decisions.settle();
    const erasure = await this.#store.eraseUser(user);
    // A request may have read the user's events between the two.
    this.#forget(user);
    await this.#discardFrozenRun();
    return {
      ...erasure,
      note:
        "Snapshots hold numbers about items only: no user id, no user vector and no event is in " +
        "them. Models trained before the erasure were shaped by this user's events among all " +
        "others; the next training run does without them.",
    };
  }

  snapshots(): Promise<readonly SnapshotRecord[]> {
    return this.#store.snapshots.list();
  }

  activateSnapshot(version: string): Promise<void> {
    return this.#exclusively(async () => {
      const record = (await this.#store.snapshots.list()).find((one) => one.version === version);
      if (record === undefined) {
        throw new RequestError(
          "UNKNOWN_SNAPSHOT",
          `There is no snapshot "${version}".`,
          "List the snapshots for the versions that can be activated.",
          { kind: "not-found" },
        );
      }
      await this.#activate(record);
    });
  }

  rollBack(): Promise<SnapshotRecord> {
    return this.#exclusively(async () => {
      const active = await this.#store.snapshots.active();
      const former = newestFirst(await this.#store.snapshots.list()).find(
        (one) => active !== undefined && isOlder(one, active),
      );
      if (former === undefined) {
        throw new StoreError(
          "NO_FORMER_SNAPSHOT",
          "There is no snapshot older than the active one to go back to.",
          "Train a new snapshot, or activate one by its version.",
          { kind: "conflict" },
        );
      }
      await this.#activate(former);
      return { ...former, status: "active" };
    });
  }

  train(options: TrainOptions): Task {
    return this.#tasks.start("train", async (context) => {
      const work = join(this.#directory, workFolder);
      try {
        return await this.#trainAndPublish(options, work, context);
      } finally {
        if (this.#discardAfterRun) await rm(work, { recursive: true, force: true });
        this.#discardAfterRun = false;
      }
    });
  }

  tasks(): readonly Task[] {
    return this.#tasks.list();
  }

  task(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  cancelTask(id: string): boolean {
    return this.#tasks.cancel(id);
  }

  watchTask(id: string, listener: (task: Task) => void): () => void {
    return this.#tasks.watch(id, listener);
  }

  verifyKey(secret: string): Promise<ApiKey | undefined> {
    return this.#store.keys.verify(secret, this.#options.now());
  }

  createKey(
    name: string,
    scopes: readonly KeyScope[],
    expiresMs?: number,
  ): Promise<ApiKey & { readonly secret: string }> {
    return this.#store.keys.create(name, scopes, expiresMs);
  }

  listKeys(): Promise<readonly ApiKey[]> {
    return this.#store.keys.list();
  }

  revokeKey(id: string): Promise<boolean> {
    return this.#store.keys.revoke(id);
  }

  async health(): Promise<Health> {
    return {
      status: this.#notes.size === 0 ? "ok" : "degraded",
      notes: [...this.#notes.values()],
      ...(this.#serving && { snapshot: this.#serving.version }),
      items: await this.#store.catalog.count(),
      events: await this.#store.events.count(),
      uptimeSeconds: (this.#options.now() - this.#openedMs) / 1_000,
      rssBytes: process.memoryUsage.rss(),
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#tasks.close();
    await this.#verifying;
    await this.#exclusive;
    await this.#decisions.settle();
    const serving = this.#serving;
    this.#serving = undefined;
    await serving?.dispose();
    await this.#store.close();
  }

  get #snapshotsRoot(): string {
    return join(this.#directory, snapshotsFolder);
  }

  #answer(
    scenario: string,
    options: RecommendOptions & Partial<SearchOptions>,
  ): Promise<ServedRanking> {
    return this.#fromSnapshot((serving) =>
      this.#answerer.answer(serving, scenario, options, this.#options.now()),
    );
  }

  async #fromSnapshot<T>(work: (serving: Serving) => Promise<T>): Promise<T> {
    const serving = this.#serving;
    if (serving === undefined) {
      throw new StoreError(
        "NO_SNAPSHOT",
        "Nothing is published yet, so there is nothing to answer from.",
        "Train first: magpie train, or POST /v1/train.",
        { kind: "unavailable" },
      );
    }
    return serving.use(() => work(serving));
  }

  async #trainAndPublish(
    options: TrainOptions,
    work: string,
    context: WorkContext,
  ): Promise<Readonly<Record<string, unknown>>> {
    const settings = this.#settings.value;
    const encoder = this.#encoderChoice(settings);
    const manifest = await train({
      store: this.#store,
      snapshotsRoot: this.#snapshotsRoot,
      workFolder: work,
      options,
      recipe: this.#options.recipe,
      encoder,
      settings,
      nowMs: this.#options.now(),
      context,
    });
    const record = {
      version: manifest.version,
      createdMs: manifest.createdMs,
      path: join(snapshotsFolder, manifest.version),
      summary: summaryOf(manifest),
    };
    await this.#exclusively(async () => {
      await this.#store.snapshots.register(record);
      // What opened for the former snapshot may be another one, or may have failed.
      this.#encoder = undefined;
      if (options.activate !== false) await this.#activate({ ...record, status: "ready" });
      await this.#removeOldSnapshots();
    });
    return { version: manifest.version, ...record.summary };
  }

  /** Opens the active snapshot, or the newest older one that is whole. */
  async #openActive(): Promise<void> {
    const active = await this.#store.snapshots.active();
    if (active === undefined) return;
    const others = newestFirst(await this.#store.snapshots.list()).filter((one) =>
      isOlder(one, active),
    );
    for (const record of [active, ...others]) {
      try {
        await this.#serve(await this.#openSnapshot(record));
        return;
      } catch (error) {
        this.#note(`snapshot ${record.version}`, messageOf(error));
      }
    }
  }

  /** Opens a snapshot, switches to it and makes it the active one of the registry. */
  async #activate(record: SnapshotRecord): Promise<void> {
    if (this.#serving?.version !== record.version) {
      await this.#serve(await this.#openSnapshot(record));
    }
    await this.#store.snapshots.activate(record.version);
    for (const subject of this.#notes.keys()) {
      if (subject.startsWith("snapshot ")) this.#notes.delete(subject);
    }
  }

  async #openSnapshot(record: SnapshotRecord): Promise<Serving> {
    this.#notes.delete(meaningSubject);
    const serving = await Serving.open(join(this.#directory, record.path), {
      encoder: () => this.#openEncoder(),
      note: (subject, text) => this.#note(subject, text),
    });
    try {
      if (this.#options.verify === "before-use") {
        await verifyHashes(serving.directory, serving.manifest, this.#closing.signal);
      }
      await serving.catalog.catchUp(this.#store.catalog, serving.manifest.catalogRevision);
      return serving;
    } catch (error) {
      await serving.dispose();
      throw error;
    }
  }

  /** Opened once and kept while it opens; undefined when search is to go by words alone. */
  #openEncoder(): Promise<TextEncoder | undefined> {
    if (this.#encoder !== undefined) return this.#encoder;
    const choice = this.#encoderChoice(this.#settings.value);
    const encoder = choice === false ? Promise.resolve(undefined) : openEncoder(choice);
    this.#encoder = encoder;
    encoder.catch(() => {
      if (this.#encoder === encoder) this.#encoder = undefined;
    });
    return encoder;
  }

  #encoderChoice(settings: ShopSettings): EncoderChoice | false {
    return this.#options.encoder ?? encoderChoiceOf(settings, this.#directory);
  }

  async #serve(next: Serving): Promise<void> {
    const former = this.#serving;
    this.rules.prepare(next);
    this.dictionaries.prepare(next);
    next.catalog.facets.hide(this.#settings.hiddenFacets());
    this.#serving = next;
    if (this.#options.verify === "background") this.#verifyInBackground(next);
    await former?.dispose();
  }

  /** A snapshot that turns out to be damaged while it serves is replaced by an older one. */
  #verifyInBackground(serving: Serving): void {
    this.#verifying = this.#verifying.then(async () => {
      try {
        await verifyHashes(serving.directory, serving.manifest, this.#closing.signal);
      } catch (error) {
        if (this.#closing.signal.aborted || this.#serving !== serving) return;
        this.#note(`snapshot ${serving.version}`, messageOf(error));
        await this.#exclusively(() => this.#fallBackFrom(serving));
      }
    });
  }

  async #fallBackFrom(damaged: Serving): Promise<void> {
    const records = newestFirst(await this.#store.snapshots.list());
    const own = records.find(({ version }) => version === damaged.version);
    for (const record of records.filter((one) => own !== undefined && isOlder(one, own))) {
      try {
        await this.#serve(await this.#openSnapshot(record));
        return;
      } catch (error) {
        this.#note(`snapshot ${record.version}`, messageOf(error));
      }
    }
  }

  async #removeOldSnapshots(): Promise<void> {
    const records = newestFirst(await this.#store.snapshots.list());
    const old = records
      .filter(({ version, status }) => status !== "active" && version !== this.#serving?.version)
      .slice(Math.max(0, this.#options.keepSnapshots - 1));
    for (const { version, path } of old) {
      await this.#store.snapshots.remove(version);
      await rm(join(this.#directory, path), { recursive: true, force: true });
    }
  }

  /**
   * What an interrupted run kept of the log goes when a user is erased from the log; what a running
   * one keeps goes with its end, however it ends.
   */
  async #discardFrozenRun(): Promise<void> {
    if (this.#tasks.list().some(({ status }) => status === "running")) this.#discardAfterRun = true;
    else await rm(join(this.#directory, workFolder), { recursive: true, force: true });
  }

  #forget(user: UserId): void {
    this.#histories.forget(user);
    this.#searches.forget(user);
  }

  #note(subject: string, text: string): void {
    this.#notes.set(subject, text);
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#exclusive.then(work);
    this.#exclusive = result.catch(() => {});
    return result;
  }
}

function newestFirst(records: readonly SnapshotRecord[]): SnapshotRecord[] {
  return [...records].sort((a, b) => (isOlder(a, b) ? 1 : -1));
}

/** Versions begin with their time, so they break ties. */
function isOlder(a: SnapshotRecord, b: SnapshotRecord): boolean {
  return a.createdMs < b.createdMs || (a.createdMs === b.createdMs && a.version < b.version);
}

/** What lists of snapshots and the result of a training task say of a snapshot. */
function summaryOf(manifest: SnapshotManifest): Readonly<Record<string, unknown>> {
  const { items, users, interactions, events, seed, measurement, weights, notes, cost } = manifest;
  const { searchRanking } = manifest;
  return {
    items,
    users,
    interactions,
    events,
    seed,
    models: manifest.models.map(({ kind }) => kind),
    ...(measurement && { measurement }),
    ...(searchRanking && { searchRanking }),
    weights,
    notes,
    cost,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
