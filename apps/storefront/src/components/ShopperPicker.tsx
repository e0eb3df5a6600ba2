import { Button, Menu, Text } from "@mantine/core";
import { IconCheck, IconChevronDown, IconUser, IconUserPlus } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useDemoShoppers } from "../shop/shop.ts";
import { useShopper } from "../shopper/shopper.tsx";

/** Chooses through whose eyes the shop is seen. A shop's own key hides the list of shoppers. */
export function ShopperPicker() {
  const { t } = useTranslation();
  const { shopper, choose, startOver } = useShopper();
  const { data } = useDemoShoppers();
  const users = data?.users ?? [];

  return (
    <Menu shadow="md" width={280} position="bottom-end">
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-md"
          leftSection={<IconUser size={18} aria-hidden />}
          rightSection={<IconChevronDown size={14} aria-hidden />}
          aria-label={`${t("shopper.label")}: ${shopper.userId ?? t("shopper.anonymous")}`}
          fw={500}
          styles={{ label: { maxWidth: 140, textOverflow: "ellipsis" } }}
        >
          {shopper.userId ?? t("shopper.anonymous")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {users.length > 0 && <Menu.Label>{t("shopper.hint")}</Menu.Label>}
        {users
          .filter(({ userId }) => !userId.startsWith("visitor-"))
          .map(({ userId, events }) => (
            <Menu.Item
              key={userId}
              onClick={() => choose(userId)}
              leftSection={
                shopper.userId === userId ? <IconCheck size={16} /> : <IconUser size={16} />
              }
              rightSection={
                <Text size="xs" c="dimmed">
                  {t("shopper.events", { count: events })}
                </Text>
              }
            >
              {userId}
            </Menu.Item>
          ))}
        {users.length > 0 && <Menu.Divider />}
        <Menu.Item
          onClick={() => choose(undefined)}
          leftSection={
            shopper.userId === undefined ? <IconCheck size={16} /> : <IconUser size={16} />
          }
        >
          {t("shopper.anonymous")}
        </Menu.Item>
        <Menu.Item onClick={startOver} leftSection={<IconUserPlus size={16} />}>
          {t("shopper.newVisitor")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
