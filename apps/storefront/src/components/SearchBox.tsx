import { Combobox, Group, Loader, Text, TextInput, useCombobox } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconCategory, IconSearch, IconTag } from "@tabler/icons-react";
import { useState, type FormEvent, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { readAddress, writeAddress, type SearchAddress } from "../search/search-url.ts";
import { useCategories, useQuickResults } from "../shop/shop.ts";
import { textsOf, useLanguage } from "../shop/texts.ts";
import { PriceTag } from "./Price.tsx";
import { ProductArt } from "./ProductArt.tsx";

const maxQueryLength = 500;
const typingPauseMs = 120;
const categoriesShown = 3;

/** A line below the box: where it leads, and what it shows. */
interface Suggestion {
  readonly to: string;
  readonly icon: ReactNode;
  readonly text: ReactNode;
  readonly aside?: ReactNode;
}

const toSearch = (address: Partial<SearchAddress>) =>
  `/search${writeAddress({ ...readAddress(""), ...address })}`;

/** What the half-typed words find: their categories and brands, then the best products. */
function useSuggestions(words: string): { isBusy: boolean; suggestions: readonly Suggestion[] } {
  const { t } = useTranslation();
  const language = useLanguage();
  const categories = useCategories().data?.categories ?? [];
  const { data, isFetching } = useQuickResults(words);
  if (words === "" || data === undefined || data.items.length === 0) {
    return { isBusy: isFetching, suggestions: [] };
  }
  const valuesOf = (field: string) =>
    data.facets?.find((facet) => facet.field === field)?.values ?? [];
  // Of a branch whose products all lie in one twig, the twig says more.
  const paths = valuesOf("categories");
  const telling = paths.filter(
    ({ value, count }) =>
      !paths.some((other) => other.value.startsWith(`${value} > `) && other.count === count),
  );
  return {
    isBusy: isFetching,
    suggestions: [
      ...telling.slice(0, categoriesShown).map(({ value, count }) => {
        const label = categories.find(({ path }) => path === value)?.label ?? value;
        return {
          to: toSearch({ query: words, category: value }),
          icon: <IconCategory size={18} aria-hidden />,
          text: (
            <>
              {words}{" "}
              <Text span size="sm" opacity={0.75}>
                {t("search.inCategory", { category: label.split(" > ").at(-1) })}
              </Text>
            </>
          ),
          aside: count.toLocaleString(language),
        };
      }),
      ...valuesOf("brand").map(({ value, count }) => ({
        to: toSearch({ query: words, brands: [value] }),
        icon: <IconTag size={18} aria-hidden />,
        text: (
          <>
            {words}{" "}
            <Text span size="sm" opacity={0.75}>
              {t("search.ofBrand", { brand: value })}
            </Text>
          </>
        ),
        aside: count.toLocaleString(language),
      })),
      ...data.items.map(({ item }) => ({
        to: `/product/${encodeURIComponent(item.id)}`,
        icon: (
          <span className="suggestion-picture">
            <ProductArt item={item} size={20} />
          </span>
        ),
        text: textsOf(item, language).title,
        aside: <PriceTag variant={item.variants[0]!} />,
      })),
      {
        to: toSearch({ query: words }),
        icon: <IconSearch size={18} aria-hidden />,
        text: t("search.showAll", { query: words }),
      },
    ],
  };
}

/** The search box of every page, with suggestions while typing. Enter searches for the words. */
export function SearchBox({ asked }: { readonly asked: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [words, setWords] = useState(asked);
  const [typed] = useDebouncedValue(words.trim(), typingPauseMs);
  // Nothing is asked before a first key: the words of the address have their page already.
  const { suggestions, isBusy } = useSuggestions(typed === asked ? "" : typed);
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });

  const go = (to: string) => {
    combobox.closeDropdown();
    void navigate(to);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const query = words.trim();
    if (query !== "") go(toSearch({ query }));
  };
  // Escape closes the list first; only then may the browser empty the box.
  const keepWords = (event: KeyboardEvent) => {
    if (event.key === "Escape" && combobox.dropdownOpened) event.preventDefault();
  };
  return (
    <form role="search" onSubmit={submit} style={{ flex: "1 1 16rem" }}>
      <Combobox store={combobox} onOptionSubmit={go} shadow="md" middlewares={{ shift: true }}>
        <Combobox.Target>
          <TextInput
            type="search"
            aria-label={t("search.label")}
            placeholder={t("search.placeholder")}
            maxLength={maxQueryLength}
            autoComplete="off"
            onKeyDown={keepWords}
            value={words}
            onChange={({ currentTarget }) => {
              setWords(currentTarget.value);
              combobox.openDropdown();
              combobox.resetSelectedOption();
            }}
            onBlur={() => combobox.closeDropdown()}
            leftSection={<IconSearch size={18} aria-hidden />}
            rightSection={isBusy && <Loader size="xs" aria-label={t("loading")} />}
          />
        </Combobox.Target>
        <Combobox.Dropdown hidden={suggestions.length === 0}>
          <Combobox.Options aria-label={t("search.suggestions")}>
            {suggestions.map(({ to, icon, text, aside }) => (
              <Combobox.Option key={to} value={to}>
                <Group gap="sm" wrap="nowrap">
                  {icon}
                  <Text size="sm" truncate style={{ flex: 1 }}>
                    {text}
                  </Text>
                  <Text component="div" size="xs">
                    {aside}
                  </Text>
                </Group>
              </Combobox.Option>
            ))}
          </Combobox.Options>
        </Combobox.Dropdown>
      </Combobox>
    </form>
  );
}
