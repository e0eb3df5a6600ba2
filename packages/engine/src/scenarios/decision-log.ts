import type { Decision, DecisionStore } from "@magpie/data";

/** How long decisions are gathered before they are written together. */
const defaultGatherMs = 1_000;
/** As many are written at once without waiting longer. */
const maxGathered = 256;

/**
 * Writes decisions beside the answers: gathered for a second, so that fifty answers cost one sync
 * of the disk and not fifty, in the thread that answers. A crash loses at most what was gathered:
 * unlike an event, no one was told that a decision is kept.
 */
export class DecisionLog {
  readonly #store: Pick<DecisionStore, "append">;
  readonly #onFailure: (error: unknown) => void;
  readonly #gatherMs: number;
  #gathered: Decision[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    store: Pick<DecisionStore, "append">,
    onFailure: (error: unknown) => void,
    gatherMs = defaultGatherMs,
  ) {
    this.#store = store;
    this.#onFailure = onFailure;
    this.#gatherMs = gatherMs;
  }

  add(decision: Decision): void {
    this.#gathered.push(decision);
    if (this.#gathered.length >= maxGathered) void this.settle();
    else this.#timer ??= setTimeout(() => void this.settle(), this.#gatherMs);
  }

  /** Resolves when every decision so far is durable, or has failed and been told of. */
  settle(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#gathered;
    this.#gathered = [];
    if (batch.length > 0) {
      const written = Promise.all(batch.map((decision) => this.#store.append(decision)));
      this.#writing = Promise.all([this.#writing, written.catch(this.#onFailure)]).then(() => {});
    }
    return this.#writing;
  }
}
