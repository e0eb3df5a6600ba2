import type { Example, Finding, QualityReport } from "./quality-report.ts";
import { percentOf, phrases, ruleTitle, ruleWhy, type ReportLanguage } from "./report-words.ts";

/**
 * One or more quality reports as a page of their own: no script, nothing loaded from elsewhere,
 * readable in dark and light, on paper and by screen readers. Values from files are escaped.
 */
export function renderQualityHtml(
  reports: readonly QualityReport[],
  language: ReportLanguage = "en",
): string {
  const say = phrases[language];
  const body = reports.map((report) => article(report, language)).join("\n");
  return `<!doctype html>
<html lang="${language === "zh" ? "zh-CN" : "en"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${say.title}</title>
<style>${style}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

function article(report: QualityReport, language: ReportLanguage): string {
  const say = phrases[language];
  const number = new Intl.NumberFormat(language);
  const dropped = report.rowsRead - report.rowsStored;
  const kind = `${report.kind} · ${escape(report.source)}`;
  const share = report.rowsRead === 0 ? 100 : (100 * report.rowsStored) / report.rowsRead;
  const facts = Object.entries(report.facts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `<li><b>${number.format(count)}</b> ${escape(name)}</li>`)
    .join("");
  return `<article>
<header>
<p class="kind">${kind}</p>
<h1>${say.title}<span>${escape(report.file)}</span></h1>
<dl class="numbers">
<div><dt>${say.rowsRead}</dt><dd>${number.format(report.rowsRead)}</dd></div>
<div class="good"><dt>${say.rowsStored}</dt><dd>${number.format(report.rowsStored)}<small>${percentOf(report.rowsStored, report.rowsRead)}</small></dd></div>
<div class="${dropped > 0 ? "bad" : "good"}"><dt>${say.rowsDropped}</dt><dd>${number.format(dropped)}<small>${percentOf(dropped, report.rowsRead)}</small></dd></div>
</dl>
<div class="bar" role="img" aria-label="${say.rowsStored} ${share.toFixed(1)} %"><i style="width:${share.toFixed(2)}%"></i></div>
<p class="balance">${say.balance}</p>
<ul class="facts">${facts}</ul>
<p class="meta">${say.format} ${escape(report.format)} · ${say.encoding} ${escape(report.encoding)}${periodOf(report, language)} · ${say.imported} ${moment(report.startedMs)} · ${say.took} ${report.seconds.toFixed(1)} s</p>
</header>
${section(report, "dropped", say.droppedLong, language)}
${section(report, "noted", say.noted, language)}
${abnormal(report, language)}
${report.findings.length === 0 ? `<p class="nothing">${say.nothing}</p>` : ""}
</article>`;
}

function periodOf(report: QualityReport, language: ReportLanguage): string {
  if (report.period === undefined) return "";
  const { firstMs, lastMs } = report.period;
  return ` · ${phrases[language].period} ${moment(firstMs)} – ${moment(lastMs)}`;
}

function section(
  report: QualityReport,
  effect: Finding["effect"],
  heading: string,
  language: ReportLanguage,
): string {
  const findings = report.findings.filter((finding) => finding.effect === effect);
  if (findings.length === 0) return "";
  const most = Math.max(...findings.map(({ count }) => count));
  const number = new Intl.NumberFormat(language);
  const rows = findings.map(
    ({ rule, count, examples }) => `<li>
<div class="rule"><h3>${ruleTitle(rule, language)} <code>${rule}</code></h3><b>${number.format(count)}</b></div>
<div class="bar ${effect}" aria-hidden="true"><i style="width:${Math.max(0.5, (100 * count) / most).toFixed(2)}%"></i></div>
<p>${ruleWhy(rule, language)}</p>
${exampleTable(examples, language)}
</li>`,
  );
  return `<section>
<h2>${heading}</h2>
<ol class="findings">
${rows.join("\n")}
</ol>
</section>`;
}

function exampleTable(examples: readonly Example[], language: ReportLanguage): string {
  if (examples.length === 0) return "";
  const say = phrases[language];
  const rows = examples.map(({ line, field, value, message }) => {
    const place = line > 0 ? `${say.line} ${line}` : say.file;
    return `<tr><td>${place}</td><td>${field === undefined ? "" : `<code>${escape(field)}</code>`}</td><td>${value === undefined ? "" : `<samp>${escape(value)}</samp>`} ${escape(message ?? "")}</td></tr>`;
  });
  return `<table>${rows.join("")}</table>`;
}

function abnormal(report: QualityReport, language: ReportLanguage): string {
  if (report.abnormalUsers.length === 0) return "";
  const say = phrases[language];
  const number = new Intl.NumberFormat(language);
  const rows = report.abnormalUsers
    .slice(0, 20)
    .map(
      ({ user, events, busiestDay, busiestMinute }) =>
        `<tr><td><samp>${escape(user)}</samp></td><td>${number.format(events)}</td><td>${number.format(busiestDay)}</td><td>${number.format(busiestMinute)}</td></tr>`,
    );
  const bounds =
    report.activityBounds === undefined
      ? ""
      : `<p>${say.bounds}: ${say.perDay} ${number.format(Math.round(report.activityBounds.perDay))}, ${say.perMinute} ${number.format(Math.round(report.activityBounds.perMinute))}</p>`;
  return `<section>
<h2>${say.abnormalUsers}</h2>
${bounds}
<table class="users"><thead><tr><th>${say.user}</th><th>${say.events}</th><th>${say.perDay}</th><th>${say.perMinute}</th></tr></thead><tbody>${rows.join("")}</tbody></table>
</section>`;
}

function moment(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const style = `
:root{color-scheme:light dark;--ink:#1c2430;--dim:#5d6876;--line:#dfe3e8;--paper:#fff;--ground:#f4f6f8;--good:#1f8a5b;--bad:#c2452d;--note:#2d6cc2}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaef;--dim:#98a3b0;--line:#323b47;--paper:#1b2129;--ground:#12161b;--good:#49c18c;--bad:#f0826b;--note:#7aaaf0}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
main{max-width:54rem;margin:0 auto;padding:2rem 1rem}
article{background:var(--paper);border:1px solid var(--line);border-radius:14px;padding:2rem;margin-bottom:2rem}
.kind{margin:0;color:var(--dim);font-size:.85rem;letter-spacing:.02em}
h1{margin:.1rem 0 1.4rem;font-size:1.7rem;line-height:1.2}
h1 span{display:block;font-size:1rem;font-weight:500;color:var(--dim);overflow-wrap:anywhere}
h2{margin:2rem 0 .8rem;font-size:1.15rem}
h3{margin:0;font-size:1rem}
.numbers{display:flex;flex-wrap:wrap;gap:1.2rem 2.8rem;margin:0 0 1rem}
.numbers dt{color:var(--dim);font-size:.85rem}
.numbers dd{margin:0;font-size:1.7rem;font-weight:650;font-variant-numeric:tabular-nums}
.numbers small{margin-left:.5rem;font-size:.9rem;font-weight:400;color:var(--dim)}
.good dd{color:var(--good)}.bad dd{color:var(--bad)}
.bar{height:8px;border-radius:4px;background:var(--line);overflow:hidden}
header .bar{background:color-mix(in srgb,var(--bad) 35%,var(--line))}
.bar i{display:block;height:100%;background:var(--good)}
.bar.dropped i{background:var(--bad)}.bar.noted i{background:var(--note)}
.balance,.meta{margin:.5rem 0;color:var(--dim);font-size:.85rem}
.facts{display:flex;flex-wrap:wrap;gap:.4rem 1.2rem;margin:.8rem 0;padding:0;list-style:none;font-variant-numeric:tabular-nums}
.findings{margin:0;padding:0;list-style:none}
.findings>li{padding:1rem 0;border-top:1px solid var(--line)}
.findings p{margin:.5rem 0;color:var(--dim)}
.rule{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;margin-bottom:.4rem}
.rule b{font-variant-numeric:tabular-nums}
code{font-size:.8rem;font-weight:400;color:var(--dim)}
samp{padding:.05rem .3rem;border-radius:4px;background:var(--ground);font-size:.85rem;overflow-wrap:anywhere}
table{width:100%;border-collapse:collapse;font-size:.88rem}
td,th{padding:.25rem .6rem .25rem 0;text-align:left;vertical-align:top}
td:first-child{white-space:nowrap;color:var(--dim)}
.findings td:nth-child(-n+2){width:1%;white-space:nowrap;padding-right:1.2rem}
.users td:not(:first-child),.users th:not(:first-child){text-align:right;font-variant-numeric:tabular-nums}
.nothing{margin-top:1.5rem;color:var(--good)}
@media print{body{background:#fff}article{border:0;padding:0}}
`;
