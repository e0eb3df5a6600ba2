/**
 * Remembers, by 64-bit fingerprint, when something was last seen, for the latest `capacity` to
 * `2 · capacity` distinct fingerprints. Memory is fixed: two generations of one open-addressed
 * table each; when the young one is full, it becomes the old one and the old one is forgotten.
 *
 *     young ▓▓▓▓▓░░░ ── full ──▶ old ▓▓▓▓▓▓▓▓ ── young full again ──▶ forgotten
 */
export class RecentTimes {
  readonly #capacity: number;
  #young: Generation;
  #old: Generation;

  /** @param capacity  a power of two; memory is about 64 bytes for each */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#young = new Generation(capacity * 2);
    this.#old = new Generation(capacity * 2);
  }

  /** When it was last seen, NaN for never; remembers `timeMs` from now on. */
  exchange(low: number, high: number, timeMs: number): number {
    let slot = this.#young.find(low, high);
    if (this.#young.isHeld(slot, low, high)) {
      const before = this.#young.times[slot]!;
      this.#young.times[slot] = timeMs;
      return before;
    }
    const oldSlot = this.#old.find(low, high);
    const before = this.#old.isHeld(oldSlot, low, high) ? this.#old.times[oldSlot]! : NaN;
    if (this.#young.size >= this.#capacity) {
      const forgotten = this.#old;
      this.#old = this.#young;
      forgotten.clear();
      this.#young = forgotten;
      slot = this.#young.find(low, high);
    }
    this.#young.put(slot, low, high, timeMs);
    return before;
  }
}

/** One open-addressed table; a slot is free while its time is NaN. */
class Generation {
  readonly times: Float64Array;
  readonly #lows: Int32Array;
  readonly #highs: Int32Array;
  readonly #mask: number;
  size = 0;

  constructor(slots: number) {
    this.times = new Float64Array(slots).fill(NaN);
    this.#lows = new Int32Array(slots);
    this.#highs = new Int32Array(slots);
    this.#mask = slots - 1;
  }

  /** The slot that holds the fingerprint, or the free one where it belongs. */
  find(low: number, high: number): number {
    let slot = low & this.#mask;
    while (!Number.isNaN(this.times[slot]!)) {
      if (this.#lows[slot] === low && this.#highs[slot] === high) return slot;
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  isHeld(slot: number, low: number, high: number): boolean {
    return (
      !Number.isNaN(this.times[slot]!) && this.#lows[slot] === low && this.#highs[slot] === high
    );
  }

  put(slot: number, low: number, high: number, timeMs: number): void {
    this.#lows[slot] = low;
    this.#highs[slot] = high;
    this.times[slot] = timeMs;
    this.size++;
  }

  clear(): void {
    this.times.fill(NaN);
    this.size = 0;
  }
}
