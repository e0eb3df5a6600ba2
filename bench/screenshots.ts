/**
 * The pictures of the README: the storefront of a running demo, in both languages.
 *
 *     npm run demo                       # in another terminal
 *     node bench/screenshots.ts [--url http://127.0.0.1:7700]
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBrowser } from "../test/browser.ts";

const { values } = parseArgs({
  options: { url: { type: "string", default: "http://127.0.0.1:7700" } },
});
const folder = join(import.meta.dirname, "../docs/images");
mkdirSync(folder, { recursive: true });

const browser = await openBrowser();
try {
  for (const [language, locale] of [
    ["en", "en-US"],
    ["zh", "zh-CN"],
  ] as const) {
    const context = await browser.newContext({ locale, viewport: { width: 1200, height: 820 } });
    const page = await context.newPage();
    const card = page.locator('[data-scenario="home-feed"] article');
    await page.goto(values.url);
    await card.first().waitFor();
    // Through the eyes of a shopper with a past, whose reasons are worth a picture.
    await page.locator("header button").first().click();
    await page.getByRole("menuitem").nth(1).click();
    await page.waitForTimeout(1_500);
    await card.nth(2).getByRole("button").first().click();
    await page.waitForTimeout(1_000);
    await page.screenshot({
      path: join(folder, `storefront-${language}.jpg`),
      type: "jpeg",
      quality: 82,
    });
    await context.close();
  }
} finally {
  await browser.close();
}
