import { Button, Center, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useIntersection } from "@mantine/hooks";
import { useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../shop/acts.ts";
import { useRanking, type ListRequest } from "../shop/shop.ts";
import { Failure, LoadingCards } from "./ListState.tsx";
import { ProductCard } from "./ProductCard.tsx";

/**
 * A ranked list with its heading: loading, failing, empty and full. What has been in view is
 * reported once per answer, so that the shop knows what was seen and not only what was served.
 */
export function ProductList({
  request,
  heading,
  hint,
  empty,
  paged = false,
}: {
  readonly request: ListRequest;
  readonly heading?: string;
  readonly hint?: string;
  /** Shown instead of an empty list; without it the whole section stays away. */
  readonly empty?: ReactNode;
  readonly paged?: boolean;
}) {
  const { t } = useTranslation();
  const act = useAct();
  const list = useRanking(request);
  const { ref, entry } = useIntersection({ threshold: 0.05 });
  const reported = useRef(new Set<string>());
  const pages = list.data?.pages ?? [];
  const inView = entry?.isIntersecting === true;

  useEffect(() => {
    if (!inView) return;
    for (const page of list.data?.pages ?? []) {
      if (page.items.length === 0 || reported.current.has(page.queryId)) continue;
      reported.current.add(page.queryId);
      void act({
        type: "impression",
        queryId: page.queryId,
        scenario: page.scenario,
        items: page.items.map(({ item, position }) => ({ itemId: item.id, position })),
      });
    }
  }, [inView, list.data, act]);

  const none = list.isSuccess && pages.every((page) => page.items.length === 0);
  if (none && empty === undefined) return null;

  return (
    <Stack
      component="section"
      gap="sm"
      ref={ref}
      data-scenario={request.scenario}
      aria-label={heading}
    >
      {heading && (
        <div>
          <Title order={2} size="h3">
            {heading}
          </Title>
          {hint && (
            <Text size="sm" c="dimmed">
              {hint}
            </Text>
          )}
        </div>
      )}
      {list.isPending && <LoadingCards count={8} />}
      {list.isError && <Failure error={list.error} retry={() => void list.refetch()} />}
      {none && empty}
      {!none && list.isSuccess && (
        <SimpleGrid cols={{ base: 2, sm: 3, lg: 4 }}>
          {pages.flatMap((page) =>
            page.items.map((explained) => (
              <ProductCard
                key={explained.item.id}
                explained={explained}
                place={{
                  queryId: page.queryId,
                  position: explained.position,
                  scenario: page.scenario,
                }}
              />
            )),
          )}
        </SimpleGrid>
      )}
      {paged && list.hasNextPage && (
        <Center>
          <Button
            variant="default"
            loading={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            {t("home.more")}
          </Button>
        </Center>
      )}
    </Stack>
  );
}
