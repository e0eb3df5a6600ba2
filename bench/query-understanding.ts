/**
 * What understanding queries gives and costs, on judged queries.
 *
 *     node bench/query-understanding.ts
 *
 * As the search scenario asks by words alone (no popularity, no meaning): the index by itself, each
 * stage by itself, all of them. As typed, and with one typing error in the longest Latin word of
 * five letters or more (left out, doubled, swapped or replaced; the first letter stays; 3 seeds, a
 * each counts as a query). "Typed right" is the index alone on the same queries without the error: what a
 * correction can restore. The simulated shop's queries of the last half of its time are judged,
 * categories are learned from what was taken after queries of the first half, and from titles.
 *
 * The share of a likely category is chosen on the first half of each set's queries (validation, by
 * hash) among 0 to 0.4, for all sets together; the table is of the other half. Ends with code 1
 * when all stages together rank the queries of any set, as typed or mistyped, below the index by itself. Data from MAGPIE_DATASETS. Writes
 * bench/results/query-understanding.md.
 */
import { createHash } from "node:crypto";
import { cpus } from "node:os";
import { join } from "node:path";
import { itemVocabulary } from "@magpie/data";
import type { Item, ServingRequest } from "@magpie/domain";
import {
  compareSearch,
  evaluateSearch,
  type Judgements,
  type SearchEvaluation,
} from "@magpie/evaluation";
import { mean, seededRandom } from "@magpie/numerics";
import {
  CatalogLexicon,
  catalogWords,
  CategoryPredictor,
  categoryWords,
  FacetIndex,
  InvertedTextIndex,
  ItemFilterIndex,
  QueryUnderstanding,
  SpellingCorrector,
} from "@magpie/retrieval";
import { CatalogLabels } from "../packages/engine/src/live/catalog-labels.ts";
import { LiveCatalog } from "../packages/engine/src/live/live-catalog.ts";
import {
  LikelyCategory,
  likelyCategoryShare,
} from "../packages/engine/src/scenarios/search/likely-category.ts";
import { LiveTextRetriever } from "../packages/engine/src/scenarios/search/live-text-retriever.ts";
import { QueryReadings } from "../packages/engine/src/scenarios/search/query-readings.ts";
import { TextRanker } from "../packages/engine/src/scenarios/search/text-ranker.ts";
import { judgedSets, type JudgedSet } from "./judged-sets.ts";
import { writeSection } from "./write-section.ts";

const datasets =
  process.env["MAGPIE_DATASETS"] ?? join(import.meta.dirname, "..", "..", "shared", "data");
const depth = 200;
const seeds = [1, 2, 3];
const shares = [0, 0.05, 0.1, 0.2, 0.4];

const ways = ["index alone", "spelling", "names and importance", "categories", "all"] as const;
type Way = (typeof ways)[number];
type Search = (query: string, limit: number) => Promise<string[]>;

/** A set with all that its queries may be understood by. */
class SetUnderTest {
  readonly set: JudgedSet;
  readonly #catalog: LiveCatalog;
  readonly #index: InvertedTextIndex;
  readonly #understandings: Readonly<Record<Way, QueryUnderstanding | undefined>>;

  private constructor(
    set: JudgedSet,
    catalog: LiveCatalog,
    index: InvertedTextIndex,
    understandings: Readonly<Record<Way, QueryUnderstanding | undefined>>,
  ) {
    this.set = set;
    this.#catalog = catalog;
    this.#index = index;
    this.#understandings = understandings;
  }

  static async open(set: JudgedSet): Promise<SetUnderTest> {
    const { items, takes } = set;
    const index = await InvertedTextIndex.build(items);
    const wordsOf = (text: string) => categoryWords(index, text);
    const categoryOf = new Map(items.map(({ id, categories }) => [id, categories?.[0]]));
    const lexicon = CatalogLexicon.build(items);
    const spelling = SpellingCorrector.build(catalogWords(items));
    const categories = CategoryPredictor.build(
      takes.flatMap(({ query, itemId, weight }) => {
        const category = categoryOf.get(itemId);
        return category === undefined ? [] : [{ query, category, weight }];
      }),
      items.flatMap(({ title, locales = {}, categories: paths = [] }) =>
        paths.length === 0
          ? []
          : [title, ...Object.values(locales).flatMap((own) => own.title ?? [])].map((text) => ({
              text,
              category: paths[0]!,
            })),
      ),
      wordsOf,
    );
    const [noNames, noWords] = [CatalogLexicon.build([]), SpellingCorrector.build(new Map())];
    return new SetUnderTest(set, catalogOf(items), index, {
      "index alone": undefined,
      spelling: new QueryUnderstanding({ index, lexicon: noNames, spelling }),
      "names and importance": new QueryUnderstanding({ index, lexicon, spelling: noWords }),
      categories: new QueryUnderstanding({
        index,
        lexicon: noNames,
        spelling: noWords,
        categories,
      }),
      all: new QueryUnderstanding({ index, lexicon, spelling, categories }),
    });
  }

  /** What becomes of a query's words. */
  spell(query: string): { readonly text: string; readonly isCorrected: boolean } {
    const { text, corrections } = this.#understandings.all!.analyse(`${query} `, {
      locale: this.set.locale,
    });
    return { text, isCorrected: corrections.length > 0 };
  }

  searchBy(way: Way, share = likelyCategoryShare): Search {
    const catalog = this.#catalog;
    const readings = new QueryReadings(this.#index, this.#understandings[way]);
    const retriever = new LiveTextRetriever({
      catalog,
      index: this.#index,
      readings,
      sortOf: () => undefined,
      onFound: () => {},
    });
    const ranker = new TextRanker(depth, undefined, new LikelyCategory(catalog, readings, share));
    return async (query, limit) => {
      const request: ServingRequest = {
        requestId: "r",
        scenario: "search",
        nowMs: 0,
        limit,
        history: [],
        filter: {},
        explain: false,
        locale: this.set.locale,
        // The space says that the last word is typed out.
        query: `${query} `,
      };
      const candidates = await retriever.retrieve(request, Math.max(depth, limit));
      const ranked = await ranker.rank(request, [{ retriever: retriever.name, candidates }]);
      return ranked.slice(0, limit).map(({ itemIndex }) => catalog.idOf(itemIndex));
    };
  }
}

function catalogOf(items: readonly Item[]): LiveCatalog {
  const facets = FacetIndex.build(items);
  const vocabulary = itemVocabulary(items.map(({ id }) => id));
  return new LiveCatalog({
    vocabulary,
    filter: ItemFilterIndex.build(items, () => undefined, facets),
    facets,
    createdMs: new Float64Array(items.length + 1).fill(NaN),
    textHashes: new Uint32Array(items.length + 1),
    labels: CatalogLabels.empty(),
  });
}

/** Puts one typing error into the longest Latin word of five letters or more; undefined without one. */
function mistyped(query: string, seed: number): string | undefined {
  const [word] = (query.match(/(?<![\p{L}\p{N}])[A-Za-z]{5,}(?![\p{L}\p{N}])/gu) ?? []).toSorted(
    (a, b) => b.length - a.length,
  );
  if (word === undefined) return undefined;
  const random = seededRandom(seed, `mistyped ${query}`);
  const at = 1 + random.int(word.length - 2);
  const letter = String.fromCharCode(97 + random.int(26));
  const wrong = [
    word.slice(0, at) + word.slice(at + 1),
    word.slice(0, at) + word[at] + word.slice(at),
    word.slice(0, at) + word[at + 1]! + word[at]! + word.slice(at + 2),
    word.slice(0, at) + letter + word.slice(at + 1),
  ][random.int(4)]!;
  return wrong === word ? undefined : query.replace(word, wrong);
}

const halfOf = (query: string): number => createHash("sha256").update(query).digest()[0]! % 2;
const half = (judgements: Judgements, which: number): Judgements =>
  new Map([...judgements].filter(([query]) => halfOf(query) === which));

/** The same judgements under mistyped queries; the seed keeps equal ones apart. */
function mistypedSet(judgements: Judgements): {
  readonly judgements: Judgements;
  readonly typedAs: ReadonlyMap<string, string>;
} {
  const typedAs = new Map<string, string>();
  const all = new Map<string, ReadonlyMap<string, number>>();
  for (const [query, grades] of judgements) {
    for (const seed of seeds) {
      const wrong = mistyped(query, seed);
      if (wrong === undefined) continue;
      const key = `${query}#${seed}`;
      typedAs.set(key, wrong);
      all.set(key, grades);
    }
  }
  return { judgements: all, typedAs };
}

const sets: SetUnderTest[] = [];
for (const set of judgedSets(datasets, 0.5)) sets.push(await SetUnderTest.open(set));

const ndcgOf = ({ perQuery }: SearchEvaluation): number => mean(perQuery.trecNdcgAt10);
const onValidation: { readonly share: number; readonly ndcg: readonly number[] }[] = [];
for (const share of shares) {
  const ndcg: number[] = [];
  for (const one of sets) {
    const judgements = half(one.set.judgements, 0);
    ndcg.push(ndcgOf(await evaluateSearch("v", judgements, one.searchBy("all", share))));
  }
  onValidation.push({ share, ndcg });
}

const three = (value: number): string => value.toFixed(3);
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, c) => (c === 0 ? "---" : "---:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");

const rows: string[][] = [];
const corrected: string[][] = [];
let isLowered = false;
for (const one of sets) {
  const judgements = half(one.set.judgements, 1);
  const wrong = mistypedSet(judgements);
  for (const kind of ["as typed", "mistyped"] as const) {
    const asked = kind === "as typed" ? judgements : wrong.judgements;
    if (asked.size === 0) continue;
    const read = Array.from(asked.keys(), (query) => ({
      meant: query.replace(/#\d+$/, "").toLowerCase(),
      ...one.spell(wrong.typedAs.get(query) ?? query),
    }));
    const changed = read.filter(({ isCorrected }) => isCorrected);
    const right = changed.filter(({ text, meant }) => text.toLowerCase() === meant);
    corrected.push([
      `${one.set.name}, ${kind}`,
      ...[read, changed, right].map(({ length }) => String(length)),
    ]);
    const evaluations: SearchEvaluation[] = [];
    for (const way of ways) {
      const search = one.searchBy(way);
      evaluations.push(
        await evaluateSearch(way, asked, (query, limit) =>
          search(wrong.typedAs.get(query) ?? query, limit),
        ),
      );
    }
    const alone = evaluations[0]!;
    const byIndex = one.searchBy("index alone");
    const typedRight = await evaluateSearch("typed right", asked, (query, limit) =>
      byIndex(query.replace(/#\d+$/, ""), limit),
    );
    const all = compareSearch(alone, evaluations.at(-1)!, "trecNdcgAt10");
    if (all.difference.mean < -1e-9) isLowered = true;
    const { mean: middle, low, high } = all.difference;
    rows.push([
      `${one.set.name}, ${kind}`,
      String(alone.queries.length),
      ...evaluations.map((evaluation) => three(ndcgOf(evaluation))),
      three(ndcgOf(typedRight)),
      `${three(middle)} [${three(low)}, ${three(high)}]`,
      `${all.wins.length} / ${all.ties} / ${all.losses.length}`,
    ]);
  }
}

const section = `### Understanding queries: nDCG@10 (trec) by stage

${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()} · Node ${process.version}

    node bench/query-understanding.ts

Words alone, without popularity and meaning. Mistyped: one typing error in the longest word, ${seeds.length} seeds
(each counts as a query). "Typed right": the index alone, without the error. "All − alone" is the paired difference with its 95 % interval. The table is of
the half of the queries that nothing was chosen by.

${table(["set", "queries", ...ways, "typed right", "all − alone", "wins / ties / losses"], rows)}

Queries that were corrected by themselves, and those of them that became the query without the error (a
query that is "as typed" may have an error of its own):

${table(["set", "queries", "corrected", "as meant"], corrected)}

The share of a likely category (served: ${likelyCategoryShare}), on the other half:

${table(
  ["share", ...sets.map(({ set }) => set.name), "mean"],
  onValidation.map(({ share, ndcg }) => [String(share), ...ndcg.map(three), three(mean(ndcg))]),
)}
`;
await writeSection(
  join(import.meta.dirname, "results", "query-understanding.md"),
  "Understanding queries, measured",
  section,
);
process.stdout.write(section);
if (isLowered) {
  process.stderr.write("All stages together rank a set below the index by itself.\n");
  process.exitCode = 1;
}
