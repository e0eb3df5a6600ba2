/**
 * The text index at the size of a large shop, and side by side with others that run inside Node.
 *
 *     node --expose-gc bench/search-speed.ts [--items 1000000] [--peers 100000] [--write]
 *
 * Products are made from real titles: those of icecat-chorus, bestbuy-catalogue, amazon-office-2018
 * and zh-ecommerce-ner under MAGPIE_DATASETS. Each has a real title of which every second word is
 * drawn again from the words of all titles by their frequency, a real brand, a category path and four
 * attributes; one in five is Chinese. So words and lengths are real, and combinations new.
 *
 * Queries are one to five words of a title and so have an answer: in English, in Chinese, one word
 * with a letter left out, one that is still being typed. "5 facets counted" is brand, categories,
 * two attributes and the price over all hits. Changes give rows new titles, each searched for at once,
 * while parts of earlier changes are merged; the last row asks everything again with all of them. Building is CPU time, the collector's
 * threads included, less the making of the products, which is timed alone.
 *
 * Side by side: the same English titles, all words asked for, 20 best with their score, and how many
 * match. MiniSearch has no limit and ranks every hit; FlexSearch has no scores, and no total beyond
 * its limit, which is set to all items; Orama tells every hit's count itself.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { create, insertMultiple, search as searchOrama } from "@orama/orama";
import type { Item } from "@magpie/domain";
import { seededRandom, type Random } from "@magpie/numerics";
import {
  CatalogLexicon,
  catalogWords,
  CategoryPredictor,
  categoryWords,
  FacetIndex,
  InvertedTextIndex,
  QueryUnderstanding,
  SpellingCorrector,
  type ItemSet,
} from "@magpie/retrieval";
import { Index as FlexIndex } from "flexsearch";
import MiniSearch from "minisearch";
import { chorusItems } from "./icecat-chorus.ts";

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "1000000" },
    peers: { type: "string", default: "100000" },
    write: { type: "boolean", default: false },
  },
});
const datasets =
  process.env["MAGPIE_DATASETS"] ?? join(import.meta.dirname, "..", "..", "shared", "data");
const has = (file: string): boolean => existsSync(join(datasets, file));
const unzipped = (file: string): string =>
  gunzipSync(readFileSync(join(datasets, file))).toString("utf8");

interface Vocabulary {
  readonly english: readonly (readonly string[])[];
  readonly chinese: readonly string[];
  readonly brands: readonly string[];
}

/** Real titles, as words; Chinese ones whole. */
function readVocabulary(): Vocabulary {
  const titles: string[] = [];
  const brands = new Set<string>();
  for (const { id, title, brand } of chorusItems(datasets)) {
    if (title !== id) titles.push(title);
    if (brand !== undefined) brands.add(brand);
  }
  if (has("bestbuy-catalogue/products_3291.json.gz")) {
    const products = JSON.parse(unzipped("bestbuy-catalogue/products_3291.json.gz")) as {
      name: string;
      brand?: string;
    }[];
    for (const { name, brand } of products) {
      titles.push(name);
      if (brand) brands.add(brand);
    }
  }
  if (has("amazon-office-2018/Office_Products.item.json.gz")) {
    const products = JSON.parse(
      unzipped("amazon-office-2018/Office_Products.item.json.gz"),
    ) as Record<string, { title?: string }>;
    for (const { title } of Object.values(products)) if (title) titles.push(title);
  }
  const chinese = has("zh-ecommerce-ner/train.txt.gz")
    ? unzipped("zh-ecommerce-ner/train.txt.gz")
        .split(/\r?\n\r?\n/)
        .map((lines) =>
          lines
            .split(/\r?\n/)
            .map((line) => line.split(" ")[0] ?? "")
            .join(""),
        )
        .filter((title) => title.length > 4)
    : [];
  if (titles.length === 0 || chinese.length === 0) {
    process.stderr.write(`No titles under ${datasets}: set MAGPIE_DATASETS to the data sets.\n`);
    process.exit(1);
  }
  return {
    english: titles.map((title) => title.split(/\s+/)),
    chinese,
    brands: [...brands],
  };
}

const vocabulary = readVocabulary();
const pick = <T>(random: Random, list: readonly T[]): T => list[random.int(list.length)]!;
const colours = "black white red blue green grey silver pink gold brown".split(" ");
const materials = "cotton steel plastic leather wood glass nylon aluminium".split(" ");

/** The same products every time they are gone through; not kept. */
function products(count: number): Iterable<Item> {
  return {
    *[Symbol.iterator]() {
      const random = seededRandom(7, "search-speed");
      for (let i = 0; i < count; i++) yield productOf(random, i);
    },
  };
}

function productOf(random: Random, i: number): Item {
  const isChinese = i % 5 === 4;
  const title = isChinese
    ? `${pick(random, vocabulary.chinese).slice(0, 18)}${pick(random, vocabulary.chinese).slice(-12)}`
    : pick(random, vocabulary.english)
        .map((word, place) =>
          place % 2 === 0 ? word : pick(random, pick(random, vocabulary.english)),
        )
        .slice(0, 14)
        .join(" ");
  return {
    id: `p${i}`,
    title: title || "product",
    brand: pick(random, vocabulary.brands),
    categories: [`Department ${random.int(12)} > Aisle ${random.int(40)} > Shelf ${random.int(9)}`],
    attributes: {
      colour: pick(random, colours),
      material: pick(random, materials),
      size: `${1 + random.int(60)} cm`,
      model: `${String.fromCharCode(65 + random.int(26))}${100 + random.int(9_900)}`,
    },
    variants: [
      {
        id: "v",
        price: { amount: 100 + random.int(50_000), currency: "EUR" },
        availability: { available: true },
      },
    ],
  };
}

const lines: string[] = [];
const ms = (value: number): string => `${value.toFixed(2)} ms`;
const seconds = (value: number): string => `${value.toFixed(1)} s`;
const whole = (value: number): string => Math.round(value).toLocaleString("en");

/** Nearest-rank quantile. */
function quantile(sample: readonly number[], share: number): number {
  const sorted = sample.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

const cpuMs = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};
const resident = (): number => {
  globalThis.gc?.();
  return process.memoryUsage.rss();
};

/** Words from titles, one and up, as someone who has seen the product would type them. */
function queriesOf(
  titles: readonly string[],
  count: number,
  seed: string,
  maxWords: number,
): string[] {
  const random = seededRandom(11, seed);
  return Array.from({ length: count }, () => {
    const words = pick(random, titles)
      .split(/\s+/)
      .map((word) => word.toLowerCase())
      .filter((word) => /^[a-z]{3,}$/.test(word));
    const wanted = 1 + random.int(maxWords);
    return words.length === 0
      ? "black"
      : Array.from({ length: wanted }, () => pick(random, words)).join(" ");
  });
}

async function large(count: number): Promise<void> {
  const generating = process.cpuUsage();
  const titles: string[] = [];
  let seen = 0;
  for (const { title } of products(count)) if (seen++ % 997 === 0) titles.push(title);
  const generated = cpuMs(generating);
  const building = process.cpuUsage();
  const built = await InvertedTextIndex.build(products(count));
  const buildMs = cpuMs(building) - 2 * generated;
  const bytes = built.toBytes();
  const facets = FacetIndex.build(products(count));
  const random = seededRandom(13, "queries");
  const english = queriesOf(titles, 300, "english", 5);
  const chinese = Array.from({ length: 300 }, () => {
    const title = pick(random, vocabulary.chinese);
    const at = random.int(Math.max(1, title.length - 4));
    return title.slice(at, at + 2 + random.int(3));
  });
  const oneWord = english.map((query) => query.split(" ")[0]!);
  const typing = english.map((query) => query.slice(0, -1));
  const typos = oneWord.map((word) => `${word[0]}${word.slice(2)} `);
  const words = english.map((query) => `${query} `);
  const mix = [...words, ...typing, ...chinese, ...typos];
  const cases: readonly QueryCase[] = [
    { name: "1 to 5 words", queries: words, withFacets: false },
    { name: "1 to 5 words, 5 facets counted", queries: words, withFacets: true },
    { name: "2 to 4 Chinese characters", queries: chinese, withFacets: false },
    { name: "2 to 4 Chinese characters, 5 facets counted", queries: chinese, withFacets: true },
    { name: "the last word still being typed", queries: typing, withFacets: false },
    { name: "one word, a letter left out", queries: typos, withFacets: false },
    { name: "all of these, 5 facets counted", queries: mix, withFacets: true },
  ];
  const before = resident();
  const copy = new Uint8Array(bytes);
  const opening = performance.now();
  const index = await InvertedTextIndex.open(copy);
  const openMs = performance.now() - opening;
  index.search("耐克运动鞋", { limit: 20 }); // loads the dictionary of Chinese words
  const opened = resident() - before;
  lines.push(
    "",
    `## ${whole(count)} products`,
    "",
    "| | |",
    "|---|---|",
    `| built, CPU time | ${seconds(buildMs / 1000)}, ${whole((1000 * count) / buildMs)} products/s |`,
    `| snapshot | ${whole(bytes.length / 1e6)} MB, ${whole(bytes.length / count)} bytes per product |`,
    `| opened | ${ms(openMs)}, ${whole(opened / 1e6)} MB resident with the Chinese dictionary |`,
    "",
    "| query, 20 best, exact total | p50 | p95 | p99 | hits, mean |",
    "|---|---|---|---|---|",
  );
  for (const one of cases) ask(one, index, facets);
  const { understanding, told } = understand(count, index);
  const understood = { ...cases.at(-1)!, name: "all of these, understood, 5 facets counted" };
  ask(understood, index, facets, understanding);
  lines.push(told);
  await change(index, count);
  ask({ ...cases.at(-1)!, name: `${cases.at(-1)!.name}, after these changes` }, index, facets);
}

/** What queries are understood by, made, saved and opened again; and what that takes. */
function understand(
  count: number,
  index: InvertedTextIndex,
): { readonly understanding: QueryUnderstanding; readonly told: string } {
  const made = process.cpuUsage();
  const saved = [
    CatalogLexicon.build(products(count)).toBytes(),
    SpellingCorrector.build(catalogWords(products(count))).toBytes(),
    CategoryPredictor.build([], titlesOf(count), (text) => categoryWords(index, text)).toBytes(),
  ] as const;
  const makeMs = cpuMs(made);
  const opening = performance.now();
  const understanding = new QueryUnderstanding({
    index,
    lexicon: CatalogLexicon.open(saved[0]),
    spelling: SpellingCorrector.open(saved[1]),
    categories: CategoryPredictor.open(saved[2]),
  });
  const openMs = performance.now() - opening;
  const [names, words, categories] = saved.map((bytes) => `${whole(bytes.length / 1e6)} MB`);
  const told = `| names, titles and codes ${names}, spelling ${words}, categories ${categories}: made in ${seconds(makeMs / 1000)} of CPU time, opened in ${ms(openMs)} | | | | |`;
  return { understanding, told };
}

/** Titles that categories are learned from, as many as training takes. */
function* titlesOf(count: number): Generator<{ readonly text: string; readonly category: string }> {
  const step = Math.max(1, Math.ceil(count / 100_000));
  let i = 0;
  for (const { title, categories } of products(count)) {
    if (i++ % step === 0) yield { text: title, category: categories![0]! };
  }
}

interface QueryCase {
  readonly name: string;
  readonly queries: readonly string[];
  readonly withFacets: boolean;
}

const facetRequests = [
  { field: "brand" },
  { field: "categories" },
  { field: "attributes.colour" },
  { field: "attributes.material" },
  { field: "price", bounds: [1_000, 5_000, 10_000, 25_000] },
];

function ask(
  { name, queries, withFacets }: QueryCase,
  index: InvertedTextIndex,
  facets: FacetIndex,
  understanding?: QueryUnderstanding,
): void {
  const none = new Map<string, ItemSet>();
  const times: number[] = [];
  let hits = 0;
  for (let round = 0; round < 2; round++) {
    for (const query of queries) {
      const start = performance.now();
      const asked = understanding?.analyse(query).parsed ?? query;
      const answer = index.search(asked, { limit: 20 });
      if (withFacets) facets.counts(answer.matches, none, facetRequests);
      if (round > 0) times.push(performance.now() - start);
      hits += answer.total;
    }
  }
  lines.push(`| ${name} | ${spread(times)} | ${whole(hits / 2 / queries.length)} |`);
}

const spread = (times: readonly number[]): string =>
  [0.5, 0.95, 0.99].map((share) => ms(quantile(times, share))).join(" | ");

/** A word that no other item has. */
const newWord = (number: number): string =>
  `qzx${Array.from(String(number), (digit) => "abcdefghij"[Number(digit)]!).join("")}q`;

/** Changes titles, one at a time and many at once, and searches for each until it is found. */
async function change(index: InvertedTextIndex, count: number): Promise<void> {
  const random = seededRandom(17, "changes");
  let changed = 0;
  for (const [most, times] of [
    [1, 1_000],
    [100, 50],
    [5_000, 4],
  ] as const) {
    const size = Math.min(most, count >> 1);
    const waits: number[] = [];
    for (let i = 0; i < times; i++) {
      const items = new Map<number, Item>();
      while (items.size < size) {
        const item = productOf(random, count + changed);
        const row = 1 + random.int(count);
        if (!items.has(row))
          items.set(row, { ...item, title: `${item.title} ${newWord(changed++)}` });
      }
      const start = performance.now();
      await index.update(items);
      if (index.search(`${newWord(changed - 1)} `, { limit: 20 }).total !== 1) {
        throw new Error(`internal: change ${changed - 1} is not found`);
      }
      waits.push(performance.now() - start);
    }
    lines.push(`| ${whole(size)} changed, until found, ${times} times | ${spread(waits)} | 1 |`);
  }
}

interface Peer {
  readonly name: string;
  readonly build: (
    titles: readonly string[],
  ) => Promise<(query: string) => number> | ((query: string) => number);
}

/** Each returns how many titles have all words, having fetched the 20 best. */
const peers: readonly Peer[] = [
  {
    name: "Magpie",
    build: async (titles) => {
      const variants = productOf(seededRandom(1, "variants"), 0).variants;
      const index = await InvertedTextIndex.build(
        titles.map((title, i): Item => ({ id: `p${i}`, title, variants })),
      );
      return (query) => index.search(`${query} `, { limit: 20, mode: "all", explain: false }).total;
    },
  },
  {
    name: "MiniSearch 7.2",
    build: (titles) => {
      const index = new MiniSearch({ fields: ["title"] });
      index.addAll(titles.map((title, id) => ({ id, title })));
      return (query) => index.search(query, { combineWith: "AND" }).length;
    },
  },
  {
    name: "FlexSearch 0.8",
    build: (titles) => {
      const index = new FlexIndex({ tokenize: "strict" });
      for (const [id, title] of titles.entries()) index.add(id, title);
      return (query) => index.search(query, { limit: titles.length }).length;
    },
  },
  {
    name: "SQLite FTS5",
    build: (titles) => {
      const database = new DatabaseSync(":memory:");
      database.exec("create virtual table t using fts5(title, content='', tokenize='unicode61')");
      database.exec("begin");
      const add = database.prepare("insert into t(rowid, title) values (?, ?)");
      for (const [id, title] of titles.entries()) add.run(id + 1, title);
      database.exec("commit");
      const best = database.prepare(
        "select rowid, rank from t where t match ? order by rank limit 20",
      );
      const count = database.prepare("select count(*) as n from t where t match ?");
      return (query) => {
        const words = query
          .split(" ")
          .map((word) => `"${word}"`)
          .join(" ");
        best.all(words);
        return count.get(words)!["n"] as number;
      };
    },
  },
];

async function sideBySide(count: number): Promise<void> {
  const titles: string[] = [];
  for (const { title } of products(2 * count)) {
    if (/^[\x20-\x7e]*$/.test(title)) titles.push(title);
    if (titles.length === count) break;
  }
  const queries = queriesOf(titles, 200, "peers", 3);
  lines.push(
    "",
    `## Side by side, ${whole(titles.length)} English titles`,
    "",
    "| engine | built | p50 | p95 | hits, mean |",
    "|---|---|---|---|---|",
  );
  for (const { name, build } of peers) {
    const start = performance.now();
    const search = await build(titles);
    const built = performance.now() - start;
    const times: number[] = [];
    let hits = 0;
    for (let round = 0; round < 2; round++) {
      for (const query of queries) {
        const began = performance.now();
        const found = search(query);
        if (round === 0) continue;
        times.push(performance.now() - began);
        hits += found;
      }
    }
    lines.push(
      `| ${name} | ${seconds(built / 1000)} | ${ms(quantile(times, 0.5))} | ` +
        `${ms(quantile(times, 0.95))} | ${(hits / queries.length).toFixed(1)} |`,
    );
  }
  await orama(titles, queries.slice(0, 50));
}

/** Fewer queries, one round: at this size they take a tenth of a second and more each. */
async function orama(titles: readonly string[], queries: readonly string[]): Promise<void> {
  const start = performance.now();
  const index = create({ schema: { title: "string" } as const });
  await insertMultiple(
    index,
    titles.map((title) => ({ title })),
    1_000,
  );
  const built = performance.now() - start;
  const times: number[] = [];
  let hits = 0;
  for (const term of queries) {
    const began = performance.now();
    const { count } = await searchOrama(index, { term, threshold: 0, exact: false, limit: 20 });
    times.push(performance.now() - began);
    hits += count;
  }
  lines.push(
    `| Orama 3.1 (${queries.length} queries) | ${seconds(built / 1000)} | ` +
      `${ms(quantile(times, 0.5))} | ${ms(quantile(times, 0.95))} | ${(hits / queries.length).toFixed(1)} |`,
  );
}

if (Number(values.items) > 0) await large(Number(values.items));
if (Number(values.peers) > 0) await sideBySide(Number(values.peers));

const report = [
  "# Text search: speed",
  "",
  `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()} · ` +
    `Node ${process.version} · one thread, one query at a time`,
  "",
  `    node --expose-gc bench/search-speed.ts --items ${values.items} --peers ${values.peers} --write`,
  ...lines,
  "",
].join("\n");
process.stdout.write(report);
if (values.write) {
  writeFileSync(join(import.meta.dirname, "results", "search-speed.md"), report);
}
