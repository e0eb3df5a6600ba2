import { Button, Group, Pill } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useClearRefinements, useCurrentRefinements, useInstantSearch } from "react-instantsearch";
import { useCategoryLabel } from "../shop/shop.ts";
import { formatPrice, useLanguage } from "../shop/texts.ts";
import { nameOfBrand } from "./facet-labels.ts";

type Refinement = ReturnType<typeof useCurrentRefinements>["items"][number]["refinements"][number];

/** How many choices narrow the list. */
export function useChosenCount(): number {
  return useCurrentRefinements().items.reduce(
    (sum, { refinements }) => sum + refinements.length,
    0,
  );
}

/** What is chosen in the filters, each with a way to take it back, and all at once. */
export function ChosenFilters({ currency }: { readonly currency: string | undefined }) {
  const { t } = useTranslation();
  const language = useLanguage();
  const labelOf = useCategoryLabel();
  const { items, refine } = useCurrentRefinements();
  const { refine: clear, canRefine } = useClearRefinements();
  const { results } = useInstantSearch();

  const textOf = ({ attribute, value, operator }: Refinement): string => {
    if (attribute === "available") return t("filters.inStock");
    if (attribute.startsWith("hierarchicalCategories")) return labelOf(String(value));
    if (attribute === "rating") return t("filters.ratingUp", { stars: value });
    if (attribute === "brand") return nameOfBrand(results, String(value));
    if (attribute !== "price") return String(value);
    const bound = formatPrice({ amount: Number(value), currency }, language);
    return t(operator === ">=" ? "filters.atLeast" : "filters.atMost", { value: bound });
  };

  if (!canRefine) return null;
  return (
    <Group gap="xs" role="group" aria-label={t("filters.chosen")}>
      {items.flatMap((item) =>
        item.refinements.map((refinement) => {
          const text = textOf(refinement);
          return (
            <Pill
              key={`${refinement.attribute}${refinement.operator ?? ""}${refinement.value}`}
              size="md"
              withRemoveButton
              removeButtonProps={{
                "aria-label": t("filters.remove", { what: text }),
                "aria-hidden": false,
                tabIndex: 0,
              }}
              onRemove={() => refine(refinement)}
            >
              {text}
            </Pill>
          );
        }),
      )}
      <Button variant="subtle" size="compact-sm" onClick={clear}>
        {t("filters.clear")}
      </Button>
    </Group>
  );
}
