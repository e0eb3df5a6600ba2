/**
 * What the embedded encoder gains by learning a shop's words.
 *
 *     node bench/encoder-adaptation.ts
 *
 * Reads MAGPIE_DATASETS. Each set is split by query, 70 : 15 : 15; the second part chooses the epoch, the
 * third is measured, once per seed. Rate and temperature were chosen on the second part of a
 * simulated shop of another seed (23). Writes bench/results/encoder-adaptation.md.
 */
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { simulateShop } from "@magpie/data";
import type { Item } from "@magpie/domain";
import { EmbeddedEncoder, type ShopExamples, type TextEncoder } from "@magpie/encoder";
import { compareSearch, evaluateSearch, type SearchEvaluation } from "@magpie/evaluation";
import { ExactVectorIndex } from "@magpie/retrieval";
import { meaningText } from "../packages/engine/src/hybrid/item-text.ts";
import { chorusItems, chorusJudgements } from "./icecat-chorus.ts";
import { writeSection } from "./write-section.ts";

const datasets =
  process.env["MAGPIE_DATASETS"] ?? join(import.meta.dirname, "..", "..", "shared", "data");
if (!existsSync(datasets)) {
  process.stderr.write(`${datasets} is not there; set MAGPIE_DATASETS.\n`);
  process.exit(2);
}
const seeds = [1, 2, 3];
const unzipped = (...path: string[]): string =>
  gunzipSync(readFileSync(join(datasets, ...path))).toString("utf8");

/** Searches of a simulated shop, in English and Chinese, with the items opened and bought after them. */
function simulated(seed: number): ShopExamples {
  const shop = simulateShop({
    seed,
    size: { items: 1_500, shoppers: 800, events: 40_000, days: 120 },
    nowMs: Date.UTC(2026, 0, 1),
  });
  const places = new Map(shop.items.map(({ id }, place) => [id, place]));
  const typed = new Map<string, string>();
  const taken = new Map<string, Set<number>>();
  for (const { type, queryId, query, items } of shop.events()) {
    if (queryId === undefined) continue;
    if (type === "search") typed.set(queryId, query!);
    const text = typed.get(queryId);
    if (text === undefined || !["click", "view", "purchase"].includes(type)) continue;
    const own = taken.get(text) ?? new Set<number>();
    taken.set(text, own);
    for (const { itemId } of items ?? []) own.add(places.get(itemId)!);
  }
  return {
    texts: shop.items.map(meaningText),
    pairs: [...taken].flatMap(([query, own]) => Array.from(own, (text) => ({ query, text }))),
  };
}

/** The name of a product asks for its description. */
function named(items: readonly { readonly name: string; readonly about: string }[]): ShopExamples {
  const known = items.filter(({ name, about }) => name !== "" && about !== "");
  return {
    texts: known.map(({ about }) => about),
    pairs: known.map(({ name }, text) => ({ query: name, text })),
  };
}

function bestBuy(): ShopExamples {
  const products = JSON.parse(unzipped("bestbuy-catalogue", "products_3291.json.gz")) as {
    readonly name: string;
    readonly description?: string;
  }[];
  return named(products.map(({ name, description = "" }) => ({ name, about: description })));
}

/** What was bought last asks for what was bought next. */
function officeBaskets(): ShopExamples {
  const items = JSON.parse(
    unzipped("amazon-office-2018", "Office_Products.item.json.gz"),
  ) as Record<string, { readonly title?: string }>;
  const ids = Object.keys(items).filter((id) => items[id]!.title);
  const places = new Map(ids.map((id, place) => [id, place]));
  const pairs: ShopExamples["pairs"][number][] = [];
  for (const part of ["valid", "test"]) {
    for (const line of unzipped("amazon-office-2018", `Office_Products_${part}.csv.gz`).split(
      "\n",
    )) {
      const found = /"?\[([\d, ]+)\]"?,(\d+),/.exec(line);
      const last = found?.[1]!.split(", ").at(-1);
      const text = found === null ? undefined : places.get(found[2]!);
      const before = last === undefined ? undefined : items[last]?.title;
      if (text !== undefined && before !== undefined) pairs.push({ query: before, text });
    }
  }
  return { texts: ids.map((id) => items[id]!.title!), pairs };
}

const sets: readonly (readonly [string, ShopExamples])[] = [
  ["simulated shop: searches → what was opened", simulated(29)],
  ["bestbuy: names → descriptions", bestBuy()],
  ["amazon-office: last bought → next bought", officeBaskets()],
];

const three = (value: number): string => value.toFixed(3);
const encoder = await EmbeddedEncoder.open();
const rows: string[] = [];
for (const [name, examples] of sets) {
  for (const seed of seeds) {
    const started = process.cpuUsage();
    const { queries, heldOut, why } = encoder.learn(examples, { seed });
    const { user } = process.cpuUsage(started);
    const { before, after, difference } = heldOut!;
    rows.push(
      `| ${name} | ${examples.texts.length} | ${queries.train} / ${queries.validation} / ${queries.heldOut} | ${seed} | ${three(before)} | ${three(after)} | ${three(difference.mean)} [${three(difference.low)}, ${three(difference.high)}] | ${why === undefined ? "yes" : "no"} | ${(user / 1e6).toFixed(0)} s |`,
    );
    process.stdout.write(`${rows.at(-1)}\n`);
  }
}

/** icecat-chorus: judged queries, which nothing is learned from; the catalogue teaches its own words. */
const items = chorusItems(datasets);
const judgements = new Map(
  [...chorusJudgements(datasets)].filter(([, grades]) => Math.max(0, ...grades.values()) > 0),
);
async function byMeaning(name: string, by: TextEncoder): Promise<SearchEvaluation> {
  const vectors = new Float32Array((items.length + 1) * by.width);
  vectors.set(await by.encode(items.map(meaningText)), by.width);
  const index = new ExactVectorIndex(vectors, by.width);
  return evaluateSearch(name, judgements, async (query, limit) => {
    const [vector] = [await by.encode([query], "query")];
    return Array.from(index.search(vector, limit).items, (row) => items[row - 1]!.id);
  });
}
const aboutOf = ({ brand = "", description = "" }: Item): string =>
  description === "" ? "" : `${brand}. ${description}`;
const learned = encoder.learn(
  named(items.map((item) => ({ name: item.title, about: aboutOf(item) }))),
  { seed: 1 },
);
const before = await byMeaning("the table as it is", encoder);
const chorus: string[] = [];
if (learned.bytes !== undefined) {
  const after = await byMeaning("adapted", encoder.adaptedBy(learned.bytes));
  const { difference, wins, ties, losses } = compareSearch(before, after, "trecNdcgAt10");
  const mean = ({ perQuery: { trecNdcgAt10: all } }: SearchEvaluation): number =>
    all.reduce((sum, value) => sum + value, 0) / all.length;
  chorus.push(
    `icecat-chorus, ${judgements.size} judged queries by meaning alone, trec nDCG@10: ${three(mean(before))} before, ${three(mean(after))} after learning from names and`,
    `descriptions of its ${items.length} products (no query of it was seen); difference ${three(difference.mean)} [${three(difference.low)}, ${three(difference.high)}], ${wins.length} better, ${ties} equal, ${losses.length} worse.`,
  );
} else chorus.push(`icecat-chorus: not used, ${learned.why}.`);
process.stdout.write(`${chorus.join("\n")}\n`);

await writeSection(
  join(import.meta.dirname, "results", "encoder-adaptation.md"),
  "The embedded encoder, adapted to a shop",
  `### Learned from searches and from a shop's own texts

${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()} · Node ${process.version}

    node bench/encoder-adaptation.ts

MRR of held-out queries among all texts, before and after, with the 95 % interval of the difference over
queries. No query is in two parts. "Used": the interval lies above 0, which is when a snapshot takes it.

| set | texts | queries: train / validation / held out | seed | before | after | difference | used | processor |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: |
${rows.join("\n")}

${chorus.join("\n")}
`,
);
