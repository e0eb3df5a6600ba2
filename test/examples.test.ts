import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "vitest";

const run = (example: string): string =>
  execFileSync(process.execPath, [join(import.meta.dirname, "../examples", example)], {
    encoding: "utf8",
  });

describe("examples", () => {
  test("mlp.ts learns a rule that no single line tells", () => {
    const output = run("mlp.ts");
    const accuracy = Number(/accuracy on new samples: ([\d.]+)/.exec(output)?.[1]);
    assert.ok(accuracy >= 0.95, output);
  });

  test("retrieve-and-rank.ts puts the two matches first and says why", () => {
    const [first, second, ...others] = run("retrieve-and-rank.ts").trim().split("\n");
    assert.match(first!, /Running shoe Air: .*query-match/);
    assert.match(second!, /Running shoe Air 2: .*query-match.*diversity/);
    assert.deepEqual(others.length, 1);
  });
});
