import { resolve } from "node:path";
import type { WorkContext } from "@magpie/domain";
import { ProgressLine } from "./progress-line.ts";

/** Options that every verb takes. */
export interface GlobalOptions {
  readonly data?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly debug?: boolean;
}

/**
 * Where a verb talks to its caller: results to standard output, everything else to standard error,
 * so that `--json` and pipes get results only.
 */
export class Shell {
  readonly isJson: boolean;
  readonly isDebug: boolean;
  /** Where the data folder is, absolute. */
  readonly dataFolder: string;
  readonly #quiet: boolean;
  readonly #progress = new ProgressLine(process.stderr);
  readonly #stop: AbortController;

  constructor(options: GlobalOptions, stop: AbortController) {
    this.isJson = options.json ?? false;
    this.isDebug = options.debug ?? false;
    this.dataFolder = resolve(options.data ?? process.env["MAGPIE_DATA"] ?? "magpie-data");
    this.#quiet = options.quiet ?? false;
    this.#stop = stop;
  }

  /** Aborted by Ctrl-C. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** For long work: progress on standard error, stopped by Ctrl-C. */
  work(): WorkContext {
    return {
      signal: this.#stop.signal,
      onProgress: this.#quiet ? () => {} : this.#progress.show,
    };
  }

  /** The verb's result: the text for people, or the value as one JSON document. */
  result(value: unknown, text: string): void {
    this.#progress.end();
    process.stdout.write(this.isJson ? `${JSON.stringify(value, null, 2)}\n` : `${text}\n`);
  }

  /** What a person should know besides; never mixed into results. */
  note(text: string): void {
    this.#progress.end();
    if (!this.#quiet) process.stderr.write(`${text}\n`);
  }

  /** Waits until Ctrl-C (or a service manager) asks to stop. */
  untilStopped(): Promise<void> {
    return new Promise((done) => {
      if (this.signal.aborted) done();
      this.signal.addEventListener("abort", () => done(), { once: true });
    });
  }

  endProgress(): void {
    this.#progress.end();
  }
}
