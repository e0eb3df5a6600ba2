import type { EventsRequest, EventsResponse } from "@magpie/contract";
import { MagpieClientError } from "./errors.ts";
import { sendForJson, type Transport } from "./http.ts";

/** An event as the caller tells it; id and time are added when they are absent. */
export type TrackedEvent = EventsRequest["events"][number];

/** How events are gathered. */
export interface EventQueueOptions {
  /** Sent when so many wait. Default 50. */
  readonly batchSize?: number;
  /** Sent so long after the first that waits. Default 500. */
  readonly maxDelayMs?: number;
  /** Kept while the server cannot be reached; beyond that the oldest are given up. Default 1,000. */
  readonly maxQueued?: number;
  /** Told of events that were refused or given up. */
  readonly onEventsLost?: (error: MagpieClientError, events: readonly TrackedEvent[]) => void;
}

/** What a browser has beside the common platform; in Node all of it is absent. */
interface Page {
  addEventListener?(type: "pagehide", listener: () => void): void;
  readonly document?: {
    readonly visibilityState: string;
    addEventListener(type: "visibilitychange", listener: () => void): void;
  };
  readonly navigator?: { sendBeacon?(url: string, body: string): boolean };
}

const page = globalThis as Page;

/** Browsers take at most 64 KiB in beacons and keep-alive requests together. */
const maxBeaconCharacters = 20_000; // up to 3 bytes each

/** The most that one request may carry. */
const maxBatch = 1_000;

/**
 * Gathers events and sends them in batches, in order. An event keeps its id from the moment it is
 * told, so a batch that is sent twice, or by a beacon besides, still counts once.
 */
export class EventQueue {
  readonly #transport: Transport;
  readonly #batchSize: number;
  readonly #maxDelayMs: number;
  readonly #maxQueued: number;
  readonly #onLost: EventQueueOptions["onEventsLost"];
  #waiting: TrackedEvent[] = [];
  #inFlight: TrackedEvent[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> | undefined;

  constructor(transport: Transport, options: EventQueueOptions) {
    this.#transport = transport;
    this.#batchSize = Math.min(options.batchSize ?? 50, maxBatch);
    this.#maxDelayMs = options.maxDelayMs ?? 500;
    this.#maxQueued = options.maxQueued ?? 1_000;
    this.#onLost = options.onEventsLost;
    // `pagehide` alone misses phones, where a tab in the background may simply be ended.
    const { document } = page;
    page.addEventListener?.("pagehide", this.sendBeacon);
    document?.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.sendBeacon();
    });
  }

  /** Never throws and never waits. */
  add(event: TrackedEvent): void {
    this.#waiting.push({ eventId: newId(), timestamp: new Date().toISOString(), ...event });
    this.#giveUpOldest();
    if (this.#waiting.length >= this.#batchSize) void this.#drain();
    else this.#timer ??= setTimeout(() => void this.#drain(), this.#maxDelayMs);
  }

  /**
   * Resolves when all events told so far are stored, or cannot be for now, or after `maxWaitMs` (they
   * stay on their way then); never rejects.
   */
  async flush(maxWaitMs = 3_000): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, maxWaitMs);
    });
    await Promise.race([this.#drain(), patience]);
    clearTimeout(timer);
  }

  async #drain(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    await this.#sending;
    // An event may have been told in the instant between the last batch and here.
    if (this.#waiting.length > 0 && this.#timer === undefined) await this.#drain();
  }

  /** Hands everything that is not acknowledged to the browser, which sends it when the page is gone. */
  readonly sendBeacon = (): void => {
    const events = [...this.#inFlight, ...this.#waiting];
    const { baseUrl, apiKey, fetch } = this.#transport;
    const key = apiKey === undefined ? "" : `?key=${encodeURIComponent(apiKey)}`;
    this.#waiting = [];
    while (events.length > 0) {
      // Halve until it fits; a single event always goes.
      let count = events.length;
      let body = toBody(events);
      while (body.length > maxBeaconCharacters && count > 1) {
        count = Math.ceil(count / 2);
        body = toBody(events.slice(0, count));
      }
      events.splice(0, count);
      // text/plain needs no preflight, for which a page that is closing has no time.
      const url = `${baseUrl}/v1/events${key}`;
      if (page.navigator?.sendBeacon?.(url, body)) continue;
      const headers = { "content-type": "text/plain" };
      void fetch(url, { method: "POST", body, headers, keepalive: true }).catch(() => {});
    }
  };

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const events = (this.#inFlight = this.#waiting.splice(0, maxBatch));
      try {
        const { results } = await sendForJson<EventsResponse>(this.#transport, {
          path: "/v1/events",
          body: toBody(events),
          keepalive: JSON.stringify(events).length < maxBeaconCharacters,
        });
        results.forEach((result, i) => {
          if (result.status === "refused") this.#lose(result, [events[i]!]);
        });
      } catch (error) {
        const known = error as MagpieClientError;
        const isPassing = known.status === undefined || known.status === 429 || known.status >= 500;
        if (!isPassing) {
          this.#onLost?.(known, events);
          continue;
        }
        this.#waiting.unshift(...events);
        this.#giveUpOldest();
        // The call has repeated itself already; the next event or this timer tries again.
        this.#timer ??= setTimeout(() => void this.#drain(), 20 * this.#maxDelayMs);
        // In Node it must not keep a process alive whose work is done.
        (this.#timer as { unref?(): void }).unref?.();
        return;
      } finally {
        this.#inFlight = [];
      }
    }
  }

  #giveUpOldest(): void {
    const excess = this.#waiting.length - this.#maxQueued;
    if (excess <= 0) return;
    const message = `More than ${this.#maxQueued} events wait to be sent.`;
    this.#lose({ code: "QUEUE_FULL", message, hint: "" }, this.#waiting.splice(0, excess));
  }

  #lose(facts: { code: string; message: string; hint: string }, events: TrackedEvent[]): void {
    this.#onLost?.(new MagpieClientError(facts), events);
  }
}

function toBody(events: readonly TrackedEvent[]): string {
  return JSON.stringify({ events });
}

/** A random id; `randomUUID` is missing on pages without TLS. */
function newId(): string {
  return (
    crypto.randomUUID?.() ??
    [...crypto.getRandomValues(new Uint8Array(16))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("")
  );
}
