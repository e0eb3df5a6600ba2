import { Button, Drawer, Grid, Group, NativeSelect, Stack, Text, Title } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { IconAdjustmentsHorizontal } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  Configure,
  InstantSearch,
  useHits,
  useInstantSearch,
  useSearchBox,
  useSortBy,
  useStats,
} from "react-instantsearch";
import { usePageTitle } from "../components/Layout.tsx";
import { useChosenCount } from "../search/ChosenFilters.tsx";
import { Filters } from "../search/Filters.tsx";
import { QueryNotes } from "../search/QueryNotes.tsx";
import { RuleBanners } from "../search/RuleBanners.tsx";
import { useSearchClient } from "../search/search-client.ts";
import { useSearchRouting } from "../search/search-routing.ts";
import { indexName, sortNames } from "../search/search-url.ts";
import { NothingFound, SearchResults } from "../search/SearchResults.tsx";
import { useLanguage } from "../shop/texts.ts";

const hitsPerPage = 24;

/** Everything that a query finds, with facets, orders and pages. All of it is in the address. */
export function SearchPage() {
  return (
    <InstantSearch
      indexName={indexName}
      searchClient={useSearchClient()}
      routing={useSearchRouting()}
      future={{ preserveSharedStateOnUnmount: true }}
    >
      <Configure hitsPerPage={hitsPerPage} clickAnalytics />
      <Search />
    </InstantSearch>
  );
}

function Search() {
  const { t } = useTranslation();
  const { results } = useInstantSearch();
  // The box itself stands in the header and moves the address; here its words are held and asked for.
  const { query } = useSearchBox();
  usePageTitle(query === "" ? t("page.search") : `${t("page.search")}: ${query}`);
  const isWide = useMediaQuery("(min-width: 62em)", true, { getInitialValueInEffect: false });
  const chosen = useChosenCount();
  const currency = useShopCurrency(results.hits[0]?.["currency"] as string | undefined);

  return (
    <Stack gap="md">
      <Group justify="space-between" align="end">
        <ResultHeading query={query} />
        <Group gap="sm">
          {!isWide && <FilterDrawer chosen={chosen} currency={currency} />}
          <SortBy />
        </Group>
      </Group>
      <QueryNotes currency={currency} />
      <RuleBanners />
      <Grid gap="xl">
        {isWide && (
          <Grid.Col span={3} component="aside" aria-label={t("filters.title")}>
            <Filters currency={currency} />
          </Grid.Col>
        )}
        <Grid.Col span={isWide ? 9 : 12}>
          <SearchResults
            currency={currency}
            none={<NothingFound query={query} isNarrowed={chosen > 0} />}
          />
        </Grid.Col>
      </Grid>
    </Stack>
  );
}

/** The currency of prices: that of the hits, or of the last ones when there are none. */
function useShopCurrency(ofHits: string | undefined): string | undefined {
  const [last, setLast] = useState(ofHits);
  if (ofHits !== undefined && ofHits !== last) setLast(ofHits);
  return ofHits ?? last;
}

/** How much was found, said again whenever it changes. */
function ResultHeading({ query }: { readonly query: string }) {
  const { t } = useTranslation();
  const language = useLanguage();
  const { nbHits, processingTimeMS } = useStats();
  const { results } = useHits();
  const isKnown = results !== undefined && results.__isArtificial !== true;
  const asked = query === "" ? t("search.everything") : `${t("page.search")}: “${query}”`;
  return (
    <Group gap="sm" align="baseline">
      <Title order={2} size="h3" aria-live="polite">
        {isKnown && nbHits > 0 && query !== ""
          ? t("search.results", { count: nbHits, query })
          : asked}
      </Title>
      {isKnown && (
        <Text size="xs" c="dimmed">
          {t("search.took", { ms: processingTimeMS.toLocaleString(language) })}
        </Text>
      )}
    </Group>
  );
}

const sortItems = [
  { value: indexName, label: "relevance" },
  ...sortNames.map((name) => ({ value: `${indexName}_${name}`, label: name })),
];

function SortBy() {
  const { t } = useTranslation();
  const { currentRefinement, refine } = useSortBy({ items: sortItems });
  return (
    <NativeSelect
      size="sm"
      aria-label={t("search.sort")}
      value={currentRefinement}
      data={sortItems.map(({ value, label }) => ({
        value,
        label: t(`sorts.${label as "relevance" | (typeof sortNames)[number]}`),
      }))}
      onChange={({ currentTarget }) => refine(currentTarget.value)}
    />
  );
}

/** On a narrow screen the filters come in from the side; they stay mounted, for they hold the choices. */
function FilterDrawer({
  chosen,
  currency,
}: {
  readonly chosen: number;
  readonly currency: string | undefined;
}) {
  const { t } = useTranslation();
  const [opened, { open, close }] = useDisclosure();
  const { nbHits } = useStats();
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconAdjustmentsHorizontal size={18} aria-hidden />}
        onClick={open}
      >
        {t("filters.open", { count: chosen })}
      </Button>
      <Drawer
        opened={opened}
        onClose={close}
        keepMounted
        keepMountedMode="display-none"
        size="sm"
        title={t("filters.title")}
        closeButtonProps={{ "aria-label": t("filters.close") }}
      >
        <Stack>
          <Filters currency={currency} />
          <Button onClick={close} style={{ position: "sticky", bottom: "1rem" }}>
            {t("filters.show", { count: nbHits })}
          </Button>
        </Stack>
      </Drawer>
    </>
  );
}
