import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "vitest";
import { giveHeapRoom } from "./heap-room.ts";

/** Collections of the old space while a cache of 20,000 objects turns over 200 times. */
function majorCollections(withRoom: boolean): number {
  const source = `
    import { PerformanceObserver, constants } from "node:perf_hooks";
    import { giveHeapRoom } from ${JSON.stringify(join(import.meta.dirname, "heap-room.ts"))};
    const cache = new Map();
    const turnOver = (from, to) => {
      for (let i = from; i < to; i++) {
        cache.set(i, { words: Array.from({ length: 20 }, (_, w) => i + w) });
        cache.delete(i - 20_000);
      }
    };
    turnOver(0, 40_000);
    if (${withRoom}) giveHeapRoom();
    globalThis.gc();
    let majors = 0;
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) {
        if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) majors++;
      }
    }).observe({ type: "gc" });
    for (let i = 40_000; i < 4_000_000; i += 20_000) {
      turnOver(i, i + 20_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log(majors);
  `;
  const args = ["--expose-gc", "--input-type=module", "--eval", source];
  return Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

describe("giveHeapRoom", () => {
  test("gives a small heap room for 512 MiB", () => {
    assert.equal(giveHeapRoom(64 * 2 ** 20), 800);
    assert.equal(giveHeapRoom(256 * 2 ** 20), 200);
  });

  test("never sets an endless growth, nor one below V8's own", () => {
    assert.equal(giveHeapRoom(1 * 2 ** 20), 2_000);
    assert.equal(giveHeapRoom(600 * 2 ** 20), undefined);
  });

  test("a cache that turns over is collected far less often", () => {
    const [without, withRoom] = [majorCollections(false), majorCollections(true)];
    assert.ok(without >= 4, `only ${without} collections without room`);
    assert.ok(withRoom <= without / 2, `${withRoom} collections with room, ${without} without`);
  });
});
