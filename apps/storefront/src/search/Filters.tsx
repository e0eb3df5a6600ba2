import {
  Button,
  Checkbox,
  Group,
  NavLink,
  NumberInput,
  Rating,
  Stack,
  Switch,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useId, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import {
  useHierarchicalMenu,
  useRange,
  useRefinementList,
  useToggleRefinement,
  type UseHierarchicalMenuProps,
  type UseRefinementListProps,
} from "react-instantsearch";
import { useCategoryLabel } from "../shop/shop.ts";
import { currencyOf, useLanguage } from "../shop/texts.ts";
import { nameOfBrand } from "./facet-labels.ts";
import { categoryLevels } from "./search-url.ts";

function Facet({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const id = useId();
  return (
    <Stack component="section" gap="xs" aria-labelledby={id}>
      <Title order={3} size="sm" id={id}>
        {title}
      </Title>
      {children}
    </Stack>
  );
}

function Count({ count }: { readonly count: number }) {
  const language = useLanguage();
  return (
    <Text span size="xs" c="dimmed" className="facet-count">
      {count.toLocaleString(language)}
    </Text>
  );
}

type CategoryItem = ReturnType<typeof useHierarchicalMenu>["items"][number];

function CategoryBranch({
  items,
  refine,
}: {
  readonly items: readonly CategoryItem[];
  readonly refine: (path: string) => void;
}) {
  const labelOf = useCategoryLabel();
  return (
    <ul className="facet-tree">
      {items.map((item) => (
        <li key={item.value}>
          <NavLink
            component="button"
            type="button"
            label={labelOf(item.value)}
            rightSection={<Count count={item.count} />}
            active={item.isRefined}
            aria-pressed={item.isRefined}
            variant="subtle"
            py={4}
            px="xs"
            onClick={() => refine(item.value)}
          />
          {item.data && item.data.length > 0 && (
            <CategoryBranch items={item.data} refine={refine} />
          )}
        </li>
      ))}
    </ul>
  );
}

const byCount: NonNullable<UseHierarchicalMenuProps["sortBy"]> = ["count:desc", "name:asc"];

function Categories() {
  const { t } = useTranslation();
  const { items, refine } = useHierarchicalMenu({
    attributes: categoryLevels,
    limit: 12,
    sortBy: byCount,
  });
  if (items.length === 0) return null;
  return (
    <Facet title={t("filters.categories")}>
      <CategoryBranch items={items} refine={refine} />
    </Facet>
  );
}

/** Brands by their names in the page's language, where the catalogue says them. */
const inReadersWords: NonNullable<UseRefinementListProps["transformItems"]> = (
  items,
  { results },
) =>
  items.map((item) => {
    // Of a search in the brands, which is no part of the results.
    const { shown } = item as { readonly shown?: string };
    return { ...item, label: shown ?? nameOfBrand(results, item.value) };
  });

const chosenFirst = ["isRefined", "count:desc", "name:asc"] as const;

function Brands() {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const list = useRefinementList({
    attribute: "brand",
    operator: "or",
    limit: 8,
    showMore: true,
    showMoreLimit: 50,
    sortBy: [...chosenFirst],
    transformItems: inReadersWords,
  });
  const { items, refine, searchForItems, isShowingMore, toggleShowMore, canToggleShowMore } = list;
  if (items.length === 0 && text === "") return null;
  return (
    <Facet title={t("filters.brand")}>
      <TextInput
        type="search"
        size="xs"
        aria-label={t("filters.searchBrands")}
        placeholder={t("filters.searchBrands")}
        maxLength={100}
        leftSection={<IconSearch size={14} aria-hidden />}
        value={text}
        onChange={({ currentTarget }) => {
          setText(currentTarget.value);
          searchForItems(currentTarget.value);
        }}
      />
      {items.length === 0 && (
        <Text size="sm" c="dimmed" role="status">
          {t("filters.noBrand", { text })}
        </Text>
      )}
      {items.map((item) => (
        <Checkbox
          key={item.value}
          size="sm"
          value={item.value}
          checked={item.isRefined}
          label={
            <>
              {item.label} <Count count={item.count} />
            </>
          }
          onChange={() => {
            refine(item.value);
            setText("");
          }}
        />
      ))}
      {canToggleShowMore && text === "" && (
        <Button variant="subtle" size="compact-xs" w="fit-content" onClick={toggleShowMore}>
          {isShowingMore ? t("filters.fewer") : t("filters.more")}
        </Button>
      )}
    </Facet>
  );
}

/** Bounds of the price, typed in the currency's main unit and asked for in its minor one. */
function PriceBounds({ currency }: { readonly currency: string | undefined }) {
  const { t } = useTranslation();
  const language = useLanguage();
  const { range, start, refine } = useRange({ attribute: "price" });
  const { symbol, digits } = currencyOf(currency, language);
  const unit = 10 ** digits;
  const [from, to] = start.map((bound) =>
    bound !== undefined && Number.isFinite(bound) ? bound / unit : "",
  ) as [number | "", number | ""];
  const least = range.min === undefined ? undefined : Math.floor(range.min / unit);
  const most = range.max === undefined ? undefined : Math.ceil(range.max / unit);
  const [typed, setTyped] = useState<{ min: number | string; max: number | string }>();
  const min = typed?.min ?? from;
  const max = typed?.max ?? to;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const bound = (value: number | string) =>
      value === "" ? undefined : Math.round(Number(value) * unit);
    const [low, high] = [bound(min), bound(max)];
    const isTurned = low !== undefined && high !== undefined && low > high;
    setTyped(undefined);
    refine(isTurned ? [high, low] : [low, high]);
  };
  if (typed === undefined && from === "" && to === "" && (least ?? 0) >= (most ?? 0)) return null;
  return (
    <Facet title={t("filters.price")}>
      <form onSubmit={submit}>
        <Group gap="xs" wrap="nowrap" align="end">
          {(["min", "max"] as const).map((side) => (
            <NumberInput
              key={side}
              size="xs"
              hideControls
              min={0}
              decimalScale={digits}
              aria-label={side === "min" ? t("filters.priceFrom") : t("filters.priceTo")}
              placeholder={String((side === "min" ? least : most) ?? "")}
              leftSection={
                <Text size="xs" c="dimmed" aria-hidden>
                  {symbol}
                </Text>
              }
              value={side === "min" ? min : max}
              onChange={(value) => setTyped({ min, max, [side]: value })}
            />
          ))}
          <Button type="submit" size="xs" variant="light" px="sm" style={{ flexShrink: 0 }}>
            {t("filters.apply")}
          </Button>
        </Group>
      </form>
    </Facet>
  );
}

function InStock() {
  const { t } = useTranslation();
  const { value, refine } = useToggleRefinement({ attribute: "available", on: true });
  return (
    <Switch
      size="sm"
      checked={value.isRefined}
      label={t("filters.inStock")}
      onChange={() => refine({ isRefined: value.isRefined })}
    />
  );
}

const starChoices = [4, 3, 2] as const;

function Stars() {
  const { t } = useTranslation();
  const { range, start, refine } = useRange({ attribute: "rating" });
  const chosen = Number.isFinite(start[0]) ? start[0] : undefined;
  const choices = starChoices.filter((stars) => stars <= (range.max ?? 0) || stars === chosen);
  if (choices.length === 0) return null;
  return (
    <Facet title={t("filters.rating")}>
      <div>
        {choices.map((stars) => (
          <NavLink
            key={stars}
            component="button"
            type="button"
            variant="subtle"
            py={4}
            px="xs"
            active={stars === chosen}
            aria-pressed={stars === chosen}
            aria-label={t("filters.ratingUp", { stars })}
            label={
              <Group gap="xs" aria-hidden>
                <Rating value={stars} readOnly size="xs" />
                <span>{t("filters.andUp")}</span>
              </Group>
            }
            onClick={() => refine(stars === chosen ? [undefined, undefined] : [stars, undefined])}
          />
        ))}
      </div>
    </Facet>
  );
}

/** Everything by which what was found can be narrowed; a facet without choices stays away. */
export function Filters({ currency }: { readonly currency: string | undefined }) {
  return (
    <Stack gap="lg">
      <InStock />
      <Categories />
      <Brands />
      <PriceBounds currency={currency} />
      <Stars />
    </Stack>
  );
}
