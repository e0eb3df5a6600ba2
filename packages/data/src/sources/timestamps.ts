import { DataError } from "@magpie/domain";

/** Turns a wall-clock reading (as if it were UTC) into Unix milliseconds. */
export type Zone = (wallClockMs: number) => number;

/** A time that was read, and whether it had to lean on the file's zone. */
export interface ReadTime {
  readonly ms: number;
  /** True when the text named no zone, so that `zone` decided. */
  readonly isLocal: boolean;
}

/**
 * Reads RFC 3339 in its common shape, `2026-11-24T06:00:00[.fff…](Z|±hh:mm)`, without making an
 * object or a match. NaN for any other shape and for impossible dates (30 February, 25 o'clock).
 * Fractions beyond milliseconds are cut.
 */
export function parseRfc3339(text: string): number {
  const length = text.length;
  if (length < 20) return NaN;
  const t = text.charCodeAt(10);
  if (
    text.charCodeAt(4) !== 45 ||
    text.charCodeAt(7) !== 45 ||
    (t !== 84 && t !== 116 && t !== 32) ||
    text.charCodeAt(13) !== 58 ||
    text.charCodeAt(16) !== 58
  ) {
    return NaN;
  }
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const ms =
    dayMs(year, month, day) +
    clockMs(twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17));

  let at = 19;
  let fraction = 0;
  if (text.charCodeAt(at) === 46) {
    let scale = 100;
    const first = ++at;
    for (; at < length; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) break;
      if (scale >= 1) fraction += digit * scale;
      scale = Math.floor(scale / 10);
    }
    if (at === first) return NaN;
  }
  const sign = text.charCodeAt(at);
  if ((sign === 90 || sign === 122) && at === length - 1) return ms + fraction;
  if ((sign !== 43 && sign !== 45) || at !== length - 6 || text.charCodeAt(at + 3) !== 58)
    return NaN;
  const hours = twoDigits(text, at + 1);
  const minutes = twoDigits(text, at + 4);
  if (!(hours <= 23 && minutes <= 59)) return NaN;
  const offset = (hours * 60 + minutes) * 60_000;
  return sign === 43 ? ms + fraction - offset : ms + fraction + offset;
}

/** Two decimal digits at a place; NaN where there are none, which then spreads to the result. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Unix milliseconds at the start of a day of the Gregorian calendar; NaN for days there are not. */
function dayMs(year: number, month: number, day: number): number {
  if (!(month >= 1 && month <= 12 && day >= 1)) return NaN;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > monthDays[month - 1]! + (month === 2 && isLeap ? 1 : 0)) return NaN;
  // Days since 1970-01-01, counted in years that begin in March (Howard Hinnant, days_from_civil).
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * 146_097 + dayOfEra - 719_468) * 86_400_000;
}

function clockMs(hour: number, minute: number, second: number): number {
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return NaN;
  return ((hour * 60 + minute) * 60 + second) * 1000;
}

const localShape =
  /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ]?\s*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:[.,](\d{1,9}))?秒?)?分?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$/i;
const compactShape = /^(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2}):?(\d{2}))?$/;

/**
 * Reads a time as shops write it: RFC 3339; Unix time in seconds, milliseconds, microseconds or
 * nanoseconds (told apart by size); `yyyy-mm-dd[ hh:mm[:ss[.fff]]]` with `-`, `/`, `.` or 年月日;
 * `yyyymmdd`. A time that names no zone is read in `zone`. Undefined when it is none of these.
 */
export function parseTime(value: string | number, zone: Zone): ReadTime | undefined {
  if (typeof value === "number") return epoch(value);
  const text = value.trim();
  const fast = parseRfc3339(text);
  if (!Number.isNaN(fast)) return { ms: fast, isLocal: false };

  const compact = compactShape.exec(text);
  const match = compact ?? localShape.exec(text);
  if (match === null) {
    return /^-?\d{1,19}(\.\d+)?$/.test(text) && text.length >= 9 ? epoch(Number(text)) : undefined;
  }
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", named] = match;
  const wallClock =
    dayMs(Number(year), Number(month), Number(day)) +
    clockMs(Number(hour), Number(minute), Number(second)) +
    Number(fraction.padEnd(3, "0").slice(0, 3));
  if (Number.isNaN(wallClock)) {
    // Eight digits that are no date may still be a count of seconds, early in 1970: no shop's time.
    return undefined;
  }
  if (named !== undefined) return { ms: zoneNamed(named)(wallClock), isLocal: false };
  return { ms: zone(wallClock), isLocal: true };
}

/** Unix time in s, ms, µs or ns: each covers the years 1973 to 5138 without meeting the next. */
function epoch(value: number): ReadTime | undefined {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return undefined;
  const ms =
    size < 1e11 ? value * 1e3 : size < 1e14 ? value : size < 1e17 ? value / 1e3 : value / 1e6;
  return { ms: Math.floor(ms), isLocal: false };
}

/**
 * The zone of a name: `Z`, `UTC`, `+08:00`, or an IANA name such as `Asia/Shanghai`.
 *
 * A wall-clock reading that occurs twice (the hour after summer time) is taken as the earlier; one
 * that does not occur is read with the offset before the jump.
 *
 * @throws {DataError} `UNKNOWN_ZONE`
 */
export function zoneNamed(name: string): Zone {
  if (/^(z|utc|gmt)$/i.test(name)) return (wallClockMs) => wallClockMs;
  const fixed = /^([+-])(\d{2}):?(\d{2})$/.exec(name);
  if (fixed !== null && Number(fixed[2]) <= 14 && Number(fixed[3]) <= 59) {
    const offset =
      (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000 * (fixed[1] === "-" ? -1 : 1);
    return (wallClockMs) => wallClockMs - offset;
  }
  const offsetAt = ianaOffsets(name);
  return (wallClockMs) => {
    const before = offsetAt(wallClockMs - 86_400_000);
    const first = wallClockMs - before;
    if (offsetAt(first) === before) return first;
    const second = wallClockMs - offsetAt(first);
    return offsetAt(second) === offsetAt(first) ? second : first;
  };
}

/** Offset of a zone from UTC at a moment. Offsets change on quarter hours, so those are cached. */
function ianaOffsets(name: string): (ms: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      era: "short",
    });
  } catch (cause) {
    throw new DataError(
      "UNKNOWN_ZONE",
      `"${name}" is not a time zone.`,
      'Give an offset ("+08:00"), "UTC", or an IANA name ("Asia/Shanghai").',
      { cause },
    );
  }
  const quarterHour = 900_000;
  const cache = new Map<number, number>();
  return (ms) => {
    const key = Math.floor(ms / quarterHour);
    const cached = cache.get(key);
    if (cached !== undefined) return cached;
    const part: Record<string, string> = {};
    for (const { type, value } of format.formatToParts(key * quarterHour)) part[type] = value;
    const wallClock =
      dayMs(Number(part["year"]), Number(part["month"]), Number(part["day"])) +
      clockMs(Number(part["hour"]), Number(part["minute"]), Number(part["second"]));
    const offset = wallClock - key * quarterHour;
    if (cache.size > 100_000) cache.clear();
    cache.set(key, offset);
    return offset;
  };
}

/** RFC 3339 of a moment; undefined outside the years 0 to 9999. */
export function isoOf(ms: number): string | undefined {
  if (!(Math.abs(ms) <= 8.64e15)) return undefined;
  const iso = new Date(ms).toISOString();
  return iso.length === 24 ? iso : undefined;
}
