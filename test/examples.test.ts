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

  test("three-two-one.ts cannot learn coin tosses, says so, and learns a rule", () => {
    const output = run("three-two-one.ts");
    const [random, byRule] = output.trim().split("\n\n") as [string, string];
    const numbers = (text: string, line: string): number[] =>
      new RegExp(`${line} +([\\d.]+) \\(95 %: ([\\d.]+) to ([\\d.]+); most ([\\d.]+)\\)`)
        .exec(text)!
        .slice(1)
        .map(Number);
    const [, , , most] = numbers(random, "on the rows it saw");
    assert.ok(most! < 0.8, output);
    const [, low, high] = numbers(random, "on new rows");
    assert.ok(low! < 0.51 && high! > 0.49 && high! < 0.55, output);
    assert.match(random, /Warning: .*not better than its twin/);
    assert.ok(numbers(byRule, "on new rows")[0]! >= 0.95, output);
    assert.doesNotMatch(byRule, /Warning/);
  });

  test("rules.ts fills in the brand, hides what another rule pins, and tells of the conflict", () => {
    const [applied, filter, banner, conflict] = run("rules.ts").trim().split("\n");
    assert.equal(applied, "applied: brand-mugs (filter, banner); no-mug-01 (hide)");
    assert.match(filter!, /"anyOf":\["Kiln & Co"\].*hidden: \[ 'mug-01' \] pins: 0/);
    assert.equal(banner, "banner: A day of Kiln & Co /brands/Kiln%20%26%20Co");
    assert.match(conflict!, /^pin-and-hide: "mug-01" is pinned by "Mugs of a brand"/);
  });

  test("retrieve-and-rank.ts puts the two matches first and says why", () => {
    const [first, second, ...others] = run("retrieve-and-rank.ts").trim().split("\n");
    assert.match(first!, /Running shoe Air: .*query-match/);
    assert.match(second!, /Running shoe Air 2: .*query-match.*diversity/);
    assert.deepEqual(others.length, 1);
  });
});
