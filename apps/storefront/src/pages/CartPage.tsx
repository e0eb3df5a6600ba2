import { ActionIcon, Alert, Anchor, Button, Card, Group, Stack, Text, Title } from "@mantine/core";
import { IconCircleCheck, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { usePageTitle } from "../components/Layout.tsx";
import { ProductArt } from "../components/ProductArt.tsx";
import { ProductList } from "../components/ProductList.tsx";
import { useAct, type OrderLine } from "../shop/acts.ts";
import { useItems } from "../shop/shop.ts";
import { formatPrice, textsOf, useLanguage } from "../shop/texts.ts";
import { useCart } from "../shopper/cart.tsx";

/** Sums lines per currency: amounts of different currencies never add up. */
function totals(lines: readonly OrderLine[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { item, variantId, quantity } of lines) {
    const price = item.variants.find(({ id }) => id === variantId)?.price;
    if (price === undefined) continue;
    sums.set(price.currency, (sums.get(price.currency) ?? 0) + price.amount * quantity);
  }
  return sums;
}

export function CartPage() {
  const { t } = useTranslation();
  const language = useLanguage();
  const cart = useCart();
  const act = useAct();
  const [order, setOrder] = useState<string>();
  const { data: items } = useItems(cart.lines.map(({ itemId }) => itemId));
  usePageTitle(t("page.cart"));

  const lines = cart.lines.flatMap((line) => {
    const item = items?.get(line.itemId);
    return item === undefined ? [] : [{ ...line, item }];
  });

  const buy = async () => {
    const orderId = `order-${crypto.randomUUID().slice(0, 8)}`;
    await act({ type: "purchase", orderId, lines });
    cart.clear();
    setOrder(orderId);
  };

  return (
    <Stack gap="lg">
      <Title order={2}>{t("cart.title")}</Title>
      {order !== undefined && (
        <Alert color="teal" icon={<IconCircleCheck />} role="status">
          {t("cart.bought", { order })}
        </Alert>
      )}
      {cart.count === 0 ? (
        <Stack align="start">
          {order === undefined && <Text>{t("cart.empty")}</Text>}
          <Button component={Link} to="/" variant="light">
            {t("backHome")}
          </Button>
        </Stack>
      ) : (
        <>
          <Stack gap="sm" component="ul" p={0} m={0} style={{ listStyle: "none" }}>
            {lines.map(({ item, variantId, quantity }) => {
              const texts = textsOf(item, language);
              const variant = item.variants.find(({ id }) => id === variantId);
              const options = Object.values(variant?.options ?? {}).map((value) =>
                texts.term(value),
              );
              return (
                <Card key={variantId} component="li" padding="sm" withBorder>
                  <Group wrap="nowrap">
                    <div style={{ width: 88, flex: "none" }}>
                      <ProductArt item={item} size={36} />
                    </div>
                    <div style={{ flex: 1 }}>
                      <Anchor component={Link} to={`/product/${encodeURIComponent(item.id)}`}>
                        {texts.title}
                      </Anchor>
                      <Text size="sm" c="dimmed">
                        {[...options, `${t("product.quantity")}: ${quantity}`].join(" · ")}
                      </Text>
                    </div>
                    {variant && (
                      <Text fw={600}>
                        {formatPrice(
                          { ...variant.price, amount: variant.price.amount * quantity },
                          language,
                        )}
                      </Text>
                    )}
                    <ActionIcon
                      variant="subtle"
                      color="red"
                      aria-label={t("cart.remove", { title: texts.title })}
                      onClick={() => {
                        cart.remove(variantId);
                        void act({ type: "remove_from_cart", item, variantId });
                      }}
                    >
                      <IconTrash size={18} />
                    </ActionIcon>
                  </Group>
                </Card>
              );
            })}
          </Stack>
          <Group justify="space-between">
            <Text size="lg" fw={600}>
              {t("cart.total")}:{" "}
              {[...totals(lines)]
                .map(([currency, amount]) => formatPrice({ currency, amount }, language))
                .join(" + ")}
            </Text>
            <Button size="md" onClick={() => void buy()} disabled={lines.length === 0}>
              {t("cart.buy")}
            </Button>
          </Group>
          <Text size="sm" c="dimmed">
            {t("cart.note")}
          </Text>
          <ProductList
            request={{ scenario: "cart", contextItemId: cart.lines.at(-1)!.itemId }}
            heading={t("cart.goesWell")}
          />
        </>
      )}
    </Stack>
  );
}
