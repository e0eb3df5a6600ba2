import { getHeapStatistics, setFlagsFromString } from "node:v8";

/** Garbage that a serving process may pile up among long-lived objects before it is collected. */
const roomBytes = 512 * 2 ** 20;

/** V8's own choice is 50 to 300; more than this frees nothing for a shop however small. */
const maxGrowingPercent = 2_000;

/**
 * Lets the heap grow by about 512 MiB over what is live now before old garbage is collected.
 *
 * By itself V8 collects when the heap has grown by a share of what is live. Caches that turn over
 * make a little old garbage with every request, so a heap of 50 MB is marked every two seconds, and
 * each time some requests wait 20 to 40 ms: on one core that is the whole of the slowest percent.
 * Marking costs by what is live, not by what is garbage, so with room it is as short and hundreds of
 * times rarer. A shop whose live heap is larger than the room keeps V8's own pace; the limit of
 * `--max-old-space-size` holds as ever.
 *
 * Call it when what is served stands in memory.
 *
 * @returns  the growth set, in per cent of the live heap; undefined when V8's own is left in place
 */
export function giveHeapRoom(liveBytes = getHeapStatistics().used_heap_size): number | undefined {
  const percent = Math.min(maxGrowingPercent, Math.round((100 * roomBytes) / liveBytes));
  if (percent < 100) return undefined;
  setFlagsFromString(`--heap-growing-percent=${percent}`);
  return percent;
}
