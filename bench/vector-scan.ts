/**
 * Exact vector search over int8 codes with float settlement, one query at a time on one core.
 *
 *     node bench/vector-scan.ts [--rows 100000] [--width 64] [--queries 1000]
 *
 * Two collections: independent directions, and clusters with vectors of very different lengths
 * (632 clusters per 100,000 rows, noise of 5 %) that are asked from near one of their items, where
 * many rows are about as good. Recall is measured against the float scan on
 * every query, so it is a check, not an estimate. Writes bench/results/vector-scan.md.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "@magpie/numerics";
import { ExactVectorIndex, Int8VectorIndex, ItemSet } from "@magpie/retrieval";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "100000" },
    width: { type: "string", default: "64" },
    queries: { type: "string", default: "1000" },
  },
});
const items = Number(values.rows);
const rows = items + 1; // row 0 is padding
const width = Number(values.width);
const queries = Number(values.queries);
const random = seededRandom(1, "vector-scan");

function collection(kind: "random" | "clustered"): Float32Array {
  const clusters = kind === "random" ? 0 : Math.ceil(items / 158);
  const centres = Float32Array.from({ length: clusters * width }, () => random.normal());
  const vectors = new Float32Array(rows * width);
  for (let row = 1; row < rows; row++) {
    const centre = kind === "random" ? 0 : random.int(clusters) * width;
    const length = kind === "random" ? 1 : Math.exp(0.5 * random.normal());
    for (let d = 0; d < width; d++) {
      vectors[row * width + d] =
        kind === "random"
          ? random.normal()
          : length * (centres[centre + d]! + 0.05 * random.normal());
    }
  }
  return vectors;
}

/** Every hundredth item, scattered. */
const onePercent = ItemSet.of(
  rows,
  Array.from({ length: Math.floor(items / 100) }, (_, i) => 1 + i * 100),
);
const nineTenths = ItemSet.all(rows);
for (let row = 1; row < rows; row += 10) nineTenths.delete(row);

/** Nearest-rank quantile. */
function quantile(sample: readonly number[], share: number): number {
  const sorted = sample.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

const lines: string[] = [];
const milliseconds = (value: number) => `${value.toFixed(3)} ms`;

for (const kind of ["random", "clustered"] as const) {
  const vectors = collection(kind);
  const exact = new ExactVectorIndex(vectors, width);
  const began = performance.now();
  const built = new Int8VectorIndex(vectors, width);
  const builtMs = performance.now() - began;
  const bytes = built.toBytes();
  const opening = performance.now();
  const index = Int8VectorIndex.open(bytes);
  const openedMs = performance.now() - opening;
  lines.push(
    "",
    `## ${items.toLocaleString("en")} × ${width}, ${kind}`,
    "",
    `Built in ${builtMs.toFixed(0)} ms, opened from ${(bytes.length / 1e6).toFixed(1)} MB in ` +
      `${openedMs.toFixed(0)} ms.`,
    "",
    "| search | p50 | p99 | rows settled in float, median | recall against the float scan |",
    "|---|---|---|---|---|",
  );
  for (const [name, limit, filter] of [
    ["10 best", 10, undefined],
    ["200 best", 200, undefined],
    ["10 best of the 90 % that pass", 10, nineTenths],
    ["10 best of the 1 % that pass", 10, onePercent],
  ] as const) {
    const times: number[] = [];
    const settled: number[] = [];
    let found = 0;
    let expected = 0;
    for (let i = -50; i < queries; i++) {
      const near = kind === "random" ? 0 : 1 + random.int(items);
      const query = Float32Array.from(
        { length: width },
        (_, d) => vectors[near * width + d]! + (kind === "random" ? 1 : 0.2) * random.normal(),
      );
      const start = performance.now();
      const answer = index.search(query, limit, filter);
      const ms = performance.now() - start;
      if (i < 0) continue; // warming up
      times.push(ms);
      settled.push(index.settledRows);
      const truth = new Set(exact.search(query, limit, filter).items);
      expected += truth.size;
      for (const row of answer.items) if (truth.has(row)) found++;
    }
    const row = [
      name,
      milliseconds(quantile(times, 0.5)),
      milliseconds(quantile(times, 0.99)),
      quantile(settled, 0.5).toLocaleString("en", { maximumFractionDigits: 0 }),
      (found / expected).toFixed(4),
    ];
    lines.push(`| ${row.join(" | ")} |`);
  }
  const floatTimes = Array.from({ length: 100 }, () => {
    const query = Float32Array.from({ length: width }, () => random.normal());
    const start = performance.now();
    exact.search(query, 10);
    return performance.now() - start;
  });
  lines.push(
    `| 10 best, float scan for comparison | ${milliseconds(quantile(floatTimes, 0.5))} | ` +
      `${milliseconds(quantile(floatTimes, 0.99))} | | |`,
  );
}

const report = [
  "# Exact vector search, measured",
  "",
  `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ` +
    `${cpus()[0]!.model.trim()} · Node ${process.version} · one thread, one query at a time, ` +
    `${queries.toLocaleString("en")} queries`,
  "",
  `    node bench/vector-scan.ts --rows ${items} --width ${width} --queries ${queries}`,
  ...lines,
  "",
].join("\n");
writeFileSync(join(import.meta.dirname, "results", "vector-scan.md"), report);
process.stdout.write(report);
