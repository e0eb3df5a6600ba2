#!/usr/bin/env node
// Plain JavaScript that any Node parses: it only makes sure that the rest runs on Node 24, which
// runs our TypeScript as it stands and has node:sqlite.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);

if (major > 24 || (major === 24 && minor >= 12)) {
  const { main } = await import("../src/main.ts");
  process.exitCode = await main(process.argv.slice(2));
} else {
  const pinned = fileURLToPath(new URL("../../../node_modules/node/bin/node", import.meta.url));
  if (!existsSync(pinned) || process.env.MAGPIE_PINNED_NODE === "1") {
    console.error(
      `magpie needs Node 24.12 or newer and runs on ${process.versions.node}.\n` +
        "Run `npm ci` in the project (it brings the right Node; do not use --ignore-scripts), or install Node 24.",
    );
    process.exit(5);
  }
  const result = spawnSync(pinned, process.argv.slice(1), {
    stdio: "inherit",
    env: { ...process.env, MAGPIE_PINNED_NODE: "1" },
  });
  process.exit(result.status ?? 1);
}
