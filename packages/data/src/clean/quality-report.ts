import type { Note, Problem } from "../sources/reader.ts";
import type { DroppingRule, NotingRule, RuleId } from "./rules.ts";

/** One case of a rule, with its place in the file. */
export interface Example {
  readonly line: number;
  readonly field?: string;
  readonly value?: string;
  readonly message?: string;
}

/** How often a rule spoke, and what it did. */
export interface Finding {
  readonly rule: RuleId;
  /** "dropped": the rows were left out. "noted": they were kept, and something is to be known. */
  readonly effect: "dropped" | "noted";
  readonly count: number;
  /** The first three. */
  readonly examples: readonly Example[];
}

/** A user whose acts were judged to be no person's. */
export interface AbnormalUser {
  readonly user: string;
  readonly events: number;
  /** Most acts in one day and in one minute. */
  readonly busiestDay: number;
  readonly busiestMinute: number;
  readonly firstLine: number;
}

/** The thresholds that a file's own distribution gave. */
export interface ActivityBounds {
  readonly perDay: number;
  readonly perMinute: number;
}

/**
 * What an import did to a file. Nothing is dropped in silence:
 *
 *     rowsRead = rowsStored + Σ count of the findings whose effect is "dropped"
 */
export interface QualityReport {
  readonly version: 1;
  readonly kind: "catalog" | "events" | "interactions";
  readonly importId: string;
  readonly file: string;
  readonly source: string;
  readonly format: string;
  readonly encoding: string;
  readonly bytes: number;
  readonly rowsRead: number;
  readonly rowsStored: number;
  /** Most frequent first; dropped before noted. */
  readonly findings: readonly Finding[];
  readonly abnormalUsers: readonly AbnormalUser[];
  readonly activityBounds?: ActivityBounds;
  /** Counts of what was stored: event types, languages, items, variants. */
  readonly facts: Readonly<Record<string, number>>;
  /** First and last moment of the stored events. */
  readonly period?: { readonly firstMs: number; readonly lastMs: number };
  readonly startedMs: number;
  readonly seconds: number;
}

const examplesKept = 3;

/** Counts rules while an import runs. */
export class FindingCounter {
  readonly #findings = new Map<
    RuleId,
    { effect: Finding["effect"]; count: number; examples: Example[] }
  >();
  #dropped = 0;

  /** Rows left out so far. */
  get dropped(): number {
    return this.#dropped;
  }

  drop(rule: DroppingRule, rows: number, example?: Example): void {
    this.#dropped += rows;
    this.#add(rule, "dropped", rows, example);
  }

  note(rule: NotingRule, count: number, example?: Example): void {
    this.#add(rule, "noted", count, example);
  }

  problems(problems: readonly Problem[]): void {
    for (const { rule, ...example } of problems) this.drop(rule, 1, example);
  }

  notes(notes: readonly Note[]): void {
    for (const { rule, count, ...example } of notes) this.note(rule, count, example);
  }

  /** Whether another example of the rule would still be kept: saves making it. */
  wantsExample(rule: RuleId): boolean {
    return (this.#findings.get(rule)?.examples.length ?? 0) < examplesKept;
  }

  list(): Finding[] {
    return [...this.#findings]
      .map(([rule, finding]) => ({ rule, ...finding }))
      .sort((a, b) =>
        a.effect === b.effect ? b.count - a.count : a.effect === "dropped" ? -1 : 1,
      );
  }

  #add(rule: RuleId, effect: Finding["effect"], count: number, example?: Example): void {
    if (count === 0) return;
    let finding = this.#findings.get(rule);
    if (finding === undefined) {
      finding = { effect, count: 0, examples: [] };
      this.#findings.set(rule, finding);
    }
    finding.count += count;
    if (example !== undefined && finding.examples.length < examplesKept)
      finding.examples.push(example);
  }
}
