/**
 * How many single events a second the server acknowledges as durable over HTTP: each client posts one
 * event, waits for its answer and posts the next. The server runs in a process of its own, with a key,
 * on the real engine and store. At the end it is killed with SIGKILL, and the store is opened again:
 * every acknowledged event must be in it.
 *
 *     node bench/http-acks.ts [--seconds 10] [--clients 64]
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { cpus, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { openStore } from "@magpie/data";
import { userId } from "@magpie/domain";
import { openEngine } from "@magpie/engine";
import { startServer } from "@magpie/server";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    clients: { type: "string", default: "64" },
    serve: { type: "string" },
  },
});

interface Served {
  readonly port: number;
  readonly secret: string;
}

/** What the child process does: serves until it is killed, and tells its CPU time when asked. */
async function serve(directory: string): Promise<void> {
  const engine = await openEngine(directory);
  const { secret } = await engine.createKey("bench", ["events"]);
  const limits = { requestsPerMinute: 100_000_000 };
  const { port } = await startServer({ engine, port: 0, limits });
  process.send!({ port, secret } satisfies Served);
  process.on("message", () => process.send!(process.cpuUsage()));
}

/** One connection that posts events one after another until `endMs`; resolves with its waits. */
function client(id: number, { port, secret }: Served, endMs: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const waits: number[] = [];
    let sentMs = 0;
    let received = "";
    const socket = connect(port, "127.0.0.1").setNoDelay().setEncoding("latin1");
    const post = () => {
      const i = waits.length;
      const body = JSON.stringify({
        events: [
          {
            eventId: `client-${id}-${i}`,
            type: "view",
            userId: `user-${id}`,
            sessionId: `session-${id}`,
            items: [{ itemId: `item-${(i * 17 + id) % 2_000}` }],
          },
        ],
      });
      sentMs = performance.now();
      socket.write(
        `POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${secret}\r\n` +
          `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    };
    socket.on("error", reject);
    socket.on("connect", post);
    socket.on("data", (chunk) => {
      received += String(chunk);
      const head = received.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? Number.NaN);
      if (head === -1 || received.length < head + 4 + length) return;
      if (!received.startsWith("HTTP/1.1 202") || !received.includes('"stored":1')) {
        reject(new Error(`not acknowledged: ${received}`));
        return;
      }
      received = "";
      const nowMs = performance.now();
      waits.push(nowMs - sentMs);
      if (nowMs < endMs) post();
      else {
        socket.destroy();
        resolve(waits);
      }
    });
  });
}

async function measure(): Promise<void> {
  const clients = Number(values.clients);
  const load = loadavg()[0]!.toFixed(1);
  const directory = mkdtempSync(join(tmpdir(), "magpie-bench-"));
  const child = spawn(process.execPath, [import.meta.filename, "--serve", directory], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const message = <T>() =>
    new Promise<T>((resolve) => child.once("message", (data) => resolve(data as T)));
  try {
    const served = await message<Served>();
    const run = async (seconds: number, from: number) => {
      const startMs = performance.now();
      const endMs = startMs + seconds * 1_000;
      const ids = Array.from({ length: clients }, (_, i) => from + i);
      const all = await Promise.all(ids.map((id) => client(id, served, endMs)));
      return { waits: all, seconds: (performance.now() - startMs) / 1_000 };
    };
    const warm = await run(1, clients);
    const { waits, seconds } = await run(Number(values.seconds), 0);
    child.send("cpu");
    const cpu = await message<NodeJS.CpuUsage>();

    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    const store = await openStore(directory);
    let lost = 0;
    for (const [id, own] of waits.entries()) {
      const stored = new Set<string>();
      for await (const run of store.events.exportUser(userId(`user-${id}`))) {
        for (const { eventId } of run) stored.add(eventId);
      }
      for (const i of own.keys()) if (!stored.has(`client-${id}-${i}`)) lost += 1;
    }
    await store.close();

    const flat = waits.flat().sort((x, y) => x - y);
    const total = flat.length + warm.waits.flat().length;
    const at = (share: number) => `${flat[Math.floor(flat.length * share)]!.toFixed(1)} ms`;
    report([
      ["acknowledged per second", Math.round(flat.length / seconds).toLocaleString("en")],
      ["wait of one event: median", at(0.5)],
      ["wait of one event: 99 %", at(0.99)],
      [
        "server CPU per event, start-up included",
        `${((cpu.user + cpu.system) / total).toFixed(0)} µs`,
      ],
      ["acknowledged events", flat.length.toLocaleString("en")],
      ["of them lost by kill -9", String(lost)],
      ["load average of the machine before the run", load],
    ]);
    if (lost > 0) process.exitCode = 1;
  } finally {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
}

function report(rows: readonly (readonly [string, string])[]): void {
  const processors = cpus();
  const text = [
    "# Durable single-event acknowledgements over HTTP",
    "",
    `${new Date().toISOString().slice(0, 10)} · ${processors.length} cores, ${processors[0]!.model} · Node ${process.version}`,
    "",
    `    node bench/http-acks.ts --seconds ${values.seconds} --clients ${values.clients}`,
    "",
    "Each client posts one event, waits for the answer and posts the next; clients and server share the",
    "machine. An answer comes when the event is synced to disk (SQLite, synchronous=FULL, group commit).",
    "",
    "| what | measured |",
    "|---|---|",
    ...rows.map(([what, value]) => `| ${what} | ${value} |`),
    "",
  ].join("\n");
  console.log(text);
  const file = join(import.meta.dirname, "results", "http-acks.md");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

if (values.serve === undefined) await measure();
else await serve(values.serve);
