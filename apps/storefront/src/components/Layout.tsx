import { Container, Stack, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Outlet, useLocation } from "react-router";
import type { KeepsPlace } from "../search/search-routing.ts";
import { Header } from "./Header.tsx";
import { NotedEvents } from "./NotedEvents.tsx";

/**
 * Frame of every page. A new page moves the focus to its content, as a full load would; a choice in a
 * filter, which is in the address too, leaves the shopper where they are.
 */
export function Layout() {
  const { t } = useTranslation();
  const { pathname, search, state } = useLocation();
  const keepsPlace = (state as Partial<KeepsPlace> | null)?.keepsPlace === true;
  const content = useRef<HTMLElement>(null);
  const first = useRef(true);

  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    if (keepsPlace) return;
    window.scrollTo(0, 0);
    content.current?.focus({ preventScroll: true });
  }, [pathname, search, keepsPlace]);

  return (
    <>
      <a href="#content" className="skip-link">
        {t("skipToContent")}
      </a>
      <Header />
      <main id="content" tabIndex={-1} ref={content} className="main-content">
        <Container size="lg" py="lg">
          <Outlet />
        </Container>
      </main>
      <footer style={{ borderTop: "1px solid var(--mantine-color-default-border)" }}>
        <Container size="lg" py="lg">
          <Stack gap="lg">
            <NotedEvents />
            <Text size="sm" c="dimmed">
              {t("footer")}
            </Text>
          </Stack>
        </Container>
      </footer>
    </>
  );
}

/** Names the page in the browser's tab, which screen readers announce. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Magpie`;
  }, [title]);
}
