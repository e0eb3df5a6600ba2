import { Accordion, Button, Group, Popover, Stack, Text, Timeline } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { client, useItems, useNotedEvents } from "../shop/shop.ts";
import { textsOf, useLanguage } from "../shop/texts.ts";
import { useShopper } from "../shopper/shopper.tsx";

/** The acts worth telling a shopper about; lists seen and pages opened are not among them. */
const told = ["view", "search", "add_to_cart", "remove_from_cart", "purchase"] as const;
type Told = (typeof told)[number];
const isTold = (type: string): type is Told => (told as readonly string[]).includes(type);

function Forget() {
  const { t } = useTranslation();
  const { actor, startOver } = useShopper();
  const cache = useQueryClient();
  const [opened, setOpened] = useState(false);

  const forget = async () => {
    setOpened(false);
    try {
      // What still waits to be sent would be noted again right after.
      await client.flush();
      const { events } = await client.eraseUser(actor);
      notifications.show({ message: t("activity.erased", { events }) });
      startOver();
      await cache.invalidateQueries();
    } catch (error) {
      notifications.show({ color: "red", message: String((error as Error).message) });
    }
  };
  return (
    <Popover opened={opened} onChange={setOpened} shadow="md" withArrow trapFocus>
      <Popover.Target>
        <Button variant="light" color="red" size="xs" onClick={() => setOpened(true)}>
          {t("activity.erase")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          <Text size="sm">{t("activity.eraseConfirm")}</Text>
          <Group gap="xs">
            <Button size="xs" color="red" onClick={() => void forget()}>
              {t("activity.erase")}
            </Button>
            <Button size="xs" variant="default" onClick={() => setOpened(false)}>
              {t("activity.eraseNo")}
            </Button>
          </Group>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

/** What the shop has noted about this shopper, in plain words, and the way to have it forgotten. */
export function NotedEvents() {
  const { t } = useTranslation();
  const language = useLanguage();
  const noted = useNotedEvents();
  const events = (noted.data?.events ?? []).filter(({ type }) => isTold(type)).slice(0, 8);
  const { data: items } = useItems(
    events.flatMap((event) => (event.items ?? []).map(({ itemId }) => itemId)),
  );
  // A key that may not read it hides the panel; a shopper unknown so far has an empty one.
  if (noted.isError && (noted.error as { status?: number }).status !== 404) return null;

  return (
    <Accordion variant="contained">
      <Accordion.Item value="noted">
        <Accordion.Control>{t("activity.title")}</Accordion.Control>
        <Accordion.Panel>
          {events.length === 0 ? (
            <Text size="sm" c="dimmed">
              {t("activity.empty")}
            </Text>
          ) : (
            <Stack gap="md" align="start">
              <Timeline bulletSize={10} lineWidth={2} data-testid="noted">
                {events.map((event) => (
                  <Timeline.Item key={event.eventId ?? event.timestamp}>
                    <Text size="sm">
                      {t(`activity.types.${event.type as Told}`)}{" "}
                      {event.query ??
                        (event.items ?? [])
                          .map(({ itemId }) => {
                            const item = items?.get(itemId);
                            return item === undefined ? itemId : textsOf(item, language).title;
                          })
                          .join(", ")}
                    </Text>
                    {event.timestamp && (
                      <Text size="xs" c="dimmed">
                        {new Date(event.timestamp).toLocaleString(language)}
                      </Text>
                    )}
                  </Timeline.Item>
                ))}
              </Timeline>
              <Forget />
            </Stack>
          )}
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}
