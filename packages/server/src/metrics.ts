import type { Engine, StageTimings } from "@magpie/engine";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

const latencyBuckets = [
  0.001, 0.002, 0.004, 0.008, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** What an operator's Prometheus reads: one registry per server, so that two do not mix. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #loop = monitorEventLoopDelay({ resolution: 20 });
  readonly #requests = new Counter({
    name: "magpie_http_requests_total",
    help: "Requests answered, by operation and status",
    labelNames: ["route", "status"],
    registers: [this.#registry],
  });
  readonly #seconds = new Histogram({
    name: "magpie_http_request_seconds",
    help: "Time from a request's headers to the end of its answer, by operation",
    labelNames: ["route"],
    buckets: latencyBuckets,
    registers: [this.#registry],
  });
  readonly #stageSeconds = new Histogram({
    name: "magpie_stage_seconds",
    help: "Time in each stage of a ranking, by scenario",
    labelNames: ["scenario", "stage"],
    buckets: latencyBuckets,
    registers: [this.#registry],
  });
  readonly #events = new Counter({
    name: "magpie_events_total",
    help: "Events received, by outcome: stored, duplicate, dropped, refused",
    labelNames: ["outcome"],
    registers: [this.#registry],
  });
  readonly #items = new Counter({
    name: "magpie_items_received_total",
    help: "Items received for the catalogue, by outcome: stored, refused",
    labelNames: ["outcome"],
    registers: [this.#registry],
  });

  constructor(engine: Engine, now: () => number) {
    this.#loop.enable();
    this.#gauge("magpie_catalog_items", "Items in the catalogue", async () => {
      return (await engine.health()).items;
    });
    this.#gauge("magpie_stored_events", "Events in the store", async () => {
      return (await engine.health()).events;
    });
    this.#gauge("magpie_snapshot_age_seconds", "Age of the active snapshot", async () => {
      const active = (await engine.snapshots()).find(({ status }) => status === "active");
      return active && (now() - active.createdMs) / 1_000;
    });
    this.#gauge("magpie_tasks_waiting", "Tasks queued or running", async () => {
      return engine.tasks().filter(({ status }) => status === "queued" || status === "running")
        .length;
    });
    this.#gauge("process_resident_memory_bytes", "Resident memory", async () => {
      return process.memoryUsage.rss();
    });
    const lag = new Gauge({
      name: "nodejs_eventloop_lag_seconds",
      help: "Delay of the event loop since the last scrape, by quantile",
      labelNames: ["quantile"],
      registers: [this.#registry],
      collect: () => {
        for (const quantile of [50, 99]) {
          lag.set({ quantile: `0.${quantile}` }, this.#loop.percentile(quantile) / 1e9);
        }
        lag.set({ quantile: "1" }, this.#loop.max / 1e9);
        this.#loop.reset();
      },
    });
  }

  answered(route: string, status: number, ms: number): void {
    this.#requests.inc({ route, status });
    this.#seconds.observe({ route }, ms / 1_000);
  }

  ranked(scenario: string, timings: StageTimings): void {
    for (const { stage, ms } of timings)
      this.#stageSeconds.observe({ scenario, stage }, ms / 1_000);
  }

  eventsReceived(outcome: "stored" | "duplicate" | "dropped" | "refused", count: number): void {
    if (count > 0) this.#events.inc({ outcome }, count);
  }

  itemsReceived(outcome: "stored" | "refused", count: number): void {
    if (count > 0) this.#items.inc({ outcome }, count);
  }

  /** Text exposition format 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  close(): void {
    this.#loop.disable();
    this.#registry.clear();
  }

  /** A number that is read when it is asked for; `undefined` leaves it out. */
  #gauge(name: string, help: string, read: () => Promise<number | undefined>): void {
    const gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      async collect() {
        const value = await read();
        if (value === undefined) gauge.remove();
        else gauge.set(value);
      },
    });
  }
}
