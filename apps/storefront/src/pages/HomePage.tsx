import { Badge, Button, Card, Group, Stack, Text, Title } from "@mantine/core";
import { IconDiscount2 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { usePageTitle } from "../components/Layout.tsx";
import { ProductList } from "../components/ProductList.tsx";
import { useCategories, useNotedEvents, usePromotions } from "../shop/shop.ts";
import { useLanguage } from "../shop/texts.ts";

/** Acts that say something about taste; what was merely shown does not. */
const tellingActs: ReadonlySet<string> = new Set(["view", "wishlist", "add_to_cart", "purchase"]);

/** Links to the top level of the category tree. */
function Departments() {
  const { t } = useTranslation();
  const { data } = useCategories();
  const departments = (data?.categories ?? []).filter(({ path }) => !path.includes(" > "));
  if (departments.length === 0) return null;
  return (
    <nav aria-label={t("home.departments")} className="department-strip">
      {departments.map(({ path, label }) => (
        <Button
          key={path}
          component={Link}
          to={`/category?path=${encodeURIComponent(path)}`}
          variant="default"
          radius="xl"
          size="sm"
          style={{ flex: "none" }}
        >
          {label}
        </Button>
      ))}
    </nav>
  );
}

function Promotions() {
  const { t } = useTranslation();
  const language = useLanguage();
  const { data } = usePromotions();
  const promotions = (data?.promotions ?? []).slice(0, 3);
  if (promotions.length === 0) return null;
  return (
    <Stack component="section" gap="xs" aria-label={t("home.promotions")}>
      <Group gap="sm" grow preventGrowOverflow={false}>
        {promotions.map((promotion) => {
          const title = promotion.locales?.[language]?.title ?? promotion.title;
          return (
            <Card
              key={promotion.id}
              padding="md"
              withBorder
              className="product-card"
              style={{ background: "var(--mantine-primary-color-light)", minWidth: "14rem" }}
            >
              <Group wrap="nowrap">
                <IconDiscount2 size={32} stroke={1.4} aria-hidden />
                <div>
                  <Text fw={600}>
                    {promotion.category === undefined ? (
                      title
                    ) : (
                      <Link
                        className="product-card-link"
                        to={`/category?path=${encodeURIComponent(promotion.category)}`}
                      >
                        {title}
                      </Link>
                    )}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {t("home.promotionEnds", {
                      date: new Date(promotion.endsAt).toLocaleDateString(language),
                    })}
                  </Text>
                </div>
                {promotion.percentOff !== undefined && (
                  <Badge ml="auto" size="lg">
                    −{promotion.percentOff} %
                  </Badge>
                )}
              </Group>
            </Card>
          );
        })}
      </Group>
    </Stack>
  );
}

export function HomePage() {
  const { t } = useTranslation();
  usePageTitle(t("page.home"));
  const noted = useNotedEvents();
  const known = (noted.data?.events ?? []).some(({ type }) => tellingActs.has(type));
  return (
    <Stack gap="xl">
      <Departments />
      <Promotions />
      <ProductList
        request={{ scenario: "home-feed" }}
        heading={t(known ? "home.forYou" : "home.forStranger")}
        hint={t(known ? "home.forYouHint" : "home.forStrangerHint")}
        empty={<Title order={3}>{t("activity.empty")}</Title>}
        paged
      />
      <ProductList request={{ scenario: "popular" }} heading={t("home.popular")} />
    </Stack>
  );
}
