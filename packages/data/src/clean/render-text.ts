import type { QualityReport } from "./quality-report.ts";
import { percentOf, phrases, ruleTitle, ruleWhy, type ReportLanguage } from "./report-words.ts";

/**
 * A quality report for the terminal: what was read and stored, then each rule with its count, its
 * reason and up to three examples with their lines. Plain text without colours.
 */
export function renderQualityText(report: QualityReport, language: ReportLanguage = "en"): string {
  const say = phrases[language];
  const number = new Intl.NumberFormat(language);
  const dropped = report.rowsRead - report.rowsStored;
  const lines = [
    `${say.title}: ${report.file}`,
    `  ${say.source} ${report.source} · ${say.format} ${report.format} · ${report.encoding}`,
    "",
    `  ${padded(say.rowsRead, 18)}${number.format(report.rowsRead).padStart(14)}`,
    `  ${padded(say.rowsStored, 18)}${number.format(report.rowsStored).padStart(14)}  ${percentOf(report.rowsStored, report.rowsRead)}`,
    `  ${padded(say.rowsDropped, 18)}${number.format(dropped).padStart(14)}  ${percentOf(dropped, report.rowsRead)}`,
  ];
  if (report.period !== undefined) {
    const { firstMs, lastMs } = report.period;
    lines.push(`  ${padded(say.period, 18)}${day(firstMs)} – ${day(lastMs)}`);
  }
  const facts = Object.entries(report.facts).filter(([, count]) => count > 0);
  if (facts.length > 0) {
    lines.push(
      `  ${padded(say.contents, 18)}${facts.map(([name, count]) => `${name} ${number.format(count)}`).join(", ")}`,
    );
  }
  for (const effect of ["dropped", "noted"] as const) {
    const findings = report.findings.filter((finding) => finding.effect === effect);
    if (findings.length === 0) continue;
    lines.push("", `${effect === "dropped" ? say.dropped : say.noted}:`);
    for (const { rule, count, examples } of findings) {
      lines.push(
        "",
        `  ${number.format(count).padStart(10)}  ${ruleTitle(rule, language)} (${rule})`,
        `              ${ruleWhy(rule, language)}`,
      );
      for (const { line, field, value, message } of examples) {
        const place = line > 0 ? `${say.line} ${line}` : say.file;
        const what = [field, value === undefined ? undefined : `"${value}"`, message];
        lines.push(
          `              ${place}: ${what.filter((part) => part !== undefined && part !== "").join(" ")}`,
        );
      }
    }
  }
  if (report.abnormalUsers.length > 0) {
    lines.push("", `${say.abnormalUsers}:`);
    for (const { user, events, busiestDay, busiestMinute } of report.abnormalUsers.slice(0, 10)) {
      lines.push(
        `  ${number.format(events).padStart(10)}  ${user}  (${say.perDay} ${number.format(busiestDay)}, ${say.perMinute} ${number.format(busiestMinute)})`,
      );
    }
  }
  if (report.findings.length === 0) lines.push("", say.nothing);
  return `${lines.join("\n")}\n`;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

/** Pads to a width on screen, where Chinese characters take two cells. */
function padded(text: string, cells: number): string {
  const wide = text.match(/[\u1100-\u115f\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60]/g)?.length ?? 0;
  return text + " ".repeat(Math.max(1, cells - text.length - wide));
}
