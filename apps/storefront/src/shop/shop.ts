import { createClient, type Client, type RankingResponse } from "@magpie/client";
import { QueryClient, keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useShopper, type Shopper } from "../shopper/shopper.tsx";
import { useLanguage } from "./texts.ts";

/** Where the shop's API is and with which (publishable) key; its own origin and none by default. */
export const client: Client = createClient({
  baseUrl: import.meta.env["VITE_MAGPIE_URL"] ?? location.origin,
  ...(import.meta.env["VITE_MAGPIE_KEY"] && { apiKey: import.meta.env["VITE_MAGPIE_KEY"] }),
});

export const queryClient = new QueryClient({
  defaultOptions: {
    // The client retries by itself what is worth it.
    queries: { retry: false, refetchOnWindowFocus: false, staleTime: 0 },
  },
});

/** Items per page of a feed. */
const pageSize = 12;

/** Which list is asked for; also its key in the cache. */
export type ListRequest =
  | { readonly scenario: "home-feed" | "popular"; readonly category?: string }
  | { readonly scenario: "similar-items" | "cart"; readonly contextItemId: string };

/** The shopper as requests and events name them. */
export function who(shopper: Shopper): { userId: string } | { visitorId: string } {
  return shopper.userId === undefined
    ? { visitorId: shopper.visitorId }
    : { userId: shopper.userId };
}

async function fetchList(
  request: ListRequest,
  shopper: Shopper,
  language: string,
  offset: number,
  signal: AbortSignal,
): Promise<RankingResponse> {
  const asking = { ...who(shopper), locale: language, limit: pageSize, offset, explain: true };
  switch (request.scenario) {
    case "similar-items":
    case "cart":
      return client.recommend(
        request.scenario,
        { ...asking, contextItemId: request.contextItemId },
        { signal },
      );
    default:
      return client.recommend(
        request.scenario,
        { ...asking, ...(request.category && { filter: { categories: [request.category] } }) },
        { signal },
      );
  }
}

/** A ranked list, page by page. Events not yet sent go out first, so that the answer knows them. */
export function useRanking(request: ListRequest) {
  const { shopper, actor } = useShopper();
  const language = useLanguage();
  return useInfiniteQuery({
    queryKey: ["ranking", request, actor, language],
    initialPageParam: 0,
    queryFn: async ({ pageParam, signal }) => {
      await client.flush();
      return fetchList(request, shopper, language, pageParam, signal);
    },
    getNextPageParam: (last: RankingResponse, pages) =>
      last.items.length < pageSize ? undefined : pages.length * pageSize,
  });
}

/** How many suggestions of a kind stand below the search box. */
const suggestionsPerKind = 4;

/** What half-typed words may become, for this shopper. */
export function useCompletions(words: string) {
  const { shopper, actor } = useShopper();
  const language = useLanguage();
  return useQuery({
    queryKey: ["completions", words, actor, language],
    enabled: words !== "",
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    queryFn: async ({ signal }) => {
      await client.flush(); // A search just made is the first that is offered again.
      return client.suggest(
        { ...who(shopper), query: words, locale: language, limit: suggestionsPerKind },
        { signal },
      );
    },
  });
}

export function useItem(id: string) {
  return useQuery({
    queryKey: ["item", id],
    queryFn: ({ signal }) => client.item(id, { signal }),
    staleTime: 30_000,
  });
}

/** Items by id, for cart lines and the words of explanations. */
export function useItems(ids: readonly string[]) {
  const wanted = [...new Set(ids)].toSorted();
  return useQuery({
    queryKey: ["items", wanted],
    enabled: wanted.length > 0,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    queryFn: async ({ signal }) => {
      const { items } = await client.items(wanted, { signal });
      return new Map(items.map((item) => [item.id, item]));
    },
  });
}

export function useCategories() {
  const language = useLanguage();
  return useQuery({
    queryKey: ["categories", language],
    queryFn: ({ signal }) => client.categories({ locale: language }, { signal }),
    staleTime: 60_000,
  });
}

/** A category path's own name in the page's language. */
export function useCategoryLabel(): (path: string) => string {
  const { data } = useCategories();
  return (path) => {
    const label = data?.categories.find((category) => category.path === path)?.label ?? path;
    return label.split(" > ").at(-1)!;
  };
}

export function useShops() {
  return useQuery({
    queryKey: ["shops"],
    queryFn: ({ signal }) => client.shops({ signal }),
    staleTime: 300_000,
  });
}

export function usePromotions() {
  return useQuery({
    queryKey: ["promotions"],
    queryFn: ({ signal }) => client.promotions({ signal }),
    staleTime: 60_000,
  });
}

/** Shoppers to look through the eyes of. Refused without an operator's key, which hides the choice. */
export function useDemoShoppers() {
  return useQuery({
    queryKey: ["users"],
    queryFn: ({ signal }) => client.users({ limit: 12 }, { signal }),
    staleTime: 60_000,
  });
}

/** A shopper's newest events, as far as the key allows to read them. */
export function useNotedEvents() {
  const { actor } = useShopper();
  return useQuery({
    queryKey: ["noted", actor],
    queryFn: async ({ signal }) => {
      await client.flush();
      return client.userEvents(actor, { limit: 20 }, { signal });
    },
  });
}
