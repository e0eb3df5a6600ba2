import { ActionIcon, Badge, Card, Group, Text, Tooltip } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconShoppingCartPlus, IconStarFilled } from "@tabler/icons-react";
import type { ExplainedItem } from "@magpie/client";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAct, type ListPlace } from "../shop/acts.ts";
import { textsOf, useLanguage, variantLabel } from "../shop/texts.ts";
import { useCart } from "../shopper/cart.tsx";
import { PriceTag } from "./Price.tsx";
import { ProductArt } from "./ProductArt.tsx";
import { Why } from "./Why.tsx";

/** One product of a list. The whole card opens it; its buttons add to the cart and say why. */
export function ProductCard({
  explained,
  place,
  heading,
}: {
  readonly explained: ExplainedItem;
  readonly place: ListPlace;
  /** The title as it is shown, where words in it are marked. */
  readonly heading?: ReactNode;
}) {
  const { t } = useTranslation();
  const language = useLanguage();
  const act = useAct();
  const cart = useCart();
  const { item, variantId } = explained;
  const texts = textsOf(item, language);
  const { title, brand } = texts;
  const meant = item.variants.find(({ id }) => id === variantId);
  const variant = meant?.availability.available
    ? meant
    : item.variants.find(({ availability }) => availability.available);

  const addToCart = () => {
    if (variant === undefined) return;
    cart.add(item.id, variant.id);
    notifications.show({ message: t("product.added", { title }) });
    void act({ type: "add_to_cart", item, variantId: variant.id });
  };

  return (
    <Card component="article" padding="sm" withBorder className="product-card" data-item={item.id}>
      <ProductArt item={item} />
      <Text
        component="h3"
        size="sm"
        fw={550}
        lineClamp={2}
        lh={1.35}
        style={{ minHeight: "2.7em" }}
      >
        <Link
          to={`/product/${encodeURIComponent(item.id)}`}
          state={place}
          className="product-card-link"
          onClick={() => void act({ type: "click", item, place })}
        >
          {heading ?? title}
        </Link>
      </Text>
      <Group gap="xs" justify="space-between" wrap="nowrap">
        <Text size="xs" c="dimmed" truncate>
          {[brand, meant && variantLabel(meant, texts)].filter(Boolean).join(" · ")}
        </Text>
        {item.rating && (
          <Group
            gap={4}
            wrap="nowrap"
            role="img"
            aria-label={t("product.rating", { ...item.rating })}
          >
            <IconStarFilled size={12} color="var(--mantine-color-yellow-6)" aria-hidden />
            <Text size="xs" c="dimmed" aria-hidden>
              {item.rating.value.toFixed(1)}
            </Text>
          </Group>
        )}
      </Group>
      <Group justify="space-between" mt="auto" gap={4}>
        <PriceTag variant={meant ?? variant ?? item.variants[0]!} />
        <Group gap={2} wrap="nowrap" ml="auto">
          <Why explained={explained} title={title} />
          {variant === undefined ? (
            <Badge color="gray" variant="light">
              {t("product.outOfStock")}
            </Badge>
          ) : (
            <Tooltip label={t("product.addToCart")}>
              <ActionIcon
                variant="light"
                className="above-link"
                aria-label={`${t("product.addToCart")}: ${title}`}
                onClick={addToCart}
              >
                <IconShoppingCartPlus size={18} />
              </ActionIcon>
            </Tooltip>
          )}
        </Group>
      </Group>
    </Card>
  );
}
