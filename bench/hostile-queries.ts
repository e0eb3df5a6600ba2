/**
 * How long searches take that nobody means well with: each of the queries of the test, over HTTP on a
 * simulated shop of 12,000 items, with facets, reasons and marks.
 *
 *     node bench/hostile-queries.ts [--repeats 15] [--write]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { simulateShop } from "@magpie/data";
import { openEngine } from "@magpie/engine";
import { startServer } from "@magpie/server";
import { hostileQueries } from "../test/hostile-queries.ts";
import { trainEngine } from "./filled-engine.ts";
import { writeSection } from "./write-section.ts";

const { values: flags } = parseArgs({
  options: {
    repeats: { type: "string", default: "15" },
    write: { type: "boolean", default: false },
  },
});
const repeats = Number(flags.repeats);
const directory = mkdtempSync(join(tmpdir(), "magpie-hostile-"));
const recipe = { sasrec: { width: 16, blocks: 1, feedForward: 32, epochs: 1, historyLimit: 16 } };

const shop = simulateShop({
  seed: 1,
  size: { items: 12_000, shoppers: 100, events: 2_000, days: 60 },
  nowMs: Date.parse("2026-06-01T12:00:00Z"),
});
const engine = await openEngine(directory, { recipe });
for (let at = 0; at < shop.items.length; at += 1_000) {
  await engine.upsertItems(shop.items.slice(at, at + 1_000));
}
await trainEngine(engine);
const server = await startServer({ engine, port: 0, openMode: true });

const lines: string[] = [];
let slowest = 0;
for (const [name, query] of Object.entries(hostileQueries)) {
  const waits: number[] = [];
  let status = 0;
  for (let i = 0; i < repeats; i++) {
    const started = performance.now();
    const answer = await fetch(`${server.url}/v1/search`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        query,
        explain: true,
        highlight: { open: "<em>", close: "</em>" },
        facets: [{ field: "brand" }, { field: "categories" }, { field: "price" }],
      }),
    });
    await answer.arrayBuffer();
    ({ status } = answer);
    waits.push(performance.now() - started);
  }
  waits.sort((a, b) => a - b);
  const median = waits[waits.length >> 1]!;
  slowest = Math.max(slowest, median);
  lines.push(`| ${name} | ${status} | ${median.toFixed(1)} | ${waits.at(-1)!.toFixed(1)} |`);
}
await server.close();
await engine.close();
rmSync(directory, { recursive: true, force: true });

const section = `### Hostile queries, ${shop.items.length.toLocaleString("en")} items

${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]!.model} · Node ${process.version} · \`node bench/hostile-queries.ts --repeats ${repeats}\`

Over HTTP, three facets, reasons and marks; longer than 500 characters is refused with 400. Slowest median ${slowest.toFixed(1)} ms (bar 50).

| query | status | median ms | slowest ms |
|---|---|---|---|
${lines.join("\n")}
`;
process.stdout.write(section);
if (flags.write) {
  await writeSection(
    join(import.meta.dirname, "results", "hostile-queries.md"),
    "Hostile queries",
    section,
  );
}
