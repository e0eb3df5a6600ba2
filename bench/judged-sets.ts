import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { simulateShop } from "@magpie/data";
import { feedbackWeight, type Item } from "@magpie/domain";
import type { Judgements } from "@magpie/evaluation";
import { chorusItems, chorusJudgements } from "./icecat-chorus.ts";

/** A catalogue with queries and what is right for them. */
export interface JudgedSet {
  readonly name: string;
  readonly items: readonly Item[];
  readonly judgements: Judgements;
  readonly locale: string;
  /** What shoppers took after a query before the judged queries were typed. */
  readonly takes: readonly Take[];
}

/** A click, view or purchase that a query led to. */
interface Take {
  readonly query: string;
  readonly itemId: string;
  readonly weight: number;
}

const priced: Pick<Item, "variants"> = {
  variants: [
    { id: "v", price: { amount: 100, currency: "EUR" }, availability: { available: true } },
  ],
};

/**
 * icecat-chorus, zh-ecominstruct and the queries of a simulated shop in both languages.
 *
 * @param datasets  folder of the data sets
 * @param learned   share of the simulated shop's time that is learned from and not judged
 */
export function judgedSets(datasets: string, learned = 0): JudgedSet[] {
  return [icecat(datasets), chinese(datasets), simulated("en", learned), simulated("zh", learned)];
}

function icecat(datasets: string): JudgedSet {
  return {
    name: "icecat-chorus",
    items: chorusItems(datasets),
    judgements: chorusJudgements(datasets),
    locale: "en",
    takes: [],
  };
}

/** Queries of zh-ecominstruct over all of its documents; the one that is said to match is right. */
function chinese(datasets: string): JudgedSet {
  const path = join(datasets, "zh-ecominstruct-eval", "ZH-Multi_CPR-CLS-query_item_matching");
  const lines = gunzipSync(readFileSync(join(path, "test.json.gz"))).toString("utf8");
  const ids = new Map<string, string>();
  const judgements = new Map<string, Map<string, number>>();
  for (const line of lines.trim().split("\n")) {
    const { sentences, labels } = JSON.parse(line) as {
      sentences: string;
      labels: { en: string[] };
    };
    const [, query, document] = /^Query: ([^]*)\nDoc: ([^]*)$/.exec(sentences)!;
    if (!ids.has(document!)) ids.set(document!, `d${ids.size}`);
    const grades = judgements.get(query!) ?? new Map<string, number>();
    grades.set(ids.get(document!)!, labels.en[0] === "match" ? 1 : 0);
    judgements.set(query!, grades);
  }
  const items = Array.from(ids, ([title, id]): Item => ({ id, title, locale: "zh", ...priced }));
  return { name: "zh-ecominstruct", items, judgements, locale: "zh", takes: [] };
}

/** Queries of the simulated shop's visitors and what they took after them. */
function simulated(locale: "en" | "zh", learned: number): JudgedSet {
  const days = 120;
  const nowMs = Date.UTC(2026, 0, 1);
  const shop = simulateShop({
    seed: 23,
    size: { items: 1_500, shoppers: 800, events: 40_000, days },
    nowMs,
  });
  const judgedFromMs = nowMs - (1 - learned) * days * 86_400_000;
  const typed = new Map<string, string>();
  const judgements = new Map<string, Map<string, number>>();
  const takes: Take[] = [];
  for (const { type, queryId, query, attributes, items, timestampMs } of shop.events()) {
    if (queryId === undefined) continue;
    if (type === "search" && attributes?.["locale"] === locale) typed.set(queryId, query!);
    const text = typed.get(queryId);
    if (text === undefined || (type !== "click" && type !== "view" && type !== "purchase"))
      continue;
    if (learned > 0 && timestampMs < judgedFromMs) {
      for (const { itemId } of items ?? []) {
        takes.push({ query: text, itemId, weight: feedbackWeight(type) });
      }
      continue;
    }
    const grades = judgements.get(text) ?? new Map<string, number>();
    for (const { itemId } of items ?? []) grades.set(itemId, 1);
    judgements.set(text, grades);
  }
  const some = [...judgements].filter(([, grades]) => grades.size > 0).slice(0, 400);
  return {
    name: `simulated shop, ${locale}`,
    items: shop.items,
    judgements: new Map(some),
    locale,
    takes,
  };
}
