import type { Sequences } from "@magpie/data";
import {
  itemIndex,
  silentWork,
  type Candidate,
  type HistoryEntry,
  type RetrievedList,
  type ServingRequest,
} from "@magpie/domain";
import { fitClickModel } from "@magpie/evaluation";
import { popularity, recentPopularity, type PopularityModel } from "@magpie/models";
import { queryKey } from "@magpie/retrieval";
import type { SearchScenario } from "../scenarios/search/search-scenario.ts";
import { nearnessIn, type DescribedSearch } from "./learned-ranker.ts";
import type { SearchBehaviour } from "./search-behaviour.ts";
import type { SearchFeatures } from "./search-features.ts";
import type { SearchLog } from "./search-log.ts";

/** A search of the log as it would have been answered then, with what became of it. */
export interface SearchExample extends DescribedSearch {
  /** [candidates] */
  readonly grades: Uint8Array;
  /** [candidates]: 1 over the chance that its place was looked at, at most `maxWeight`. */
  readonly weights: Float32Array;
  /** Grades of what was taken and is not among the candidates. */
  readonly missed: readonly number[];
}

/** Examples in order of time: the later ones are never learned from by what the earlier ones do. */
export interface SearchExamples {
  readonly train: readonly SearchExample[];
  readonly validation: readonly SearchExample[];
  readonly heldOut: readonly SearchExample[];
  /** Chance that a place is looked at, from the first on; the first is 1. */
  readonly examination: Float64Array;
}

/** What examples are made from. */
export interface ExampleSources {
  readonly log: SearchLog;
  readonly sequences: Sequences;
  /** Answers by default, over `popularityThen`. */
  readonly scenario: SearchScenario;
  readonly features: SearchFeatures;
  /** Empty; holds what was known at the first held-out moment afterwards. */
  readonly behaviour: SearchBehaviour;
  /** What `scenario` and `features` take for popularity: replaced as time goes on. */
  readonly popularityThen: { scores: Float32Array; readonly days: number | null };
  readonly createdMs: (row: number) => number;
  /** Searches that are trained on at most, the newest. */
  readonly maxTrain?: number;
  /** May throw, to stop. */
  readonly onSearch?: (done: number, total: number) => void;
}

/** Shares of the searches with a choice, by time: the rest are trained on. */
const validationShare = 0.12;
const heldOutShare = 0.18;
/** Most of each; more would cost time and hardly change anything. */
const mostTrain = 5_000;
const maxValidation = 1_000;
const maxHeldOut = 1_500;
/** Most lists that the chances of being looked at are fitted on, the newest. */
const maxLists = 20_000;
/** An item that is hardly ever looked at must not outweigh all others once it is chosen. */
const maxWeight = 5;
/** What becomes of a search is known only so long after it. */
const settledAfterMs = 7 * 24 * 3_600_000;
/** Popularity is counted anew so many times along the log, but not more than daily. */
const popularityRounds = 60;
const dayMs = 24 * 3_600_000;
/** Acts of a past that are handed on. */
const maxActs = 60;

/**
 * Walks through the log in order of time and describes each search by what was known then: popularity
 * up to that day, what had become of searches a week and more ago, the shopper's own past up to that
 * moment, and no item that came later. From the first held-out search on, what is known stands still, as it
 * does in a snapshot.
 *
 * What the words and the meaning of a query find is looked up once per query in today's catalogue.
 */
export async function buildSearchExamples(sources: ExampleSources): Promise<SearchExamples> {
  const { log, features, behaviour, popularityThen, onSearch } = sources;
  const parts = partsOf(log, Math.min(mostTrain, sources.maxTrain ?? mostTrain));
  const frozenFromMs = parts.frozenFromMs;
  const examination = examinationOf(log, frozenFromMs);
  const examples = { train: [], validation: [], heldOut: [] } as Record<
    keyof typeof parts.of,
    SearchExample[]
  >;
  const past = new Pasts(sources.sequences);
  const counts = new PopularityThen(sources.sequences, popularityThen.days);
  const [firstMs, lastMs] = [log.timesMs[0]!, log.timesMs.at(-1)!];
  const renewAfterMs = Math.max(dayMs, (lastMs - firstMs) / popularityRounds);
  let countedMs = -Infinity;
  let settled = 0;
  const found = new Map<string, Promise<FoundOnce>>();
  for (const [done, { search, part }] of parts.all.entries()) {
    onSearch?.(done, parts.all.length);
    const nowMs = log.timesMs[search]!;
    const knownMs = Math.min(nowMs, frozenFromMs);
    for (; log.timesMs[settled]! + settledAfterMs <= knownMs; settled++) {
      recordSearch(log, settled, behaviour, examination);
    }
    if (knownMs - countedMs >= renewAfterMs) {
      popularityThen.scores = await counts.before(knownMs);
      countedMs = knownMs;
    }
    const query = log.queries[log.queryOf[search]!]!;
    const locale = log.locales[log.localeOf[search]!]!;
    const key = `${locale}\n${queryKey(query)}`;
    let once = found.get(key);
    if (once === undefined) found.set(key, (once = findOnce(sources.scenario, query, locale)));
    const { request, lists, hits, ranker } = await once;
    const ranking = (await ranker.rank(request, lists)).filter(
      ({ itemIndex: row }) => !(sources.createdMs(row) > nowMs),
    );
    const candidates = ranking.map(({ itemIndex: row, score }): Candidate => ({
      itemIndex: row,
      score,
      contributions: [],
    }));
    const { taken, positions } = takenIn(log, search);
    if (!candidates.some(({ itemIndex: row }) => taken.has(row))) {
      // Nothing to learn from it; held out, it counts as a search that went wrong either way.
      if (part !== "heldOut") continue;
    }
    const described = {
      request: { query, nowMs, history: past.of(log.userOf[search]!, nowMs) },
      candidates,
      hits,
      near: nearnessIn(lists),
    };
    const grades = Uint8Array.from(candidates, ({ itemIndex: row }) => taken.get(row) ?? 0);
    const reached = new Set<number>(candidates.map(({ itemIndex: row }) => row));
    examples[part].push({
      ...described,
      // Kept for thousands of searches: what is not needed any more is let go of.
      hits: undefined,
      near: new Map(),
      features: features.describe(described),
      taste: features.describeTaste(described),
      grades,
      weights: Float32Array.from(candidates, ({ itemIndex: row }, i) =>
        grades[i] === 0 ? 1 : Math.min(maxWeight, 1 / chanceAt(examination, positions.get(row)!)),
      ),
      missed: [...taken].flatMap(([row, grade]) => (reached.has(row) ? [] : [grade])),
    });
  }
  return { ...examples, examination };
}

/** Adds what became of one search to what is known. */
export function recordSearch(
  log: SearchLog,
  search: number,
  behaviour: SearchBehaviour,
  examination: Float64Array,
): void {
  const query = queryKey(log.queries[log.queryOf[search]!]!);
  for (let at = log.offsets[search]!; at < log.offsets[search + 1]!; at++) {
    const looks = chanceAt(examination, log.positions[at]!);
    behaviour.record(query, log.rows[at]!, looks, log.grades[at]!);
  }
}

/** What a query finds, whoever asks and whenever. */
interface FoundOnce {
  readonly request: ServingRequest;
  readonly lists: readonly RetrievedList[];
  readonly hits: DescribedSearch["hits"];
  readonly ranker: ReturnType<SearchScenario["pipelineFor"]>["ranker"];
}

async function findOnce(
  scenario: SearchScenario,
  query: string,
  locale: string,
): Promise<FoundOnce> {
  const request: ServingRequest = {
    requestId: "training",
    scenario: "search",
    nowMs: 0,
    limit: 0,
    locale,
    history: [],
    query,
    search: { refinements: [], facets: [] },
    filter: scenario.filter,
    // What each word gave in each field is told to those who ask for explanations.
    explain: true,
  };
  const { retrievers, depth, depths, ranker } = scenario.pipelineFor(request);
  const lists = await Promise.all(
    retrievers.map(async (retriever): Promise<RetrievedList> => ({
      retriever: retriever.name,
      candidates: await retriever.retrieve(request, depths?.[retriever.name] ?? depth),
    })),
  );
  return { request, lists, ranker, hits: scenario.foundBy(request)?.hits };
}

/** Which searches with a choice are trained on, which are held out. */
function partsOf(
  log: SearchLog,
  maxTrain: number,
): {
  readonly all: readonly { readonly search: number; readonly part: Part }[];
  readonly frozenFromMs: number;
  readonly of: Record<Part, readonly number[]>;
} {
  const chosen: number[] = [];
  for (let search = 0; search < log.timesMs.length; search++) {
    if (takenIn(log, search).taken.size > 0) chosen.push(search);
  }
  const heldOutFrom = Math.floor(chosen.length * (1 - heldOutShare));
  const validationFrom = Math.floor(chosen.length * (1 - heldOutShare - validationShare));
  const of: Record<Part, readonly number[]> = {
    train: chosen.slice(Math.max(0, validationFrom - maxTrain), validationFrom),
    validation: evenly(chosen.slice(validationFrom, heldOutFrom), maxValidation),
    heldOut: evenly(chosen.slice(heldOutFrom), maxHeldOut),
  };
  const all = (Object.keys(of) as Part[]).flatMap((part) =>
    of[part].map((search) => ({ search, part })),
  );
  return { all, of, frozenFromMs: log.timesMs[chosen[validationFrom] ?? 0] ?? Infinity };
}

type Part = "train" | "validation" | "heldOut";

function evenly(searches: readonly number[], most: number): readonly number[] {
  if (searches.length <= most) return searches;
  return Array.from(
    { length: most },
    (_, i) => searches[Math.floor((i * searches.length) / most)]!,
  );
}

function takenIn(
  { offsets, rows, grades, positions }: SearchLog,
  search: number,
): {
  readonly taken: ReadonlyMap<number, number>;
  readonly positions: ReadonlyMap<number, number>;
} {
  const taken = new Map<number, number>();
  const places = new Map<number, number>();
  for (let at = offsets[search]!; at < offsets[search + 1]!; at++) {
    places.set(rows[at]!, positions[at]!);
    if (grades[at]! > 0) taken.set(rows[at]!, grades[at]!);
  }
  return { taken, positions: places };
}

/** How likely places are looked at, fitted on lists before a moment; 1 each where nobody tells places. */
function examinationOf(log: SearchLog, beforeMs: number): Float64Array {
  const sessions = [];
  for (let search = log.timesMs.length - 1; search >= 0 && sessions.length < maxLists; search--) {
    if (log.timesMs[search]! >= beforeMs) continue;
    const [from, to] = [log.offsets[search]!, log.offsets[search + 1]!];
    const [firstRank, lastRank] = [log.positions[from]!, log.positions[to - 1]!];
    // The model wants whole lists: each place after the one before.
    const isWhole = to > from && firstRank > 0 && lastRank - firstRank + 1 === to - from;
    if (!isWhole) continue;
    sessions.push({
      query: queryKey(log.queries[log.queryOf[search]!]!),
      items: Array.from(log.rows.subarray(from, to), String),
      firstRank,
      clicked: Array.from(log.grades.subarray(from, to), (grade) => grade > 0),
    });
  }
  if (!sessions.some(({ clicked }) => clicked.includes(true))) return Float64Array.of(1);
  return fitClickModel(sessions, { rounds: 60 }).examination;
}

/** @param position  from 1; 0 where nobody says: as if it were looked at for certain */
function chanceAt(examination: Float64Array, position: number): number {
  if (position === 0) return 1;
  const chance = examination[Math.min(position, examination.length) - 1]!;
  return Math.min(1, Math.max(1 / maxWeight, chance));
}

/** What each shopper had done by a moment. */
class Pasts {
  readonly #sequences: Sequences;

  constructor(sequences: Sequences) {
    this.#sequences = sequences;
  }

  /** Oldest first; empty for somebody unknown. */
  of(user: number, beforeMs: number): readonly HistoryEntry[] {
    const { offsets, items, timestampsMs, weights } = this.#sequences;
    if (user < 0 || timestampsMs === undefined) return [];
    let to = offsets[user + 1]!;
    while (to > offsets[user]! && timestampsMs[to - 1]! >= beforeMs) to--;
    const from = Math.max(offsets[user]!, to - maxActs);
    return Array.from({ length: to - from }, (_, i) => ({
      itemIndex: itemIndex(items[from + i]!),
      timestampMs: timestampsMs[from + i]!,
      weight: weights?.[from + i] ?? 1,
    }));
  }
}

/** Popularity as it was at moments of the past. */
class PopularityThen {
  readonly #byTime: Sequences;
  readonly #days: number | null;

  constructor({ items, timestampsMs, weights, itemCount }: Sequences, days: number | null) {
    const times = timestampsMs ?? new Float64Array(items.length);
    const order = Int32Array.from(items, (_, i) => i).sort((a, b) => times[a]! - times[b]!);
    this.#days = days;
    this.#byTime = {
      userCount: 1,
      itemCount,
      offsets: Int32Array.of(0, items.length),
      items: Int32Array.from(order, (i) => items[i]!),
      timestampsMs: Float64Array.from(order, (i) => times[i]!),
      weights: Float32Array.from(order, (i) => weights?.[i] ?? 1),
    };
  }

  async before(moment: number): Promise<Float32Array> {
    const { items, timestampsMs, weights } = this.#byTime;
    let end = 0;
    while (end < items.length && timestampsMs![end]! < moment) end++;
    const train: Sequences = {
      ...this.#byTime,
      offsets: Int32Array.of(0, end),
      items: items.subarray(0, end),
      timestampsMs: timestampsMs!.subarray(0, end),
      weights: weights!.subarray(0, end),
    };
    const model = this.#days === null ? popularity : recentPopularity;
    const trained = await model.train({ train }, model.defaults, { seed: 0, ...silentWork() });
    return (trained as PopularityModel).scores;
  }
}
