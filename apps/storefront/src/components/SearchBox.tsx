import { Combobox, Group, Loader, Text, TextInput, useCombobox } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import {
  IconArrowRight,
  IconCategory,
  IconExternalLink,
  IconHistory,
  IconSearch,
  IconTag,
} from "@tabler/icons-react";
import { useState, type FormEvent, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { readAddress, writeAddress, type SearchAddress } from "../search/search-url.ts";
import { useCompletions } from "../shop/shop.ts";
import { textsOf, useLanguage } from "../shop/texts.ts";
import { PriceTag } from "./Price.tsx";
import { ProductArt } from "./ProductArt.tsx";

const maxQueryLength = 500;
const typingPauseMs = 120;

/** A line below the box: where it leads, and what it shows. */
interface Suggestion {
  readonly to: string;
  /** Leads to a page of the shop that a merchandiser named, which need not be one of ours. */
  readonly isPage?: boolean;
  readonly icon: ReactNode;
  readonly text: ReactNode;
  readonly aside?: ReactNode;
}

const toSearch = (address: Partial<SearchAddress>) =>
  `/search${writeAddress({ ...readAddress(""), ...address })}`;

/** What the half-typed words may become: one's own searches, others', categories, brands, products. */
function useSuggestions(words: string): { isBusy: boolean; suggestions: readonly Suggestion[] } {
  const { t } = useTranslation();
  const language = useLanguage();
  const { data, isFetching } = useCompletions(words);
  if (words === "" || data === undefined) return { isBusy: isFetching, suggestions: [] };
  const { recent, queries, categories, brands, products, redirects } = data;
  const own = new Set(recent);
  const kindOf = (kind: string) => (
    <Text span size="xs" opacity={0.75}>
      {kind}
    </Text>
  );
  return {
    isBusy: isFetching,
    suggestions: [
      ...redirects.map(({ text, url }) => ({
        to: url,
        isPage: true,
        icon: <IconExternalLink size={18} aria-hidden />,
        text,
        aside: kindOf(t("search.page")),
      })),
      ...recent.map((query) => ({
        to: toSearch({ query }),
        icon: <IconHistory size={18} aria-hidden />,
        text: query,
        aside: kindOf(t("search.recent")),
      })),
      ...queries
        .filter(({ text }) => !own.has(text) && text !== words)
        .map(({ text }) => ({
          to: toSearch({ query: text }),
          icon: <IconSearch size={18} aria-hidden />,
          text,
        })),
      ...categories.map(({ path, label }) => ({
        to: toSearch({ category: path }),
        icon: <IconCategory size={18} aria-hidden />,
        text: label,
        aside: kindOf(t("filters.categories")),
      })),
      ...brands.map((brand) => ({
        to: toSearch({ brands: [brand] }),
        icon: <IconTag size={18} aria-hidden />,
        text: brand,
        aside: kindOf(t("filters.brand")),
      })),
      ...products.map((item) => ({
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
        icon: <IconArrowRight size={18} aria-hidden />,
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
    if (suggestions.some((one) => one.isPage === true && one.to === to)) {
      window.location.assign(to);
    } else void navigate(to);
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
