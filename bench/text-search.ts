/**
 * The embedded text index: size, building, opening and query times on a synthetic bilingual
 * catalogue, and relevance on a judged one when its folder is given.
 *
 *     node bench/text-search.ts [--items 100000] [--chorus DIR]
 *
 * Synthetic: English titles of 8 words and descriptions of 15 from a Zipf vocabulary of 20,000,
 * Chinese titles of 5 words. Queries are words of titles, so that each has an answer.
 *
 * Chorus: products and rated queries of the querqy/chorus e-commerce set (DIR holds
 * products-*.json.zip and Broad_Query_Set_rated.dev.csv). NDCG@10 with gain 2^rating − 1, ideal
 * from the rated products, unrated hits counted as 0; queries without any relevant rating are left
 * out. Writes bench/results/text-search.md.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { inflateRawSync } from "node:zlib";
import type { Item } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { InvertedTextIndex, ItemFilterIndex, type ItemSet } from "@magpie/retrieval";

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "100000" },
    chorus: { type: "string" },
  },
});
const count = Number(values.items);
const random = seededRandom(1, "text-search");
/** Zipf by inversion: rank r with probability about 1 / r. */
const zipf = (size: number) => Math.min(size - 1, Math.floor((size + 1) ** random.next() - 1));
const pick = <T>(list: readonly T[]): T => list[random.int(list.length)]!;

const variants: Item["variants"] = [
  {
    id: "v",
    price: { amount: 1000, currency: "EUR" },
    availability: { available: true },
  },
];

const syllables = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu".split(" ");
const english = Array.from({ length: 20_000 }, (_, i) =>
  Array.from({ length: 2 + (i % 3) }, () => pick(syllables)).join(""),
);
const chinese = (
  "运动鞋 连衣裙 耐克 手机壳 透气 男子 女士 夏季 新款 跑步鞋 防水 轻便 休闲 羽绒服 背包 笔记本电脑 " +
  "充电宝 蓝牙耳机 保温杯 牛仔裤 半身裙 沙发 台灯 面膜 口红"
).split(" ");

const lines: string[] = [];
const ms = (value: number) => `${value.toFixed(2)} ms`;

/** Nearest-rank quantile. */
function quantile(sample: readonly number[], share: number): number {
  const sorted = sample.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

async function speed(): Promise<void> {
  const items = Array.from({ length: count }, (_, i): Item => {
    const words = (length: number) =>
      Array.from({ length }, () => english[zipf(english.length)]!).join(" ");
    return {
      id: `i${i}`,
      title: words(8),
      description: words(15),
      brand: `${english[19_000 + random.int(500)]!} ${pick(chinese)}`,
      categories: [`c${random.int(10)} > ${english[random.int(100)]!}`],
      locales: {
        zh: { title: Array.from({ length: 5 }, () => chinese[zipf(chinese.length)]!).join("") },
      },
      variants,
    };
  });
  const began = performance.now();
  const built = await InvertedTextIndex.build(items);
  const builtSeconds = (performance.now() - began) / 1000;
  const bytes = built.toBytes();
  const opening = performance.now();
  const index = await InvertedTextIndex.open(bytes);
  const openedMs = performance.now() - opening;
  const first = performance.now();
  index.search("运动鞋", { limit: 20 });
  const firstMs = performance.now() - first;

  const someWords = (n: number) => {
    const title = pick(items).title.split(" ");
    return Array.from({ length: n }, () => pick(title)).join(" ");
  };
  const withTypo = (word: string) => {
    const at = 1 + random.int(word.length - 1);
    return word.slice(0, at) + word.slice(at + 1);
  };
  const filter = ItemFilterIndex.build(items, () => undefined).compile({ categories: ["c1"] });
  const many = <T>(make: (i: number) => T): T[] => Array.from({ length: 300 }, (_, i) => make(i));
  const cases: [string, string[], ItemSet?][] = [
    ["1 to 3 words", many((i) => `${someWords(1 + (i % 3))} `)],
    ["the last word still being typed", many((i) => someWords(1 + (i % 3)).slice(0, -1))],
    ["one word with a letter left out", many(() => `${withTypo(someWords(1))} `)],
    ["two Chinese words", many(() => pick(chinese) + pick(chinese))],
    ["pinyin", many((i) => ["yundongxie", "naike", "lianyiqun", "sjk"][i % 4]!)],
    ["1 to 3 words in a tenth of the items", many((i) => `${someWords(1 + (i % 3))} `), filter],
  ];
  lines.push(
    "",
    `## ${count.toLocaleString("en")} synthetic products`,
    "",
    `Built in ${builtSeconds.toFixed(1)} s; ${(bytes.length / 1e6).toFixed(0)} MB; opened in ` +
      `${ms(openedMs)}; first Chinese query, which loads the dictionary, ${ms(firstMs)}.`,
    "",
    "| query, 20 best | p50 | p99 | hits, mean |",
    "|---|---|---|---|",
  );
  for (const [name, queries, within] of cases) {
    const times: number[] = [];
    let hits = 0;
    for (let round = 0; round < 3; round++) {
      for (const query of queries) {
        const start = performance.now();
        const answer = index.search(query, { limit: 20, ...(within && { filter: within }) });
        times.push(performance.now() - start);
        hits += answer.total;
      }
    }
    const mean = Math.round(hits / times.length).toLocaleString("en");
    lines.push(
      `| ${name} | ${ms(quantile(times, 0.5))} | ${ms(quantile(times, 0.99))} | ${mean} |`,
    );
  }
}

/** Content of a zip file with one deflated member. */
function unzipOne(file: string): string {
  const bytes = readFileSync(file);
  const nameLength = bytes.readUInt16LE(26);
  const extraLength = bytes.readUInt16LE(28);
  return inflateRawSync(bytes.subarray(30 + nameLength + extraLength)).toString("utf8");
}

interface ChorusProduct {
  readonly id: string;
  readonly title?: string;
  readonly supplier?: string;
  readonly short_description?: string;
  readonly [attribute: `attr_t_${string}`]: unknown;
}

async function relevance(directory: string): Promise<void> {
  const products = globSync(join(directory, "products-*.json.zip"))
    .sort()
    .flatMap((file) => JSON.parse(unzipOne(file)) as ChorusProduct[]);
  const items = products.map((product): Item => ({
    id: product.id,
    title: product.title ?? product.id,
    ...(product.supplier && { brand: product.supplier }),
    ...(product.short_description && { description: product.short_description }),
    attributes: Object.fromEntries(
      Object.entries(product)
        .filter(([name]) => name.startsWith("attr_t_"))
        .map(([name, value]) => [name, String(value)]),
    ),
    variants,
  }));
  const index = await InvertedTextIndex.build(items);
  const ratings = new Map<string, Map<string, number>>();
  const rated = readFileSync(join(directory, "Broad_Query_Set_rated.dev.csv"), "utf8");
  for (const line of rated.trim().split(/\r?\n/).slice(1)) {
    const [, query, id, rating] = /^"?(.*?)"?,"?(\d+)"?,"?(\d+)"?$/.exec(line)!;
    if (!ratings.has(query!)) ratings.set(query!, new Map());
    ratings.get(query!)!.set(id!, Number(rating));
  }
  const gain = (ranked: readonly number[]) =>
    ranked.reduce((sum, rating, place) => sum + (2 ** rating - 1) / Math.log2(place + 2), 0);
  const ndcgs: number[] = [];
  const judged: number[] = [];
  for (const [query, ofQuery] of ratings) {
    const ideal = gain([...ofQuery.values()].sort((a, b) => b - a).slice(0, 10));
    if (ideal === 0) continue;
    const { items: rows } = index.search(`${query} `, { limit: 10 });
    const found = Array.from(rows, (row) => ofQuery.get(items[row - 1]!.id));
    ndcgs.push(gain(found.map((rating) => rating ?? 0)) / ideal);
    judged.push(found.filter((rating) => rating !== undefined).length / Math.max(1, found.length));
  }
  const mean = (sample: readonly number[]) => sample.reduce((a, b) => a + b, 0) / sample.length;
  lines.push(
    "",
    `## Relevance: Chorus electronics, ${items.length.toLocaleString("en")} products`,
    "",
    "| queries with a relevant product | NDCG@10 | judged among the ten best |",
    "|---|---|---|",
    `| ${ndcgs.length} | ${mean(ndcgs).toFixed(3)} | ${(100 * mean(judged)).toFixed(0)} % |`,
  );
}

await speed();
if (values.chorus !== undefined && existsSync(values.chorus)) await relevance(values.chorus);

const report = [
  "# The text index, measured",
  "",
  `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ` +
    `${cpus()[0]!.model.trim()} · Node ${process.version} · one thread, one query at a time`,
  "",
  `    node bench/text-search.ts --items ${count}${values.chorus === undefined ? "" : " --chorus DIR"}`,
  ...lines,
  "",
].join("\n");
writeFileSync(join(import.meta.dirname, "results", "text-search.md"), report);
process.stdout.write(report);
