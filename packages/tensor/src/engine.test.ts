import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "vitest";

/** Runs a program in which the native engine cannot be loaded, as on a system without its binary. */
function runWithoutNative(program: string) {
  const hook = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier === "onnxruntime-node") throw new Error("no binary for this system");
        return next(specifier, context);
      },
    });`;
  const preload = `data:text/javascript,${encodeURIComponent(hook)}`;
  return spawnSync(
    process.execPath,
    ["--import", preload, "--input-type=module", "--eval", program],
    { encoding: "utf8", cwd: import.meta.dirname },
  );
}

describe("where the native engine is absent", () => {
  test("graphs run on WebAssembly, after one notice that says why and what it costs", () => {
    const { stdout, stderr, status } = runWithoutNative(`
      const { Graph, compileInference, openSession } = await import("@magpie/tensor");
      for (const value of [1, 2]) {
        const g = new Graph();
        const graph = compileInference(g, { y: g.input("x", [2]).mul(10) });
        const session = await openSession(graph);
        const y = new Float32Array(2);
        await session.bind({ x: Float32Array.of(value, -value) }, { y }).run();
        console.log(session.engine, ...y);
      }`);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, "wasm 10 -10\nwasm 20 -20\n");
    const notices = stderr.match(/SlowEngine/g);
    assert.equal(notices?.length, 1, stderr);
    assert.match(stderr, /about 3 times slower\. Reason: no binary for this system/);
  });
});
