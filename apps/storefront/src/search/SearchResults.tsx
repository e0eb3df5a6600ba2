import { Center, Pagination, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useIntersection } from "@mantine/hooks";
import type { ExplainedItem } from "@magpie/client";
import { useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Highlight, useHits, useInstantSearch, usePagination } from "react-instantsearch";
import { Failure, LoadingCards } from "../components/ListState.tsx";
import { ProductCard } from "../components/ProductCard.tsx";
import { ProductList } from "../components/ProductList.tsx";
import { useAct } from "../shop/acts.ts";
import { useCategoryLabel } from "../shop/shop.ts";
import type { Item } from "../shop/types.ts";
import { ChosenFilters } from "./ChosenFilters.tsx";
import { useUnderstood } from "./QueryNotes.tsx";

const scenario = "search";

/** A hit of InstantSearch: a product's fields, and what the search adds to them. */
type Hit = ReturnType<typeof useHits>["hits"][number];

/** The product that a hit stands for. */
function explainedOf(hit: Hit): ExplainedItem {
  const { objectID, rating, ratingCount, variantId, _rankingInfo } = hit;
  const info = (_rankingInfo ?? {}) as Partial<{ userScore: number }> &
    Partial<Pick<ExplainedItem, "reasons">>;
  const item = {
    ...hit,
    id: objectID,
    rating: rating === undefined ? undefined : { value: rating, count: ratingCount ?? 0 },
  } as unknown as Item;
  return {
    item,
    position: hit.__position,
    score: info.userScore ?? 0,
    reasons: info.reasons ?? [],
    ...(typeof variantId === "string" && { variantId }),
  };
}

/** Tells the shop once per answer what was asked, and what of the answer came into view. */
function useReports(query: string, hits: readonly Hit[], queryId: string | undefined) {
  const act = useAct();
  const { ref, entry } = useIntersection({ threshold: 0.05 });
  const inView = entry?.isIntersecting === true;
  const asked = useRef<string>(undefined);
  const seen = useRef<string>(undefined);

  useEffect(() => {
    if (queryId === undefined || query === "" || asked.current === query) return;
    asked.current = query;
    void act({ type: "search", query, queryId });
  }, [query, queryId, act]);

  useEffect(() => {
    if (!inView || queryId === undefined || hits.length === 0 || seen.current === queryId) return;
    seen.current = queryId;
    const items = hits.map((hit) => ({ itemId: hit.objectID, position: hit.__position }));
    void act({ type: "impression", queryId, scenario, items });
  }, [inView, hits, queryId, act]);

  return ref;
}

function Pages({ onTurn }: { readonly onTurn: () => void }) {
  const { t } = useTranslation();
  const { nbPages, currentRefinement, refine } = usePagination();
  if (nbPages < 2) return null;
  return (
    <Center component="nav" aria-label={t("search.pages")}>
      <Pagination
        total={nbPages}
        value={currentRefinement + 1}
        siblings={1}
        getItemProps={(page) => ({ "aria-label": t("search.pageOf", { page }) })}
        getControlProps={(control) => ({
          "aria-label": t(control === "next" ? "search.nextPage" : "search.previousPage"),
        })}
        onChange={(page) => {
          refine(page - 1);
          onTurn();
        }}
      />
    </Center>
  );
}

/**
 * What was found, page by page; also while it loads, when it fails and when it is nothing. All its
 * widgets are there from the start: one that comes later would make InstantSearch ask again.
 */
export function SearchResults({
  currency,
  none,
}: {
  readonly currency: string | undefined;
  readonly none: ReactNode;
}) {
  const top = useRef<HTMLDivElement>(null);
  return (
    <Stack gap="lg" ref={top} className="search-results">
      <ChosenFilters currency={currency} />
      <Hits none={none} />
      <Pages onTurn={() => top.current?.scrollIntoView()} />
    </Stack>
  );
}

function Hits({ none }: { readonly none: ReactNode }) {
  const { t } = useTranslation();
  const { results, status, error, refresh } = useInstantSearch({ catchError: true });
  const { items: hits } = useHits();
  const isKnown = results.__isArtificial !== true;
  const ref = useReports(results.query, hits, isKnown ? results.queryID : undefined);

  if (status === "error") return <Failure error={error} retry={refresh} />;
  if (!isKnown) return <LoadingCards count={8} />;
  if (hits.length === 0) return none;
  const isSlow = status === "stalled";
  const whole = hits.filter((hit) => hit["isCloseMatch"] !== true);
  const close = hits.filter((hit) => hit["isCloseMatch"] === true);
  const queryId = results.queryID ?? "";
  return (
    <Stack
      ref={ref}
      component="section"
      data-scenario={scenario}
      aria-label={t("page.search")}
      aria-busy={isSlow}
      opacity={isSlow ? 0.6 : 1}
    >
      {whole.length > 0 && <Cards hits={whole} queryId={queryId} />}
      {close.length > 0 && (
        <>
          <div className="close-matches">
            <Title order={2} size="h4">
              {t("search.closeMatches")}
            </Title>
            <Text size="sm" c="dimmed">
              {t("search.closeMatchesHint", { query: results.query })}
            </Text>
          </div>
          <Cards hits={close} queryId={queryId} />
        </>
      )}
    </Stack>
  );
}

function Cards({ hits, queryId }: { readonly hits: readonly Hit[]; readonly queryId: string }) {
  return (
    <SimpleGrid cols={{ base: 2, sm: 3 }}>
      {hits.map((hit) => {
        const explained = explainedOf(hit);
        return (
          <ProductCard
            key={hit.objectID}
            explained={explained}
            heading={<Highlight hit={hit} attribute="title" />}
            place={{ queryId, position: explained.position, scenario }}
          />
        );
      })}
    </SimpleGrid>
  );
}

/** Nothing was found: by the words, or only by what is chosen besides. */
export function NothingFound({
  query,
  isNarrowed,
}: {
  readonly query: string;
  readonly isNarrowed: boolean;
}) {
  const { t } = useTranslation();
  const labelOf = useCategoryLabel();
  const category = useUnderstood().instead?.category;
  return (
    <Stack gap="xl">
      <div>
        <Text fw={600}>{isNarrowed ? t("search.noneChosen") : t("search.none", { query })}</Text>
        {!isNarrowed && <Text c="dimmed">{t("search.noneHint")}</Text>}
      </div>
      {!isNarrowed && (
        <ProductList
          request={{ scenario: "popular", ...(category !== undefined && { category }) }}
          heading={
            category === undefined
              ? t("home.popular")
              : t("search.popularIn", { category: labelOf(category) })
          }
        />
      )}
    </Stack>
  );
}
