/** What a time encoder needs to be opened again. */
export interface TimeCard {
  readonly kind: "time";
  readonly halfLifeMs: number;
  readonly utcOffsetMinutes: number;
}

/** Features of one moment, each in [-1, 1]. */
export interface TimeFeatures {
  /** Hour of the day and day of the week on a circle: 23:59 lies beside 00:00. */
  readonly hourSin: number;
  readonly hourCos: number;
  readonly weekdaySin: number;
  readonly weekdayCos: number;
  /** 1 now, ½ at the half-life, towards 0 long ago. */
  readonly recency: number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * Time of day, weekday and recency of a moment. The half-life of recency is the median age of the
 * training events, so that half of them lie above ½ whatever the pace of the shop.
 */
export class TimeEncoder {
  readonly #card: TimeCard;

  private constructor(card: TimeCard) {
    this.#card = card;
  }

  /**
   * @param timestampsMs      moments of the training events
   * @param nowMs             the moment from which their age counts
   * @param utcOffsetMinutes  the shop's clock: 480 for +08:00
   */
  static fit(timestampsMs: Iterable<number>, nowMs: number, utcOffsetMinutes = 0): TimeEncoder {
    const ages = Float64Array.from(timestampsMs, (ms) => Math.max(0, nowMs - ms)).sort();
    const median = ages.length === 0 ? 0 : ages[ages.length >> 1]!;
    return new TimeEncoder({ kind: "time", halfLifeMs: median || dayMs, utcOffsetMinutes });
  }

  encode(timestampMs: number, nowMs: number): TimeFeatures {
    const { halfLifeMs, utcOffsetMinutes } = this.#card;
    const local = timestampMs + utcOffsetMinutes * 60_000;
    const day = (2 * Math.PI * (local % dayMs)) / dayMs;
    // 1970-01-01 was a Thursday; the week begins on Monday.
    const weekday = (2 * Math.PI * ((Math.floor(local / dayMs) + 3) % 7)) / 7;
    const age = Math.max(0, nowMs - timestampMs);
    return {
      hourSin: Math.sin(day),
      hourCos: Math.cos(day),
      weekdaySin: Math.sin(weekday),
      weekdayCos: Math.cos(weekday),
      recency: 2 ** (-age / halfLifeMs),
    };
  }

  save(): TimeCard {
    return this.#card;
  }

  static load(card: TimeCard): TimeEncoder {
    return new TimeEncoder(card);
  }
}
