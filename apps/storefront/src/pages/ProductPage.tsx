import {
  Anchor,
  Badge,
  Breadcrumbs,
  Button,
  Chip,
  Group,
  Rating,
  SimpleGrid,
  Skeleton,
  Stack,
  Table,
  Text,
  Title,
} from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconShoppingCartPlus } from "@tabler/icons-react";
import { MagpieClientError } from "@magpie/client";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useParams } from "react-router";
import { usePageTitle } from "../components/Layout.tsx";
import { Failure } from "../components/ListState.tsx";
import { PriceTag } from "../components/Price.tsx";
import { ProductArt } from "../components/ProductArt.tsx";
import { ProductList } from "../components/ProductList.tsx";
import { useAct, type ListPlace } from "../shop/acts.ts";
import { useItem, useShops } from "../shop/shop.ts";
import { textsOf, useLanguage, variantLabel, type ItemTexts } from "../shop/texts.ts";
import type { Item } from "../shop/types.ts";
import { useCart } from "../shopper/cart.tsx";

function Attributes({ item, texts }: { readonly item: Item; readonly texts: ItemTexts }) {
  const { t } = useTranslation();
  const rows = Object.entries(item.attributes ?? {});
  if (rows.length === 0) return null;
  return (
    <section aria-label={t("product.details")}>
      <Title order={3} size="h5" mb="xs">
        {t("product.details")}
      </Title>
      <Table>
        <Table.Tbody>
          {rows.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" w="40%" className="sentence-case">
                {texts.term(name)}
              </Table.Th>
              <Table.Td>
                {(Array.isArray(value) ? value : [value])
                  .map((part) => texts.term(String(part)))
                  .join(", ")}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

function Trail({ item, texts }: { readonly item: Item; readonly texts: ItemTexts }) {
  const { t } = useTranslation();
  const levels = (item.categories?.[0] ?? "").split(" > ").filter(Boolean);
  return (
    <nav aria-label={t("page.category")}>
      <Breadcrumbs>
        <Anchor component={Link} to="/" size="sm">
          {t("page.home")}
        </Anchor>
        {levels.map((level, i) => (
          <Anchor
            key={level}
            component={Link}
            to={`/category?path=${encodeURIComponent(levels.slice(0, i + 1).join(" > "))}`}
            size="sm"
          >
            {texts.categories[i] ?? level}
          </Anchor>
        ))}
      </Breadcrumbs>
    </nav>
  );
}

function Product({ item }: { readonly item: Item }) {
  const { t } = useTranslation();
  const language = useLanguage();
  const act = useAct();
  const cart = useCart();
  const place = (useLocation().state ?? undefined) as ListPlace | undefined;
  const { data: shops } = useShops();
  const texts = textsOf(item, language);
  const firstAvailable = item.variants.find(({ availability }) => availability.available);
  const [chosenId, setChosenId] = useState((firstAvailable ?? item.variants[0]!).id);
  const chosen = item.variants.find(({ id }) => id === chosenId) ?? item.variants[0]!;
  const shop = shops?.shops.find(({ id }) => id === item.shopId);
  usePageTitle(texts.title);

  // One look is one view, however often React renders it.
  const viewed = useRef<string>(undefined);
  useEffect(() => {
    if (viewed.current === item.id) return;
    viewed.current = item.id;
    void act({ type: "view", item, ...(place && { place }) });
  }, [item, place, act]);

  const addToCart = () => {
    cart.add(item.id, chosen.id);
    notifications.show({ message: t("product.added", { title: texts.title }) });
    void act({ type: "add_to_cart", item, variantId: chosen.id });
  };

  return (
    <Stack gap="lg">
      <Trail item={item} texts={texts} />
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl">
        <ProductArt item={item} size={180} />
        <Stack gap="md" align="start">
          <div>
            {texts.brand && (
              <Text c="dimmed" size="sm">
                {texts.brand}
              </Text>
            )}
            <Title order={2}>{texts.title}</Title>
          </div>
          {item.rating && (
            <Group gap="xs" role="img" aria-label={t("product.rating", { ...item.rating })}>
              <Rating value={item.rating.value} fractions={10} readOnly aria-hidden />
              <Text size="sm" c="dimmed" aria-hidden>
                {item.rating.value.toFixed(1)} ({item.rating.count})
              </Text>
            </Group>
          )}
          <PriceTag variant={chosen} large />
          {item.variants.length > 1 && (
            <Chip.Group value={chosen.id} onChange={(id) => setChosenId(String(id))}>
              <Group gap="xs">
                {item.variants.map((variant) => (
                  <Chip key={variant.id} value={variant.id} variant="outline">
                    {variantLabel(variant, texts)}
                  </Chip>
                ))}
              </Group>
            </Chip.Group>
          )}
          <Group>
            <Button
              size="md"
              leftSection={<IconShoppingCartPlus size={20} aria-hidden />}
              disabled={!chosen.availability.available}
              onClick={addToCart}
            >
              {t("product.addToCart")}
            </Button>
            <Badge
              color={chosen.availability.available ? "teal" : "gray"}
              variant="light"
              size="lg"
            >
              {t(chosen.availability.available ? "product.inStock" : "product.outOfStock")}
            </Badge>
          </Group>
          {shop && (
            <Text size="sm" c="dimmed">
              {t("product.soldBy", { shop: shop.locales?.[language]?.name ?? shop.name })}
            </Text>
          )}
          {texts.description && (
            <section aria-label={t("product.description")}>
              <Title order={3} size="h5" mb="xs">
                {t("product.description")}
              </Title>
              <Text style={{ whiteSpace: "pre-line" }}>{texts.description}</Text>
            </section>
          )}
          <Attributes item={item} texts={texts} />
        </Stack>
      </SimpleGrid>
      <ProductList
        request={{ scenario: "similar-items", contextItemId: item.id }}
        heading={t("product.similar")}
      />
    </Stack>
  );
}

export function ProductPage() {
  const { t } = useTranslation();
  const { id = "" } = useParams();
  const item = useItem(id);
  usePageTitle(t("page.product"));

  if (item.isPending) {
    return (
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl" role="status" aria-label={t("loading")}>
        <Skeleton style={{ aspectRatio: "4 / 3" }} />
        <Stack aria-hidden>
          <Skeleton height={32} width="80%" />
          <Skeleton height={24} width="30%" />
          <Skeleton height={120} />
        </Stack>
      </SimpleGrid>
    );
  }
  if (item.isError) {
    const unknown = item.error instanceof MagpieClientError && item.error.status === 404;
    return unknown ? (
      <Stack align="start">
        <Title order={2}>{t("product.notFound")}</Title>
        <Button component={Link} to="/" variant="light">
          {t("backHome")}
        </Button>
      </Stack>
    ) : (
      <Failure error={item.error} retry={() => void item.refetch()} />
    );
  }
  return <Product key={item.data.id} item={item.data} />;
}
