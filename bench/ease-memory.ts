/**
 * What EASE's training takes in memory on lightgcn-gowalla (40,981 items), beside what it says beforehand.
 *
 *     node bench/ease-memory.ts [--items 2000]
 *
 * `--items` stops after so many items: by then all inner products are held, which is most of the
 * memory; what is expected is then lowered by the neighbour lists of the items not yet reached. What
 * the process held before training is subtracted.
 */
import { parseArgs } from "node:util";
import { readLightGcn } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { ease } from "@magpie/models";
import { datasetFolder } from "./model-tasks.ts";

const { values } = parseArgs({ options: { items: { type: "string" } } });
const stopAt = Number(values.items ?? Infinity);
const { train } = await readLightGcn(datasetFolder("lightgcn-gowalla"));
const share = Math.min(1, stopAt / train.itemCount);
const neighbours = Math.ceil(ease.defaults.neighbours * share);
const expected = ease.expectedBytes({ train }, { ...ease.defaults, neighbours });
const before = process.memoryUsage.rss();
const controller = new AbortController();
const started = performance.now();
await ease
  .train({ train }, ease.defaults, {
    seed: 1,
    ...silentWork(),
    signal: controller.signal,
    onProgress: ({ done }) => {
      if (done >= stopAt) controller.abort();
    },
  })
  .catch((error: unknown) => {
    if (!controller.signal.aborted) throw error;
  });
const peak = process.resourceUsage().maxRSS * 1_024 - before;
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
process.stdout.write(
  `expected ${mib(expected)}, measured ${mib(peak)} (expected / measured ${(expected / peak).toFixed(2)}), ` +
    `${((performance.now() - started) / 1_000).toFixed(0)} s\n`,
);
