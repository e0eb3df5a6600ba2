import assert from "node:assert/strict";
import { simulateShop } from "@magpie/data";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import {
  fitClickModel,
  judgementsFromClicks,
  searchSessions,
  type SearchSession,
} from "./click-model.ts";

describe("sessions of an event log", () => {
  test("join a search, what it showed and what was chosen by their query id", () => {
    const at = { timestampMs: 0, visitorId: "v" };
    const sessions = searchSessions([
      { ...at, eventId: "1", type: "search", queryId: "q", query: " Red Shoes " },
      {
        ...at,
        eventId: "2",
        type: "impression",
        queryId: "q",
        items: [
          { itemId: "b", position: 22 },
          { itemId: "a", position: 21 },
        ],
      },
      { ...at, eventId: "3", type: "click", queryId: "q", items: [{ itemId: "b" }] },
      { ...at, eventId: "4", type: "impression", queryId: "unknown", items: [{ itemId: "a" }] },
      { ...at, eventId: "5", type: "view", items: [{ itemId: "a" }] },
    ]);
    assert.deepEqual(sessions, [
      { query: "red shoes", items: ["a", "b"], firstRank: 21, clicked: [false, true] },
    ]);
  });
});

describe("the position-based click model", () => {
  const truth = simulateShop({
    seed: 1,
    size: { items: 60, shoppers: 400, events: 60_000, days: 40 },
    nowMs: Date.UTC(2026, 0, 1),
  });

  test("finds the shop's examination curve and the items' true appeal", () => {
    const random = seededRandom(7, "click-model");
    const appeal = new Map(Array.from({ length: 12 }, (_, i) => [`i${i}`, (i + 1) / 14]));
    const sessions = Array.from({ length: 20_000 }, (): SearchSession => {
      const items = [...appeal.keys()];
      for (let i = items.length - 1; i > 0; i--) {
        const j = random.int(i + 1);
        [items[i], items[j]] = [items[j]!, items[i]!];
      }
      return {
        query: "q",
        firstRank: 1,
        items,
        clicked: items.map(
          (item, i) => random.next() < truth.truth.examination(i + 1) * appeal.get(item)!,
        ),
      };
    });
    const model = fitClickModel(sessions, { rounds: 400 });
    for (const [i, chance] of model.examination.entries()) {
      const expected = truth.truth.examination(i + 1);
      assert.ok(Math.abs(chance - expected) < 0.03, `rank ${i + 1}: ${chance}, not ${expected}`);
    }
    for (const [item, chance] of appeal) {
      const found = model.attractiveness.get("q")!.get(item)!;
      assert.ok(Math.abs(found - chance) < 0.03, `${item}: ${found}, not ${chance}`);
    }
    const judgements = judgementsFromClicks(model).get("q")!;
    assert.equal(judgements.get("i11"), 3);
    assert.equal(judgements.get("i0"), 0);
  });

  test("never loses likelihood from one round to the next", () => {
    const sessions = searchSessions(truth.events());
    const { logLikelihoods } = fitClickModel(sessions, { rounds: 60 });
    for (let i = 1; i < logLikelihoods.length; i++) {
      assert.ok(logLikelihoods[i]! >= logLikelihoods[i - 1]! - 1e-6);
    }
  });

  test("is nearer to the simulated shop's curve than clicks by rank are", () => {
    const sessions = searchSessions(truth.events());
    const model = fitClickModel(sessions);
    const shown = new Float64Array(10);
    const clicked = new Float64Array(10);
    for (const session of sessions) {
      for (let i = 0; i < Math.min(10, session.items.length); i++) {
        shown[i]!++;
        if (session.clicked[i]!) clicked[i]!++;
      }
    }
    const rate = clicked.map((count, i) => count / shown[i]!);
    const naive = rate.map((value) => value / rate[0]!);
    const errorOf = (curve: Float64Array) =>
      Math.hypot(...naive.map((_, i) => curve[i]! - truth.truth.examination(i + 1)));
    assert.ok(
      errorOf(model.examination) < errorOf(naive),
      `${errorOf(model.examination)} against ${errorOf(naive)}`,
    );
  });

  test("refuses sessions in which nothing was chosen", () => {
    assert.throws(
      () => fitClickModel([{ query: "q", items: ["a"], firstRank: 1, clicked: [false] }]),
      { code: "NO_SESSIONS" },
    );
  });

  test("leaves unjudged what was hardly ever shown", () => {
    const model = fitClickModel([{ query: "q", items: ["a"], firstRank: 1, clicked: [true] }]);
    assert.deepEqual(judgementsFromClicks(model).get("q"), undefined);
  });
});
