import { ActionIcon, List, Popover, Progress, Stack, Text, Tooltip } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import type { ExplainedItem } from "@magpie/client";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useCategoryLabel, useItems } from "../shop/shop.ts";
import { textsOf, useLanguage } from "../shop/texts.ts";
import type { Item, Reason } from "../shop/types.ts";

/** What a reason counts for: a pin adds nothing to the score, and is why the item is there. */
const weightOf = ({ amount, reason }: ExplainedItem["reasons"][number]): number =>
  reason.kind === "rule" && reason.effect === "pinned" ? Infinity : amount;

/** The reasons that speak for the item, the largest amounts first, each said once. */
function mainReasons(explained: ExplainedItem): Reason[] {
  const seen = new Set<string>();
  return explained.reasons
    .filter((one) => weightOf(one) > 0)
    .toSorted((a, b) => weightOf(b) - weightOf(a))
    .map(({ reason }) => reason)
    .filter((reason) => {
      const key = JSON.stringify({ ...reason, share: undefined });
      return !seen.has(key) && seen.add(key);
    })
    .slice(0, 5);
}

const namedItems = (reasons: readonly Reason[]): string[] =>
  reasons.flatMap((reason) => ("itemId" in reason ? (reason.itemId ?? []) : []));

function ReasonLine({
  reason,
  items,
}: {
  readonly reason: Reason;
  readonly items: ReadonlyMap<string, Item> | undefined;
}) {
  const { t } = useTranslation();
  const language = useLanguage();
  const labelOf = useCategoryLabel();
  const titleOf = (id: string) => {
    const item = items?.get(id);
    return item === undefined ? "…" : textsOf(item, language).title;
  };
  switch (reason.kind) {
    case "history-item": {
      const percent = Math.round(reason.share * 100);
      return (
        <Stack gap={2}>
          <Text size="sm">{t("why.history-item", { title: titleOf(reason.itemId) })}</Text>
          {percent > 0 && (
            <>
              <Progress value={Math.min(percent, 100)} size="sm" aria-hidden />
              <Text size="xs" c="dimmed">
                {t("why.history-item-share", { percent: `${percent} %` })}
              </Text>
            </>
          )}
        </Stack>
      );
    }
    case "bought-together":
    case "similar-to":
      return <Text size="sm">{t(`why.${reason.kind}`, { title: titleOf(reason.itemId) })}</Text>;
    case "popular":
      return (
        <Text size="sm">
          {reason.days === null ? t("why.popular") : t("why.popular-days", { count: reason.days })}
        </Text>
      );
    case "query-match":
      return <Text size="sm">{t("why.query-match", { words: reason.words.join(", ") })}</Text>;
    case "likely-category":
      return (
        <Text size="sm">{t("why.likely-category", { category: labelOf(reason.category) })}</Text>
      );
    case "rule":
      return (
        <Text size="sm">{t(`why.rule.${reason.effect ?? "other"}`, { rule: reason.rule })}</Text>
      );
    case "learned":
      return (
        <Text size="sm">
          {reason.itemId === undefined
            ? t(`why.learned.${reason.signal}`)
            : t("why.history-item", { title: titleOf(reason.itemId) })}
        </Text>
      );
    case "similar-meaning":
    case "sequence-model":
    case "diversity":
    case "exploration":
      return <Text size="sm">{t(`why.${reason.kind}`)}</Text>;
    default:
      return reason satisfies never;
  }
}

function Reasons({ explained }: { readonly explained: ExplainedItem }) {
  const { t } = useTranslation();
  const reasons = mainReasons(explained);
  const { data: items } = useItems(namedItems(reasons));
  const measured = reasons.some(({ kind }) => kind === "history-item");
  return (
    <Stack gap="xs">
      <Text fw={600} size="sm">
        {t("why.title")}
      </Text>
      {reasons.length === 0 ? (
        <Text size="sm">{t("why.none")}</Text>
      ) : (
        <List size="sm" spacing="xs" listStyleType="none">
          {reasons.map((reason) => (
            <List.Item
              key={JSON.stringify(reason)}
              styles={{ itemWrapper: { width: "100%" }, itemLabel: { width: "100%" } }}
            >
              <ReasonLine reason={reason} items={items} />
            </List.Item>
          ))}
        </List>
      )}
      {measured && (
        <Text size="xs" c="dimmed">
          {t("why.measured")}
        </Text>
      )}
    </Stack>
  );
}

/** "Why am I seeing this?": a button that opens the reasons; by keyboard, mouse or touch. */
export function Why({
  explained,
  title,
}: {
  readonly explained: ExplainedItem;
  readonly title: string;
}) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  return (
    <Popover width={300} shadow="md" withArrow trapFocus opened={opened} onChange={setOpened}>
      <Popover.Target>
        <Tooltip label={t("why.button")} disabled={opened}>
          <ActionIcon
            variant="subtle"
            color="gray"
            className="above-link"
            aria-label={t("why.buttonFor", { title })}
            onClick={() => setOpened((now) => !now)}
          >
            <IconInfoCircle size={18} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("why.title")} data-testid="why">
        {opened && <Reasons explained={explained} />}
      </Popover.Dropdown>
    </Popover>
  );
}
