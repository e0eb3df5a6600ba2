import type { Money } from "@magpie/domain";

/** Minor digits of the currencies that do not have two (ISO 4217). */
const minorDigits: Readonly<Record<string, number>> = {
  BHD: 3,
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  IQD: 3,
  ISK: 0,
  JOD: 3,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  PYG: 0,
  RWF: 0,
  TND: 3,
  UGX: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
};

/** Signs that name one currency. */
const signs: Readonly<Record<string, string>> = {
  "€": "EUR",
  "£": "GBP",
  "₹": "INR",
  "₩": "KRW",
  "₽": "RUB",
  US$: "USD",
  A$: "AUD",
  C$: "CAD",
  HK$: "HKD",
  NT$: "TWD",
  R$: "BRL",
  S$: "SGD",
  "CN¥": "CNY",
  "JP¥": "JPY",
  元: "CNY",
  人民币: "CNY",
  RMB: "CNY",
};

/** Currencies that share a sign: the file's own decides among them, else the first is meant. */
const sharedSigns: Readonly<Record<string, readonly string[]>> = {
  $: ["USD", "AUD", "CAD", "HKD", "MXN", "NZD", "SGD", "TWD"],
  "¥": ["CNY", "JPY"],
  "￥": ["CNY", "JPY"],
};

/** A price that was read, or what is wrong with it. */
export type ReadPrice =
  | { readonly ok: true; readonly money: Money }
  | {
      readonly ok: false;
      readonly problem: "not-a-number" | "negative" | "too-large" | "no-currency" | "bad-currency";
    };

/** What is wrong with a price, in words for the person who wrote it. */
export function priceProblem(problem: (ReadPrice & { ok: false })["problem"]): string {
  switch (problem) {
    case "not-a-number":
      return 'is not a price; write it like "19.99 USD" or "19.99"';
    case "negative":
      return "is negative; prices are 0 or more";
    case "too-large":
      return "is larger than any price that can be stored exactly";
    case "no-currency":
      return "names no currency; state the file's currency (--currency USD)";
    case "bad-currency":
      return "names a currency that is not a three-letter ISO 4217 code";
    default:
      return problem satisfies never;
  }
}

/**
 * Reads a price into minor units without passing through floating point: "19.99 USD", "USD 19.99",
 * "$1,299.00", "1.299,00 €", "￥99", "99元", 19.99.
 *
 * Where both `,` and `.` occur, the later one is the decimal mark. A single `,` before exactly
 * three digits separates thousands; a single `.` is always the decimal mark. Digits beyond the
 * currency's minor unit are rounded half up.
 *
 * @param currency  the file's currency, for prices that name none
 */
export function parsePrice(value: string | number, currency: string | undefined): ReadPrice {
  const text = typeof value === "number" ? plainNumber(value) : value.trim();
  const match =
    /^([^\d.,+-]*)([+-]?)\s*([^\d.,+-]*?)\s*([\d.,'\u00a0\u202f ]*\d|\d?[.,]?\d+)[.]?\s*([^\d.,+-]*)$/u.exec(
      text,
    );
  if (match === null) return { ok: false, problem: "not-a-number" };
  const [, before = "", sign, between = "", digits = "", after = ""] = match;
  const named = currencyOf((before + between).trim() || after.trim(), currency);
  if (named === undefined) {
    return { ok: false, problem: before + between + after === "" ? "no-currency" : "bad-currency" };
  }
  const number = decimalOf(digits);
  if (number === undefined) return { ok: false, problem: "not-a-number" };
  if (sign === "-" && !/^[0.]*$/.test(number)) return { ok: false, problem: "negative" };

  const [whole = "0", fraction = ""] = number.split(".");
  const minor = minorDigits[named] ?? 2;
  const kept = fraction.padEnd(minor, "0").slice(0, minor);
  let amount = Number(whole + kept);
  if ((fraction.charCodeAt(minor) || 48) >= 53) amount++;
  if (!Number.isSafeInteger(amount)) return { ok: false, problem: "too-large" };
  return { ok: true, money: { amount, currency: named } };
}

/** A number in plain decimal digits: JavaScript writes small and large ones with an exponent. */
function plainNumber(value: number): string {
  const text = String(value);
  return text.includes("e")
    ? value.toLocaleString("en-US", { useGrouping: false, maximumFractionDigits: 20 })
    : text;
}

function currencyOf(name: string, fallback: string | undefined): string | undefined {
  if (name === "") return fallback;
  const upper = name.toUpperCase();
  if (signs[upper] !== undefined) return signs[upper];
  if (sharedSigns[name] !== undefined) {
    const candidates = sharedSigns[name];
    if (fallback === undefined) return candidates[0];
    return candidates.includes(fallback) ? fallback : candidates[0];
  }
  return /^[A-Z]{3}$/.test(upper) ? upper : undefined;
}

/** Digits with grouping and either decimal mark → plain "1299.00"; undefined when they make none. */
function decimalOf(digits: string): string | undefined {
  const text = digits.replaceAll(/['\u00a0\u202f ]/g, "");
  const comma = text.lastIndexOf(",");
  const point = text.lastIndexOf(".");
  const isGrouped = (part: string, mark: string) =>
    new RegExp(`^\\d{1,3}(\\${mark}\\d{2,3})*\\${mark}\\d{3}$`).test(part) || /^\d*$/.test(part);
  if (comma >= 0 && point >= 0) {
    const decimal = Math.max(comma, point);
    const whole = text.slice(0, decimal);
    const mark = comma > point ? "." : ",";
    if (!isGrouped(whole, mark)) return undefined;
    const fraction = text.slice(decimal + 1);
    return /^\d*$/.test(fraction) ? `${whole.replaceAll(mark, "") || "0"}.${fraction}` : undefined;
  }
  if (comma >= 0) {
    const isDecimal = text.indexOf(",") === comma && text.length - comma - 1 !== 3;
    if (isDecimal) return text.replace(",", ".");
    return isGrouped(text, ",") ? text.replaceAll(",", "") : undefined;
  }
  if (point !== text.indexOf("."))
    return isGrouped(text, ".") ? text.replaceAll(".", "") : undefined;
  return text;
}
