import type { Interval } from "@magpie/numerics";
import type { Comparison, ModelSummary } from "./comparison.ts";
import type { MetricAt } from "./evaluate.ts";

interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const notMeasured = "–";

/**
 * A comparison as a table for a terminal, columns aligned, with the protocol above it.
 *
 * @param metrics  columns, in order; default: what the first model has
 */
export function terminalTable(comparison: Comparison, metrics?: readonly MetricAt[]): string {
  const { header, rows } = tableOf(comparison, metrics);
  const widths = header.map((cell, c) =>
    Math.max(...[header, ...rows].map((row) => width(row[c]!)), width(cell)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, c) => {
        const pad = " ".repeat(widths[c]! - width(cell));
        return c === 0 ? cell + pad : pad + cell; // names left, numbers right
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((size) => "─".repeat(size)).join("──");
  return [caption(comparison), "", line(header), rule, ...rows.map(line), ""].join("\n");
}

/** A comparison as a Markdown table, with the protocol above and the sources below. */
export function markdownTable(comparison: Comparison, metrics?: readonly MetricAt[]): string {
  const { header, rows } = tableOf(comparison, metrics);
  const line = (row: readonly string[]) =>
    `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = header.map((_, c) => (c === 0 ? "---" : "---:"));
  const sources = comparison.published.map(({ model, source }) => `- ${model}: ${source}`);
  return [
    caption(comparison),
    "",
    line(header),
    line(rule),
    ...rows.map(line),
    ...(sources.length > 0 ? ["", "Published numbers, measured by others:", "", ...sources] : []),
    "",
  ].join("\n");
}

/** The rules under which the numbers were measured, in a sentence or two. */
function caption({ dataset, protocol, seenItems, cases, itemCount }: Comparison): string {
  const seen =
    seenItems === "keep"
      ? "items of a user's past stay in the ranking"
      : "items of a user's past are removed from the ranking and from the targets";
  return (
    `${dataset}, ${protocol}: ${count(cases)} cases, each ranking all ${count(itemCount)} items; ` +
    `${seen}; equal scores count by their expected rank. ` +
    "± is the half-width of the 95 % t-interval over seeds."
  );
}

function tableOf(comparison: Comparison, wanted?: readonly MetricAt[]): Table {
  const metrics = wanted ?? (Object.keys(comparison.models[0]?.metrics ?? {}) as MetricAt[]);
  const hasCost = comparison.models.some((model) => model.cost !== undefined);
  const header = [
    "model",
    "seeds",
    ...metrics.map(label),
    ...(hasCost ? ["wall s", "CPU s", "peak MB"] : []),
  ];
  const ours = comparison.models.map((model) => [
    model.model,
    model.seeds.length === 0 ? notMeasured : String(model.seeds.length),
    ...metrics.map((name) => measured(name, model.metrics[name])),
    ...(hasCost ? costCells(model) : []),
  ]);
  const published = comparison.published.map((result) => [
    `${result.model} (published)`,
    notMeasured,
    ...metrics.map((name) => {
      const value = result.metrics[name];
      return value === undefined ? notMeasured : rounded(name, value);
    }),
    ...(hasCost ? [notMeasured, notMeasured, notMeasured] : []),
  ]);
  return { header, rows: [...ours, ...published] };
}

function costCells({ cost }: ModelSummary): string[] {
  if (cost === undefined) return [notMeasured, notMeasured, notMeasured];
  const seconds = (value: number) => value.toFixed(value < 10 ? 1 : 0);
  return [
    seconds(cost.wallSeconds),
    seconds(cost.cpuSeconds),
    (cost.peakRssBytes / 1e6).toFixed(0),
  ];
}

function measured(name: MetricAt, interval: Interval | undefined): string {
  if (interval === undefined || Number.isNaN(interval.mean)) return notMeasured;
  const value = rounded(name, interval.mean);
  return interval.count < 2 ? value : `${value} ± ${rounded(name, interval.high - interval.mean)}`;
}

/** Shares to four places without the zero before the point, as the field prints them. */
function rounded(name: MetricAt, value: number): string {
  if (name.startsWith("novelty")) return value.toFixed(2);
  return value.toFixed(4).replace(/^(-?)0\./, "$1.");
}

const labels: Readonly<Record<string, string>> = {
  recall: "Recall",
  ndcg: "NDCG",
  mrr: "MRR",
  hitRate: "Hit rate",
  coverage: "Coverage",
  gini: "Gini",
  novelty: "Novelty",
};

/** `ndcgAt10` → `NDCG@10`. */
function label(name: MetricAt): string {
  const [metric, cutoff] = name.split("At");
  return `${labels[metric!] ?? metric}@${cutoff}`;
}

const count = (value: number): string => value.toLocaleString("en-US");

/** Columns that a text takes on a terminal: Chinese characters take two. */
function width(text: string): number {
  let columns = 0;
  for (const character of text)
    columns += /\p{Script=Han}|[\u3000-\u303f\uff00-\uffef]/u.test(character) ? 2 : 1;
  return columns;
}
