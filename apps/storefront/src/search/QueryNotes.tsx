import { Anchor, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Trans, useTranslation } from "react-i18next";
import { Configure, useInstantSearch, useSearchBox } from "react-instantsearch";
import { formatPrice, useLanguage } from "../shop/texts.ts";

/** What an answer says of its query beyond what the widgets know. */
interface UnderstoodResults {
  readonly parsedQuery?: string;
  readonly corrections?: readonly { readonly from: string; readonly to: string }[];
  readonly didYouMean?: string;
  readonly askedPrice?: { readonly min?: number; readonly max?: number };
  readonly instead?: { readonly by: string; readonly category?: string };
}

/** How the last answer read its query. */
export function useUnderstood(): UnderstoodResults {
  return useInstantSearch().results as unknown as UnderstoodResults;
}

/**
 * Says which words were corrected, with the way back to those typed, or offers what was likely meant,
 * and which price the query asks for. What is typed counts for the query for which it was asked, and for no other.
 */
export function QueryNotes({ currency }: { readonly currency: string | undefined }) {
  const { t } = useTranslation();
  const language = useLanguage();
  const { query, refine } = useSearchBox();
  const { results } = useInstantSearch();
  const { corrections = [], parsedQuery, didYouMean, askedPrice } = useUnderstood();
  const [typed, setTyped] = useState<string>();
  // While the next answer is on its way, the last one speaks of another query.
  const isOfQuery = results.query === query;
  const priceOf = (amount: number) => formatPrice({ amount, currency }, language);
  const isCorrected = isOfQuery && corrections.length > 0 && parsedQuery !== undefined;
  return (
    <>
      <Configure typoTolerance={typed !== query} />
      {isCorrected && (
        <Stack gap={2} role="status" className="query-note">
          <Text>
            <Trans
              i18nKey="search.corrected"
              values={{ query: parsedQuery }}
              components={{ b: <b /> }}
            />
          </Text>
          <Text size="sm">
            <Anchor component="button" type="button" size="sm" onClick={() => setTyped(query)}>
              {t("search.asTyped", { query })}
            </Anchor>
          </Text>
        </Stack>
      )}
      {isOfQuery && !isCorrected && didYouMean !== undefined && (
        <Text role="status" className="query-note">
          {t("search.didYouMean")}{" "}
          <Anchor component="button" type="button" fw={600} onClick={() => refine(didYouMean)}>
            {didYouMean}
          </Anchor>
        </Text>
      )}
      {isOfQuery && results.nbHits > 0 && askedPrice !== undefined && (
        <Text role="status" size="sm" c="dimmed" className="query-note">
          {[
            askedPrice.min !== undefined &&
              t("filters.atLeast", { value: priceOf(askedPrice.min) }),
            askedPrice.max !== undefined && t("filters.atMost", { value: priceOf(askedPrice.max) }),
          ]
            .filter((part) => part !== false)
            .join(", ")}
        </Text>
      )}
    </>
  );
}
