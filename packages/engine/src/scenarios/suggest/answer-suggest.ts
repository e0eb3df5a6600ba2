import type { Item, UserId } from "@magpie/domain";
import { queryKey } from "@magpie/retrieval";
import type { ServedSuggestions, SuggestRequest } from "../../engine.ts";
import type { LiveHistories } from "../../live/histories.ts";
import type { RecentSearches } from "../../live/recent-searches.ts";
import type { ItemRecords } from "../../live/records.ts";
import type { CompiledRules } from "../../rules/compiled-rules.ts";
import { rulesWhileTyping } from "../../rules/rules-while-typing.ts";
import type { Serving } from "../../snapshot/serving.ts";
import { pageOf } from "../options.ts";
import { Stopwatch } from "../stopwatch.ts";

/** Suggestions of each kind when the caller does not say how many. */
const defaultSuggestions = 8;
/** Acts whose categories are the context of what is typed now. */
const contextActs = 5;

/** What suggesting needs beside a snapshot. */
export interface SuggestParts {
  readonly histories: LiveHistories;
  readonly searches: RecentSearches;
  readonly records: ItemRecords;
  /** In force; undefined: none. */
  readonly rules: CompiledRules | undefined;
}

/**
 * Completes what is being typed: from the snapshot, the shopper's own searches, and the categories
 * of what the shopper did last, which go up. Products that a rule hides from a search for what is typed
 * are not suggested; pages that rules lead to are.
 *
 * @throws {RequestError} `INVALID_LIMIT`
 */
export async function answerSuggest(
  serving: Serving,
  parts: SuggestParts,
  { query, user, limit: asked = defaultSuggestions, locale = "en", ...tags }: SuggestRequest,
  nowMs: number,
): Promise<ServedSuggestions> {
  const watch = new Stopwatch();
  const { limit } = pageOf({ limit: asked });
  const [recent, context] =
    user === undefined
      ? [[], []]
      : await Promise.all([parts.searches.of(user), contextOf(parts, user)]);
  watch.lap("understand");
  const { suggester, catalog, words } = serving;
  const request = { ...tags, scenario: "search", nowMs, locale, query };
  const ruled = parts.rules && rulesWhileTyping(parts.rules, words, request, limit);
  if (ruled !== undefined) watch.lap("rules");
  const redirects = ruled?.redirects ?? [];
  if (suggester === undefined) {
    const nothing = { queries: [], products: [], categories: [], brands: [] };
    return { ...nothing, redirects, recent: [], rung: "as-typed", timings: watch.timings };
  }
  const found = suggester.suggest(query, { limit, context, recent }, nowMs, ruled?.filter);
  watch.lap("suggest");
  const records = await parts.records.getMany(found.products.map(({ id }) => id!));
  const products = records.filter(
    (item, i): item is Item =>
      // Called otherwise by now: it is suggested by its new name, too.
      item !== undefined && queryKey(item.title) === queryKey(found.products[i]!.text),
  );
  watch.lap("records");
  return {
    recent: found.recent,
    queries: found.queries,
    products,
    categories: found.categories.map(({ id }) => ({
      path: id!,
      label: catalog.categoryLabel(id!, locale),
    })),
    brands: found.brands.map(({ id }) => id!),
    redirects,
    rung: found.rung,
    timings: watch.timings,
  };
}

/** Categories of the items that the shopper's last acts were about. */
async function contextOf(
  { histories, records }: SuggestParts,
  user: UserId,
): Promise<readonly string[]> {
  const acts = await histories.of(user);
  const ids = new Set(acts.slice(-contextActs).map(({ itemId }) => itemId));
  const items = await records.getMany([...ids]);
  return [...new Set(items.flatMap((item) => item?.categories?.[0] ?? []))];
}
