import { createSearchClient } from "@magpie/instantsearch";
import { useMemo } from "react";
import type { InstantSearchProps } from "react-instantsearch";
import { client } from "../shop/shop.ts";
import { useLanguage } from "../shop/texts.ts";
import { useShopper } from "../shopper/shopper.tsx";

/**
 * What InstantSearch asks: answers for this shopper in this language, with reasons. As with every
 * list, events not yet sent go out first.
 */
export function useSearchClient(): InstantSearchProps["searchClient"] {
  const { actor } = useShopper();
  const language = useLanguage();
  return useMemo(() => {
    const asking = createSearchClient({
      client,
      locale: language,
      userId: () => actor,
      explain: true,
    });
    return {
      ...asking,
      async search(requests: Parameters<typeof asking.search>[0]) {
        await client.flush();
        return asking.search(requests);
      },
    } as unknown as InstantSearchProps["searchClient"];
  }, [actor, language]);
}
