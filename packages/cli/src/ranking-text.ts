import type { RankedItem, ServedRanking } from "@magpie/engine";
import type { Item, Reason } from "@magpie/domain";
import { table } from "./tables.ts";

/** "19.99 USD" */
export function priceText({ amount, currency }: Item["variants"][number]["price"]): string {
  const digits =
    new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions()
      .maximumFractionDigits ?? 2;
  return `${(amount / 10 ** digits).toFixed(digits)} ${currency}`;
}

function reasonText(reason: Reason): string {
  switch (reason.kind) {
    case "history-item":
      return `past item ${reason.itemId} (${Math.round(100 * reason.share)} % of the match)`;
    case "bought-together":
      return `goes with ${reason.itemId}`;
    case "similar-to":
      return `like ${reason.itemId}`;
    case "popular":
      return reason.days === null ? "popular" : `popular in ${reason.days} days`;
    case "query-match":
      return `has ${reason.words.join(", ")}`;
    case "similar-meaning":
      return "means the same";
    case "likely-category":
      return `is ${reason.category}`;
    case "learned":
      return `learned from ${reason.signal}${reason.itemId === undefined ? "" : ` (${reason.itemId})`}`;
    case "rule":
      return `${reason.effect ?? "rule"}${reason.ruleId === undefined ? "" : " by"} ${reason.rule}`;
    case "sequence-model":
      return "fits the order of acts";
    case "diversity":
      return "for variety";
    case "exploration":
      return "new, given a chance";
    default:
      return reason satisfies never;
  }
}

/** The two reasons that speak most for it. A pin adds nothing to a score and says all. */
function mainReasons({ contributions }: RankedItem): string {
  const weightOf = ({ amount, reason }: RankedItem["contributions"][number]): number =>
    reason.kind === "rule" && reason.effect === "pinned" ? Infinity : amount;
  return contributions
    .filter((one) => weightOf(one) > 0)
    .toSorted((a, b) => weightOf(b) - weightOf(a))
    .slice(0, 2)
    .map(({ reason }) => reasonText(reason))
    .join("; ");
}

/** How a search read its query, where that is worth a line. */
function readingNotes({ understood, instead }: ServedRanking): string[] {
  if (understood === undefined) return [];
  const { corrections, didYouMean, text, priceCents, answeredBy } = understood;
  const bounds = [
    priceCents?.min !== undefined && `from ${priceCents.min}`,
    priceCents?.max !== undefined && `up to ${priceCents.max}`,
  ].filter((bound) => bound !== false);
  return [
    ...(corrections.length > 0
      ? [`searched for "${text}"; --as-typed takes words as they are typed`]
      : []),
    ...(didYouMean === undefined ? [] : [`did you mean "${didYouMean}"?`]),
    ...(bounds.length > 0
      ? [`prices ${bounds.join(" and ")} in minor units, as the query says`]
      : []),
    ...(["all", "nothing"].includes(answeredBy) ? [] : [`no item has all words: ${answeredBy}`]),
    ...(instead === undefined
      ? []
      : [
          `what sells${instead.by === "category" ? ` in ${instead.category}` : ""}: ` +
            instead.items
              .slice(0, 3)
              .map(({ item }) => item.id)
              .join(", "),
        ]),
  ];
}

/** A ranking for people: places, titles, prices, why; then where the time went. */
export function rankingText(ranking: ServedRanking, locale: string): string {
  const title = (item: Item): string => item.locales?.[locale]?.title ?? item.title;
  const times = ranking.timings.map(({ stage, ms }) => `${stage} ${ms.toFixed(1)}`).join(", ");
  return [
    ranking.items.length === 0
      ? "Nothing to show."
      : table(
          ["", "item", "title", "price", "score", "why"],
          ranking.items.map((ranked) => [
            ranked.position,
            ranked.item.id,
            title(ranked.item),
            priceText(ranked.item.variants[0]!.price),
            ranked.score.toFixed(3),
            mainReasons(ranked),
          ]),
          [0, 3, 4],
        ),
    ...(ranking.total === undefined ? [] : [`${ranking.total} in all`]),
    ...readingNotes(ranking),
    `snapshot ${ranking.snapshot}, pipeline ${ranking.pipeline}; ms: ${times}`,
  ].join("\n");
}
