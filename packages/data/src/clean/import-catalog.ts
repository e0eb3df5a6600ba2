import type { Item, WorkContext } from "@magpie/domain";
import type { ByteProgress } from "../sources/bytes.ts";
import { catalogReader } from "../sources/formats.ts";
import { shown, type Batch, type Reader } from "../sources/reader.ts";
import type { BulkUpsert, Store } from "../store/store.ts";
import {
  ProgressTeller,
  runImport,
  type ImportOptions,
  type ImportOutcome,
  type ImportRun,
} from "./import-run.ts";
import { FindingCounter, type QualityReport } from "./quality-report.ts";

/** What becomes of an item that another source described before. */
export type ItemConflicts =
  /** One source decides field by field, the other fills what it leaves empty. */
  | "fill"
  /** The newer row stands alone. */
  | "replace"
  /** The row that is there stays as it is. */
  | "keep";

export interface CatalogImportOptions extends ImportOptions {
  /** Default "fill". */
  readonly conflicts?: ItemConflicts;
  /** Sources, most trusted first; one that is not listed comes after those. Default: newest first. */
  readonly sourcePriority?: readonly string[];
}

/**
 * Reads a catalogue file and puts its items into the store, all or nothing.
 *
 * - Within the file, rows of one item that lie apart are joined by their variants where the format
 *   has a row per variant; else the later row counts.
 * - An item that the same source brought before is updated; one of another source is settled by
 *   `conflicts` and `sourcePriority`. Each case is counted.
 * - What is poor in the catalogue is noted: no image, category, description, price of zero, the
 *   same title twice; languages are counted.
 *
 * Memory grows with the number of items by their ids and titles only.
 */
export async function importCatalog(
  store: Store,
  path: string,
  options: CatalogImportOptions,
  context: WorkContext,
): Promise<ImportOutcome> {
  return runImport(store, "catalog", path, options, context, (run) =>
    new CatalogImport(store, run, catalogReader(run.text, options.format, options), options).run(
      context,
    ),
  );
}

class CatalogImport {
  readonly #store: Store;
  readonly #run: ImportRun;
  readonly #reader: Reader<Item>;
  readonly #options: CatalogImportOptions;
  readonly #findings = new FindingCounter();
  readonly #seen = new Set<string>();
  readonly #titles = new Set<string>();
  readonly #facts = { items: 0, variants: 0, english: 0, chinese: 0, mixed: 0, otherLanguages: 0 };
  #rowsRead = 0;
  #rowsStored = 0;

  constructor(store: Store, run: ImportRun, reader: Reader<Item>, options: CatalogImportOptions) {
    this.#store = store;
    this.#run = run;
    this.#reader = reader;
    this.#options = options;
  }

  async run(context: WorkContext): Promise<QualityReport> {
    const { importId, source, text, input } = this.#run;
    const bytes: ByteProgress = { bytesRead: 0 };
    const isEmptyStore = (await this.#store.catalog.count()) === 0;
    const bulk = this.#store.catalog.openBulk(source);
    try {
      const progress = new ProgressTeller(this.#run, bytes, context, "import");
      for await (const batch of this.#reader.read(text, bytes)) {
        progress.advance(batch.values.length + batch.problems.length);
        this.#findings.problems(batch.problems);
        if (batch.notes !== undefined) this.#findings.notes(batch.notes);
        this.#rowsRead += batch.problems.length;
        await this.#take(batch, bulk, isEmptyStore);
      }
      progress.tell();
      await bulk.commit();
    } catch (error) {
      await bulk.abort();
      throw error;
    }
    if (bytes.damage !== undefined) {
      this.#findings.note("truncated-file", 1, { line: 0, message: bytes.damage });
    }
    return {
      version: 1,
      kind: "catalog",
      importId,
      file: input.name,
      source,
      format: this.#reader.format,
      encoding: text.encoding,
      bytes: input.bytes,
      rowsRead: this.#rowsRead,
      rowsStored: this.#rowsStored,
      findings: this.#findings.list(),
      abnormalUsers: [],
      facts: this.#facts,
      startedMs: this.#run.startedMs,
      seconds: this.#run.elapsedSeconds(),
    };
  }

  async #take(batch: Batch<Item>, bulk: BulkUpsert, isEmptyStore: boolean): Promise<void> {
    const ids = batch.values.map(({ id }) => id);
    const staged = await bulk.staged(ids.filter((id) => this.#seen.has(id)));
    const isNew = ids.filter((id) => !this.#seen.has(id));
    const stored = isEmptyStore ? new Map() : await this.#store.catalog.getMany(isNew);
    const sources =
      stored.size > 0 ? await this.#store.catalog.sourcesOf([...stored.keys()]) : new Map();

    const bySource = new Map<string, Item[]>();
    for (let i = 0; i < batch.values.length; i++) {
      const item = batch.values[i]!;
      const line = batch.lines[i]!;
      const rows = batch.widths?.[i] ?? 1;
      this.#rowsRead += rows;
      this.#rowsStored += rows;
      const before = staged.get(item.id);
      let settled: Settled;
      if (before !== undefined) settled = this.#repeated(before, item, line);
      else {
        const existing = stored.get(item.id) as Item | undefined;
        settled =
          existing === undefined
            ? { item, source: this.#run.source }
            : this.#conflicting(existing, String(sources.get(item.id)), item, line, rows);
        this.#judge(item, line);
      }
      this.#seen.add(item.id);
      staged.set(item.id, settled.item);
      const list = bySource.get(settled.source) ?? [];
      bySource.set(settled.source, list);
      list.push(settled.item);
    }
    for (const [source, items] of bySource) await bulk.put(items, source);
  }

  /** An item that this file described before. */
  #repeated(before: Item, item: Item, line: number): Settled {
    const { source } = this.#run;
    if (this.#reader.groupsRows !== true) {
      this.#rowsStored--;
      const message = "the same item occurs again, and the later row counts";
      this.#findings.drop("superseded", 1, { line, field: "id", value: shown(item.id), message });
      return { item, source };
    }
    const variants = new Map(before.variants.map((variant) => [variant.id, variant]));
    for (const variant of item.variants) {
      if (variants.has(variant.id)) {
        this.#rowsStored--;
        const message = "the same variant occurs again, and the later row counts";
        this.#findings.drop("superseded", 1, {
          line,
          field: "id",
          value: shown(variant.id),
          message,
        });
      } else this.#facts.variants++;
      variants.set(variant.id, variant);
    }
    this.#findings.note("joined-variants", 1, { line, field: "id", value: shown(item.id) });
    return { item: { ...filled(before, item), variants: [...variants.values()] }, source };
  }

  /** An item that the store knows already. */
  #conflicting(existing: Item, from: string, item: Item, line: number, rows: number): Settled {
    const { source } = this.#run;
    const { conflicts = "fill", sourcePriority = [] } = this.#options;
    const example = { line, field: "id", value: shown(item.id) };
    if (from === source || existing.attributes?.["placeholder"] === true) {
      this.#findings.note("updated-item", 1, example);
      return { item, source };
    }
    if (conflicts === "keep") {
      this.#rowsStored -= rows;
      this.#findings.drop("kept-existing", rows, {
        ...example,
        message: `is known from "${from}"`,
      });
      return { item: existing, source: from };
    }
    const rank = (name: string) => {
      const at = sourcePriority.indexOf(name);
      return at < 0 ? sourcePriority.length : at;
    };
    const existingWins = rank(from) < rank(source);
    if (conflicts === "replace" && !existingWins) {
      this.#findings.note("replaced-item", 1, { ...example, message: `was known from "${from}"` });
      return { item, source };
    }
    const message = `"${existingWins ? from : source}" decides, "${existingWins ? source : from}" fills`;
    this.#findings.note("filled-item", 1, { ...example, message });
    return existingWins
      ? { item: filled(existing, item), source: from }
      : { item: filled(item, existing), source };
  }

  /** Notes what is poor about an item, and counts its language. */
  #judge(item: Item, line: number): void {
    const value = shown(item.id);
    const note = (rule: Parameters<FindingCounter["note"]>[0], field: string): void =>
      this.#findings.note(rule, 1, { line, field, value });
    if ((item.imageUrls?.length ?? 0) === 0) note("missing-image", "imageUrls");
    if ((item.categories?.length ?? 0) === 0) note("missing-category", "categories");
    if ((item.description ?? "") === "") note("missing-description", "description");
    if (item.variants.some(({ price }) => price.amount === 0)) note("zero-price", "price");
    const title = item.title.normalize("NFKC").trim().toLowerCase();
    if (this.#titles.has(title)) {
      this.#findings.note("duplicate-title", 1, { line, field: "title", value: shown(item.title) });
    }
    this.#titles.add(title);
    this.#facts.items++;
    this.#facts.variants += item.variants.length;
    this.#facts[languageOf(item.title)]++;
  }
}

interface Settled {
  readonly item: Item;
  readonly source: string;
}

/** The winner, with the loser's fields where the winner has none; maps are joined key by key. */
function filled(winner: Item, loser: Item): Item {
  return {
    ...loser,
    ...winner,
    ...(winner.attributes && { attributes: { ...loser.attributes, ...winner.attributes } }),
    ...(winner.locales && { locales: { ...loser.locales, ...winner.locales } }),
  };
}

/** The language of a title by its script: Chinese titles often name a Latin brand or model. */
function languageOf(title: string): "english" | "chinese" | "mixed" | "otherLanguages" {
  const han = title.match(/\p{Script=Han}/gu)?.length ?? 0;
  const latin = title.match(/[a-z]{2,}/gi)?.length ?? 0;
  const letters = title.match(/\p{L}/gu)?.length ?? 0;
  const kana = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(title);
  if (kana) return "otherLanguages";
  if (han > 0) return latin > han ? "mixed" : "chinese";
  const plain = title.match(/[a-z]/gi)?.length ?? 0;
  return letters === 0 || plain >= 0.9 * letters ? "english" : "otherLanguages";
}
