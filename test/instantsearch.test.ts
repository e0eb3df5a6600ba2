/// <reference lib="dom" />
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import type { Rule } from "@magpie/domain";
import { build } from "vite";
import { afterAll, beforeAll, beforeEach, describe, test } from "vitest";
import { chromiumPath, openBrowser } from "./browser.ts";
import { openHttpShop, type HttpShop } from "./http-shop.ts";

if (chromiumPath === undefined) {
  console.warn(
    "InstantSearch conformance is skipped: no Chromium found; install one or set MAGPIE_CHROMIUM",
  );
}

/**
 * A page with the stock widgets of react-instantsearch in a real browser, on the real server: by our
 * client, and by Algolia's own clients as they are.
 */
describe.skipIf(chromiumPath === undefined)(
  "InstantSearch conformance",
  { timeout: 180_000 },
  () => {
    let shop: HttpShop;
    let browser: Browser;
    let folder: string;
    let item: string;
    let brand: string;

    /** Rules for the pages that send their tags: the other groups of the page see none of them. */
    async function publishRules(): Promise<void> {
      const landing = { contexts: ["landing"] };
      // As the widget writes the choice of a facet.
      const chosen = `ais-brand-${brand.replaceAll(/[^a-z0-9-_]+/gi, "_")}`;
      const rules: Rule[] = [
        {
          id: "landing",
          name: "Landing page",
          conditions: [landing],
          actions: {
            pins: [{ itemId: item, position: 2 }],
            data: { title: "Some data" },
            banners: [{ id: "b", title: "A banner" }],
          },
        },
        {
          id: "away",
          name: "Sale",
          conditions: [{ ...landing, query: { match: "is", text: "sale" } }],
          actions: { redirect: { url: "/sale" } },
        },
        {
          id: "brand",
          name: "Brand day",
          conditions: [{ contexts: [chosen] }],
          actions: { banners: [{ id: "brand", title: "Day of brands" }] },
        },
      ];
      await shop.engine.rules.saveDraft(rules, { author: "test" });
      await shop.engine.rules.publish({ author: "test" });
    }

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "magpie-instantsearch-"));
      await build({
        root: join(import.meta.dirname, "..", "apps", "storefront", "conformance"),
        configFile: false,
        logLevel: "error",
        build: { outDir: folder, emptyOutDir: true, minify: false, target: "es2022" },
      });
      shop = await openHttpShop({ isTrained: true, storefrontDir: folder, openMode: true });
      const { items } = await shop.engine.search({ query: "" });
      item = items[0]!.item.id;
      // Facts that the simulated shop has not: stars, and places on the map.
      await shop.engine.upsertItems(
        items.map((one, i) => ({
          ...one.item,
          rating: { value: (i % 5) + 1, count: 3 },
          attributes: { ...one.item.attributes, latitude: 48.5 + (i % 3), longitude: 2.3 },
        })),
      );
      const { facets } = await shop.engine.search({ query: "", facets: [{ field: "brand" }] });
      brand = facets![0]!.values[0]!.value;
      await publishRules();
      browser = await openBrowser();
    });
    afterAll(async () => {
      await browser?.close();
      await shop?.close();
      await rm(folder, { recursive: true, force: true });
    });

    describe.each(["native", "algolia", "lite"])("by the %s client", (client) => {
      let page: Page;
      const problems: string[] = [];

      beforeAll(async () => {
        page = await browser.newPage();
        page.setDefaultTimeout(30_000);
        page.on("pageerror", (error) => problems.push(String(error)));
        page.on("console", (message) => {
          if (message.type() === "error") problems.push(message.text());
        });
        await page.goto(`${shop.server.url}/?client=${client}&item=${item}&key=mgp_open`);
        await group("search").locator("article").first().waitFor();
      });
      afterAll(async () => {
        await page?.close();
        assert.deepEqual(problems, [], "the page reported errors");
      });

      const group = (name: string): Locator => page.getByTestId(name);
      const statsOf = async (name: string): Promise<number> =>
        Number(
          /([\d,]+) result/.exec((await group(name).locator(".ais-Stats").textContent())!)![1],
        );
      /** Waits until the widgets of a group agree with what was asked. */
      const until = async (what: () => Promise<boolean>): Promise<void> => {
        for (let i = 0; i < 150; i++) {
          if (await what()) return;
          await page.waitForTimeout(100);
        }
        assert.ok(await what(), "the page never came to show it");
      };
      const hits = (name: string) => group(name).locator("article");
      const idsOf = (name: string) =>
        hits(name).evaluateAll((all) => all.map((one) => one.getAttribute("data-item")));
      const pricesOf = (name: string) =>
        hits(name).evaluateAll((all) => all.map((one) => Number(one.getAttribute("data-price"))));

      /** Every group of the page shows its first answer: counts, hits and lists are there to be read. */
      const settled = () =>
        page.waitForFunction(() => {
          const texts = (selector: string) =>
            [...document.querySelectorAll(selector)].map((one) => one.textContent ?? "");
          const stats = texts(".ais-Stats");
          return (
            stats.length === 5 &&
            stats.every((text) => /[1-9][\d,]* result/.test(text)) &&
            ["search", "infinite"].every(
              (name) => texts(`[data-testid="${name}"] article`).length > 0,
            ) &&
            texts('[data-testid="dynamic"] .ais-RefinementList').length >= 2
          );
        });
      // Each test begins with a page of its own; refinements live in the page, not in its address.
      beforeEach(async () => {
        await page.reload();
        await settled();
      });

      test("SearchBox, Stats, Hits, Highlight, ReverseHighlight, Snippet", async () => {
        await group("search").locator(".ais-SearchBox-input").first().fill("running shoes");
        await until(async () => {
          const marks = await group("search").locator(".ais-Highlight mark").allTextContents();
          return marks.length > 0 && marks.every((mark) => /^(running|shoes?)$/i.test(mark));
        });
        assert.ok((await statsOf("search")) > 0);
        assert.ok((await hits("search").first().locator(".ais-ReverseHighlight").count()) === 1);
        assert.ok((await hits("search").first().locator(".ais-Snippet").count()) === 1);
      });

      test("Pagination and HitsPerPage", async () => {
        const first = await idsOf("search");
        assert.equal(first.length, 6);
        await group("search").getByRole("link", { name: "Page 2", exact: true }).click();
        await until(async () => (await idsOf("search"))[0] !== first[0]);
        const second = await idsOf("search");
        assert.ok(second.every((id) => !first.includes(id)));
        await group("search").locator(".ais-HitsPerPage select").selectOption("12");
        await until(async () => (await hits("search").count()) === 12);
        assert.deepEqual(await idsOf("search"), [...first, ...second]);
      });

      test("SortBy", async () => {
        for (const [value, sign] of [
          ["products_price_asc", 1],
          ["products_price_desc", -1],
        ] as const) {
          await group("search").locator(".ais-SortBy select").selectOption(value);
          await until(async () => {
            const prices = await pricesOf("search");
            const first = (await idsOf("search")).length === 6;
            return first && prices.join() === prices.toSorted((a, b) => sign * (a - b)).join();
          });
        }
      });

      test("RefinementList with its search, CurrentRefinements, ClearRefinements", async () => {
        const list = group("search").locator(".ais-RefinementList");
        const before = await statsOf("search");
        const boxes = list.getByRole("checkbox");
        const brand = (await boxes.first().getAttribute("value"))!;
        await list.getByRole("searchbox").fill(brand.slice(0, 3));
        await until(async () => (await boxes.first().getAttribute("value")) !== null);
        await list.getByRole("searchbox").fill("");
        await list.getByRole("checkbox", { name: brand }).first().check();
        await until(async () => (await statsOf("search")) < before);
        const chosen = await statsOf("search");
        // Disjunctive: the other brands keep their counts, and choosing one adds to what is found.
        const other = (await boxes.nth(1).getAttribute("value"))!;
        await list.getByRole("checkbox", { name: other }).first().check();
        await until(async () => (await statsOf("search")) > chosen);
        assert.match(
          (await group("search").locator(".ais-CurrentRefinements").textContent())!,
          /brand/i,
        );
        await group("search").locator(".ais-ClearRefinements-button").click();
        await until(async () => (await statsOf("search")) === before);
      });

      test("ToggleRefinement", async () => {
        const before = await statsOf("search");
        await group("search").locator(".ais-ToggleRefinement input").check();
        await until(async () => (await statsOf("search")) <= before);
        await group("search").locator(".ais-ToggleRefinement input").uncheck();
        await until(async () => (await statsOf("search")) === before);
      });

      test("RangeInput", async () => {
        const range = group("search").locator(".ais-RangeInput");
        const before = await statsOf("search");
        const most = Number(await range.locator(".ais-RangeInput-input--max").getAttribute("max"));
        const half = Math.round(most / 2);
        await range.locator(".ais-RangeInput-input--max").fill(String(half));
        await range.locator("button").click();
        await until(async () => (await statsOf("search")) < before);
        assert.ok((await pricesOf("search")).every((price) => price <= half));
      });

      test("HierarchicalMenu and Breadcrumb", async () => {
        const menu = group("tree").locator(".ais-HierarchicalMenu");
        const all = await statsOf("tree");
        await menu.getByRole("link").first().click();
        await until(async () => (await statsOf("tree")) < all);
        const inRoot = await statsOf("tree");
        assert.ok((await group("tree").locator(".ais-Breadcrumb-item").count()) >= 2);
        await menu.locator(".ais-HierarchicalMenu-list--child a").first().click();
        await until(async () => (await statsOf("tree")) <= inRoot);
        await group("tree").locator(".ais-Breadcrumb a").first().click();
        await until(async () => (await statsOf("tree")) === all);
      });

      test("Menu", async () => {
        const all = await statsOf("menu");
        const link = group("menu").locator(".ais-Menu-link").first();
        const count = Number(await link.locator(".ais-Menu-count").textContent());
        await link.click();
        await until(async () => (await statsOf("menu")) === count);
        assert.ok(count < all);
      });

      test("NumericMenu and RatingMenu, by their connectors", async () => {
        const all = await statsOf("numbers");
        await group("numbers").getByRole("button", { name: "Up to 20" }).click();
        await until(async () => (await statsOf("numbers")) < all);
        const cheap = await statsOf("numbers");
        await group("numbers").getByRole("button", { name: "Above" }).click();
        await until(async () => (await statsOf("numbers")) === all - cheap);

        const star = group("rating").getByRole("button", { name: /^4 up/ });
        const count = Number(/: (\d+)/.exec((await star.textContent())!)![1]);
        await star.click();
        await until(async () => (await statsOf("rating")) === count);
      });

      test("InfiniteHits", async () => {
        assert.equal(await hits("infinite").count(), 5);
        await group("infinite").locator(".ais-InfiniteHits-loadMore").click();
        await until(async () => (await hits("infinite").count()) === 10);
        assert.equal(new Set(await idsOf("infinite")).size, 10);
      });

      test("DynamicWidgets shows the facets that the answer orders", async () => {
        await group("dynamic").locator(".ais-RefinementList").first().waitFor();
        assert.ok((await group("dynamic").locator(".ais-RefinementList").count()) >= 2);
      });

      test("Index: two lists of one query, each in its order", async () => {
        await group("two").getByRole("searchbox").fill("tea");
        await until(async () => {
          const prices = await pricesOf("two");
          const half = prices.length / 2;
          const [up, down] = [prices.slice(0, half), prices.slice(half)];
          return (
            prices.length > 0 &&
            up.join() === up.toSorted((a, b) => a - b).join() &&
            down.join() === up.toReversed().join()
          );
        });
      });

      test("GeoSearch, by its connector", async () => {
        await until(async () => (await group("geo").locator("[data-places='20']").count()) === 1);
        await group("geo").getByRole("button").click();
        await until(async () => {
          const places = Number(await group("geo").locator("p").getAttribute("data-places"));
          return places > 0 && places < 20;
        });
      });

      test("QueryRules, by its connector: data, banners, pins and redirects of rules", async () => {
        const rules = group("rules");
        await until(async () => (await rules.locator("[data-rules='2']").count()) === 1);
        const shown = await rules.locator("[data-rules]").textContent();
        assert.equal(shown, "Some data, A banner");
        await until(async () => (await idsOf("rules"))[1] === item);
        await rules.getByRole("searchbox").fill("sale");
        await until(async () => (await rules.locator("[data-redirect='/sale']").count()) === 1);
        await rules.getByRole("searchbox").fill("");
        await until(async () => (await rules.locator("[data-redirect]").count()) === 0);
      });

      test("QueryRuleCustomData and QueryRuleContext of instantsearch.js", async () => {
        const banners = group("rule-widgets").locator("[data-banner]");
        const choice = group("rule-widgets").getByRole("checkbox", { name: brand });
        await choice.waitFor();
        assert.equal(await banners.count(), 0);
        await choice.check();
        await until(async () => (await banners.allTextContents()).join() === "Day of brands");
        await choice.uncheck();
        await until(async () => (await banners.count()) === 0);
      });

      test("Autocomplete", async () => {
        const box = group("autocomplete").locator("input").first();
        await box.click();
        await box.fill("tea");
        await group("autocomplete").locator("article").first().waitFor();
      });

      // The full algoliasearch client has no method for these widgets; the lite one is what they ask.
      test.skipIf(client === "algolia")(
        "RelatedProducts, LookingSimilar, FrequentlyBoughtTogether, TrendingItems, TrendingFacets",
        async () => {
          for (const name of ["related", "similar", "together"]) {
            await hits(name).first().waitFor();
            assert.ok(!(await idsOf(name)).includes(item), name);
          }
          await until(async () => (await hits("trending").count()) === 4);
          await until(
            async () => (await group("trending-facets").locator("[data-value]").count()) === 3,
          );
        },
      );

      test("PoweredBy and Configure are there; nothing broke", async () => {
        assert.equal(await group("search").locator(".ais-PoweredBy").count(), 1);
        assert.equal(await page.getByTestId("broken").count(), 0);
      });
    });
  },
);
