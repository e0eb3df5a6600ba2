import { Alert, Button, SimpleGrid, Skeleton, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { MagpieClientError } from "@magpie/client";
import { useTranslation } from "react-i18next";

/** What a list shows while it loads: the shape of the cards to come. */
export function LoadingCards({ count }: { readonly count: number }) {
  const { t } = useTranslation();
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 4 }} role="status" aria-label={t("loading")}>
      {Array.from({ length: count }, (_, i) => (
        <Stack key={i} gap="xs" aria-hidden>
          <Skeleton style={{ aspectRatio: "4 / 3" }} />
          <Skeleton height={14} width="85%" />
          <Skeleton height={14} width="40%" />
        </Stack>
      ))}
    </SimpleGrid>
  );
}

/** What went wrong, what to do about it, and a way to try again. */
export function Failure({ error, retry }: { readonly error: unknown; readonly retry: () => void }) {
  const { t } = useTranslation();
  const known = error instanceof MagpieClientError ? error : undefined;
  return (
    <Alert color="red" icon={<IconAlertTriangle />} title={t("error.title")} role="alert">
      <Stack gap="xs" align="start">
        <Text size="sm">{known?.status === undefined ? t("error.offline") : known.message}</Text>
        {known?.hint && (
          <Text size="sm" c="dimmed">
            {known.hint}
          </Text>
        )}
        <Button size="xs" variant="light" color="red" onClick={retry}>
          {t("error.retry")}
        </Button>
      </Stack>
    </Alert>
  );
}
