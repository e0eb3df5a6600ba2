import { Anchor, Image, Paper, SimpleGrid, Stack, Text } from "@mantine/core";
import { useEffect } from "react";
import { useInstantSearch, useQueryRules } from "react-instantsearch";

/** Something that a merchandiser's rule shows beside the items. */
interface Banner {
  readonly id: string;
  readonly title?: string;
  readonly text?: string;
  readonly imageUrl?: string;
  readonly url?: string;
}

/** Rules may give pages any data; banners are what has a title, a text or a picture. */
const isBanner = (data: unknown): data is Banner =>
  typeof data === "object" &&
  data !== null &&
  "id" in data &&
  ["title", "text", "imageUrl"].some((name) => name in data);

/** What merchandisers' rules say to the search: their banners, and where they lead. */
export function RuleBanners() {
  const { items } = useQueryRules({});
  const { results } = useInstantSearch();
  // Types of InstantSearch do not know of redirects yet.
  const { redirect } = (results.renderingContent ?? {}) as { redirect?: { url: string } };
  useEffect(() => {
    // In place of this page, or the way back would lead here and away again.
    if (redirect !== undefined) window.location.replace(redirect.url);
  }, [redirect]);
  const banners = items.filter(isBanner);
  if (banners.length === 0) return null;
  return (
    <SimpleGrid cols={{ base: 1, sm: Math.min(2, banners.length) }} spacing="md">
      {banners.map(({ id, title, text, imageUrl, url }) => (
        <Paper key={id} withBorder radius="md" p="md" data-banner={id}>
          <Stack gap="xs">
            {imageUrl !== undefined && <Image src={imageUrl} alt="" mah={160} fit="cover" />}
            {title !== undefined &&
              (url === undefined ? (
                <Text fw={600}>{title}</Text>
              ) : (
                <Anchor href={url} fw={600}>
                  {title}
                </Anchor>
              ))}
            {text !== undefined && <Text size="sm">{text}</Text>}
          </Stack>
        </Paper>
      ))}
    </SimpleGrid>
  );
}
