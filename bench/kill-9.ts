/**
 * Kills a writing process with SIGKILL again and again, at random moments of appending, importing,
 * packing, erasing and opening, and reads the whole log after each: is everything there that was
 * acknowledged, is each writer's sequence without holes, is each import there whole or not at all,
 * is each erased user gone?
 *
 *     node bench/kill-9.ts [--rounds 200] [--seed 1]
 *
 * A killed process loses what it held in memory, not what the operating system has taken: this
 * says nothing about a loss of power, for which every commit is synced (`PRAGMA synchronous`).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { openStore } from "@magpie/data";
import { actorOf } from "@magpie/domain";
import { type Random, seededRandom } from "@magpie/numerics";
import { eventsPerImportedUser, segmentEvents, writers } from "./kill-9-workload.ts";
import { readOptions } from "./store-options.ts";

/** What all rounds together found. The last four must be 0. */
export interface KillReport {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly stored: number;
  readonly imports: number;
  readonly erasures: number;
  /** Rounds that were killed while the store was being opened. */
  readonly killedWhileOpening: number;
  /** Acknowledged events, imports or erasures that were not there afterwards. */
  readonly lost: number;
  /** Sequence numbers missing below a writer's last one, or there twice. */
  readonly holes: number;
  /** Imports or erasures that were there in part. */
  readonly halves: number;
  readonly failedOpenings: number;
}

type Step = "begun" | "done";

/** What the killed processes said, over all rounds. */
class Witness {
  readonly lastAcknowledged = new Int32Array(writers).fill(-1);
  readonly imports = new Map<number, Step>();
  readonly erasures = new Map<number, Step>();
  acknowledged = 0;

  hear(line: string): void {
    const [what, first, second] = line.split(" ");
    const number = Number(first);
    switch (what) {
      case "ack":
        this.acknowledged++;
        this.lastAcknowledged[number] = Math.max(this.lastAcknowledged[number]!, Number(second));
        break;
      case "import-begun":
        this.imports.set(number, "begun");
        break;
      case "import-done":
        this.imports.set(number, "done");
        break;
      case "erasure-begun":
        this.erasures.set(number, "begun");
        break;
      case "erasure-done":
        this.erasures.set(number, "done");
        break;
    }
  }
}

/** Runs a writer until its random end. Answers whether it had opened its store by then. */
async function killOne(
  directory: string,
  witness: Witness,
  nextSequences: readonly number[],
  random: Random,
): Promise<boolean> {
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, "kill-9-writer.ts"),
      directory,
      String(Math.max(-1, ...witness.imports.keys()) + 1),
      JSON.stringify(nextSequences),
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const lines = createInterface({ input: child.stdout });
  const { promise: ready, resolve } = Promise.withResolvers<boolean>();
  lines.on("line", (line) => {
    if (line === "ready") resolve(true);
    else witness.hear(line);
  });
  const closed = once(lines, "close").then(() => false);
  const exited = once(child, "exit");
  // One round in eight does not wait for the opening to be over.
  if (random.int(8) === 0) {
    await Promise.race([setTimeout(100 + random.int(300)), ready]);
  } else if (!(await Promise.race([ready, closed]))) {
    throw new Error(`the writer ended by itself: exit code ${child.exitCode}`);
  } else {
    await setTimeout(random.int(700));
  }
  child.kill("SIGKILL");
  await exited;
  if (child.signalCode !== "SIGKILL") {
    throw new Error(`the writer ended by itself: exit code ${child.exitCode}`);
  }
  await closed;
  return Promise.race([ready, false]);
}

/** Kills `rounds` writers in one data folder and checks its log after each. */
export async function killAgainAndAgain(
  rounds: number,
  seed: number,
  onRound: (round: number, stored: number) => void = () => {},
): Promise<KillReport> {
  const directory = mkdtempSync(join(tmpdir(), "magpie-kill-9-"));
  const random = seededRandom(seed, "kill-9");
  const witness = new Witness();
  const totals = { lost: 0, holes: 0, halves: 0, failedOpenings: 0, killedWhileOpening: 0 };
  let nextSequences: number[] = Array.from({ length: writers }, () => 0);
  let stored = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      if (!(await killOne(directory, witness, nextSequences, random))) totals.killedWhileOpening++;
      let found: Found;
      try {
        found = await readLog(directory);
      } catch (error) {
        console.error(`round ${round}: the store does not open:`, error);
        totals.failedOpenings++;
        break;
      }
      nextSequences = found.sequences.map((seen) => Math.max(-1, ...seen.keys()) + 1);
      for (const [writer, seen] of found.sequences.entries()) {
        totals.holes += nextSequences[writer]! - seen.size;
        for (const times of seen.values()) totals.holes += times - 1;
        totals.lost += Math.max(0, witness.lastAcknowledged[writer]! + 1 - nextSequences[writer]!);
      }
      for (const [number, step] of witness.imports) {
        const kept = found.kept.get(number) ?? 0;
        const erased = found.erased.get(number) ?? 0;
        const erasure = witness.erasures.get(number);
        if (kept !== 0 && kept !== eventsPerImportedUser) totals.halves++;
        if (erased !== 0 && erased !== eventsPerImportedUser) totals.halves++;
        if (step === "done" && kept === 0) totals.lost++;
        if (erasure === "done" && erased !== 0) totals.lost++;
        if (erasure === undefined && erased !== kept) totals.halves++;
        // What a killed process had only begun is settled by what is there now.
        if (step === "begun" && kept > 0) witness.imports.set(number, "done");
        if (erasure === "begun") {
          if (erased === 0) witness.erasures.set(number, "done");
          else witness.erasures.delete(number);
        }
      }
      stored = found.stored;
      onRound(round, stored);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  const done = (steps: Iterable<Step>) => [...steps].filter((step) => step === "done").length;
  return {
    rounds,
    acknowledged: witness.acknowledged,
    stored,
    imports: done(witness.imports.values()),
    erasures: done(witness.erasures.values()),
    ...totals,
  };
}

interface Found {
  readonly stored: number;
  /** Per writer: sequence number → how often. */
  readonly sequences: readonly Map<number, number>[];
  /** Per import: events of the user that stays, and of the one that is erased. */
  readonly kept: Map<number, number>;
  readonly erased: Map<number, number>;
}

async function readLog(directory: string): Promise<Found> {
  const store = await openStore(directory, { segmentEvents });
  const sequences = Array.from({ length: writers }, () => new Map<number, number>());
  const kept = new Map<number, number>();
  const erased = new Map<number, number>();
  const count = (map: Map<number, number>, key: number) => map.set(key, (map.get(key) ?? 0) + 1);
  let stored = 0;
  for await (const events of store.events.scan()) {
    for (const event of events) {
      stored++;
      const live = /^w(\d+)-(\d+)$/.exec(event.eventId);
      const [kind, number] = actorOf(event).split("-");
      if (live !== null) count(sequences[Number(live[1])]!, Number(live[2]));
      else count(kind === "kept" ? kept : erased, Number(number));
    }
  }
  if (stored !== (await store.events.count())) {
    throw new Error(`the log counts ${await store.events.count()} events and has ${stored}`);
  }
  await store.close();
  return { stored, sequences, kept, erased };
}

if (import.meta.main) {
  const usage = `Kills a writing process again and again and checks the whole log after each.

  node bench/kill-9.ts [--rounds 200] [--seed 1]`;
  const { rounds, seed } = readOptions(usage, { rounds: 200, seed: 1 });
  const report = await killAgainAndAgain(rounds, seed, (round, stored) => {
    if (round % 10 === 9) console.error(`round ${round + 1}: ${stored} events, all checked`);
  });
  const text = [
    "# kill -9 during ingest",
    "",
    `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model} · Node ${process.version}`,
    "",
    `    node bench/kill-9.ts --rounds ${rounds} --seed ${seed}`,
    "",
    `${writers} concurrent writers, an import, a packing and an erasure after another; SIGKILL at a`,
    "random moment; the whole log is read and checked after every round.",
    "",
    "| | |",
    "|---|---|",
    `| rounds (of these killed while opening) | ${report.rounds} (${report.killedWhileOpening}) |`,
    `| events acknowledged one by one | ${report.acknowledged.toLocaleString("en")} |`,
    `| events in the log at the end | ${report.stored.toLocaleString("en")} |`,
    `| imports and erasures carried through | ${report.imports}, ${report.erasures} |`,
    `| **acknowledged and lost** | **${report.lost}** |`,
    `| **holes or repetitions in a writer's sequence** | **${report.holes}** |`,
    `| **imports or erasures half done** | **${report.halves}** |`,
    `| **failed reopenings** | **${report.failedOpenings}** |`,
    "",
  ].join("\n");
  console.log(text);
  const folder = join(import.meta.dirname, "results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "kill-9.md"), text);
  if (report.lost + report.holes + report.halves + report.failedOpenings > 0) process.exitCode = 1;
}
