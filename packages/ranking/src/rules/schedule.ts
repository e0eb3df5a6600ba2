import type { RuleSchedule } from "@magpie/domain";

/** When a rule holds, in Unix milliseconds. */
export interface Period {
  readonly fromMs: number;
  /** Exclusive. */
  readonly untilMs: number;
}

/** The moments of a schedule; always, without one. @throws {RangeError} for a zone that is not known */
export function periodOf(schedule: RuleSchedule | undefined): Period {
  const { from, until, timeZone = "UTC" } = schedule ?? {};
  return {
    fromMs: from === undefined ? -Infinity : instantOf(from, timeZone),
    untilMs: until === undefined ? Infinity : instantOf(until, timeZone),
  };
}

/**
 * The moment that a clock in a time zone shows as `local`; with an offset in the text the zone does
 * not matter. A time that the clocks skip is read with the offset before the jump, one that they
 * show twice is the first.
 *
 * @returns  Unix milliseconds; NaN for a day or hour that does not exist
 * @throws {RangeError} for a zone that is not known
 */
export function instantOf(local: string, timeZone: string): number {
  const hasOffset = /(Z|[+-]\d{2}:\d{2})$/.test(local);
  const asUtc = Date.parse(hasOffset ? local : `${local}Z`);
  if (Number.isNaN(asUtc) || !isDay(local)) return NaN;
  if (hasOffset) return asUtc;
  const offsetAt = offsetIn(timeZone);
  // Before any change of the clocks within a day of it, and after.
  const before = asUtc - offsetAt(asUtc - dayMs);
  const after = asUtc - offsetAt(asUtc + dayMs);
  const shows = (instant: number): boolean => instant + offsetAt(instant) === asUtc;
  if (shows(before)) return before;
  return shows(after) ? after : before;
}

const dayMs = 86_400_000;

/** Date.parse takes 31 February for 3 March. */
function isDay(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split("-").map(Number);
  return new Date(Date.UTC(year!, month! - 1, day)).getUTCDate() === day;
}

/** Making one takes longer than a thousand uses, and many rules share a zone. */
const formats = new Map<string, Intl.DateTimeFormat>();

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(timeZone, format);
  return format;
}

/** How far a zone's clocks are ahead of UTC at a moment, in milliseconds. */
function offsetIn(timeZone: string): (instantMs: number) => number {
  const format = clockOf(timeZone);
  return (instantMs) => {
    const parts = Object.fromEntries(
      format.formatToParts(instantMs).map(({ type, value }) => [type, Number(value)]),
    );
    const { year, month, day, hour, minute, second } = parts;
    const shown = Date.UTC(year!, month! - 1, day, hour, minute, second);
    return shown - Math.floor(instantMs / 1_000) * 1_000;
  };
}
