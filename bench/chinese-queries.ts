/**
 * Chinese queries: matching of products and segmentation, against jieba as it comes and bigrams.
 *
 *     node bench/chinese-queries.ts
 *
 * Matching, zh-ecominstruct: 500 pairs of a Taobao query and a product, "match" or not: area under
 * the ROC curve, and accuracy at the threshold that is best on the other half of the queries (two
 * halves by hash). 500 choices of one product of four (zh-multicpr queries; the passages of
 * zh-multicpr itself are not in the data, so its own retrieval cannot be run): share of right
 * choices, ties shared. jieba: the share of the query's words, cut by jieba with its own dictionary,
 * that the product has. Bigrams: the share of its pairs of characters. Ours: `QueryCoverage` over
 * the terms of our text index, how common they are from the 100,000 training queries of zh-multicpr.
 * No value was fitted to these sets.
 *
 * Segmentation, zh-ecommerce-ner: the shop knows the product types and brands of the 6,000 training
 * titles, as a catalogue knows its categories and brands. A product or brand word of the 1,000 test
 * titles is found when one segment is exactly it. Precision counts segments that touch such a word.
 * The dictionary is the same for none of the baselines: jieba has its own, bigrams have none;
 * "jieba with the shop's words" gives jieba ours, and shows what the rest of the chain adds.
 *
 * Intervals: 95 %, bootstrap of the difference over queries or titles, 1,000 draws. Data from
 * MAGPIE_DATASETS. Writes bench/results/chinese-queries.md.
 */
import { Jieba } from "@node-rs/jieba";
import { dict } from "@node-rs/jieba/dict.js";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Item } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import {
  CatalogLexicon,
  InvertedTextIndex,
  QueryCoverage,
  QueryUnderstanding,
  SpellingCorrector,
} from "@magpie/retrieval";

const root = process.env["MAGPIE_DATASETS"];
if (root === undefined) throw new Error("Set MAGPIE_DATASETS to the folder of the data sets.");
const read = (path: string): string => gunzipSync(readFileSync(join(root, path))).toString("utf8");
const jsonLines = <T>(path: string): T[] =>
  read(path)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);

const variants: Item["variants"] = [
  { id: "v", price: { amount: 1, currency: "CNY" }, availability: { available: true } },
];
const lines: string[] = [];
const mean = (sample: readonly number[]): number =>
  sample.reduce((a, b) => a + b, 0) / Math.max(1, sample.length);

/** 95 % interval of what `of` gives over draws of groups, each draw seen by both methods alike. */
function interval(groups: number, of: (drawn: readonly number[]) => number): string {
  const random = seededRandom(11, "bootstrap");
  const draws = Array.from({ length: 1000 }, () =>
    of(Array.from({ length: groups }, () => random.int(groups))),
  ).sort((a, b) => a - b);
  const signed = (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
  return `${signed(draws[25]!)} … ${signed(draws[974]!)}`;
}

type Match = (query: string, text: string) => number;

const jieba = Jieba.withDict(dict);
const hasWord = /[\p{L}\p{N}]/u;
const jiebaWords = (text: string): string[] =>
  jieba.cut(text.toLowerCase(), true).filter((word) => hasWord.test(word));
const bigramsOf = (text: string): string[] => {
  const letters = [...text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")];
  return letters.length < 2 ? letters : letters.slice(1).map((letter, i) => letters[i]! + letter);
};

function share(cut: (text: string) => readonly string[]): Match {
  return (query, text) => {
    const has = new Set(cut(text));
    const asked = [...new Set(cut(query))];
    return asked.filter((term) => has.has(term)).length / Math.max(1, asked.length);
  };
}

/** Area under the ROC curve; ties count a half. */
function areaUnderCurve(
  cases: readonly { readonly score: number; readonly isMatch: boolean }[],
): number {
  const sorted = cases.toSorted((a, b) => a.score - b.score);
  let [rankSum, positives] = [0, 0];
  for (let from = 0; from < sorted.length;) {
    let to = from;
    while (to < sorted.length && sorted[to]!.score === sorted[from]!.score) to++;
    for (let i = from; i < to; i++) {
      if (!sorted[i]!.isMatch) continue;
      rankSum += (from + to + 1) / 2;
      positives++;
    }
    from = to;
  }
  const negatives = cases.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

interface Judged {
  readonly query: string;
  readonly text: string;
  readonly isMatch: boolean;
}

/** Share of right answers, each half judged by the threshold that is best on the other. */
function accuracy(cases: readonly (Judged & { readonly score: number })[]): number {
  const half = ({ query }: Judged) => createHash("sha256").update(query).digest()[0]! % 2;
  const right = (own: typeof cases, threshold: number) =>
    own.filter(({ score, isMatch }) => score >= threshold === isMatch).length;
  let total = 0;
  for (const which of [0, 1]) {
    const fit = cases.filter((one) => half(one) !== which);
    const judged = cases.filter((one) => half(one) === which);
    const thresholds = [...new Set(fit.map(({ score }) => score))].sort((a, b) => a - b);
    const best = thresholds.reduce(
      (most, one) => (right(fit, one) > right(fit, most) ? one : most),
      thresholds[0]!,
    );
    total += right(judged, best);
  }
  return total / cases.length;
}

function matching(methods: readonly (readonly [string, Match])[]): void {
  const judged = jsonLines<{ sentences: string; labels: { en: string[] } }>(
    "zh-ecominstruct-eval/ZH-Multi_CPR-CLS-query_item_matching/test.json.gz",
  ).map(({ sentences, labels }): Judged => {
    const [, query, text] = /^Query: (.*)\nDoc: ([^]*)$/u.exec(sentences)!;
    return { query: query!, text: text!, isMatch: labels.en[0] === "match" };
  });
  const queries = [...new Set(judged.map(({ query }) => query))];
  const scored = methods.map(([name, match]) => {
    const cases = judged.map((one) => ({ ...one, score: match(one.query, one.text) }));
    const byQuery = Map.groupBy(cases, ({ query }) => query);
    return { name, cases, groups: queries.map((query) => byQuery.get(query)!) };
  });
  const ours = scored.at(-1)!;
  lines.push(
    "",
    `### Query and product, match or not: ${judged.length} pairs of ${queries.length} queries`,
    "",
    "| method | AUC | ours above, 95 % | accuracy |",
    "|---|---|---|---|",
  );
  for (const { name, cases, groups } of scored) {
    const above =
      name === ours.name
        ? ""
        : interval(
            queries.length,
            (drawn) =>
              areaUnderCurve(drawn.flatMap((i) => ours.groups[i]!)) -
              areaUnderCurve(drawn.flatMap((i) => groups[i]!)),
          );
    lines.push(
      `| ${name} | ${areaUnderCurve(cases).toFixed(3)} | ${above} | ${accuracy(cases).toFixed(3)} |`,
    );
  }
}

function selection(methods: readonly (readonly [string, Match])[]): void {
  const choices = jsonLines<{ sentences: string; spans: { term: string }[] }>(
    "zh-ecominstruct-eval/ZH-Multi_CPR-Extract-product_select_2/test.json.gz",
  ).flatMap(({ sentences, spans }) => {
    const [, query, list] = /^Query: (.*)\nCandidate Document: ([^]*)$/u.exec(sentences)!;
    const right = spans[0]!.term;
    const texts = list!.replace(/\.$/u, "").split(", ");
    // A title with a comma and a space in it cannot be told from two.
    return texts.length === 4 && texts.includes(right) ? [{ query: query!, texts, right }] : [];
  });
  const results = methods.map(([, match]) =>
    choices.map(({ query, texts, right }) => {
      const scores = texts.map((text) => match(query, text));
      const best = Math.max(...scores);
      const chosen = texts.filter((_, i) => scores[i] === best);
      return chosen.includes(right) ? 1 / chosen.length : 0;
    }),
  );
  const ours = results.at(-1)!;
  lines.push(
    "",
    `### The right product of four: ${choices.length} choices`,
    "",
    "| method | right | ours above, 95 % |",
    "|---|---|---|",
  );
  methods.forEach(([name], m) => {
    const own = results[m]!;
    const above =
      own === ours
        ? ""
        : interval(choices.length, (drawn) => mean(drawn.map((i) => ours[i]! - own[i]!)));
    lines.push(`| ${name} | ${mean(own).toFixed(3)} | ${above} |`);
  });
}

interface Title {
  readonly text: string;
  /** Product types and brands: [from, to) in the text. */
  readonly names: readonly { readonly from: number; readonly to: number; readonly kind: string }[];
}

function titlesOf(file: string): Title[] {
  return read(`zh-ecommerce-ner/${file}.txt.gz`)
    .split(/\n\s*\n/u)
    .map((block): Title => {
      let text = "";
      const names: { from: number; to: number; kind: string }[] = [];
      for (const line of block.split("\n")) {
        const [character, tag] = line.trim().split(/\s+/u);
        if (character === undefined || tag === undefined) continue;
        const from = text.length;
        text += character;
        if (tag.startsWith("B-")) names.push({ from, to: text.length, kind: tag.slice(2) });
        else if (tag.startsWith("I-") && names.length > 0) names.at(-1)!.to = text.length;
      }
      return { text, names: names.filter(({ kind }) => kind === "HCCX" || kind === "HPPX") };
    })
    .filter(({ text }) => text !== "");
}

type Cut = (text: string) => readonly { readonly from: number; readonly to: number }[];

/** Words one after another, with their places. */
function placed(text: string, words: readonly string[]): { from: number; to: number }[] {
  const places: { from: number; to: number }[] = [];
  let at = 0;
  for (const word of words) {
    const from = text.indexOf(word, at);
    if (from < 0) continue;
    at = from + word.length;
    places.push({ from, to: at });
  }
  return places;
}

interface Counts {
  readonly found: number;
  readonly touching: number;
  readonly names: number;
}

function countOf({ names }: Title, cut: ReturnType<Cut>): Counts {
  const touching = cut.filter(({ from, to }) =>
    names.some((name) => from < name.to && name.from < to),
  );
  const found = names.filter((name) =>
    cut.some(({ from, to }) => from === name.from && to === name.to),
  );
  return { found: found.length, touching: touching.length, names: names.length };
}

function scoresOf(counts: readonly Counts[]) {
  const sum = (of: keyof Counts) => counts.reduce((total, one) => total + one[of], 0);
  const [precision, recall] = [sum("found") / sum("touching"), sum("found") / sum("names")];
  return { precision, recall, f1: (2 * precision * recall) / (precision + recall) };
}

async function segmentation(): Promise<void> {
  const train = titlesOf("train");
  const items = train.map(({ text, names }, i): Item => {
    const of = (kind: string) =>
      names.filter((name) => name.kind === kind).map(({ from, to }) => text.slice(from, to));
    const [brand] = of("HPPX");
    return {
      id: `t${i}`,
      title: text,
      ...(brand !== undefined && { brand }),
      categories: [...new Set(of("HCCX"))],
      variants,
    };
  });
  const index = await InvertedTextIndex.build(items);
  const lexicon = CatalogLexicon.build(items);
  const understanding = new QueryUnderstanding({
    index,
    lexicon,
    spelling: SpellingCorrector.build(new Map()),
  });
  const withOwn = Jieba.withDict(dict);
  withOwn.loadDict(
    Buffer.from(
      [...lexicon.names()]
        .filter((name) => !/\s/u.test(name))
        .map((name) => `${name} 100000 n\n`)
        .join(""),
    ),
  );
  const cuts: [string, Cut][] = [
    [
      "bigrams",
      (text) =>
        Array.from({ length: Math.ceil(text.length / 2) }, (_, i) => ({
          from: 2 * i,
          to: Math.min(text.length, 2 * i + 2),
        })),
    ],
    ["jieba", (text) => placed(text, jieba.cut(text, true))],
    ["jieba with the shop's words", (text) => placed(text, withOwn.cut(text, true))],
    [
      "ours",
      (text) => {
        const { parsed, entities } = understanding.analyse(text);
        const named = placed(
          text,
          entities.map((entity) => entity.text),
        );
        const words = placed(
          text,
          parsed.groups.map((group) => group.text),
        );
        return [
          ...named,
          ...words.filter(({ from, to }) => !named.some((one) => from < one.to && one.from < to)),
        ];
      },
    ],
  ];
  const test = titlesOf("test");
  const counted = cuts.map(([, cut]) => test.map((title) => countOf(title, cut(title.text))));
  const ours = counted.at(-1)!;
  lines.push(
    "",
    `### Product and brand words of ${test.length} titles, cut as one segment`,
    "",
    "| method | precision | recall | F1 | ours above, 95 % |",
    "|---|---|---|---|---|",
  );
  cuts.forEach(([name], m) => {
    const own = counted[m]!;
    const { precision, recall, f1 } = scoresOf(own);
    const above =
      own === ours
        ? ""
        : interval(
            test.length,
            (drawn) =>
              scoresOf(drawn.map((i) => ours[i]!)).f1 - scoresOf(drawn.map((i) => own[i]!)).f1,
          );
    lines.push(
      `| ${name} | ${precision.toFixed(3)} | ${recall.toFixed(3)} | ${f1.toFixed(3)} | ${above} |`,
    );
  });
}

const empty = await InvertedTextIndex.build([]);
const kinds = new Set(["word", "pair", "character", "segment", "quantity"]);
const termsOf = (text: string): string[] =>
  empty.tokens(text).flatMap(({ term, kind }) => (kinds.has(kind) ? [String(term)] : []));
const logged = read("zh-multicpr-ecom-queries/train.query.txt.gz")
  .trim()
  .split("\n")
  .map((line) => line.split("\t")[1]!);
const coverage = QueryCoverage.build(logged, termsOf);
const methods: [string, Match][] = [
  ["bigrams", share(bigramsOf)],
  ["jieba", share(jiebaWords)],
  ["ours", (query, text) => coverage.of(query, text)],
];
matching(methods);
selection(methods);
await segmentation();
const report = [
  "# Chinese queries, measured",
  "",
  `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()} · Node ${process.version}`,
  "",
  "    node bench/chinese-queries.ts",
  ...lines,
  "",
].join("\n");
process.stdout.write(report);
writeFileSync(join(import.meta.dirname, "results", "chinese-queries.md"), report);
