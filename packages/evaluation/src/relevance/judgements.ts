import { RecordScanner } from "@magpie/data";
import { EvaluationError } from "../errors.ts";

/**
 * What people, or their clicks, said of items as answers to queries: grade by item id, by query.
 * 0 is "irrelevant"; the highest grade is the list's own. An item without a grade is unknown, which
 * is not the same as irrelevant.
 */
export type Judgements = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Queries in order, each once: id → text. */
export type QuerySet = ReadonlyMap<string, string>;

/**
 * Reads judgements from a delimited text with a heading line.
 *
 * @param text     columns `query`, `docid` (or `item`, `itemid`), `rating` (or `grade`), in any order;
 *   others are passed over
 * @throws {EvaluationError} `BAD_JUDGEMENTS` with line and reason: a column is missing, a grade is no
 *   number from 0, a pair is graded twice and differently
 */
export function parseJudgementsCsv(text: string): Judgements {
  const [heading, ...rows] = recordsOf(text, text.slice(0, 4_000).includes("\t") ? "\t" : ",");
  const names = (heading?.fields ?? []).map((name) => name.trim().toLowerCase());
  const column = (...accepted: string[]): number => {
    const at = names.findIndex((name) => accepted.includes(name));
    if (at >= 0) return at;
    throw badJudgements(
      1,
      `no column is called ${accepted.map((name) => `"${name}"`).join(" or ")}; the heading has ${names.join(", ") || "nothing"}`,
    );
  };
  const query = column("query");
  const item = column("docid", "item", "itemid");
  const grade = column("rating", "grade");
  const judgements = new Map<string, Map<string, number>>();
  for (const { fields, line } of rows) {
    judge(judgements, line, fields[query], fields[item], fields[grade]);
  }
  return judgements;
}

/** Writes judgements as `query,docid,rating`, in the order of the list. */
export function formatJudgementsCsv(judgements: Judgements): string {
  const lines = ["query,docid,rating"];
  for (const [query, grades] of judgements) {
    for (const [item, grade] of grades) lines.push(`${quoted(query)},${quoted(item)},${grade}`);
  }
  return `${lines.join("\n")}\n`;
}

/**
 * Reads TREC qrels: `topic iteration item grade`, separated by white space.
 *
 * @param queries  the texts of the topics; a topic that it does not hold is its own text
 * @throws {EvaluationError} `BAD_JUDGEMENTS` with line and reason. Negative grades, which some
 *   collections use for spam, count as 0.
 */
export function parseTrecQrels(text: string, queries: QuerySet = new Map()): Judgements {
  const judgements = new Map<string, Map<string, number>>();
  for (const [i, row] of text.split(/\r?\n/).entries()) {
    if (row.trim() === "") continue;
    const fields = row.trim().split(/\s+/);
    if (fields.length !== 4) {
      throw badJudgements(i + 1, `${fields.length} fields; four are needed: topic 0 item grade`);
    }
    const [topic, , item, grade] = fields as [string, string, string, string];
    const counted = /^-\d+$/.test(grade) ? "0" : grade;
    judge(judgements, i + 1, queries.get(topic) ?? topic, item, counted);
  }
  return judgements;
}

/**
 * Writes TREC qrels with the query set that names their topics.
 *
 * @throws {EvaluationError} `BAD_JUDGEMENTS` when an item id holds white space, which the format
 *   cannot say, or a grade is not whole
 */
export function formatTrecQrels(judgements: Judgements): {
  readonly qrels: string;
  readonly queries: QuerySet;
} {
  const queries = new Map<string, string>();
  const lines: string[] = [];
  for (const [query, grades] of judgements) {
    const topic = String(queries.size + 1);
    queries.set(topic, query);
    for (const [item, grade] of grades) {
      if (/\s/.test(item) || !Number.isInteger(grade)) {
        throw badJudgements(
          lines.length + 1,
          `item "${item}" with grade ${grade} cannot be said in TREC qrels; use CSV`,
        );
      }
      lines.push(`${topic} 0 ${item} ${grade}`);
    }
  }
  return { qrels: `${lines.join("\n")}\n`, queries };
}

/**
 * Reads a query set: `id<TAB>query`, or a query a line, which is then numbered from 1.
 *
 * @throws {EvaluationError} `BAD_JUDGEMENTS` when an id comes twice
 */
export function parseQuerySet(text: string): QuerySet {
  const queries = new Map<string, string>();
  for (const [i, row] of text.split(/\r?\n/).entries()) {
    if (row.trim() === "") continue;
    const tab = row.indexOf("\t");
    const id = tab < 0 ? String(queries.size + 1) : row.slice(0, tab).trim();
    if (queries.has(id)) throw badJudgements(i + 1, `the query id "${id}" comes twice`);
    queries.set(id, row.slice(tab + 1).trim());
  }
  return queries;
}

/** Writes a query set as `id<TAB>query`. */
export function formatQuerySet(queries: QuerySet): string {
  return Array.from(queries, ([id, text]) => `${id}\t${text.replaceAll(/\s+/g, " ")}\n`).join("");
}

function judge(
  judgements: Map<string, Map<string, number>>,
  line: number,
  query = "",
  item = "",
  grade = "",
): void {
  const value = grade.trim() === "" ? Number.NaN : Number(grade);
  if (query.trim() === "" || item.trim() === "") {
    throw badJudgements(line, "a query or an item id is empty");
  }
  if (!(value >= 0) || !Number.isFinite(value)) {
    throw badJudgements(line, `"${grade}" is no grade; a number from 0 is needed`);
  }
  const grades = judgements.get(query) ?? new Map<string, number>();
  const before = grades.get(item);
  if (before !== undefined && before !== value) {
    throw badJudgements(
      line,
      `item "${item}" has grade ${value} for "${query}" after grade ${before}`,
    );
  }
  judgements.set(query, grades.set(item, value));
}

function* recordsOf(
  text: string,
  delimiter: string,
): Generator<{ readonly fields: readonly string[]; readonly line: number }> {
  const scanner = new RecordScanner(delimiter);
  const whole = text.replace(/^\uFEFF/, "");
  const batches = [
    scanner.push({ text: whole, firstLine: 1, lineCount: whole.split("\n").length }),
    scanner.end(),
  ];
  for (const { records, lines, problems } of batches) {
    const problem = problems[0];
    if (problem !== undefined) throw badJudgements(problem.line, problem.message);
    for (const [i, fields] of records.entries()) yield { fields, line: lines[i]! };
  }
}

const quoted = (value: string): string =>
  /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;

const badJudgements = (line: number, reason: string): EvaluationError =>
  new EvaluationError(
    "BAD_JUDGEMENTS",
    `Line ${line}: ${reason}.`,
    "Mend the line, or take it out, and import the list again.",
  );
