import { Breadcrumbs, Anchor, Button, Group, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { usePageTitle } from "../components/Layout.tsx";
import { ProductList } from "../components/ProductList.tsx";
import { useCategories } from "../shop/shop.ts";

const to = (path: string) => `/category?path=${encodeURIComponent(path)}`;

/** One category: its place in the tree, what lies below it, and its products for this shopper. */
export function CategoryPage() {
  const { t } = useTranslation();
  const path = useSearchParams()[0].get("path") ?? "";
  const { data } = useCategories();
  const categories = data?.categories ?? [];
  const labelOf = (wanted: string) =>
    categories.find((category) => category.path === wanted)?.label ?? wanted.split(" > ").at(-1)!;
  const levels = path.split(" > ");
  const trail = levels.map((_, i) => levels.slice(0, i + 1).join(" > "));
  const below = categories.filter(
    (category) =>
      category.path.startsWith(`${path} > `) &&
      category.path.split(" > ").length === levels.length + 1,
  );
  // A label may be the whole localised path; a heading wants its last level.
  const name = labelOf(path).split(" > ").at(-1)!;
  usePageTitle(name);

  return (
    <Stack gap="lg">
      <nav aria-label={t("page.category")}>
        <Breadcrumbs>
          <Anchor component={Link} to="/" size="sm">
            {t("page.home")}
          </Anchor>
          {trail.map((level, i) =>
            i === trail.length - 1 ? (
              <Text key={level} size="sm" aria-current="page">
                {labelOf(level).split(" > ").at(-1)}
              </Text>
            ) : (
              <Anchor key={level} component={Link} to={to(level)} size="sm">
                {labelOf(level).split(" > ").at(-1)}
              </Anchor>
            ),
          )}
        </Breadcrumbs>
      </nav>
      <Title order={2}>{name}</Title>
      {below.length > 0 && (
        <Group gap="xs">
          {below.map(({ path: child, label, count }) => (
            <Button
              key={child}
              component={Link}
              to={to(child)}
              variant="light"
              radius="xl"
              size="xs"
              rightSection={
                <Text size="xs" c="dimmed">
                  {count}
                </Text>
              }
            >
              {label.split(" > ").at(-1)}
            </Button>
          ))}
        </Group>
      )}
      <ProductList
        key={path}
        request={{ scenario: "home-feed", category: path }}
        empty={<Text c="dimmed">{t("search.none", { query: name })}</Text>}
        paged
      />
    </Stack>
  );
}
