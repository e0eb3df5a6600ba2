import type { Progress } from "@magpie/domain";

/** The part of a terminal that progress is written to. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const redrawMs = 100;
const plainMs = 5_000;

/** "1,234,567", "12.3 MB": a count in the unit it is counted in. */
export function formatCount(value: number, unit: string): string {
  if (unit !== "bytes") return `${Math.round(value).toLocaleString("en-US")} ${unit}`;
  const steps = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  let size = value;
  while (size >= 1_000 && step < steps.length - 1) {
    size /= 1_000;
    step++;
  }
  return `${size.toFixed(step === 0 ? 0 : 1)} ${steps[step]}`;
}

/** "8 s", "3 min 20 s", "2 h 5 min". */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
}

/**
 * Shows progress with rate and time left: one line that is redrawn on a terminal, a line every few
 * seconds elsewhere (logs, pipes). Notes stay; figures come and go.
 */
export class ProgressLine {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  #stage = "";
  #stageStarted = 0;
  #stageFrom = 0;
  #lastShown = 0;
  #drawn = false;
  #notes = new Set<string>();

  constructor(stream: ProgressStream, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
  }

  readonly show = (progress: Progress): void => {
    const now = this.#now();
    const isNewStage = progress.stage !== this.#stage;
    if (isNewStage) {
      this.end();
      this.#stage = progress.stage;
      this.#stageStarted = now;
      this.#stageFrom = progress.done;
    }
    if (progress.message !== undefined && !this.#notes.has(progress.message)) {
      this.#notes.add(progress.message);
      this.end();
      this.#stream.write(`${progress.stage}: ${progress.message}\n`);
    }
    const isEnd = progress.total !== undefined && progress.done >= progress.total;
    const pause = this.#stream.isTTY === true ? redrawMs : plainMs;
    if (!isEnd && !isNewStage && now - this.#lastShown < pause) return;
    // The first word of a stage says nothing yet; on a terminal it shows that something goes on.
    if (isNewStage && !isEnd && this.#stream.isTTY !== true) return;
    this.#lastShown = now;
    this.#draw(this.#line(progress, now));
  };

  /** Leaves the last state of the line standing and starts a new one. */
  end(): void {
    if (!this.#drawn) return;
    this.#stream.write("\n");
    this.#drawn = false;
  }

  #line({ stage, done, total, unit, metrics }: Progress, now: number): string {
    const seconds = (now - this.#stageStarted) / 1_000;
    const rate = seconds > 0.2 ? (done - this.#stageFrom) / seconds : 0;
    const parts = [
      total === undefined
        ? formatCount(done, unit)
        : `${formatCount(done, unit === "bytes" ? unit : "").trim()} of ${formatCount(total, unit)}`,
    ];
    if (total !== undefined && total > 0) {
      parts.push(`${Math.min(100, Math.floor((100 * done) / total))} %`);
    }
    if (rate > 0) {
      parts.push(
        rate >= 10 || unit === "bytes"
          ? `${formatCount(rate, unit)}/s`
          : `${rate.toFixed(1)} ${unit}/s`,
      );
      if (total !== undefined && done < total) {
        parts.push(`${formatSeconds((total - done) / rate)} left`);
      }
    }
    for (const [name, value] of Object.entries(metrics ?? {})) {
      parts.push(
        `${name} ${Number.isInteger(value) ? value.toLocaleString("en-US") : value.toPrecision(4)}`,
      );
    }
    return `${stage}: ${parts.join(", ")}`;
  }

  #draw(line: string): void {
    if (this.#stream.isTTY !== true) {
      this.#stream.write(`${line}\n`);
      return;
    }
    const width = (this.#stream.columns ?? 80) - 1;
    this.#stream.write(`\r\u001b[K${line.length > width ? `${line.slice(0, width - 1)}…` : line}`);
    this.#drawn = true;
  }
}
