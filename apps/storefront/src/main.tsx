import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./app.css";
import { Button, MantineProvider, Stack, Title } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, Suspense, lazy } from "react";
import { createRoot } from "react-dom/client";
import { useTranslation } from "react-i18next";
import { BrowserRouter, Link, Route, Routes } from "react-router";
import { LoadingCards } from "./components/ListState.tsx";
import { Layout, usePageTitle } from "./components/Layout.tsx";
import { startTranslation } from "./i18n/index.ts";
import { CartPage } from "./pages/CartPage.tsx";
import { CategoryPage } from "./pages/CategoryPage.tsx";
import { HomePage } from "./pages/HomePage.tsx";
import { ProductPage } from "./pages/ProductPage.tsx";
import { queryClient } from "./shop/shop.ts";
import { CartProvider } from "./shopper/cart.tsx";
import { ShopperProvider } from "./shopper/shopper.tsx";
import { theme } from "./theme.ts";

function NotFoundPage() {
  const { t } = useTranslation();
  usePageTitle(t("page.notFound"));
  return (
    <Stack align="start">
      <Title order={2}>{t("page.notFound")}</Title>
      <Button component={Link} to="/" variant="light">
        {t("backHome")}
      </Button>
    </Stack>
  );
}

// InstantSearch comes with the page that needs it.
const SearchPage = lazy(async () => ({
  default: (await import("./pages/SearchPage.tsx")).SearchPage,
}));

await startTranslation();

createRoot(document.querySelector("#root")!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Notifications position="bottom-right" autoClose={2_500} />
      <QueryClientProvider client={queryClient}>
        <ShopperProvider>
          <CartProvider>
            <BrowserRouter>
              <Routes>
                <Route element={<Layout />}>
                  <Route index element={<HomePage />} />
                  <Route
                    path="search"
                    element={
                      <Suspense fallback={<LoadingCards count={8} />}>
                        <SearchPage />
                      </Suspense>
                    }
                  />
                  <Route path="category" element={<CategoryPage />} />
                  <Route path="product/:id" element={<ProductPage />} />
                  <Route path="cart" element={<CartPage />} />
                  <Route path="*" element={<NotFoundPage />} />
                </Route>
              </Routes>
            </BrowserRouter>
          </CartProvider>
        </ShopperProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
