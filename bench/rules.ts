/**
 * What merchandisers' rules cost a search: nothing without any, and how much with up to ten thousand.
 *
 *     node bench/rules.ts [--searches 2000] [--write]
 *
 * A simulated shop of 5,000 items. Rules are made from its titles, brands and pages: 60 % ask for one or
 * two words, 10 % for a brand by a placeholder, 20 % for a tag of the page, 5 % for a segment, 5 % for
 * a language or a device alone; each pins, hides, boosts, buries, filters or shows a banner. Searches are
 * one to three words of a title, a third of them with a tag. Times are CPU time of the process, so that
 * what else runs on the machine does not count: of finding the rules that hold and joining what they
 * ask for, and of whole searches, by no rule, by none that holds and by all, in turns.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { simulateShop } from "@magpie/data";
import type { Item, Rule, RuleCondition } from "@magpie/domain";
import { openEngine, type Engine, type SearchOptions } from "@magpie/engine";
import { seededRandom, type Random } from "@magpie/numerics";
import { effectsOf, RuleMatcher, wordsOfQuery, type FacetWords } from "@magpie/ranking";
import { fillEngine, trainEngine } from "./filled-engine.ts";
import { writeSection } from "./write-section.ts";

const { values: flags } = parseArgs({
  options: {
    searches: { type: "string", default: "2000" },
    write: { type: "boolean", default: false },
  },
});
const searches = Number(flags.searches);
const sizes = [0, 100, 1_000, 10_000];
const nowMs = Date.parse("2026-06-01T12:00:00Z");
const recipe = { sasrec: { width: 16, blocks: 1, feedForward: 32, epochs: 1, historyLimit: 16 } };

const pick = <T>(random: Random, list: readonly T[]): T => list[random.int(list.length)]!;

/** Words of a title that stand side by side. */
function wordsOfTitle(random: Random, items: readonly Item[], count: number): string {
  const words = wordsOfQuery(pick(random, items).title).map(({ word }) => word);
  const from = random.int(Math.max(1, words.length - count + 1));
  return words.slice(from, from + count).join(" ");
}

function conditionOf(random: Random, items: readonly Item[], i: number): RuleCondition {
  const kind = random.next();
  if (kind < 0.6) {
    const match = pick(random, ["is", "starts-with", "contains"] as const);
    const count = 1 + random.int(2);
    return { query: { match, text: wordsOfTitle(random, items, count) } };
  }
  if (kind < 0.7) {
    const text = `{facet:brand} ${wordsOfTitle(random, items, 1)}`;
    return { query: { match: "contains", text } };
  }
  if (kind < 0.9) return { contexts: [`page-${i % 500}`] };
  if (kind < 0.95) return { segments: [`group-${i % 50}`] };
  return random.next() < 0.5 ? { locales: ["de"] } : { devices: ["app"] };
}

function actionsOf(random: Random, items: readonly Item[], i: number): Rule["actions"] {
  const id = () => pick(random, items).id;
  const brand = { field: "brand", anyOf: [pick(random, items).brand ?? "none"] };
  const all: readonly Rule["actions"][] = [
    { pins: [{ itemId: id(), position: 1 + random.int(20) }] },
    { hide: [id()] },
    { boosts: [{ strength: "moderate", where: [[brand]] }] },
    { buries: [{ strength: "weak", itemIds: [id()] }] },
    { filter: [[{ field: "price", min: 500 }]] },
    { banners: [{ id: `banner-${i}`, title: "Look" }] },
  ];
  return all[i % all.length]!;
}

function rulesOf(items: readonly Item[], count: number): Rule[] {
  const random = seededRandom(5, `bench/rules/${count}`);
  return Array.from({ length: count }, (_, i) => ({
    id: `rule-${i}`,
    name: `Rule ${i}`,
    conditions: [conditionOf(random, items, i)],
    actions: actionsOf(random, items, i),
  }));
}

function queriesOf(items: readonly Item[]): SearchOptions[] {
  const random = seededRandom(6, "bench/rules/queries");
  return Array.from({ length: searches }, () => ({
    query: wordsOfTitle(random, items, 1 + random.int(3)),
    limit: 20,
    isShown: false,
    ...(random.next() < 1 / 3 && { contexts: [`page-${random.int(500)}`] }),
  }));
}

/** Milliseconds of CPU that some work took. */
async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

interface Row {
  readonly rules: number;
  readonly compileMs: number;
  readonly perQueryMs: number;
  readonly dearestMs: number;
  readonly held: number;
  readonly withoutMs: number;
  readonly withMs: number;
}

/** Searches whose time is taken together: one alone is too short for the clock. */
const blockSize = 50;

async function measure(engine: Engine, items: readonly Item[], count: number): Promise<Row> {
  const rules = rulesOf(items, count);
  const queries = queriesOf(items);
  const brands = new Map(
    items.flatMap(({ brand }) =>
      brand === undefined
        ? []
        : [
            [
              wordsOfQuery(brand)
                .map(({ word }) => word)
                .join(" "),
              brand,
            ] as const,
          ],
    ),
  );
  const facets: FacetWords = {
    valueOf: (field, words) => (field === "brand" ? brands.get(words.join(" ")) : undefined),
  };
  let matcher = new RuleMatcher(rules);
  const compileMs = await cpuMs(() => (matcher = new RuleMatcher(rules)));
  let held = 0;
  const ask = ({ query, contexts }: SearchOptions): void => {
    const request = { scenario: "search", nowMs, locale: "en", query, contexts: contexts ?? [] };
    const matched = matcher.match(request, facets);
    effectsOf(matched, query);
    held += matched.length;
  };
  queries.forEach(ask); // warm
  held = 0;
  const blocks: number[] = [];
  for (let at = 0; at < queries.length; at += blockSize) {
    const block = queries.slice(at, at + blockSize);
    blocks.push((await cpuMs(() => block.forEach(ask))) / block.length);
  }

  await engine.rules.saveDraft(rules, { author: "bench" });
  await engine.rules.publish({ author: "bench" });
  const spent = { off: 0, published: 0 };
  for (const query of queries.slice(0, 200)) await engine.search(query); // warm
  for (let at = 0; at < queries.length; at += blockSize) {
    const turns = at % (2 * blockSize) === 0 ? ["off", "published"] : ["published", "off"];
    for (const choice of turns as ("off" | "published")[]) {
      spent[choice] += await cpuMs(async () => {
        for (const query of queries.slice(at, at + blockSize)) {
          await engine.search({ ...query, rules: choice });
        }
      });
    }
  }
  return {
    rules: count,
    compileMs,
    perQueryMs: blocks.reduce((sum, ms) => sum + ms, 0) / blocks.length,
    dearestMs: Math.max(...blocks),
    held: held / queries.length,
    withoutMs: spent.off / queries.length,
    withMs: spent.published / queries.length,
  };
}

const directory = mkdtempSync(join(tmpdir(), "magpie-rules-bench-"));
try {
  const shop = simulateShop({
    seed: 1,
    size: { items: 5_000, shoppers: 300, events: 15_000, days: 90 },
    nowMs,
  });
  const engine = await openEngine(directory, { recipe, now: () => nowMs });
  await fillEngine(engine, shop, nowMs);
  await trainEngine(engine);
  const rows: Row[] = [];
  for (const count of sizes) rows.push(await measure(engine, shop.items, count));
  await engine.close();

  const section = `### Rules in searches of 5,000 items

${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]!.model} · Node ${process.version} · \`node bench/rules.ts --searches ${searches}\`

Milliseconds of CPU, ${searches.toLocaleString("en")} searches. Finding: the rules that hold, and what they ask for together; the dearest of blocks of ${blockSize} searches. Whole searches in turns, by no rule and by the rules: what differs is their work too (filters, lifts, pins), and other items are found.

| rules | compiled in | finding, mean | finding, dearest | rules that hold, mean | a search by no rule | by the rules |
|---|---|---|---|---|---|---|
${rows
  .map((row) =>
    [
      row.rules.toLocaleString("en"),
      row.compileMs.toFixed(0),
      row.perQueryMs.toFixed(4),
      row.dearestMs.toFixed(4),
      row.held.toFixed(1),
      row.withoutMs.toFixed(2),
      row.withMs.toFixed(2),
    ].join(" | "),
  )
  .map((line) => `| ${line} |`)
  .join("\n")}
`;
  process.stdout.write(section);
  if (flags.write) {
    await writeSection(join(import.meta.dirname, "results", "rules.md"), "Rules", section);
  }
  if (rows.at(-1)!.dearestMs > 1) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
