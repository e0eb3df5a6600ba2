import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@magpie/data";
import { readOptions } from "./store-options.ts";
import { writeSection } from "./store-report.ts";

const usage = `How many single events a second the store acknowledges as durable, with many callers waiting
each for its own.

  node bench/store-acks.ts [--seconds 10] [--clients 64]`;

const { seconds, clients } = readOptions(usage, { seconds: 10, clients: 64 });

const directory = mkdtempSync(join(tmpdir(), "magpie-bench-"));
try {
  const store = await openStore(directory);
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000;
  const waits: number[] = [];
  const client = async (id: number): Promise<void> => {
    for (let i = 0; performance.now() < endMs; i++) {
      const sentMs = performance.now();
      await store.events.append(
        [
          {
            eventId: `client-${id}-${i}`,
            type: "view",
            timestampMs: Date.now(),
            userId: `user-${(i * 31 + id) % 5_000}`,
            sessionId: `session-${id}`,
            items: [{ itemId: `item-${(i * 17 + id) % 2_000}` }],
          },
        ],
        "bench",
      );
      waits.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, id) => client(id)));
  const tookSeconds = (performance.now() - startMs) / 1_000;
  const stored = await store.events.count();
  await store.close();
  if (stored !== waits.length) throw new Error(`internal: ${waits.length} sent, ${stored} stored`);

  waits.sort((x, y) => x - y);
  const at = (share: number) => waits[Math.floor(waits.length * share)]!.toFixed(1);
  writeSection(
    "Durable single-event acknowledgements",
    `node bench/store-acks.ts --seconds ${seconds} --clients ${clients}`,
    [
      ["acknowledged per second", Math.round(stored / tookSeconds).toLocaleString("en")],
      ["wait of one event: median", `${at(0.5)} ms`],
      ["wait of one event: 99 %", `${at(0.99)} ms`],
      ["longest wait", `${at(0.999999)} ms`],
    ],
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
