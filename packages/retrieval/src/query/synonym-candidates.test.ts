import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { synonymCandidates, type SearchWithOutcome } from "./synonym-candidates.ts";

const search = (
  actor: string,
  query: string,
  seconds: number,
  succeeded = false,
): SearchWithOutcome => ({ actor, session: "1", query, timestampMs: seconds * 1_000, succeeded });

const retyping = (actor: string, from: string, to: string): SearchWithOutcome[] => [
  search(actor, from, 0),
  search(actor, to, 60, true),
];

describe("synonym candidates", () => {
  test("are what enough people typed instead and found", () => {
    const log = [
      ...retyping("a", "Trainers", "sneakers"),
      ...retyping("b", "trainers", "sneakers"),
      ...retyping("c", "trainers", "dumbbells"),
      ...retyping("d", "球鞋", "运动鞋"),
    ];
    assert.deepEqual(synonymCandidates(log, 2), [
      { from: "trainers", to: "sneakers", users: 2, share: 2 / 3 },
    ]);
  });

  test("are not made of searches that succeeded, of late ones, or of narrower ones", () => {
    const log = [
      search("a", "lamp", 0, true),
      search("a", "rug", 60, true),
      search("b", "lamp", 0),
      search("b", "rug", 900, true),
      search("c", "lamp", 0),
      search("c", "desk lamp", 60, true),
      search("d", "lamp", 0),
      search("d", "rug", 60),
    ];
    assert.deepEqual(synonymCandidates(log, 1), []);
  });
});
