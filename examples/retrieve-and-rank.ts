/**
 * From a query to a ranking with reasons: text retrieval, popularity, a blend, variety.
 *
 *     node examples/retrieve-and-rank.ts
 */
import type { Item, ServingRequest } from "@magpie/domain";
import { catalogueLikeness, LinearBlend, Mmr } from "@magpie/ranking";
import {
  InvertedTextIndex,
  ItemFilterIndex,
  PopularityRetriever,
  TextRetriever,
} from "@magpie/retrieval";

const items = [
  ["Running shoe Air", "耐克跑步鞋", "Nike"],
  ["Running shoe Air 2", "耐克跑步鞋 2", "Nike"],
  ["Trail shoe", "越野跑鞋", "Salomon"],
].map(([title, zh, brand], i): Item => {
  const price = { amount: 9900, currency: "EUR" };
  return {
    id: `shoe-${i + 1}`,
    title: title!,
    brand: brand!,
    locales: { zh: { title: zh! } },
    variants: [{ id: "v", price, availability: { available: true } }],
  };
});

const filters = ItemFilterIndex.build(items, (id) => Number(id.slice(5)));
const index = await InvertedTextIndex.build(items);
const retrievers = [
  new TextRetriever("text", { index, filters }),
  new PopularityRetriever("popular", {
    scores: Float32Array.of(0, 5, 3, 4),
    reason: { kind: "popular", days: 7 },
    filters,
  }),
];
const minMax = { kind: "min-max" } as const;
const blend = new LinearBlend({
  text: { weight: 1, normalisation: minMax },
  popular: { weight: 0.2, normalisation: minMax },
});
const variety = new Mmr(catalogueLikeness(filters), { lambda: 0.7 });

const request: ServingRequest = {
  requestId: "example",
  scenario: "search",
  nowMs: Date.now(),
  limit: 3,
  locale: "en",
  history: [],
  query: "跑步鞋",
  filter: { availableOnly: true },
  explain: true,
};
const lists = await Promise.all(
  retrievers.map(async (retriever) => ({
    retriever: retriever.name,
    candidates: await retriever.retrieve(request, 100),
  })),
);
const ranking = variety.rerank(request, await blend.rank(request, lists));
for (const { itemIndex: row, score, contributions } of ranking) {
  const why = contributions.map(
    ({ amount, stage, reason }) => `${amount.toFixed(2)} ${stage} (${reason.kind})`,
  );
  console.log(`${score.toFixed(2)}  ${items[row - 1]!.title}: ${why.join(", ")}`);
}
