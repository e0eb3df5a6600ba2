import type { ActivityBounds } from "./quality-report.ts";

export interface ActivityOptions {
  /** How many robust deviations above the median are still a person (default 6). */
  readonly deviations?: number;
  /** Never judged abnormal at or below these (defaults 300 a day, 60 a minute). */
  readonly floorPerDay?: number;
  readonly floorPerMinute?: number;
}

const dayMs = 86_400_000;
const minuteMs = 60_000;
/** Below this many user-days there is no distribution to speak of, and nobody is judged. */
const leastUserDays = 20;

/**
 * Counts acts per user, day and minute in a first pass, and finds whom a robust threshold calls
 * abnormal. On the logarithms of all user-days (and user-minutes):
 *
 *     threshold = exp(median + k · 1.4826 · MAD),  at least the floor
 *
 * Median and MAD hold still however wild the robots are, where mean and deviation would move with
 * them. 1.4826 · MAD estimates the standard deviation of a normal distribution; it is taken as at
 * least log 1.5, since most user-days of a small shop are equal and their MAD is 0.
 *
 * Memory: 36 bytes a user in an open-addressed table keyed by 64-bit fingerprints. A user's day is
 * counted while events of that day follow each other, so in a file that is not in order of time
 * days are underestimated, and fewer users are judged.
 */
export class ActivityCounter {
  #size = 0;
  #mask: number;
  /** Eight numbers a slot: fingerprint ×2, day, in that day, most a day, minute, in it, most a minute. */
  #slots: Int32Array;
  #isUsed: Uint8Array;
  readonly #days = new CountHistogram();
  readonly #minutes = new CountHistogram();

  constructor(capacity = 1 << 12) {
    this.#mask = capacity - 1;
    this.#slots = new Int32Array(capacity * 8);
    this.#isUsed = new Uint8Array(capacity);
  }

  get users(): number {
    return this.#size;
  }

  /** Counts one act of the user with this fingerprint. */
  add(low: number, high: number, timeMs: number): void {
    if (this.#size * 2 > this.#mask) this.#grow();
    const slots = this.#slots;
    const at = this.#find(low, high) * 8;
    const day = Math.floor(timeMs / dayMs);
    const minute = Math.floor(timeMs / minuteMs) | 0;
    if (this.#isUsed[at >> 3] === 0) {
      this.#isUsed[at >> 3] = 1;
      this.#size++;
      slots[at] = low;
      slots[at + 1] = high;
      slots[at + 2] = day;
      slots[at + 5] = minute;
    }
    if (slots[at + 2] !== day) {
      this.#days.add(slots[at + 3]!);
      slots[at + 2] = day;
      slots[at + 3] = 0;
    }
    if (slots[at + 5] !== minute) {
      this.#minutes.add(slots[at + 6]!);
      slots[at + 5] = minute;
      slots[at + 6] = 0;
    }
    const inDay = ++slots[at + 3]!;
    const inMinute = ++slots[at + 6]!;
    if (inDay > slots[at + 4]!) slots[at + 4] = inDay;
    if (inMinute > slots[at + 7]!) slots[at + 7] = inMinute;
  }

  /** Ends the first pass: closes open days and minutes and judges every user. */
  judge(options: ActivityOptions = {}): AbnormalActivity {
    const { deviations = 6, floorPerDay = 300, floorPerMinute = 60 } = options;
    for (let slot = 0; slot <= this.#mask; slot++) {
      if (this.#isUsed[slot] === 0) continue;
      this.#days.add(this.#slots[slot * 8 + 3]!);
      this.#minutes.add(this.#slots[slot * 8 + 6]!);
    }
    const isJudged = this.#days.total >= leastUserDays;
    const bounds = {
      perDay: isJudged ? Math.max(floorPerDay, this.#days.threshold(deviations)) : Infinity,
      perMinute: isJudged
        ? Math.max(floorPerMinute, this.#minutes.threshold(deviations))
        : Infinity,
    };
    const abnormal = new Map<number, ActivityOf[]>();
    for (let slot = 0; slot <= this.#mask; slot++) {
      if (this.#isUsed[slot] === 0) continue;
      const at = slot * 8;
      const busiestDay = this.#slots[at + 4]!;
      const busiestMinute = this.#slots[at + 7]!;
      if (busiestDay <= bounds.perDay && busiestMinute <= bounds.perMinute) continue;
      const low = this.#slots[at]!;
      const same = abnormal.get(low) ?? [];
      same.push({ high: this.#slots[at + 1]!, busiestDay, busiestMinute });
      abnormal.set(low, same);
    }
    return new AbnormalActivity(bounds, abnormal);
  }

  #find(low: number, high: number): number {
    let slot = low & this.#mask;
    while (
      this.#isUsed[slot] === 1 &&
      !(this.#slots[slot * 8] === low && this.#slots[slot * 8 + 1] === high)
    ) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #grow(): void {
    const oldSlots = this.#slots;
    const oldUsed = this.#isUsed;
    const capacity = (this.#mask + 1) * 2;
    this.#mask = capacity - 1;
    this.#slots = new Int32Array(capacity * 8);
    this.#isUsed = new Uint8Array(capacity);
    for (let old = 0; old < oldUsed.length; old++) {
      if (oldUsed[old] === 0) continue;
      const slot = this.#find(oldSlots[old * 8]!, oldSlots[old * 8 + 1]!);
      this.#isUsed[slot] = 1;
      this.#slots.set(oldSlots.subarray(old * 8, old * 8 + 8), slot * 8);
    }
  }
}

interface ActivityOf {
  readonly high: number;
  readonly busiestDay: number;
  readonly busiestMinute: number;
}

/** Who was judged abnormal, asked by fingerprint in the second pass. */
export class AbnormalActivity {
  readonly bounds: ActivityBounds;
  readonly #byLow: ReadonlyMap<number, readonly ActivityOf[]>;

  constructor(bounds: ActivityBounds, byLow: ReadonlyMap<number, readonly ActivityOf[]>) {
    this.bounds = bounds;
    this.#byLow = byLow;
  }

  get isEmpty(): boolean {
    return this.#byLow.size === 0;
  }

  find(low: number, high: number): ActivityOf | undefined {
    return this.#byLow.get(low)?.find((activity) => activity.high === high);
  }
}

/** How often each count occurred; counts beyond the last bucket share it. */
class CountHistogram {
  readonly #buckets = new Float64Array(1 << 16);
  total = 0;

  add(count: number): void {
    if (count === 0) return;
    this.#buckets[Math.min(count, this.#buckets.length - 1)]!++;
    this.total++;
  }

  threshold(deviations: number): number {
    const median = this.#weightedMedian(Math.log);
    const mad = this.#weightedMedian((count) => Math.abs(Math.log(count) - median));
    return Math.exp(median + deviations * Math.max(1.4826 * mad, Math.log(1.5)));
  }

  /** Lower median of a function of the counts. */
  #weightedMedian(of: (count: number) => number): number {
    const values: { readonly value: number; readonly weight: number }[] = [];
    this.#buckets.forEach((weight, count) => {
      if (weight > 0) values.push({ value: of(count), weight });
    });
    values.sort((a, b) => a.value - b.value);
    let below = 0;
    for (const { value, weight } of values) {
      below += weight;
      if (below * 2 >= this.total) return value;
    }
    return 0;
  }
}
