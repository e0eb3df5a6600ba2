import { createHash } from "node:crypto";
import type { DictionaryStore } from "@magpie/data";
import {
  dictionaryStages,
  RequestError,
  type DictionaryEntry,
  type DictionaryStage,
  type SearchDictionaries,
  type Synonym,
} from "@magpie/domain";
import { queryKey, type QueryDictionaries, type SynonymCandidate } from "@magpie/retrieval";
import type { Serving } from "../snapshot/serving.ts";

/** The two texts of a mined synonym. */
export type SynonymPair = Pick<SynonymCandidate, "from" | "to">;

/** Most synonyms, and most entries of one dictionary: a query is compared with all of them. */
const maxEntries = 10_000;

/**
 * What a shop taught its search: synonyms, and a dictionary per stage of understanding. Kept in the
 * store, and given to the search at once: the next query is read by it.
 */
export class ShopDictionaries {
  readonly #store: DictionaryStore;
  readonly #serving: () => Serving | undefined;
  #value: SearchDictionaries = { synonyms: [], refused: [], stages: {} };
  /** Changes one after another: none may be lost to another that had read before. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(parts: {
    readonly store: DictionaryStore;
    readonly serving: () => Serving | undefined;
  }) {
    this.#store = parts.store;
    this.#serving = parts.serving;
  }

  async open(): Promise<void> {
    this.#value = await this.#store.get();
  }

  /** Teaches a snapshot before it serves. */
  prepare({ search }: Serving): void {
    const { synonyms, stages } = this.#value;
    const wordsOf = (stage: DictionaryStage): string[] =>
      (stages[stage] ?? []).map(({ word }) => word);
    search.useDictionaries(
      { synonyms, stopWords: wordsOf("stop-words"), exactWords: wordsOf("exact-words") },
      queryDictionariesOf(this.#value),
    );
  }

  synonyms(): readonly Synonym[] {
    return this.#value.synonyms;
  }

  /**
   * Puts a synonym in the place of the one of its id, or behind the others.
   *
   * @throws {RequestError} `INVALID_DICTIONARY` when it says nothing
   */
  putSynonym(synonym: Synonym): Promise<{ readonly isNew: boolean }> {
    checkSynonym(synonym);
    return this.#change((value) => {
      const at = value.synonyms.findIndex(({ id }) => id === synonym.id);
      const synonyms = at === -1 ? [...value.synonyms, synonym] : value.synonyms.with(at, synonym);
      checkSize(synonyms);
      return { value: { ...value, synonyms }, result: { isNew: at === -1 } };
    });
  }

  /** @throws {RequestError} `UNKNOWN_SYNONYM` */
  deleteSynonym(id: string): Promise<void> {
    return this.#change((value) => {
      const synonyms = value.synonyms.filter((one) => one.id !== id);
      if (synonyms.length < value.synonyms.length) {
        return { value: { ...value, synonyms }, result: undefined };
      }
      throw new RequestError(
        "UNKNOWN_SYNONYM",
        `There is no synonym "${id}".`,
        "GET /v1/synonyms lists them.",
        { kind: "not-found" },
      );
    });
  }

  /**
   * What people typed in place of another query that led to nothing, and then took something: mined
   * when the snapshot was trained, without those that were decided about since.
   */
  candidates(): readonly SynonymCandidate[] {
    return (this.#serving()?.synonymCandidates ?? []).filter((pair) => !this.#isDecided(pair));
  }

  /**
   * Takes a mined synonym (one-way: who types the first finds what the second finds), or never offers
   * it again.
   *
   * @throws {RequestError} `UNKNOWN_SYNONYM` when it is not among the candidates
   */
  async decide(pair: SynonymPair, decision: "approve" | "refuse"): Promise<Synonym | undefined> {
    const found = this.candidates().find(({ from, to }) => from === pair.from && to === pair.to);
    if (found === undefined) {
      throw new RequestError(
        "UNKNOWN_SYNONYM",
        `"${pair.from}" and "${pair.to}" are no candidate.`,
        "GET /v1/synonyms/candidates lists them; PUT /v1/synonyms/{id} takes any other.",
        { kind: "not-found" },
      );
    }
    const { from, to } = found;
    if (decision === "refuse") {
      return this.#change((value) => ({
        value: { ...value, refused: [...value.refused, { from, to }] },
        result: undefined,
      }));
    }
    const synonym: Synonym = { id: idOf(found), from: [from], to: [to] };
    await this.putSynonym(synonym);
    return synonym;
  }

  dictionary(stage: DictionaryStage): readonly DictionaryEntry[] {
    return this.#value.stages[stage] ?? [];
  }

  /**
   * Takes these in place of all entries of a stage.
   *
   * @throws {RequestError} `INVALID_DICTIONARY` naming the entry that does not say what its stage needs
   */
  saveDictionary(stage: DictionaryStage, entries: readonly DictionaryEntry[]): Promise<void> {
    checkEntries(stage, entries);
    return this.#change((value) => ({
      value: { ...value, stages: { ...value.stages, [stage]: entries } },
      result: undefined,
    }));
  }

  #isDecided({ from, to }: SynonymPair): boolean {
    const { refused, synonyms } = this.#value;
    const id = idOf({ from, to });
    return (
      refused.some((one) => one.from === from && one.to === to) ||
      synonyms.some((one) => one.id === id || says(one, from, to))
    );
  }

  async #change<T>(
    work: (value: SearchDictionaries) => { readonly value: SearchDictionaries; readonly result: T },
  ): Promise<T> {
    const changed = this.#changing.then(async () => {
      const { value, result } = work(this.#value);
      await this.#store.put(value);
      this.#value = value;
      const serving = this.#serving();
      if (serving !== undefined) this.prepare(serving);
      return result;
    });
    this.#changing = changed.catch(() => {});
    return changed;
  }
}

function queryDictionariesOf({ stages }: SearchDictionaries): QueryDictionaries {
  const { rewrites = [], importance = [] } = stages;
  return {
    rewrites: rewrites.flatMap(({ word, to }) => (to === undefined ? [] : [{ from: word, to }])),
    neverCorrect: (stages["exact-words"] ?? []).map(({ word }) => word),
    importance: importance.flatMap(({ word, importance: level }) =>
      level === undefined ? [] : [{ word, importance: level }],
    ),
  };
}

/** The same pair always has the same id, so that approving it twice is once. */
const idOf = ({ from, to }: SynonymPair): string =>
  `mined-${createHash("sha256").update(`${from}\0${to}`).digest("hex").slice(0, 12)}`;

/** Whether a synonym lets one text stand for another already. */
function says({ from, to }: Synonym, first: string, second: string): boolean {
  const has = (texts: readonly string[], text: string): boolean =>
    texts.some((one) => queryKey(one) === text);
  return has(from, first) && has(to ?? from, second);
}

function checkSynonym({ id, from, to }: Synonym): void {
  const texts = new Set([...from, ...(to ?? [])].map(queryKey));
  if (texts.size >= 2 && !texts.has("")) return;
  throw new RequestError(
    "INVALID_DICTIONARY",
    `Synonym "${id}" has ${texts.has("") ? "an empty text" : "only one text"}, so nothing stands for anything.`,
    "Give two different texts: both in `from` (two-way), or one in `from` and one in `to` (one-way).",
  );
}

/** What an entry must say beside its word. */
const neededBy: Readonly<Record<DictionaryStage, "to" | "importance" | undefined>> = {
  "stop-words": undefined,
  "exact-words": undefined,
  rewrites: "to",
  importance: "importance",
  "whole-words": undefined,
};

function checkEntries(stage: DictionaryStage, entries: readonly DictionaryEntry[]): void {
  checkSize(entries);
  const needed = neededBy[stage];
  entries.forEach((entry, i) => {
    const wrong =
      queryKey(entry.word) === ""
        ? "has an empty word"
        : needed !== undefined && entry[needed] === undefined
          ? `has no \`${needed}\``
          : (["to", "importance"] as const)
              .filter((field) => field !== needed && entry[field] !== undefined)
              .map((field) => `has a \`${field}\`, which this dictionary does not know`)[0];
    if (wrong === undefined) return;
    throw new RequestError(
      "INVALID_DICTIONARY",
      `entries[${i}] (${JSON.stringify(entry.word)}) of "${stage}" ${wrong}.`,
      `An entry has \`word\`${needed === undefined ? " and nothing else" : ` and \`${needed}\``}; the dictionaries are ${dictionaryStages.join(", ")}.`,
    );
  });
}

function checkSize(entries: readonly unknown[]): void {
  if (entries.length <= maxEntries) return;
  throw new RequestError(
    "INVALID_DICTIONARY",
    `There would be ${entries.length} entries; at most ${maxEntries} are kept.`,
    "Join synonyms of one subject into one entry with several texts.",
  );
}
