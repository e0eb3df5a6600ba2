/**
 * Query suggestions against most-popular completion, and their speed.
 *
 *     node bench/suggest.ts [--speed 1000000]
 *
 * bestbuy-catalogue: 2,120 queries with how often each was searched, and 3,291 products. Protocol
 * (no times are known, so the split is by query): a hash of the query puts it in one of ten parts.
 * Parts 0 to 5 are the log. Queries of parts 6 and 7 (validation) and 8 and 9 (test) are unseen: no
 * method is given them. Seen targets are a half of the log's own queries, by another hash, one
 * quarter for validation and one for test. A target is asked for by each of its prefixes of two
 * characters and more that is shorter than it; each target counts the same. Reciprocal rank among the ten
 * first (0 beyond); success: among the ten first. The same again with one letter of the prefix
 * (of five characters and more) replaced by its neighbour in the alphabet.
 *
 * zh-multicpr-ecom-queries: 100,000 queries, each once, in the same way with 20 times fewer targets,
 * prefixes from one character on, and typed as pinyin; titles are those of the training part of
 * zh-ecommerce-ner.
 *
 * Most-popular completion: the log's queries that begin with the prefix, most searched first, then
 * by alphabet. Settings were chosen on validation; test was read once. Intervals: 95 %, bootstrap
 * over targets. Data from MAGPIE_DATASETS. Writes bench/results/suggest.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import type { Item } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import {
  catalogSuggestions,
  queryKey,
  Suggester,
  SuggestionIndex,
  type CatalogSuggestions,
  type LearnedQuery,
} from "@magpie/retrieval";
import { pinyin } from "pinyin-pro";

const { values } = parseArgs({
  options: { speed: { type: "string" }, part: { type: "string", default: "test" } },
});
const part = values.part as "validation" | "test";
const root = process.env["MAGPIE_DATASETS"];
if (root === undefined) throw new Error("Set MAGPIE_DATASETS to the folder of the data sets.");
const read = (path: string): string => gunzipSync(readFileSync(join(root, path))).toString("utf8");

const bucket = (text: string, salt: string, of: number): number =>
  createHash("sha256").update(`${salt}\0${text}`).digest().readUInt32LE(0) % of;

interface LogQuery {
  readonly text: string;
  readonly count: number;
}

interface Case {
  readonly typed: string;
  readonly target: string;
}

type Complete = (typed: string) => readonly string[];

/** Splits queries by hash: the log, and targets that it has and has not. */
function splitQueries(queries: readonly LogQuery[]) {
  const wanted = part === "validation" ? [6, 7] : [8, 9];
  const log = queries.filter(({ text }) => bucket(text, "part", 10) < 6);
  const unseen = queries.filter(({ text }) => wanted.includes(bucket(text, "part", 10)));
  const quarter = part === "validation" ? 0 : 1;
  const seen = log.filter(({ text }) => bucket(text, "seen", 4) === quarter);
  return { log, seen, unseen };
}

function prefixesOf(targets: readonly LogQuery[], from: number, to: number): Case[] {
  return targets.flatMap(({ text }) => {
    const letters = [...text];
    const cases: Case[] = [];
    for (let length = from; length <= to && length < letters.length; length++) {
      const typed = letters.slice(0, length).join("");
      if (typed.trim() === typed) cases.push({ typed, target: text });
    }
    return cases;
  });
}

/** One letter of the prefix, not the first, becomes the next of the alphabet. */
function misspelt(cases: readonly Case[]): Case[] {
  return cases.flatMap(({ typed, target }) => {
    if (typed.length < 5) return [];
    const at = 1 + bucket(typed + target, "typo", typed.length - 1);
    const letter = typed.charCodeAt(at);
    if (letter < 97 || letter > 121) return [];
    return [
      { typed: typed.slice(0, at) + String.fromCharCode(letter + 1) + typed.slice(at + 1), target },
    ];
  });
}

function inPinyin(cases: readonly Case[]): Case[] {
  return cases.flatMap(({ typed, target }) => {
    if (!/^\p{Script=Han}+$/u.test(typed)) return [];
    return [
      { typed: pinyin(typed, { toneType: "none", type: "array", v: true }).join(""), target },
    ];
  });
}

/** Baseline: the log's queries that begin as typed, most searched first. */
function mostPopularCompletion(log: readonly LogQuery[]): Complete {
  const sorted = log
    .map(({ text, count }) => ({ text: queryKey(text), count }))
    .sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1));
  return (typed) => {
    const found: string[] = [];
    for (const { text } of sorted) {
      if (text.startsWith(typed) && found.push(text) === 10) break;
    }
    return found;
  };
}

interface Measured {
  readonly mrr: number;
  readonly success: number;
}

/** Mean of each target's mean over its prefixes. */
function measure(cases: readonly Case[], complete: Complete): Map<string, Measured> {
  const byTarget = Map.groupBy(cases, ({ target }) => target);
  return new Map(
    Array.from(byTarget, ([target, own]) => {
      let [mrr, success] = [0, 0];
      for (const { typed } of own) {
        const rank = 1 + complete(typed).slice(0, 10).indexOf(queryKey(target));
        if (rank > 0) {
          mrr += 1 / rank / own.length;
          success += 1 / own.length;
        }
      }
      return [target, { mrr, success }];
    }),
  );
}

const mean = (sample: readonly number[]): number =>
  sample.reduce((a, b) => a + b, 0) / Math.max(1, sample.length);

/** 95 % interval of the difference of means, over targets. */
function interval(differences: readonly number[]): string {
  const random = seededRandom(7, "bootstrap");
  const means = Array.from({ length: 1000 }, () => {
    let sum = 0;
    for (let i = 0; i < differences.length; i++)
      sum += differences[random.int(differences.length)]!;
    return sum / differences.length;
  }).sort((a, b) => a - b);
  const signed = (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
  return `${signed(means[25]!)} … ${signed(means[974]!)}`;
}

const lines: string[] = [];

function table(
  title: string,
  groups: readonly (readonly [string, readonly Case[]])[],
  baseline: Complete,
  ours: Complete,
): void {
  lines.push(
    "",
    `### ${title}`,
    "",
    "| prefixes | targets | prefixes | MRR popular | MRR ours | change | difference, 95 % | success@10 popular | ours | change |",
    "|---|---|---|---|---|---|---|---|---|---|",
  );
  for (const [name, cases] of groups) {
    const [before, after] = [measure(cases, baseline), measure(cases, ours)];
    const column = (of: Map<string, Measured>, metric: keyof Measured) =>
      Array.from(of.values(), (one) => one[metric]);
    const [a, b] = [mean(column(before, "mrr")), mean(column(after, "mrr"))];
    const [c, d] = [mean(column(before, "success")), mean(column(after, "success"))];
    const change = (from: number, to: number) =>
      from === 0
        ? "from 0"
        : `${to < from ? "−" : "+"}${Math.abs(100 * (to / from - 1)).toFixed(1)} %`;
    const own = column(after, "mrr");
    const differences = column(before, "mrr").map((value, i) => own[i]! - value);
    lines.push(
      `| ${name} | ${before.size} | ${cases.length} | ${a.toFixed(3)} | ${b.toFixed(3)} | ${change(a, b)} | ` +
        `${interval(differences)} | ${c.toFixed(3)} | ${d.toFixed(3)} | ${change(c, d)} |`,
    );
  }
}

const learnedOf = (log: readonly LogQuery[]): LearnedQuery[] =>
  log.map(({ text, count }) => ({ text, searches: count, users: count, weight: count }));

function oursOf(log: readonly LogQuery[], catalog: CatalogSuggestions): Complete {
  const suggester = Suggester.build({ learned: learnedOf(log), catalog });
  return (typed) =>
    suggester.suggest(typed, { limit: 10 }).queries.map(({ text }) => queryKey(text));
}

function bestbuy(): void {
  interface Suggested {
    readonly query: string;
    readonly popularity: number;
  }
  interface Product {
    readonly name: string;
    readonly description?: string;
    readonly brand?: string;
    readonly categories?: readonly string[];
    readonly popularity?: number;
  }
  const suggested = JSON.parse(
    read("bestbuy-catalogue/instant_search_demo_query_suggestions.json.gz"),
  ) as Suggested[];
  const products = JSON.parse(read("bestbuy-catalogue/products_3291.json.gz")) as Product[];
  const items = products.map(({ name, description, brand, categories }, i): Item => ({
    id: `p${i}`,
    title: name,
    ...(description && { description }),
    ...(brand && { brand }),
    categories: [(categories ?? []).join(" > ")],
    variants: [
      { id: "v", price: { amount: 1, currency: "USD" }, availability: { available: true } },
    ],
  }));
  const { log, seen, unseen } = splitQueries(
    suggested.map(({ query, popularity }) => ({ text: query, count: popularity })),
  );
  const of = (targets: readonly LogQuery[]) => prefixesOf(targets, 2, 40);
  table(
    `bestbuy-catalogue (${log.length} queries in the log, ${items.length} products), ${part}`,
    [
      ["seen", of(seen)],
      ["unseen", of(unseen)],
      ["seen and unseen", [...of(seen), ...of(unseen)]],
      ["seen, one wrong letter", misspelt(of(seen))],
    ],
    mostPopularCompletion(log),
    oursOf(log, catalogSuggestions(items)),
  );
}

function chinese(): void {
  const queries = read("zh-multicpr-ecom-queries/train.query.txt.gz")
    .trim()
    .split("\n")
    .map((line): LogQuery => ({ text: line.split("\t")[1]!, count: 1 }));
  const titles = read("zh-ecommerce-ner/train.txt.gz")
    .split("\n\n")
    .map((block) =>
      block
        .split("\n")
        .map((line) => line.split(/\s/)[0])
        .join(""),
    )
    .filter((title) => title !== "");
  const items = titles.map((title, i): Item => ({
    id: `t${i}`,
    title,
    variants: [
      { id: "v", price: { amount: 1, currency: "CNY" }, availability: { available: true } },
    ],
  }));
  const { log, seen, unseen } = splitQueries(queries);
  const some = (list: readonly LogQuery[]) =>
    list.filter(({ text }) => bucket(text, "some", 20) === 0);
  const of = (targets: readonly LogQuery[]) => prefixesOf(some(targets), 1, 40);
  table(
    `zh-multicpr-ecom-queries (${log.length} queries in the log), ${part}`,
    [
      ["seen", of(seen)],
      ["unseen", of(unseen)],
      ["seen and unseen", [...of(seen), ...of(unseen)]],
      ["seen, typed in pinyin", inPinyin(of(seen))],
    ],
    mostPopularCompletion(log),
    oursOf(log, catalogSuggestions(items)),
  );
}

/** Times of single prefixes at a number of queries made of the words of both logs. */
function speed(count: number): void {
  const words = JSON.parse(
    read("bestbuy-catalogue/instant_search_demo_query_suggestions.json.gz"),
  ) as { readonly query: string }[];
  const english = [...new Set(words.flatMap(({ query }) => query.split(" ")))];
  const chineseQueries = read("zh-multicpr-ecom-queries/train.query.txt.gz")
    .trim()
    .split("\n")
    .map((line) => line.split("\t")[1]!);
  const random = seededRandom(3, "suggest-speed");
  const pick = <T>(list: readonly T[]): T => list[random.int(list.length)]!;
  const texts = new Set(chineseQueries);
  while (texts.size < count) {
    texts.add(Array.from({ length: 2 + random.int(3) }, () => pick(english)).join(" "));
  }
  const entries = Array.from(texts, (text) => ({ text, weight: 1 / (1e-3 + random.next()) }));
  const began = performance.now();
  const index = SuggestionIndex.build(entries);
  const built = performance.now() - began;
  const bytes = index.toBytes();
  const opening = performance.now();
  const opened = SuggestionIndex.open(bytes);
  const openedMs = performance.now() - opening;
  const all = entries.map(({ text }) => text);
  const prefixes = (make: (text: string) => string) =>
    Array.from({ length: 1000 }, () => make(pick(all)));
  const english1000 = () =>
    all[chineseQueries.length + random.int(all.length - chineseQueries.length)]!;
  const kinds: [string, string[]][] = [
    ["1 to 3 letters", prefixes((text) => text.slice(0, 1 + random.int(3)))],
    ["4 to 12 letters", prefixes((text) => text.slice(0, 4 + random.int(9)))],
    [
      "one wrong letter",
      prefixes(() => {
        const text = english1000().slice(0, 6 + random.int(8));
        const at = 1 + random.int(text.length - 1);
        return `${text.slice(0, at)}q${text.slice(at + 1)}`;
      }),
    ],
    [
      "pinyin",
      prefixes(() =>
        pinyin(pick(chineseQueries).slice(0, 4), { toneType: "none", type: "array", v: true })
          .map((syllable) => (random.int(3) === 0 ? (syllable[0] ?? "") : syllable))
          .join(""),
      ),
    ],
    ["nonsense", prefixes(() => Array.from({ length: 12 }, () => pick([..."abcdefgh"])).join(""))],
  ];
  lines.push(
    "",
    `### Speed at ${count.toLocaleString("en")} queries`,
    "",
    `Built in ${(built / 1000).toFixed(1)} s, ${(bytes.length / 1e6).toFixed(0)} MB, opened in ${openedMs.toFixed(0)} ms. Ten suggestions a prefix; one thread. "Scan": all queries filtered by prefix and sorted.`,
    "",
    "| typed | p50 | p95 | p99 | scan, p50 |",
    "|---|---|---|---|---|",
  );
  const quantile = (sample: readonly number[], share: number) =>
    sample.toSorted((a, b) => a - b)[Math.floor(share * (sample.length - 1))]!;
  for (const [name, typed] of kinds) {
    const timed = (texts: readonly string[], run: (text: string) => unknown) =>
      texts.map((text) => {
        const start = performance.now();
        run(text);
        return performance.now() - start;
      });
    timed(typed.slice(0, 100), (text) => opened.suggest(text, { limit: 10 }));
    const times = timed(typed, (text) => opened.suggest(text, { limit: 10 }));
    const scan = timed(typed.slice(0, 10), (text) =>
      entries
        .filter((entry) => entry.text.startsWith(text))
        .sort((a, b) => b.weight - a.weight)
        .slice(0, 10),
    );
    const ms = (value: number) => `${value.toFixed(2)} ms`;
    lines.push(
      `| ${name} | ${ms(quantile(times, 0.5))} | ${ms(quantile(times, 0.95))} | ${ms(quantile(times, 0.99))} | ${ms(quantile(scan, 0.5))} |`,
    );
  }
}

const machine = `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()} · Node ${process.version}`;
if (values.speed === undefined) {
  bestbuy();
  chinese();
} else speed(Number(values.speed));
const command = `node bench/suggest.ts${values.speed === undefined ? "" : ` --speed ${values.speed}`}`;
const report = [
  `# Suggestions${values.speed === undefined ? "" : ": speed"}, measured`,
  "",
  machine,
  "",
  `    ${command}`,
  ...lines,
  "",
].join("\n");
process.stdout.write(report);
if (part === "test") {
  const file = values.speed === undefined ? "suggest.md" : "suggest-speed.md";
  writeFileSync(join(import.meta.dirname, "results", file), report);
}
