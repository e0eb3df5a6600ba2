import {
  ActionIcon,
  Anchor,
  Container,
  Group,
  Indicator,
  SegmentedControl,
  Title,
  VisuallyHidden,
} from "@mantine/core";
import { IconShoppingCart } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { languageNames, languages } from "../i18n/index.ts";
import { useCart } from "../shopper/cart.tsx";
import { SearchBox } from "./SearchBox.tsx";
import { ShopperPicker } from "./ShopperPicker.tsx";

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
