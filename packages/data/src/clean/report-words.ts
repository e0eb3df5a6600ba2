import { ruleTexts, type RuleId } from "./rules.ts";

/** Languages of reports. */
export type ReportLanguage = "en" | "zh";

/** The words around the findings. */
export const phrases = {
  en: {
    title: "Data quality",
    source: "source",
    format: "format",
    encoding: "encoding",
    file: "file",
    rowsRead: "Rows read",
    rowsStored: "Rows stored",
    rowsDropped: "Rows dropped",
    period: "Period",
    contents: "Contents",
    dropped: "Dropped",
    droppedLong: "Left out, by reason",
    noted: "Kept, worth knowing",
    line: "line",
    rows: "rows",
    abnormalUsers: "Abnormal users",
    user: "User",
    events: "Events",
    perDay: "most a day",
    perMinute: "most a minute",
    bounds: "Bounds found in this file",
    nothing: "Nothing to report: every row was stored as it is.",
    imported: "Imported",
    took: "took",
    balance: "rows read = rows stored + rows dropped",
  },
  zh: {
    title: "数据质量",
    source: "来源",
    format: "格式",
    encoding: "编码",
    file: "文件",
    rowsRead: "读取行数",
    rowsStored: "入库行数",
    rowsDropped: "舍弃行数",
    period: "时间范围",
    contents: "内容",
    dropped: "已舍弃",
    droppedLong: "舍弃原因",
    noted: "已保留，请留意",
    line: "行",
    rows: "行",
    abnormalUsers: "异常用户",
    user: "用户",
    events: "事件数",
    perDay: "单日最多",
    perMinute: "单分钟最多",
    bounds: "由本文件得出的界限",
    nothing: "没有问题：所有行均原样入库。",
    imported: "导入时间",
    took: "用时",
    balance: "读取行数 = 入库行数 + 舍弃行数",
  },
} as const satisfies Record<ReportLanguage, Record<string, string>>;

export function ruleTitle(rule: RuleId, language: ReportLanguage): string {
  return ruleTexts[rule].title[language];
}

export function ruleWhy(rule: RuleId, language: ReportLanguage): string {
  return ruleTexts[rule].why[language];
}

/** A share for people: "99.7 %", "< 0.1 %"; empty when there is no whole. */
export function percentOf(part: number, whole: number): string {
  if (whole === 0) return "";
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  if (percent < 100 && percent > 99.9) return "> 99.9 %";
  return `${percent.toFixed(1)} %`;
}
