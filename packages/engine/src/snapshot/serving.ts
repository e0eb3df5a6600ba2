import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ItemFeatureEncoder,
  Vocabulary,
  type ItemFeatureCard,
  type ItemVocabulary,
} from "@magpie/data";
import { MagpieError, type ItemId, type ItemIndex } from "@magpie/domain";
import {
  EmbeddedEncoder,
  isSameEncoder,
  requireSameEncoder,
  type TextEncoder,
} from "@magpie/encoder";
import {
  FacetIndex,
  ItemFilterIndex,
  InvertedListsIndex,
  InvertedTextIndex,
  Suggester,
  type SynonymCandidate,
} from "@magpie/retrieval";
import { modelByKind, type TrainedModel } from "@magpie/models";
import { MeaningIndex } from "../hybrid/meaning-index.ts";
import { openLearned } from "../learned-ranking/open-learned.ts";
import { CatalogLabels } from "../live/catalog-labels.ts";
import { FormerItems } from "../live/former-items.ts";
import { LiveCatalog } from "../live/live-catalog.ts";
import { CatalogueWords } from "../rules/catalogue-words.ts";
import { buildScenarios, type Scenario } from "../scenarios/scenarios.ts";
import { servedModels, type ServedModels } from "../scenarios/retrievers.ts";
import { SearchScenario } from "../scenarios/search/search-scenario.ts";
import { LiveSuggester } from "../scenarios/suggest/live-suggester.ts";
import { readManifest } from "./folder.ts";
import { isSequenceModel, openItemVectors } from "./item-vectors.ts";
import { openLexicon, openUnderstanding } from "./open-understanding.ts";
import {
  modelFolder,
  snapshotFiles,
  type SnapshotFacts,
  type SnapshotManifest,
} from "./manifest.ts";

/** What a snapshot needs beside its files. */
export interface ServingEnvironment {
  /** Opens the encoder of queries; undefined when search is to go by words alone. */
  readonly encoder: () => Promise<TextEncoder | undefined>;
  /** Hears what is less than it should be. */
  readonly note: (subject: string, text: string) => void;
}

/** A snapshot opened for serving: its models, the live catalogue over its columns, its scenarios. */
export class Serving {
  readonly directory: string;
  readonly manifest: SnapshotManifest;
  readonly catalog: LiveCatalog;
  readonly models: ServedModels;
  readonly search: SearchScenario;
  /** Absent in a snapshot of a version before suggestions. */
  readonly suggester: LiveSuggester | undefined;
  /** Mined from the log, to be decided about. */
  readonly synonymCandidates: readonly SynonymCandidate[];
  /** Values of the catalogue by their words, for rules. */
  readonly words: CatalogueWords;
  readonly #scenarios: Readonly<Record<string, Scenario>>;
  readonly #trained: readonly TrainedModel[];
  readonly #formerItems: FormerItems;
  #inUse = 0;
  #idle: (() => void) | undefined;

  private constructor(
    directory: string,
    manifest: SnapshotManifest,
    catalog: LiveCatalog,
    trained: readonly TrainedModel[],
    models: ServedModels,
    search: SearchScenario,
    suggester: LiveSuggester | undefined,
    synonymCandidates: readonly SynonymCandidate[],
    formerItems: FormerItems,
  ) {
    this.directory = directory;
    this.manifest = manifest;
    this.catalog = catalog;
    this.models = models;
    this.suggester = suggester;
    this.synonymCandidates = synonymCandidates;
    this.words = new CatalogueWords(catalog);
    this.#trained = trained;
    this.#formerItems = formerItems;
    this.search = search;
    this.#scenarios = { ...buildScenarios(catalog, models, manifest.weights), search };
  }

  /**
   * Opens a snapshot folder: under a second at 100,000 items, because columns and vectors are
   * taken over as they lie and no item record is read.
   *
   * @throws {StoreError} `SNAPSHOT_DAMAGED` naming the file, `SNAPSHOT_FORMAT`
   */
  static async open(directory: string, environment: ServingEnvironment): Promise<Serving> {
    const manifest = await readManifest<SnapshotFacts>(directory);
    const path = (name: string): string => join(directory, name);
    const [
      vocabulary,
      filterBytes,
      facetBytes,
      createdBytes,
      hashBytes,
      labels,
      formerOffsets,
      vectorBytes,
      suggestionBytes,
      featureCard,
      text,
      ...trained
    ] = await Promise.all([
      Vocabulary.load<ItemId, ItemIndex>(path(snapshotFiles.vocabulary)),
      readFile(path(snapshotFiles.filter)),
      readFile(path(snapshotFiles.facets)),
      readFile(path(snapshotFiles.created)),
      readFile(path(snapshotFiles.textHashes)),
      readFile(path(snapshotFiles.labels), "utf8"),
      readFile(path(snapshotFiles.formerOffsets)),
      hasFile(manifest, snapshotFiles.vectors) ? readFile(path(snapshotFiles.vectors)) : undefined,
      hasFile(manifest, snapshotFiles.suggestions)
        ? readFile(path(snapshotFiles.suggestions))
        : undefined,
      hasFile(manifest, snapshotFiles.itemFeatures)
        ? readFile(path(snapshotFiles.itemFeatures), "utf8")
        : undefined,
      readFile(path(snapshotFiles.text)).then((bytes) => InvertedTextIndex.open(bytes)),
      ...manifest.models.map(({ kind }) => modelByKind(kind).load(path(modelFolder(kind)))),
    ]);
    const formerItems = new FormerItems(
      path(snapshotFiles.formerItems),
      new Float64Array(new Uint8Array(formerOffsets).buffer),
    );
    const catalog = liveCatalog(
      vocabulary,
      filterBytes,
      facetBytes,
      createdBytes,
      hashBytes,
      labels,
      formerItems,
    );
    const models = servedModels(trained, {
      popularityDays: manifest.popularityDays,
      vectors: vectorBytes && openItemVectors(vectorBytes, trained),
      itemFeatures:
        featureCard === undefined
          ? undefined
          : ItemFeatureEncoder.load(JSON.parse(featureCard) as ItemFeatureCard),
    });
    const { towers } = models;
    if (towers !== undefined) {
      await towers.warmUp();
      // Items that came between the training of the models and the snapshot.
      for (let row = (manifest.modelledItems ?? manifest.items) + 1; row <= manifest.items; row++) {
        towers.put(row, formerItems.at(row));
      }
      catalog.onWords((row, item) => towers.put(row, item));
    }
    // The first request must not wait for what every request needs.
    for (const model of trained) if (isSequenceModel(model)) await model.warmUp();
    const meanings = await openMeanings(directory, manifest, environment);
    if (meanings !== undefined) {
      followTexts(manifest, models, meanings);
      catalog.onWords((row, item) => meanings.put(row, item));
    }
    // A snapshot of a version before has none.
    const lexicon = hasFile(manifest, snapshotFiles.lexicon)
      ? await openLexicon(directory, catalog)
      : undefined;
    const understanding =
      lexicon && (await openUnderstanding(directory, { index: text, lexicon, catalog }));
    const learned =
      lexicon && (await openLearned(directory, manifest, { catalog, lexicon, ...models }));
    const search = new SearchScenario(catalog, text, models, meanings, understanding, learned);
    const suggester =
      suggestionBytes && new LiveSuggester(catalog, Suggester.open(suggestionBytes));
    const candidates = hasFile(manifest, snapshotFiles.synonymCandidates)
      ? await readFile(path(snapshotFiles.synonymCandidates), "utf8")
      : "[]";
    return new Serving(
      directory,
      manifest,
      catalog,
      trained,
      models,
      search,
      suggester,
      JSON.parse(candidates) as SynonymCandidate[],
      formerItems,
    );
  }

  get version(): string {
    return this.manifest.version;
  }

  /** The scenario of a name; "search" among them. */
  scenario(name: string): Scenario | undefined {
    return Object.hasOwn(this.#scenarios, name) ? this.#scenarios[name] : undefined;
  }

  /** Runs work over the snapshot; it stays open until the work is done. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    this.#inUse++;
    try {
      return await work();
    } finally {
      this.#inUse--;
      if (this.#inUse === 0) this.#idle?.();
    }
  }

  /** Frees native sessions and files once the requests under way are answered. */
  async dispose(): Promise<void> {
    if (this.#inUse > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#formerItems.close();
    await Promise.all(this.#trained.map((model) => model.dispose()));
  }
}

/** Subject of notes on the encoder. */
export const meaningSubject = "search by meaning";

/** Vectors of what items mean; a snapshot whose encoder is not the one in use has none to offer. */
async function openMeanings(
  directory: string,
  manifest: SnapshotManifest,
  { encoder: open, note }: ServingEnvironment,
): Promise<MeaningIndex | undefined> {
  if (manifest.encoder === undefined) return undefined;
  try {
    const usual = await open();
    if (usual === undefined) return undefined;
    const encoder = await adapted(usual, directory, manifest);
    requireSameEncoder(manifest.encoder, encoder);
    const bytes = await readFile(join(directory, snapshotFiles.meanings));
    return new MeaningIndex(encoder, InvertedListsIndex.open(bytes), (error) =>
      note(meaningSubject, `Changed items could not be encoded: ${wordsOf(error)}`),
    );
  } catch (error) {
    note(meaningSubject, `Search goes by words alone: ${wordsOf(error)}`);
    return undefined;
  }
}

/** Tells a sequence model that reads texts of items that came after its training. */
function followTexts(
  { models, items, modelledItems = items }: SnapshotManifest,
  { sequence }: ServedModels,
  meanings: MeaningIndex,
): void {
  const later = sequence?.later;
  const encoder = models.find(({ texts }) => texts !== undefined)?.texts;
  // A catalogue made anew may have another encoder than the models that were kept.
  if (later === undefined || !encoder || !isSameEncoder(encoder, meanings.identity)) return;
  for (let row = modelledItems + 1; row <= items; row++) later.put(row, meanings.vectorOf(row));
  meanings.onVectors((row, vector) => later.put(row, vector));
}

/** The embedded encoder with what the snapshot's shop taught it. */
async function adapted(
  encoder: TextEncoder,
  directory: string,
  manifest: SnapshotManifest,
): Promise<TextEncoder> {
  const file = snapshotFiles.encoderAdaptation;
  if (!(encoder instanceof EmbeddedEncoder) || !hasFile(manifest, file)) return encoder;
  return encoder.adaptedBy(await readFile(join(directory, file)));
}

const wordsOf = (error: unknown): string =>
  error instanceof MagpieError ? `${error.message} ${error.hint}` : String(error);

function liveCatalog(
  vocabulary: ItemVocabulary,
  filterBytes: Uint8Array,
  facetBytes: Uint8Array,
  createdBytes: Buffer,
  hashBytes: Buffer,
  labels: string,
  formerItems: FormerItems,
): LiveCatalog {
  // The filter asks for rows of ids that may have come after the snapshot was made.
  const rowOf = (id: string): number | undefined => {
    const row = catalog.indexOf(id);
    return row === -1 ? undefined : row;
  };
  const facets = FacetIndex.open(facetBytes);
  const catalog: LiveCatalog = new LiveCatalog({
    vocabulary,
    filter: ItemFilterIndex.open(filterBytes, rowOf, facets),
    facets,
    // Copies: both are written to when items change, and a Buffer may start at any byte.
    createdMs: new Float64Array(new Uint8Array(createdBytes).buffer),
    textHashes: new Uint32Array(new Uint8Array(hashBytes).buffer),
    labels: CatalogLabels.open(JSON.parse(labels) as ReturnType<CatalogLabels["toJSON"]>),
    formerItems,
  });
  return catalog;
}

function hasFile({ files }: SnapshotManifest, name: string): boolean {
  return files.some(({ path }) => path === name);
}
