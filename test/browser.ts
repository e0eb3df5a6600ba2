import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

/** Where systems keep a Chromium; `MAGPIE_CHROMIUM` names another. */
const usualPaths = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** The installed Chromium, or undefined where there is none. */
export const chromiumPath: string | undefined =
  process.env["MAGPIE_CHROMIUM"] ?? usualPaths.find((path) => existsSync(path));

/** Starts it without a window, and without anything that calls out. */
export function openBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error("internal: no Chromium; skip the test first");
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}
