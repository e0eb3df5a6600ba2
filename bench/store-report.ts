import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";

const report = join(import.meta.dirname, "results", "store.md");

/** Prints a table of measurements and puts it into bench/results/store.md, replacing its former self. */
export function writeSection(
  title: string,
  command: string,
  rows: readonly (readonly [string, string])[],
): void {
  const processors = cpus();
  const section = [
    `## ${title}`,
    "",
    `${new Date().toISOString().slice(0, 10)} · ${processors.length} cores, ${processors[0]!.model} · Node ${process.version}`,
    "",
    `    ${command}`,
    "",
    "| what | measured |",
    "|---|---|",
    ...rows.map(([what, value]) => `| ${what} | ${value} |`),
    "",
  ].join("\n");
  console.log(section);
  const former = existsSync(report) ? readFileSync(report, "utf8") : "# The store, measured\n";
  const others = former.split(/^(?=## )/m).filter((part) => !part.startsWith(`## ${title}\n`));
  mkdirSync(dirname(report), { recursive: true });
  writeFileSync(report, [...others.map((part) => `${part.trimEnd()}\n`), section].join("\n"));
}
