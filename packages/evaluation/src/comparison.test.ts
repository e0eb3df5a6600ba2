import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { compareRuns, type Run } from "./comparison.ts";
import { markdownTable, terminalTable } from "./comparison-table.ts";

const run = (model: string, ndcgAt10: number, more: Partial<Run> = {}): Run => ({
  model,
  evaluation: {
    cases: 22_363,
    skippedCases: 0,
    itemCount: 12_101,
    seenItems: "keep",
    ties: "expected",
    metrics: { ndcgAt10, noveltyAt10: 9.5 },
  },
  ...more,
});
const about = { dataset: "toys", protocol: "leave-one-out" };
const cost = (wallSeconds: number, peakRssBytes: number) => ({
  wallSeconds,
  cpuSeconds: 2 * wallSeconds,
  peakRssBytes,
});

describe("comparing runs", () => {
  const comparison = compareRuns(about, [
    run("popularity", 0.008),
    run("SASRec", 0.051, { seed: 1, cost: cost(100, 3e8) }),
    run("SASRec", 0.052, { seed: 2, cost: cost(140, 5e8) }),
    run("SASRec", 0.053, { seed: 3, cost: cost(120, 4e8) }),
  ]);

  test("gives the mean over seeds with its t-interval", () => {
    const [, sasRec] = comparison.models;
    assert.deepEqual(sasRec!.seeds, [1, 2, 3]);
    const { mean, low, high } = sasRec!.metrics.ndcgAt10!;
    assert.ok(Math.abs(mean - 0.052) < 1e-12);
    // t(2) · sd / √3 = 4.30265 · 0.001 / 1.73205
    assert.ok(Math.abs(high - mean - 0.0024841) < 1e-6);
    assert.ok(Math.abs(mean - low - 0.0024841) < 1e-6);
  });

  test("gives mean cost and the largest peak of memory", () => {
    assert.deepEqual(comparison.models[1]!.cost, cost(120, 5e8));
    assert.equal(comparison.models[0]!.cost, undefined);
  });

  test("refuses to put different protocols into one table", () => {
    const other = run("EASE", 0.04);
    const removed = { ...other, evaluation: { ...other.evaluation, seenItems: "remove" as const } };
    assert.throws(() => compareRuns(about, [run("popularity", 0.008), removed]), {
      code: "DIFFERENT_PROTOCOLS",
      message: '"EASE" was measured with seenItems remove, "popularity" with keep.',
    });
    assert.throws(() => compareRuns(about, []), { code: "NO_RUNS" });
  });
});

describe("a comparison table", () => {
  const comparison = compareRuns(
    about,
    [
      run("popularity", 0.008, { cost: cost(0.25, 1e8) }),
      run("SASRec", 0.05, { seed: 1 }),
      run("SASRec", 0.052, { seed: 2 }),
    ],
    [{ model: "SASRec | theirs", source: "a paper", metrics: { ndcgAt10: 0.0318 } }],
  );

  test("in Markdown states the protocol, our spread and others' sources", () => {
    assert.equal(
      markdownTable(comparison),
      `toys, leave-one-out: 22,363 cases, each ranking all 12,101 items; items of a user's past stay in the ranking; equal scores count by their expected rank. ± is the half-width of the 95 % t-interval over seeds.

| model | seeds | NDCG@10 | Novelty@10 | wall s | CPU s | peak MB |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| popularity | – | .0080 | 9.50 | 0.3 | 0.5 | 100 |
| SASRec | 2 | .0510 ± .0127 | 9.50 ± 0.00 | – | – | – |
| SASRec \\| theirs (published) | – | .0318 | – | – | – | – |

Published numbers, measured by others:

- SASRec | theirs: a paper
`,
    );
  });

  test("on a terminal lines its columns up, also under Chinese names", () => {
    const chinese = compareRuns(about, [run("热门", 0.008), run("EASE", 0.04)]);
    const lines = terminalTable(chinese, ["ndcgAt10"]).split("\n").slice(2);
    assert.deepEqual(lines, [
      "model  seeds  NDCG@10",
      "─────────────────────",
      "热门       –    .0080",
      "EASE       –    .0400",
      "",
    ]);
  });
});
