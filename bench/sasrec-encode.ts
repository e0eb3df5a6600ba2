/**
 * How long SASRec takes on a request: encoding one shopper's past, and explaining 20 items by leaving
 * the past's items out. Fresh weights: time does not depend on what was learnt.
 *
 *     node bench/sasrec-encode.ts [--items 100000] [--write]
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { History } from "@magpie/domain";
import { initialise, parameterCountOf, sasRecDefaults, SequenceModel } from "@magpie/models";
import { writeSection } from "./write-section.ts";

const { values: options } = parseArgs({
  options: {
    items: { type: "string", default: "100000" },
    write: { type: "boolean", default: false },
  },
});
const itemCount = Number(options.items);
const config = sasRecDefaults;
const dense = new Float32Array(parameterCountOf(config));
const table = new Float32Array((itemCount + 1) * config.width);
initialise(config, 1, dense, [table]);
const model = new SequenceModel(config, { dense, inputItems: table, outputItems: table }, [], {
  wallSeconds: 0,
  cpuSeconds: 0,
  peakRssBytes: 0,
});

const past = (length: number): History => ({
  userIndex: -1,
  items: Int32Array.from({ length }, (_, i) => 1 + ((i * 7_919) % itemCount)),
});

/** p50 and p99 in milliseconds over 500 calls. */
async function timed(call: () => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  for (let i = 0; i < 500; i++) {
    const start = performance.now();
    await call();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return `${times[250]!.toFixed(2)} / ${times[495]!.toFixed(2)}`;
}

const opening = performance.now();
await model.warmUp();
const openingMs = performance.now() - opening;
const user = new Float32Array(config.width);
const shown = Int32Array.from({ length: 20 }, (_, i) => 1 + i);
const rows: string[] = [];
for (const length of [1, 6, 10, 20, 50]) {
  const encode = await timed(() => model.encode([past(length)], user));
  const explain = await timed(() => model.explain(past(length), shown));
  rows.push(`| ${length} | ${encode} | ${explain} |`);
}
await model.dispose();

const report = [
  `### SASRec on a request: ${config.blocks} block, width ${config.width}, ${itemCount.toLocaleString("en")} items`,
  "",
  `\`node bench/sasrec-encode.ts --items ${itemCount}\` · ${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]!.model}, one thread · Node ${process.versions.node}`,
  "",
  `Opening all graphs: ${openingMs.toFixed(0)} ms. Milliseconds, p50 / p99 of 500 calls:`,
  "",
  "| items in the past | encode one | explain 20 items |",
  "|---|---|---|",
  ...rows,
  "",
].join("\n");
console.log(report);
if (options.write) {
  const path = join(import.meta.dirname, "results/sasrec-encode.md");
  await writeSection(path, "SASRec on a request, measured", report);
}
