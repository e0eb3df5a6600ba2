/**
 * Words alone, meaning alone and both together, on judged queries.
 *
 *     node bench/hybrid.ts
 *
 * Reads MAGPIE_DATASETS. Two folds: the setting of a fold's queries is chosen on the other fold's, for
 * all sets together. Ends with code 1 when the served defaults rank any set below words alone: that
 * must not be. Writes bench/results/hybrid.md.
 */
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { itemIndex, type Candidate, type ServingRequest } from "@magpie/domain";
import { EmbeddedEncoder } from "@magpie/encoder";
import { compareSearch, evaluateSearch, type SearchEvaluation } from "@magpie/evaluation";
import { meanInterval } from "@magpie/numerics";
import { fuseByRank, InvertedTextIndex, ItemFilterIndex } from "@magpie/retrieval";
import {
  hybridDefaults,
  HybridRanker,
  type HybridConfig,
} from "../packages/engine/src/hybrid/hybrid-ranker.ts";
import { meaningText } from "../packages/engine/src/hybrid/item-text.ts";
import { buildMeanings, MeaningIndex } from "../packages/engine/src/hybrid/meaning-index.ts";
import { MeaningRetriever } from "../packages/engine/src/hybrid/meaning-retriever.ts";
import { TextRanker } from "../packages/engine/src/scenarios/search/text-ranker.ts";
import { judgedSets, type JudgedSet } from "./judged-sets.ts";
import { writeSection } from "./write-section.ts";

const datasets =
  process.env["MAGPIE_DATASETS"] ?? join(import.meta.dirname, "..", "..", "shared", "data");
if (!existsSync(datasets)) {
  process.stderr.write(`${datasets} is not there; set MAGPIE_DATASETS.\n`);
  process.exit(2);
}
const window = 200;
const meaningDepth = 100;
const folds = 2;

/** What each way of searching needs of a query, worked out once. */
interface Prepared {
  readonly request: ServingRequest;
  readonly words: readonly Candidate[];
  readonly near: readonly Candidate[];
  readonly strict: number;
}

type Way =
  | { readonly kind: "words" | "meaning" }
  | { readonly kind: "ranks"; readonly weight: number }
  | { readonly kind: "hybrid"; readonly config: HybridConfig };

class SetUnderTest {
  readonly set: JudgedSet;
  readonly #prepared: ReadonlyMap<string, Prepared>;
  readonly #meaning: MeaningRetriever;

  private constructor(
    set: JudgedSet,
    prepared: ReadonlyMap<string, Prepared>,
    meaning: MeaningRetriever,
  ) {
    this.set = set;
    this.#prepared = prepared;
    this.#meaning = meaning;
  }

  static async open(set: JudgedSet, encoder: EmbeddedEncoder): Promise<SetUnderTest> {
    const { items, judgements, locale } = set;
    const text = await InvertedTextIndex.build(items);
    const index = new MeaningIndex(encoder, await buildMeanings(items, encoder, () => {}));
    const filters = ItemFilterIndex.build(items, () => undefined);
    const meaning = new MeaningRetriever(
      index,
      filters,
      ({ query = "" }) => Promise.resolve(query.trim()),
      10_000,
    );
    const prepared = new Map<string, Prepared>();
    for (const query of judgements.keys()) {
      const request: ServingRequest = {
        requestId: "r",
        scenario: "search",
        nowMs: 0,
        limit: 10,
        history: [],
        filter: {},
        explain: false,
        locale,
        // The space says that the last word is typed out.
        query: `${query} `,
      };
      const hits = text.search(request.query!, { limit: window, locale });
      prepared.set(query, {
        request,
        words: Array.from(hits.items, (row, place) => ({
          itemIndex: itemIndex(row),
          score: hits.scores[place]!,
          contributions: [],
        })),
        near: await meaning.retrieve(request, meaningDepth),
        strict: hits.relaxed ? 0 : hits.total,
      });
    }
    return new SetUnderTest(set, prepared, meaning);
  }

  /** @param of  the way of a query, by its place among the queries */
  evaluate(name: string, of: (place: number) => Way): Promise<SearchEvaluation> {
    const places = new Map([...this.#prepared.keys()].map((query, place) => [query, place]));
    return evaluateSearch(name, this.set.judgements, async (query, limit) => {
      const ranked = await this.#rank(this.#prepared.get(query)!, of(places.get(query)!));
      return ranked.slice(0, limit).map((one) => this.set.items[one.itemIndex - 1]!.id);
    });
  }

  async #rank({ request, words, near, strict }: Prepared, way: Way): Promise<readonly Candidate[]> {
    const lists = [
      { retriever: "text", candidates: words },
      { retriever: this.#meaning.name, candidates: near },
    ];
    switch (way.kind) {
      case "words":
        return words;
      case "meaning":
        return near;
      case "ranks":
        return fuseByRank(lists, { [this.#meaning.name]: way.weight });
      case "hybrid":
        return new HybridRanker(
          {
            text: new TextRanker(window, undefined),
            window,
            foundBy: () => ({ strict, mayAdmit: () => true, passes: () => true }),
            onAdmitted: () => {},
          },
          way.config,
        ).rank(request, lists);
      default:
        return way satisfies never;
    }
  }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const foldOf = (place: number): number => place % folds;

/** The way that is best on the queries of all folds but one, over all sets with equal weight. */
function chosenWithout(
  fold: number,
  tried: readonly { readonly way: Way; readonly perSet: readonly SearchEvaluation[] }[],
): Way {
  const value = (evaluations: readonly SearchEvaluation[]): number =>
    mean(
      evaluations.map(({ perQuery }) =>
        mean([...perQuery.trecNdcgAt10].filter((_, place) => foldOf(place) !== fold)),
      ),
    );
  return tried.reduce((a, b) => (value(b.perSet) > value(a.perSet) ? b : a)).way;
}

const encoder = await EmbeddedEncoder.open();
const sets: SetUnderTest[] = [];
for (const set of judgedSets(datasets)) {
  // Queries without anything relevant cannot be answered rightly: places count without them.
  const judgements = new Map(
    [...set.judgements].filter(([, grades]) => Math.max(0, ...grades.values()) > 0),
  );
  sets.push(await SetUnderTest.open({ ...set, judgements }, encoder));
}

const grid: Way[] = [0.1, 0.2, 0.3, 0.5].flatMap((meaningWeight) =>
  [20, 60].flatMap((rankConstant) =>
    [0, 10, 1_000].flatMap((admitBelow) =>
      [0.3, 0.4, 0.5].map((admitFrom): Way => ({
        kind: "hybrid",
        config: { ...hybridDefaults, meaningWeight, rankConstant, admitBelow, admitFrom },
      })),
    ),
  ),
);
const rankGrid = [0.1, 0.25, 0.5, 1].map((weight): Way => ({ kind: "ranks", weight }));

async function crossValidated(name: string, ways: readonly Way[]) {
  const tried: { readonly way: Way; readonly perSet: readonly SearchEvaluation[] }[] = [];
  for (const way of ways) {
    const perSet = [];
    for (const set of sets) perSet.push(await set.evaluate(name, () => way));
    tried.push({ way, perSet });
  }
  const chosen = Array.from({ length: folds }, (_, fold) => chosenWithout(fold, tried));
  const perSet = [];
  for (const set of sets) perSet.push(await set.evaluate(name, (place) => chosen[foldOf(place)]!));
  return { chosen, perSet };
}

const fixed = async (name: string, way: Way): Promise<SearchEvaluation[]> => {
  const perSet = [];
  for (const set of sets) perSet.push(await set.evaluate(name, () => way));
  return perSet;
};
const words = await fixed("words alone", { kind: "words" });
const meaning = await fixed("meaning alone", { kind: "meaning" });
const ranks = await crossValidated("both, everything taken", rankGrid);
const hybrid = await crossValidated("both, hybrid", grid);
const defaults = await fixed("both, served defaults", { kind: "hybrid", config: hybridDefaults });

/** The simulated shop again, judged by its last quarter; the encoder learns from the rest. */
async function afterLearning() {
  const shops = judgedSets(datasets, 0.75).filter(({ takes }) => takes.length > 0);
  const [{ items }] = shops as [JudgedSet];
  const places = new Map(items.map(({ id }, place) => [id, place]));
  const takes = shops.flatMap((shop) => shop.takes);
  const once = new Map(takes.map((take) => [`${take.query}\t${take.itemId}`, take]));
  const { bytes } = encoder.learn(
    {
      texts: items.map(meaningText),
      pairs: Array.from(once.values(), ({ query, itemId }) => ({
        query,
        text: places.get(itemId)!,
      })),
    },
    { seed: 1 },
  );
  const adapted = bytes === undefined ? encoder : encoder.adaptedBy(bytes);
  const seen = new Set(takes.map(({ query }) => query));
  const compared = [];
  for (const set of shops) {
    // Only queries that nobody had typed before.
    const judgements = new Map([...set.judgements].filter(([query]) => !seen.has(query)));
    const [usual, learned] = [
      await SetUnderTest.open({ ...set, judgements }, encoder),
      await SetUnderTest.open({ ...set, judgements }, adapted),
    ];
    const both: Way = { kind: "hybrid", config: hybridDefaults };
    compared.push({
      name: set.name,
      queries: judgements.size,
      words: await usual.evaluate("words alone", () => ({ kind: "words" })),
      meaning: await usual.evaluate("meaning", () => ({ kind: "meaning" })),
      learnedMeaning: await learned.evaluate("learned", () => ({ kind: "meaning" })),
      both: await usual.evaluate("both", () => both),
      learnedBoth: await learned.evaluate("both, learned", () => both),
    });
  }
  return compared;
}
const learning = await afterLearning();

const three = (value: number): string => value.toFixed(3);
const cell = ({ perQuery }: SearchEvaluation): string => {
  const { mean: middle, high } = meanInterval(perQuery.trecNdcgAt10);
  return `${three(middle)} ± ${three(high - middle)}`;
};
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, c) => (c === 0 ? "---" : "---:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");
const rows = [words, meaning, ranks.perSet, hybrid.perSet, defaults].map((perSet) => [
  perSet[0]!.name,
  ...perSet.map(cell),
]);
const against = sets.map(({ set }, s) => {
  const { difference, pValue, wins, losses, ties } = compareSearch(
    words[s]!,
    defaults[s]!,
    "trecNdcgAt10",
  );
  return [
    set.name,
    `${three(difference.mean)} [${three(difference.low)}, ${three(difference.high)}]`,
    pValue < 1e-4 ? "< 0.0001" : pValue.toFixed(4),
    `${wins.length} / ${ties} / ${losses.length}`,
  ];
});
const learningRows = learning.map((one) => {
  const { difference, pValue, wins, losses, ties } = compareSearch(
    one.words,
    one.learnedBoth,
    "trecNdcgAt10",
  );
  return [
    `${one.name} (${one.queries} queries)`,
    ...[one.words, one.meaning, one.learnedMeaning, one.both, one.learnedBoth].map(cell),
    `${three(difference.mean)} [${three(difference.low)}, ${three(difference.high)}]`,
    pValue < 1e-4 ? "< 0.0001" : pValue.toFixed(4),
    `${wins.length} / ${ties} / ${losses.length}`,
  ];
});
const settings = (ways: readonly Way[]): string =>
  ways
    .map((way) =>
      way.kind === "hybrid"
        ? `weight ${way.config.meaningWeight}, constant ${way.config.rankConstant}, admits below ${way.config.admitBelow} from ${way.config.admitFrom}`
        : way.kind === "ranks"
          ? `weight ${way.weight}`
          : way.kind,
    )
    .join("; ");

const section = `### Words, meaning, both

${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()} · Node ${process.version}

    node bench/hybrid.ts

trec nDCG@10, mean over queries ± half of the 95 % t-interval. Rows with choices are cross-validated over
two folds of queries, one setting for all sets. The served defaults were chosen with all
queries in sight (of those that keep the acceptance set), so their row is not a test of them; the row above it is. "Everything taken": reciprocal ranks
over both lists whole, so that every search also finds 100 items without its words. What visitors of the
simulated shop clicked does not depend on words: its numbers say more of the kind than of the one item.

${table(["", ...sets.map(({ set }) => `${set.name} (${set.judgements.size} queries)`)], rows)}

Chosen per fold. Everything taken: ${settings(ranks.chosen)}. Hybrid: ${settings(hybrid.chosen)}.

Served defaults (${settings([{ kind: "hybrid", config: hybridDefaults }])}) against words alone:

${table(["set", "difference", "p", "wins / ties / losses"], against)}

After the embedded encoder has learned from the searches of the simulated shop's first three quarters of time; judged are
those of the last quarter that nobody had typed before. Differences are those of served defaults with what was learned against
words alone.

${table(
  [
    "set",
    "words alone",
    "meaning alone",
    "the same, learned",
    "served defaults",
    "the same, learned",
    "difference",
    "p",
    "wins / ties / losses",
  ],
  learningRows,
)}
`;
await writeSection(
  join(import.meta.dirname, "results", "hybrid.md"),
  "Search by words and meaning, measured",
  section,
);
process.stdout.write(section);
sets.forEach(({ set }, s) => {
  const [before, after] = [words, defaults].map((all) => mean([...all[s]!.perQuery.trecNdcgAt10]));
  if (after! >= before!) return;
  process.stderr.write(
    `${set.name}: both together (${after}) are below words alone (${before}).\n`,
  );
  process.exitCode = 1;
});
for (const one of learning) {
  const [before, after] = [one.words, one.learnedBoth].map(({ perQuery }) =>
    mean([...perQuery.trecNdcgAt10]),
  );
  if (after! >= before!) continue;
  process.stderr.write(`${one.name}: with what was learned ${after}, words alone ${before}.\n`);
  process.exitCode = 1;
}
