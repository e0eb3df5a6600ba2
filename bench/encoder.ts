/**
 * How well encoders put texts of one meaning together, in English, in Chinese and across.
 *
 *     node bench/encoder.ts
 *
 * Reads MAGPIE_DATASETS; nothing of these sets took part in making the embedded table, and nothing
 * is fitted here. Writes bench/results/encoder.md.
 */
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { simulateShop } from "@magpie/data";
import { EmbeddedEncoder } from "@magpie/encoder";
import { ExactVectorIndex } from "@magpie/retrieval";
import { writeSection } from "./write-section.ts";

const datasets =
  process.env["MAGPIE_DATASETS"] ?? join(import.meta.dirname, "..", "..", "shared", "data");
if (!existsSync(datasets)) {
  process.stderr.write(`${datasets} is not there; set MAGPIE_DATASETS.\n`);
  process.exit(2);
}
const read = (...path: string[]): string =>
  gunzipSync(readFileSync(join(datasets, ...path))).toString("utf8");

/** Encodes texts into rows of length 1. */
interface Contender {
  readonly name: string;
  readonly width: number;
  encode(texts: readonly string[]): Promise<Float32Array>;
}

/** Letters alone, no meaning: hashed 1- to 3-grams, each counted once. The floor. */
const letterGrams: Contender = {
  name: "letter n-grams, hashed",
  width: 2_048,
  async encode(texts) {
    const { width } = this;
    const vectors = new Float32Array(texts.length * width);
    texts.forEach((text, i) => {
      const letters = [...text.toLowerCase()];
      const grams = new Set<string>();
      for (const length of [1, 2, 3]) {
        for (let at = 0; at + length <= letters.length; at++) {
          grams.add(letters.slice(at, at + length).join(""));
        }
      }
      for (const gram of grams) {
        let hash = 0x811c9dc5;
        for (const letter of gram) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
        vectors[i * width + ((hash >>> 0) % width)] = 1;
      }
      const row = vectors.subarray(i * width, (i + 1) * width);
      const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)) || 1;
      row.forEach((value, d) => (row[d] = value / length));
    });
    return vectors;
  },
};

/** Queries whose one right answer stands in a list of texts. */
interface Retrieval {
  readonly name: string;
  readonly queries: readonly string[];
  readonly texts: readonly string[];
  /** Place of the right text of each query. */
  readonly right: readonly number[];
}

/** Pairs that go together or do not. */
interface Pairs {
  readonly name: string;
  readonly pairs: readonly { readonly a: string; readonly b: string; readonly together: boolean }[];
}

function paired(name: string, pairs: readonly (readonly [string, string])[]): Retrieval {
  const texts = [...new Set(pairs.map(([, text]) => text))];
  const places = new Map(texts.map((text, place) => [text, place]));
  return {
    name,
    queries: pairs.map(([query]) => query),
    texts,
    right: pairs.map(([, text]) => places.get(text)!),
  };
}

function retrievals(): Retrieval[] {
  const products = JSON.parse(read("bestbuy-catalogue", "products_3291.json.gz")) as {
    readonly name: string;
    readonly description?: string;
  }[];
  const described = products.filter(({ description }) => description).slice(0, 1_500);
  const beauty = read("amazon-beauty", "item_text.jsonl.gz")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { title: string; categories: string[][] })
    .filter(({ title, categories }) => title && (categories[0]?.length ?? 0) > 2)
    .slice(0, 3_000);
  const shop = simulateShop({
    seed: 11,
    size: { items: 1_500, shoppers: 10, events: 100, days: 30 },
    nowMs: Date.UTC(2026, 0, 1),
  });
  const titles = shop.items.flatMap(({ title, locales }) => {
    const chinese = locales?.["zh"]?.title;
    return chinese === undefined ? [] : [[title, chinese] as const];
  });
  return [
    paired(
      "EN: bestbuy description → name",
      described.map(({ name, description }) => [description!, name]),
    ),
    paired(
      "EN: amazon-beauty title → last category",
      beauty.map(({ title, categories }) => [title, categories[0]!.at(-1)!]),
    ),
    paired("EN → ZH: simulated shop, titles", titles),
    paired(
      "ZH → EN: simulated shop, titles",
      titles.map(([english, chinese]) => [chinese, english]),
    ),
    paired(
      "ZH: zh-ecominstruct, query → its document among all documents",
      matching().flatMap(({ a, b, together }) => (together ? [[a, b] as const] : [])),
    ),
  ];
}

function labelled(folder: string, yes: string): { text: string; together: boolean }[] {
  return read("zh-ecominstruct-eval", folder, "test.json.gz")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { sentences: string; labels: { en: string[] } })
    .map(({ sentences, labels }) => ({ text: sentences, together: labels.en[0] === yes }));
}

function matching(): Pairs["pairs"][number][] {
  return labelled("ZH-Multi_CPR-CLS-query_item_matching", "match").map(({ text, together }) => {
    const [, a, b] = /^Query: ([^]*)\nDoc: ([^]*)$/.exec(text)!;
    return { a: a!, b: b!, together };
  });
}

function pairSets(): Pairs[] {
  return [
    { name: "ZH: zh-ecominstruct, query ↔ item", pairs: matching() },
    {
      name: "ZH: zh-ecominstruct, same product or not",
      pairs: labelled("ZH-OpenBG_Align-CLS-item_align", "same").map(({ text, together }) => {
        const [, a, b] = /^Item 1: ([^]*?),\nItem 2: ([^]*)$/.exec(text)!;
        return { a: a!, b: b!, together };
      }),
    },
  ];
}

/** Share of queries whose right text is nearest, and the mean of 1 / rank. */
async function retrieve(encoder: Contender, { queries, texts, right }: Retrieval) {
  const { width } = encoder;
  const rows = new Float32Array((texts.length + 1) * width);
  rows.set(await encoder.encode(texts), width);
  const index = new ExactVectorIndex(rows, width);
  const vectors = await encoder.encode(queries);
  let first = 0;
  let reciprocal = 0;
  queries.forEach((_, q) => {
    const { items } = index.search(vectors.slice(q * width, (q + 1) * width), texts.length);
    const rank = items.indexOf(right[q]! + 1) + 1;
    if (rank === 1) first++;
    if (rank > 0) reciprocal += 1 / rank;
  });
  return { recallAt1: first / queries.length, mrr: reciprocal / queries.length };
}

/** Chance that a pair that goes together scores above one that does not. */
async function areaUnderCurve(encoder: Contender, { pairs }: Pairs): Promise<number> {
  const { width } = encoder;
  const [left, right] = await Promise.all([
    encoder.encode(pairs.map(({ a }) => a)),
    encoder.encode(pairs.map(({ b }) => b)),
  ]);
  const scores = pairs.map((_, i) => {
    let sum = 0;
    for (let d = i * width; d < (i + 1) * width; d++) sum += left[d]! * right[d]!;
    return sum;
  });
  const of = (together: boolean) => scores.filter((_, i) => pairs[i]!.together === together);
  const [yes, no] = [of(true), of(false)];
  let above = 0;
  for (const a of yes) for (const b of no) above += a > b ? 1 : a === b ? 0.5 : 0;
  return above / (yes.length * no.length);
}

async function speed(encoder: Contender): Promise<string> {
  const titles = retrievals()[0]!.texts;
  await encoder.encode(titles);
  const started = performance.now();
  await encoder.encode(titles);
  return `${Math.round((1_000 * titles.length) / (performance.now() - started)).toLocaleString("en")}`;
}

const contenders: Contender[] = [letterGrams, await EmbeddedEncoder.open()];
const rows: string[][] = [];
for (const set of retrievals()) {
  const cells = [];
  for (const encoder of contenders) {
    const { recallAt1, mrr } = await retrieve(encoder, set);
    cells.push(`${recallAt1.toFixed(3)} / ${mrr.toFixed(3)}`);
  }
  rows.push([set.name, `${set.queries.length} × ${set.texts.length}`, "R@1 / MRR", ...cells]);
}
for (const set of pairSets()) {
  const cells = [];
  for (const encoder of contenders) cells.push((await areaUnderCurve(encoder, set)).toFixed(3));
  rows.push([set.name, `${set.pairs.length} pairs`, "AUC", ...cells]);
}
const speeds = [];
for (const encoder of contenders) speeds.push(await speed(encoder));
rows.push(["speed on product names, one thread", "", "texts/s", ...speeds]);

const head = ["task", "size", "measure", ...contenders.map(({ name }) => name)];
const table = [head, head.map(() => "---"), ...rows]
  .map((cells) => `| ${cells.join(" | ")} |`)
  .join("\n");
const section = `### Texts of one meaning

${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()} · Node ${process.version}

    node bench/encoder.ts

Each query has one right text among all texts of its set; nothing is fitted, so there is no seed but
the simulated shop's (11).

${table}
`;
await writeSection(
  join(import.meta.dirname, "results", "encoder.md"),
  "Text encoders, measured",
  section,
);
process.stdout.write(section);
