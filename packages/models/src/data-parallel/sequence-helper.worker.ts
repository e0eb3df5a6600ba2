/**
 * A helper process of a data-parallel training: takes part in one epoch after the other until the lead lets go
 * of it, or is gone.
 */
import { SequenceTrainer } from "../sequence-trainer.ts";
import type { FromHelper, HelperRequest, ToHelper } from "./helper-messages.ts";
import { sharedEpoch } from "./meetings.ts";
import type { EpochStart, Mean, Transport } from "./transport.ts";

function send(message: FromHelper): Promise<void> {
  return new Promise((resolve) => void process.send!(message, undefined, {}, () => resolve()));
}

/** The pipe to the lead as a transport. */
class ParentTransport implements Transport {
  readonly request: Promise<HelperRequest>;
  readonly #starts: EpochStart[] = [];
  #onStart: ((start: EpochStart) => void) | undefined;
  #onMean: ((mean: Mean) => void) | undefined;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<HelperRequest>();
    this.request = promise;
    process.on("message", (message: ToHelper) => {
      switch (message.type) {
        case "request":
          return resolve(message.request);
        case "epoch":
          if (this.#onStart === undefined) this.#starts.push(message.start);
          else this.#onStart(message.start);
          this.#onStart = undefined;
          return;
        case "mean":
          return this.#onMean?.(message.mean);
        default:
          return message satisfies never;
      }
    });
    // Without a lead there is nobody to work for.
    process.once("disconnect", () => process.exit(0));
  }

  async join(): Promise<EpochStart> {
    const [known] = this.#starts.splice(0, 1);
    return known ?? new Promise((resolve) => (this.#onStart = resolve));
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
}

const transport = new ParentTransport();
const { config, data, seed, settings } = await transport.request;
const trainer = await SequenceTrainer.open(config, data, { seed, threads: 1 });
await send({ type: "ready" });
for (;;) {
  const start = await transport.join();
  trainer.resume(start.steps, start.arrays);
  const steps = sharedEpoch(trainer, start, settings, (part) => transport.average(part));
  for await (const _ of steps);
}
