/**
 * The process that `kill-9.ts` kills: appends, imports, packs and erases without a pause, and
 * says on standard output what it was told is durable.
 *
 *     node bench/kill-9-writer.ts DIRECTORY FIRST_IMPORT NEXT_SEQUENCE_OF_EACH_WRITER
 */
import { writeSync } from "node:fs";
import { openStore } from "@magpie/data";
import { userId } from "@magpie/domain";
import { eventOf, importEvents, pipelined, segmentEvents } from "./kill-9-workload.ts";

const [directory, firstImport, nextSequences] = process.argv.slice(2);
const store = await openStore(directory!, { segmentEvents });
/** Straight to the pipe: what has been said when the process dies has reached the parent. */
const say = (line: string) => writeSync(1, `${line}\n`);

/** Appends its own sequence of events, a few of them under way at a time. */
async function write(writer: number, first: number): Promise<void> {
  const underWay: Promise<void>[] = [];
  for (let sequence = first; ; sequence++) {
    const one = sequence;
    underWay.push(
      store.events.append([eventOf(writer, one)], "live").then(() => {
        say(`ack ${writer} ${one}`);
        return undefined;
      }),
    );
    if (underWay.length === pipelined) await underWay.shift();
  }
}

/** Imports, packs, then erases one of the imported users. */
async function maintain(): Promise<void> {
  for (let number = Number(firstImport); ; number++) {
    say(`import-begun ${number}`);
    const bulk = store.events.openBulk("file", `import-${number}`);
    for (const event of importEvents(number)) await bulk.add(event);
    await bulk.commit();
    say(`import-done ${number}`);
    await store.events.compact();
    say(`erasure-begun ${number}`);
    await store.eraseUser(userId(`erased-${number}`));
    say(`erasure-done ${number}`);
  }
}

say("ready");
const sequences = JSON.parse(nextSequences!) as number[];
await Promise.all([...sequences.map((first, writer) => write(writer, first)), maintain()]);
