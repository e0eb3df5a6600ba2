/** Bounds on a price, both inclusive. */
export interface PriceRange {
  readonly min?: number;
  readonly max?: number;
}

/** A query without the words that bound its price. */
export interface PriceAsked {
  /** In the currency's main unit: euros, not cents. */
  readonly range: PriceRange;
  /** ISO 4217 codes of the currencies that it may be in; undefined where it does not say. */
  readonly currencies?: readonly string[];
  /** What said it, as typed. */
  readonly said: string;
  readonly rest: string;
}

const sign = String.raw`[$€£¥￥]?\s?`;
const amount = String.raw`(\d{1,7}(?:\.\d{1,2})?)`;
const unit = String.raw`\s?(?:元|块钱?|rmb|usd|eur|dollars?|euros?|bucks?|pounds?)`;
/** Not a size, a model or a count: no digit, letter or measure follows. */
const end =
  String.raw`(?![\p{N}.]|(?!元|块)[\p{L}"'%]|` +
  String.raw`\s(?:mm|cm|m|km|in|inch|inches|ft|feet|g|kg|oz|lbs?|ml|l|gb|tb|w|v|mah|hz|` +
  String.raw`seconds?|secs?|minutes?|mins?|hours?|hrs?|years?|yrs?|months?|days?|people|persons?|pieces|packs?|` +
  String.raw`bottles?|cans?|sheets?|pages?|watts?|volts?|amps?|calories|kcal|lit(?:er|re)s?|degrees?)(?!\p{L}))`;

const patterns: readonly (readonly [RegExp, (a: number, b: number) => PriceRange])[] = [
  [
    new RegExp(
      String.raw`(?:between\s+)?${sign}${amount}\s?(?:-|~|to|and|到|至)\s?${sign}${amount}(?:${unit})(?:之间|左右)?`,
      "iu",
    ),
    between,
  ],
  [
    new RegExp(String.raw`between\s+${sign}${amount}\s+and\s+${sign}${amount}${end}`, "iu"),
    between,
  ],
  [
    new RegExp(String.raw`[$€£¥￥]\s?${amount}\s?(?:-|~|to|到|至)\s?${sign}${amount}${end}`, "iu"),
    between,
  ],
  [
    new RegExp(
      String.raw`(?<![\p{L}])(?:under|below|less than|cheaper than|up to|max(?:imum)?)\s+${sign}${amount}(?:${unit}|${end})`,
      "iu",
    ),
    (max) => ({ max }),
  ],
  [
    new RegExp(
      String.raw`(?<![\p{L}])(?:over|above|more than|at least|from|min(?:imum)?)\s+${sign}${amount}(?:${unit}|${end})`,
      "iu",
    ),
    (min) => ({ min }),
  ],
  [
    new RegExp(String.raw`(?:低于|不超过|少于)${sign}${amount}(?:${unit})?`, "iu"),
    (max) => ({ max }),
  ],
  [
    new RegExp(String.raw`(?:高于|超过|大于)${sign}${amount}(?:${unit})?`, "iu"),
    (min) => ({ min }),
  ],
  [
    new RegExp(
      String.raw`${sign}${amount}(?:${unit})?\s?(?:以下|以内|之内|内(?=的|\s|$)|or less|and under)`,
      "iu",
    ),
    (max) => ({ max }),
  ],
  [
    new RegExp(
      String.raw`${sign}${amount}(?:${unit})?\s?(?:以上|起(?=的|\s|$)|or more|and up)`,
      "iu",
    ),
    (min) => ({ min }),
  ],
];

/** After these, a number is an age, a size or a name: vitamins for men over 50. */
const noPriceAfter =
  /(?:^|\s)(?:men|women|kids|children|people|adults|seniors|boys|girls|toddlers|bab(?:y|ies)|ages?|aged|sizes?|rated|level|model|version|series|part|number|no)\.?\s*$/iu;
/** Words that bound other things as often: they mean the price when nothing follows the number. */
const boundsOtherThings = /^(?:over|above|more than|at least|from|up to|max|min)/iu;

/** Whether what was read as a price, without a currency, may well be something else. */
function isDoubtful(before: string, said: string, after: string): boolean {
  if (/\p{Script=Han}/u.test(said)) return false;
  return noPriceAfter.test(before) || (boundsOtherThings.test(said) && after.trim() !== "");
}

/** A dollar, a yuan and a pound are of several countries. */
const currencyWords: readonly (readonly [RegExp, readonly string[]])[] = [
  [/usd/iu, ["USD"]],
  [/\$|dollar|bucks/iu, ["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN"]],
  [/€|eur/iu, ["EUR"]],
  [/£|pound/iu, ["GBP", "EGP"]],
  [/元|块/u, ["CNY", "HKD", "TWD"]],
  [/rmb/iu, ["CNY"]],
  [/[¥￥]/u, ["CNY", "JPY"]],
];

function between(a: number, b: number): PriceRange {
  return { min: Math.min(a, b), max: Math.max(a, b) };
}

/**
 * Reads what a query says about the price: `under 50`, `$20 to $40`, `100元以下`, `50到100元`. Bare
 * numbers are never prices: 501 is a pair of jeans. Undefined where it says nothing, and where
 * nothing but the price would be left.
 */
export function priceAsked(query: string): PriceAsked | undefined {
  for (const [pattern, rangeOf] of patterns) {
    const match = pattern.exec(query);
    if (match === null) continue;
    const [before, after] = [
      query.slice(0, match.index),
      query.slice(match.index + match[0].length),
    ];
    const currencies = currencyWords.find(([said]) => said.test(match[0]))?.[1];
    if (currencies === undefined && isDoubtful(before, match[0], after)) continue;
    const rest = `${before} ${after}`
      .replace(/\s+/gu, " ")
      .replace(/^\s*的/u, "")
      .replace(/(?<=^|\s)的/u, "")
      .trim();
    return {
      range: rangeOf(Number(match[1]), Number(match[2])),
      ...(currencies !== undefined && { currencies }),
      said: match[0].trim(),
      rest,
    };
  }
  return undefined;
}
