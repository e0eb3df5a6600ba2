import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { killAgainAndAgain } from "./kill-9.ts";

describe("a store whose process is killed with SIGKILL", () => {
  test("loses nothing that was acknowledged and leaves nothing half done", async () => {
    const report = await killAgainAndAgain(6, 3);
    assert.ok(report.acknowledged > 0, "the writers were killed before they wrote anything");
    assert.deepEqual(
      [report.lost, report.holes, report.halves, report.failedOpenings],
      [0, 0, 0, 0],
    );
  }, 120_000);
});
