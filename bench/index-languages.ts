/**
 * What stems and compounds cost the text index: the same products, said to be in one language or another.
 *
 *     node --expose-gc bench/index-languages.ts [--rounds 5] [--write]
 *
 * The 19,406 products of icecat-chorus under MAGPIE_DATASETS, whose texts are English whatever is said
 * of them: German, Dutch and French rules then do as much work as on texts of theirs, so that costs can
 * be compared. What they find is tested by word lists in packages/retrieval. CPU time of building, the
 * collector's threads included; rounds alternate, the median counts.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { InvertedTextIndex } from "@magpie/retrieval";
import { chorusItems } from "./icecat-chorus.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    write: { type: "boolean", default: false },
  },
});
const datasets =
  process.env["MAGPIE_DATASETS"] ?? join(import.meta.dirname, "..", "..", "shared", "data");
const items = chorusItems(datasets);
if (items.length === 0) {
  process.stderr.write(`icecat-chorus is not under ${datasets}; set MAGPIE_DATASETS.\n`);
  process.exit(2);
}

const languages = ["", "en", "de", "nl", "fr"];
const measured = new Map(
  languages.map((language) => [language, { cpu: [] as number[], bytes: 0 }]),
);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const language of languages) {
    const spoken = language === "" ? items : items.map((item) => ({ ...item, locale: language }));
    globalThis.gc?.();
    const started = process.cpuUsage();
    const index = await InvertedTextIndex.build(spoken);
    const { user, system } = process.cpuUsage(started);
    const own = measured.get(language)!;
    own.cpu.push((user + system) / 1e6);
    own.bytes = index.toBytes().length;
  }
}

const median = (sample: readonly number[]): number =>
  sample.toSorted((a, b) => a - b)[Math.floor(sample.length / 2)]!;
const usual = median(measured.get("")!.cpu);
const rows = Array.from(measured, ([language, { cpu, bytes }]) => {
  const middle = median(cpu);
  return `| ${language || "not said"} | ${middle.toFixed(2)} s | ${Math.round(items.length / middle).toLocaleString("en")} | ${(middle / usual).toFixed(2)} | ${Math.round(bytes / items.length)} |`;
});
const report = [
  "# Text index: what languages cost",
  "",
  `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()} · Node ${process.version}`,
  "",
  `    node --expose-gc bench/index-languages.ts --rounds ${values.rounds} --write`,
  "",
  `${items.length.toLocaleString("en")} products of icecat-chorus with all their attributes; median of ${values.rounds} alternating rounds.`,
  "",
  "| language of the texts | built, CPU time | products/s | times that of no language | bytes per product |",
  "|---|---:|---:|---:|---:|",
  ...rows,
  "",
].join("\n");
process.stdout.write(report);
if (values.write) {
  writeFileSync(join(import.meta.dirname, "results", "index-languages.md"), report);
}
