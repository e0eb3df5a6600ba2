/** A number with its unit in a text. */
export interface Quantity {
  readonly from: number;
  readonly to: number;
  /** The same for equal amounts, however written: 2斤 and 1kg are both `m1000`. */
  readonly key: string;
}

/** Units by what they measure, one letter per dimension: each with how many base units it is. */
const units: Readonly<Record<string, string>> = {
  // mass in grams
  m:
    "mg 0.001 毫克 0.001 g 1 gram 1 grams 1 克 1 kg 1000 kilo 1000 公斤 1000 千克 1000 斤 500 两 50 " +
    "oz 28.3495 盎司 28.3495 lb 453.592 lbs 453.592 磅 453.592",
  // volume in millilitres
  v: "ml 1 毫升 1 cl 10 dl 100 l 1000 升 1000 公升 1000 litre 1000 litres 1000 liter 1000 liters 1000",
  // length in millimetres; 寸 on a shop page is the inch
  l:
    "mm 1 毫米 1 cm 10 厘米 10 公分 10 m 1000 米 1000 英寸 25.4 寸 25.4 inch 25.4 inches 25.4 " +
    "\" 25.4 ″ 25.4 '' 25.4 ” 25.4 英尺 304.8 ft 304.8 feet 304.8",
  // storage in megabytes
  b: "mb 1 gb 1024 tb 1048576",
  // power in watts
  p: "w 1 瓦 1 watt 1 watts 1 kw 1000 千瓦 1000",
  // charge in milliampere hours
  c: "mah 1 毫安 1 毫安时 1",
  // voltage
  e: "v 1 伏 1 volt 1 volts 1",
  // frequency
  f: "hz 1 赫兹 1 khz 1000 mhz 1000000 ghz 1000000000",
};

const unitTable = new Map(
  Object.entries(units).flatMap(([dimension, list]) => {
    const words = list.split(" ");
    return words.flatMap((unit, i) =>
      i % 2 === 0 ? [[unit, { dimension, factor: Number(words[i + 1]) }] as const] : [],
    );
  }),
);

const unitNames = [...unitTable.keys()].sort((a, b) => b.length - a.length);
// A number is whole when no digit, point or Latin letter goes before it; a Latin unit when no letter
// or digit follows. Repetitions are bounded, so that the pattern takes linear time on any text. In
// 3,5 the 5 is no number of its own; in 10,20,30 the 30 is.
const quantityPattern = new RegExp(
  String.raw`(?<![\p{N}.]|(?<![\p{N},.])\p{N}{1,9},|(?!\p{Script=Han})\p{L})` +
    String.raw`([1-9]\d{0,2}(?:,\d{3}){1,3}(?!\d)|[1-9]\d{0,2}(?:\.\d{3}){1,3}(?!\d)|\d{1,9}(?:[.,]\d{1,6})?)[ -]?` +
    `(${unitNames.join("|")})(?![a-z0-9])`,
  "gu",
);

/** By ASCII code: 1 for what a unit may begin with, in either case. */
const startsUnit = new Uint8Array(128);
for (const unit of unitNames) {
  for (const first of [unit, unit.toUpperCase()]) {
    const code = first.charCodeAt(0);
    if (code < startsUnit.length) startsUnit[code] = 1;
  }
}

/** False for texts that have no quantity, as is soon seen: no unit begins behind a number. */
export function mayHaveQuantities(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at);
    if (digit < 0x30 || digit > 0x39) continue;
    let next = text.charCodeAt(at + 1); // NaN behind the end, which no table knows
    if (next === 0x20 || next === 0x2d) next = text.charCodeAt(at + 2);
    if (next > 0x7f || startsUnit[next] === 1) return true;
  }
  return false;
}

/**
 * Numbers with units in a normalised text, left to right.
 *
 *     3.5寸, 3.5英寸, 3.5" → l88.9        500ml, 500毫升, 0.5 l, 0,5 l → v500
 *
 * @param commaIsPoint  the text's language writes 1.000,5 for a thousand and a half; otherwise a
 *                      comma before three digits, and no point, groups thousands: 1,000.5
 */
export function quantitiesOf(text: string, commaIsPoint = false): Quantity[] {
  if (!mayHaveQuantities(text)) return [];
  return Array.from(text.matchAll(quantityPattern), (match) => {
    const { dimension, factor } = unitTable.get(match[2]!)!;
    return {
      from: match.index,
      to: match.index + match[0].length,
      key: dimension + Number((numberOf(match[1]!, commaIsPoint) * factor).toPrecision(6)),
    };
  });
}

const thousands = /^[1-9]\d{0,2}(?:([.,])\d{3}(?:\1\d{3})*)$/;

function numberOf(digits: string, commaIsPoint: boolean): number {
  const sign = thousands.exec(digits)?.[1];
  const isTwice = sign !== undefined && digits.indexOf(sign) !== digits.lastIndexOf(sign);
  if (isTwice || sign === (commaIsPoint ? "." : ",")) return Number(digits.replaceAll(/[.,]/g, ""));
  return Number(digits.replace(",", "."));
}
