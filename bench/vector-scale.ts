/**
 * Vectors at a million items: memory, recall and time of the inverted lists, and of a search by words
 * and meaning on top of them, the encoder's own time left out.
 *
 *     node bench/vector-scale.ts [--rows 1000000] [--width 384] [--items 1000000]
 *
 * Vectors are synthetic: unit vectors around √rows centres with as much noise as signal, whose ten
 * nearest by cosine lie near 0.6, about as embeddings of product titles do. Truth is the exact scan of
 * the same codes. `--items 0` leaves the search out. Writes bench/results/vector-scale.md.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { itemIndex, type Item, type ServingRequest } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { InvertedListsIndex, InvertedTextIndex, ItemSet } from "@magpie/retrieval";
import { HybridRanker } from "../packages/engine/src/hybrid/hybrid-ranker.ts";
import { meaningStage } from "../packages/engine/src/hybrid/meaning-retriever.ts";
import { TextRanker } from "../packages/engine/src/scenarios/search/text-ranker.ts";
import { writeSection } from "./write-section.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    width: { type: "string", default: "384" },
    items: { type: "string", default: "1000000" },
  },
});
const rows = Number(values.rows) + 1;
const width = Number(values.width);
const itemCount = Math.min(Number(values.items), rows - 1);
const random = seededRandom(1, "vector-scale");
const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Nearest-rank quantile. */
function quantile(sample: readonly number[], share: number): number {
  const sorted = sample.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
const milliseconds = (times: readonly number[]): string =>
  `${quantile(times, 0.5).toFixed(1)} / ${quantile(times, 0.95).toFixed(1)}`;

const centreCount = Math.round(Math.sqrt(rows));
const centres = Float32Array.from({ length: centreCount * width }, () => random.normal());
/** A pool of noise is drawn from, because a normal number per value would take most of the time. */
const noise = Float32Array.from({ length: 1 << 20 }, () => random.normal());

/** Writes a unit vector near a centre. */
function drawInto(vector: Float32Array, centre: number): void {
  let at = random.int(noise.length - width);
  let square = 0;
  for (let d = 0; d < width; d++) {
    const value = centres[centre * width + d]! + noise[at++]!;
    vector[d] = value;
    square += value * value;
  }
  const scale = 1 / Math.sqrt(square);
  for (let d = 0; d < width; d++) vector[d]! *= scale;
}

function drawCodes(): { codes: Int8Array; scales: Float32Array } {
  const codes = new Int8Array(rows * width);
  const scales = new Float32Array(rows);
  const vector = new Float32Array(width);
  for (let row = 1; row < rows; row++) {
    drawInto(vector, random.int(centreCount));
    let largest = 0;
    for (const value of vector) largest = Math.max(largest, Math.abs(value));
    scales[row] = largest / 127;
    for (let d = 0; d < width; d++)
      codes[row * width + d] = Math.round((vector[d]! / largest) * 127);
  }
  return { codes, scales };
}

say(`drawing ${rows - 1} vectors of ${width}`);
const vectors = drawCodes();
say("building");
const began = performance.now();
const index = InvertedListsIndex.fromCodes(vectors, width, { exactBelow: 0 });
const buildSeconds = (performance.now() - began) / 1000;
const flat = InvertedListsIndex.fromCodes(vectors, width, { lists: 1 });
const queries = Array.from({ length: 200 }, () => {
  const vector = new Float32Array(width);
  drawInto(vector, random.int(centreCount));
  return vector;
});
const filterOf = (share: number): ItemSet | undefined => {
  if (share === 1) return undefined;
  const filter = new ItemSet(rows);
  for (let row = 1; row < rows; row++) if (random.next() < share) filter.add(row);
  return filter;
};

const measured: string[][] = [];
for (const share of [1, 0.5, 0.1, 0.01]) {
  const filter = filterOf(share);
  const [listTimes, flatTimes]: [number[], number[]] = [[], []];
  let found = 0;
  let asked = 0;
  let read = 0;
  for (const query of queries) {
    let started = performance.now();
    const { items } = index.search(query, 100, filter);
    listTimes.push(performance.now() - started);
    read += index.scannedRows;
    started = performance.now();
    const truth = new Set(flat.search(query, 100, filter).items.slice(0, 10));
    flatTimes.push(performance.now() - started);
    for (const row of items.slice(0, 10)) if (truth.has(row)) found++;
    asked += truth.size;
  }
  measured.push([
    share === 1 ? "none" : `passes ${100 * share} %`,
    (found / asked).toFixed(3),
    `${((100 * read) / queries.length / (rows - 1)).toFixed(1)} %`,
    milliseconds(listTimes),
    milliseconds(flatTimes),
  ]);
  say(measured.at(-1)!.join(" | "));
}

/** A search over synthetic titles of 8 words from a Zipf vocabulary of 20,000. */
async function searchTimes(): Promise<{ readonly words: number[]; readonly both: number[] }> {
  const syllables = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu".split(" ");
  const vocabulary = Array.from({ length: 20_000 }, (_, i) =>
    Array.from({ length: 2 + (i % 3) }, () => syllables[random.int(syllables.length)]!).join(""),
  );
  const word = (): string =>
    vocabulary[Math.min(vocabulary.length - 1, Math.floor(20_001 ** random.next() - 1))]!;
  const title = (): string => Array.from({ length: 8 }, word).join(" ");
  const items = Array.from({ length: itemCount }, (_, i): Item => ({
    id: `i${i}`,
    title: title(),
    variants: [
      { id: "v", price: { amount: 100, currency: "EUR" }, availability: { available: true } },
    ],
  }));
  say(`indexing ${itemCount} titles`);
  const text = await InvertedTextIndex.build(items);
  const ranker = new HybridRanker({
    text: new TextRanker(200, undefined),
    window: 200,
    foundBy: () => undefined,
    onAdmitted: () => {},
  });
  const [words, both]: [number[], number[]] = [[], []];
  for (let i = 0; i < 400; i++) {
    const from = items[random.int(items.length)]!.title.split(" ");
    const query = `${from[random.int(8)]!} ${from[random.int(8)]!} `;
    const request = { query, filter: {}, locale: "en" } as ServingRequest;
    const started = performance.now();
    const hits = text.search(query, { limit: 200 });
    words.push(performance.now() - started);
    const near = index.search(queries[i % queries.length]!, 100);
    const candidates = (found: Pick<typeof near, "items" | "scores">) =>
      Array.from(found.items, (row, place) => ({
        itemIndex: itemIndex(row),
        score: found.scores[place]!,
        contributions: [],
      }));
    await ranker.rank(request, [
      { retriever: "text", candidates: candidates(hits) },
      { retriever: meaningStage, candidates: candidates(near) },
    ]);
    both.push(performance.now() - started);
  }
  return { words: words.slice(50), both: both.slice(50) };
}

const search = itemCount > 0 ? await searchTimes() : undefined;
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
const table = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [head, head.map((_, c) => (c === 0 ? "---" : "---:")), ...body]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
const section = `### ${(rows - 1).toLocaleString("en")} vectors of ${width}

${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()} · Node ${process.version} · one thread, one query at a time

    node bench/vector-scale.ts --rows ${rows - 1} --width ${width} --items ${itemCount}

Synthetic unit vectors (seed 1), 200 queries that are no rows, the 100 nearest asked for. Recall is of the
ten nearest by the exact scan of the same codes; times are p50 / p95 in milliseconds.

Memory ${megabytes(index.byteLength)}; built in ${buildSeconds.toFixed(0)} s.

${table(["filter", "Recall@10", "rows read", "lists, ms", "exact scan, ms"], measured)}
${
  search === undefined
    ? ""
    : `
Search over ${itemCount.toLocaleString("en")} synthetic titles of 8 words, queries of two of their words, without the encoder:

${table(
  ["search", "p50 / p95, ms"],
  [
    ["words alone", milliseconds(search.words)],
    ["words and meaning", milliseconds(search.both)],
  ],
)}
`
}`;
await writeSection(
  join(import.meta.dirname, "results", "vector-scale.md"),
  "Vectors at scale, measured",
  section,
);
process.stdout.write(section);
