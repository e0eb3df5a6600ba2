/**
 * Full-ranking evaluation from ready vectors: every user against every item, top 20, seen items
 * masked, on one core.
 *
 *     node bench/full-ranking.ts [--users 22363] [--items 12101] [--width 64] [--runs 5]
 *
 * The vectors are random: what is timed does not depend on what they mean.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { HeldOut } from "@magpie/data";
import type { History, Scorer } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { ScoreProduct, seededRandom } from "@magpie/numerics";

const { values } = parseArgs({
  options: {
    users: { type: "string", default: "22363" },
    items: { type: "string", default: "12101" },
    width: { type: "string", default: "64" },
    runs: { type: "string", default: "5" },
  },
});
const [userCount, itemCount, width, runs] = [
  Number(values.users),
  Number(values.items),
  Number(values.width),
  Number(values.runs),
];
const pastLength = 8;
const blockCases = 256;

const random = seededRandom(1, "full-ranking");
const normals = (count: number) => Float32Array.from({ length: count }, () => random.normal());
const users = normals(userCount * width);
const items = normals((itemCount + 1) * width);
const heldOut: HeldOut = {
  pasts: Array.from({ length: userCount }, (_, userIndex) => ({
    userIndex,
    items: Int32Array.from({ length: pastLength }, () => 1 + random.int(itemCount)),
  })),
  targetOffsets: Int32Array.from({ length: userCount + 1 }, (_, user) => user),
  targets: Int32Array.from({ length: userCount }, () => 1 + random.int(itemCount)),
};

const product = new ScoreProduct(items, width, blockCases);
const scorer: Scorer = {
  name: "ready vectors",
  itemCount,
  scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    const queries = new Float32Array(histories.length * width);
    histories.forEach(({ userIndex }, q) =>
      queries.set(users.subarray(userIndex * width, (userIndex + 1) * width), q * width),
    );
    product.multiply(queries, out);
    for (let q = 0; q < histories.length; q++) out[q * (itemCount + 1)] = -Infinity;
    return Promise.resolve();
  },
};

process.stdout.write(
  `${userCount} users × ${itemCount} items, width ${width}, top 20, ${pastLength} seen items masked · ` +
    `${cpus()[0]?.model.trim()}, Node ${process.version}\n`,
);
for (let run = 1; run <= runs; run++) {
  const cpu = process.cpuUsage();
  const { wallSeconds } = await evaluate(scorer, heldOut, {
    cutoffs: [20],
    metrics: ["recall", "ndcg"],
    seenItems: "remove",
    blockCases,
  });
  const { user, system } = process.cpuUsage(cpu);
  process.stdout.write(
    `run ${run}: ${wallSeconds.toFixed(2)} s wall, ${((user + system) / 1e6).toFixed(2)} s CPU\n`,
  );
}
