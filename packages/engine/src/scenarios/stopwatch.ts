import type { StageTimings } from "../engine.ts";

/** Times the stages of one request. Stages that run side by side are added as they end. */
export class Stopwatch {
  readonly #timings: { readonly stage: string; readonly ms: number }[] = [];
  #since = performance.now();

  /** Ends the stage that began with the last lap. */
  lap(stage: string): void {
    const now = performance.now();
    this.#timings.push({ stage, ms: now - this.#since });
    this.#since = now;
  }

  /** Adds a stage that was timed elsewhere. */
  add(stage: string, ms: number): void {
    this.#timings.push({ stage, ms });
  }

  get timings(): StageTimings {
    return this.#timings;
  }
}
