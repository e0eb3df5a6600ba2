import {
  ActionIcon,
  Anchor,
  Container,
  Group,
  Indicator,
  SegmentedControl,
  TextInput,
  Title,
  VisuallyHidden,
} from "@mantine/core";
import { IconSearch, IconShoppingCart } from "@tabler/icons-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import { languageNames, languages } from "../i18n/index.ts";
import { useCart } from "../shopper/cart.tsx";
import { ShopperPicker } from "./ShopperPicker.tsx";

function SearchBox({ asked }: { readonly asked: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [words, setWords] = useState(asked);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const query = words.trim();
    if (query !== "") void navigate(`/search?q=${encodeURIComponent(query)}`);
  };
  return (
    <form role="search" onSubmit={submit} style={{ flex: "1 1 16rem" }}>
      <TextInput
        type="search"
        aria-label={t("search.label")}
        placeholder={t("search.placeholder")}
        maxLength={500}
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
        leftSection={<IconSearch size={18} aria-hidden />}
      />
    </form>
  );
}

function LanguageSwitch() {
  const { t, i18n } = useTranslation();
  return (
    <SegmentedControl
      aria-label={t("language")}
      size="xs"
      value={i18n.language}
      onChange={(language) => void i18n.changeLanguage(language)}
      data={languages.map((value) => ({ value, label: languageNames[value] }))}
    />
  );
}

/** The bar on top of every page: name, search, shopper, language, cart. */
export function Header() {
  const { t } = useTranslation();
  const { count } = useCart();
  const asked = useSearchParams()[0].get("q") ?? "";
  return (
    <header style={{ borderBottom: "1px solid var(--mantine-color-default-border)" }}>
      <Container size="lg" py="sm">
        <Group gap="md">
          <Anchor component={Link} to="/" underline="never" c="inherit">
            <Group gap="xs" wrap="nowrap">
              <img src="/magpie.svg" alt="" width={36} height={36} />
              <Title order={1} size="h3">
                Magpie <VisuallyHidden>·</VisuallyHidden>
                <span lang="zh" aria-hidden>
                  喜鹊
                </span>
              </Title>
            </Group>
          </Anchor>
          {/* The key makes the box follow the address: back and forward show what was asked there. */}
          <SearchBox key={asked} asked={asked} />
          <Group gap="sm" wrap="nowrap">
            <ShopperPicker />
            <LanguageSwitch />
            <Indicator label={count} disabled={count === 0} size={18} offset={4}>
              <ActionIcon
                component={Link}
                to="/cart"
                variant="subtle"
                size="lg"
                aria-label={t("cart.open", { count })}
              >
                <IconShoppingCart size={22} />
              </ActionIcon>
            </Indicator>
          </Group>
        </Group>
      </Container>
    </header>
  );
}
