/**
 * A helper process of a data-parallel training: takes part in one epoch after the other until the lead lets go
 * of it, or is gone.
 */
import { SequenceTrainer } from "../sequence/sequence-trainer.ts";
import type { FromHelper, HelperRequest, ToHelper } from "./helper-messages.ts";
import { sharedEpoch } from "./meetings.ts";
import type { EpochStart, Mean, Transport } from "./transport.ts";

function send(message: FromHelper): Promise<void> {
  return new Promise((resolve) => void process.send!(message, undefined, {}, () => resolve()));
}

/** The pipe to the lead as a transport. */
class ParentTransport implements Transport {
  readonly request: Promise<HelperRequest>;
  /** What was told before it was asked for; undefined: the training is over. */
  readonly #told: (EpochStart | undefined)[] = [];
  #onJoin: ((start: EpochStart | undefined) => void) | undefined;
  #onMean: ((mean: Mean) => void) | undefined;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<HelperRequest>();
    this.request = promise;
    process.on("message", (message: ToHelper) => {
      switch (message.type) {
        case "request":
          return resolve(message.request);
        case "epoch":
          return this.#tell(message.start);
        case "mean":
          this.#onMean?.(message.mean);
          this.#onMean = undefined;
          return;
        case "end":
          // In the middle of a round nobody waits for: nothing is held that could be lost.
          if (this.#onMean !== undefined) process.exit(0);
          return this.#tell(undefined);
        default:
          return message satisfies never;
      }
    });
    // Without a lead there is nobody to work for.
    process.once("disconnect", () => process.exit(0));
  }

  join(): Promise<EpochStart | undefined> {
    return new Promise((resolve) => {
      if (this.#told.length > 0) resolve(this.#told.shift());
      else this.#onJoin = resolve;
    });
  }

  async average(part: Parameters<Transport["average"]>[0]): Promise<Mean> {
    const mean = new Promise<Mean>((resolve) => (this.#onMean = resolve));
    await send({ type: "part", part });
    return mean;
  }

  leave(): Promise<void> {
    process.disconnect();
    return Promise.resolve();
  }

  #tell(start: EpochStart | undefined): void {
    if (this.#onJoin === undefined) this.#told.push(start);
    else this.#onJoin(start);
    this.#onJoin = undefined;
  }
}

const transport = new ParentTransport();
const { config, data, seed, settings } = await transport.request;
const trainer = await SequenceTrainer.open(config, data, { seed, threads: 1 });
await send({ type: "ready" });
for (;;) {
  const start = await transport.join();
  if (start === undefined) break;
  trainer.resume(start.steps, start.arrays);
  const steps = sharedEpoch(trainer, start, settings, (part) => transport.average(part));
  for await (const _ of steps);
}
await trainer.dispose();
await transport.leave();
