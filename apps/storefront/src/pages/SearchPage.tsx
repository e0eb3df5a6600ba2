import { Stack, Text, Title } from "@mantine/core";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { usePageTitle } from "../components/Layout.tsx";
import { ProductList } from "../components/ProductList.tsx";
import { useAct } from "../shop/acts.ts";
import { useRanking } from "../shop/shop.ts";

export function SearchPage() {
  const { t } = useTranslation();
  const query = (useSearchParams()[0].get("q") ?? "").trim().slice(0, 500);
  const act = useAct();
  const { data } = useRanking({ scenario: "search", query });
  const first = data?.pages[0];
  const reported = useRef<string>(undefined);
  usePageTitle(`${t("page.search")}: ${query}`);

  useEffect(() => {
    if (first === undefined || reported.current === first.queryId) return;
    reported.current = first.queryId;
    void act({ type: "search", query, queryId: first.queryId });
  }, [first, query, act]);

  const count = first?.total ?? first?.items.length;
  return (
    <Stack gap="lg">
      <Title order={2} size="h3" aria-live="polite">
        {count === undefined || count === 0
          ? `${t("page.search")}: “${query}”`
          : t("search.results", { count, query })}
      </Title>
      <ProductList
        key={query}
        request={{ scenario: "search", query }}
        empty={
          <Stack gap="xl">
            <div>
              <Text fw={600}>{t("search.none", { query })}</Text>
              <Text c="dimmed">{t("search.noneHint")}</Text>
            </div>
            <ProductList request={{ scenario: "popular" }} heading={t("home.popular")} />
          </Stack>
        }
        paged
      />
    </Stack>
  );
}
