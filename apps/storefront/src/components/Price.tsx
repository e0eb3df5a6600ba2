import { Group, Text } from "@mantine/core";
import { formatPrice, useLanguage } from "../shop/texts.ts";
import type { Variant } from "../shop/types.ts";

/** A variant's price, with the list price struck through where it is higher. */
export function PriceTag({
  variant,
  large = false,
}: {
  readonly variant: Variant;
  readonly large?: boolean;
}) {
  const language = useLanguage();
  const reduced =
    variant.listPrice !== undefined && variant.listPrice.amount > variant.price.amount
      ? variant.listPrice
      : undefined;
  return (
    <Group gap="xs" align="baseline">
      <Text component="span" fw={700} size={large ? "xl" : "md"}>
        {formatPrice(variant.price, language)}
      </Text>
      {reduced && (
        <Text component="s" size="sm" c="dimmed">
          {formatPrice(reduced, language)}
        </Text>
      )}
    </Group>
  );
}
