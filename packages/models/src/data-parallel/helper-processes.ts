import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FromHelper, HelperRequest, ToHelper } from "./helper-messages.ts";
import { Rendezvous } from "./rendezvous.ts";
import { bytesOf, type Contribution, type EpochStart, type Mean } from "./transport.ts";

/** A helper that is not ready, or brings nothing, for so long hangs, and is given up. */
const patienceMs = 60_000;
/** How long helpers may take to end when they are told to; one that is in a step ends after it. */
const endsWithinMs = 2_000;
/** Helpers that are started in place of lost ones, over a whole training. */
const replacements = 3;
const lead = "lead";

interface Helper {
  readonly id: string;
  readonly process: ChildProcess;
  readonly ready: Promise<unknown>;
  isReady: boolean;
  isLost: boolean;
}

/** Told of what happens to helpers. */
export interface HelperEvents {
  onStart?(pid: number): void;
  onLoss?(pid: number): void;
}

/**
 * The lead's side of a data-parallel training on one machine: processes of this program, each with its own
 * trainer, that join every epoch anew with the lead's weights. A process that dies takes its part of the
 * present round along and nothing else: the round ends without it, and the next epoch deals the examples to
 * those that are there, with another process in its place.
 */
export class HelperProcesses {
  /** Bytes of parts and means that went between the lead and helpers, both ways. */
  bytesExchanged = 0;
  rounds = 0;
  readonly #request: HelperRequest;
  readonly #events: HelperEvents;
  #wanted: number;
  #replacements = replacements;
  #started = 0;
  #helpers: Helper[] = [];
  #rendezvous = new Rendezvous([lead]);

  constructor(request: HelperRequest, events: HelperEvents = {}) {
    this.#request = request;
    this.#events = events;
    this.#wanted = request.settings.workers - 1;
  }

  /** Processes that are there now, the lead not counted. */
  get count(): number {
    return this.#helpers.length;
  }

  /** Brings helpers to the beginning of an epoch; they work from then on. */
  async beginEpoch(
    start: Omit<EpochStart, "rank" | "members">,
  ): Promise<Pick<EpochStart, "rank" | "members">> {
    while (this.#helpers.length < this.#wanted) {
      if (this.#started >= this.#wanted + this.#replacements) break;
      this.#helpers.push(this.#start());
    }
    const timer = setTimeout(
      () => this.#giveUp(this.#helpers.filter(({ isReady }) => !isReady)),
      patienceMs,
    );
    await Promise.all(this.#helpers.map(({ ready }) => ready));
    clearTimeout(timer);
    this.#helpers = this.#helpers.filter(({ isLost }) => !isLost);
    const members = this.#helpers.length + 1;
    this.#rendezvous = new Rendezvous([lead, ...this.#helpers.map(({ id }) => id)]);
    this.#helpers.forEach((helper, i) =>
      tell(helper, { type: "epoch", start: { ...start, rank: i + 1, members } }),
    );
    return { rank: 0, members };
  }

  /** The lead's part of a round; resolves with the mean over all that are still there. */
  async average(part: Contribution): Promise<Mean> {
    const timer = setTimeout(() => {
      const missing = new Set(this.#rendezvous.missing);
      this.#giveUp(this.#helpers.filter(({ id }) => missing.has(id)));
    }, patienceMs);
    try {
      const mean = await this.#rendezvous.contribute(lead, part);
      this.rounds++;
      return mean;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends all helpers and waits until they are gone. */
  async close(): Promise<void> {
    this.#wanted = 0;
    await Promise.all(
      this.#helpers.map(async ({ process }) => {
        if (process.exitCode !== null || process.signalCode !== null) return;
        const gone = once(process, "exit");
        if (process.connected) process.send({ type: "end" } satisfies ToHelper, () => {});
        // A helper holds nothing that could be lost.
        const timer = setTimeout(() => process.kill("SIGKILL"), endsWithinMs);
        await gone;
        clearTimeout(timer);
      }),
    );
  }

  #start(): Helper {
    const id = `helper ${++this.#started}`;
    const path = fileURLToPath(new URL("./sequence-helper.worker.ts", import.meta.url));
    // Typed arrays go through the pipe as they are.
    const process = fork(path, { serialization: "advanced", execArgv: [] });
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const helper: Helper = { id, process, ready, isReady: false, isLost: false };
    process.on("message", (message: FromHelper) => {
      if (message.type === "ready") {
        helper.isReady = true;
        return resolve();
      }
      this.bytesExchanged += bytesOf(message.part);
      void this.#rendezvous.contribute(id, message.part).then((mean) => {
        this.bytesExchanged += bytesOf(mean);
        tell(helper, { type: "mean", mean });
      });
    });
    const lose = (): void => {
      if (helper.isLost) return;
      helper.isLost = true;
      resolve();
      this.#helpers = this.#helpers.filter((other) => other !== helper);
      this.#rendezvous.drop(id);
      if (process.pid !== undefined && this.#wanted > 0) this.#events.onLoss?.(process.pid);
    };
    process.on("error", lose).on("exit", lose);
    if (process.pid !== undefined) this.#events.onStart?.(process.pid);
    tell(helper, { type: "request", request: this.#request });
    return helper;
  }

  /** What hangs is ended, and its end is noticed like any other. */
  #giveUp(helpers: readonly Helper[]): void {
    for (const { process } of helpers) process.kill("SIGKILL");
  }
}

/** What cannot be told to a process that has just gone is noticed by its end. */
function tell({ process }: Helper, message: ToHelper): void {
  if (process.connected) process.send(message, () => {});
}
