import assert from "node:assert/strict";
import type { Sequences } from "@magpie/data";
import type { Item } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { CatalogLexicon, InvertedTextIndex } from "@magpie/retrieval";
import { describe, test } from "vitest";
import { SearchScenario } from "../scenarios/search/search-scenario.ts";
import { smallCatalog, smallItem } from "../small-shop.suite.ts";
import { SearchBehaviour } from "./search-behaviour.ts";
import { buildSearchExamples, type SearchExamples } from "./search-examples.ts";
import { SearchFeatures, searchFeatures, tasteFeatures } from "./search-features.ts";
import type { SearchLog } from "./search-log.ts";

const dayMs = 24 * 3_600_000;
const startMs = Date.parse("2026-01-01T00:00:00Z");
const items: Item[] = Array.from({ length: 12 }, (_, n) =>
  smallItem(`lamp-${n}`, {
    title: `Lamp ${n}`,
    brand: n % 2 === 0 ? "Lumo" : "Nox",
    categories: ["Lamps"],
    amount: 1_000 + 100 * n,
    createdAt: new Date(startMs + (n === 11 ? 50 : -100) * dayMs).toISOString(),
  }),
);

/** A search for "lamp" a day by one of three people, of which ten items were shown and two taken. */
function logOf(searches: number, seed: number): SearchLog {
  const random = seededRandom(seed, "lamp-searches");
  const rows = Array.from({ length: searches }, () =>
    random.shuffle(Int32Array.from({ length: 11 }, (_, i) => i + 1)).slice(0, 10),
  );
  return {
    queries: ["lamp"],
    locales: ["en"],
    queryOf: new Int32Array(searches),
    localeOf: new Int32Array(searches),
    userOf: Int32Array.from({ length: searches }, (_, s) => s % 3),
    timesMs: Float64Array.from({ length: searches }, (_, s) => startMs + s * dayMs),
    offsets: Int32Array.from({ length: searches + 1 }, (_, s) => 10 * s),
    rows: Int32Array.from(rows.flatMap((list) => [...list])),
    positions: Int32Array.from(rows.flatMap((list) => Array.from(list, (_, i) => i + 1))),
    grades: Uint8Array.from(
      rows.flatMap(() => Array.from({ length: 10 }, () => (random.next() < 0.2 ? 1 : 0))),
    ).map((grade, at) => (at % 10 === 3 ? 3 : grade)),
  };
}

/** What the three people took, one act of each a day, an hour after the day's search. */
function pastsOf(days: number, seed: number): Sequences {
  const random = seededRandom(seed, "lamp-pasts");
  return {
    userCount: 3,
    itemCount: 12,
    offsets: Int32Array.of(0, days, 2 * days, 3 * days),
    items: Int32Array.from({ length: 3 * days }, () => 1 + random.int(12)),
    timestampsMs: Float64Array.from(
      { length: 3 * days },
      (_, i) => startMs + (i % days) * dayMs + 3_600_000,
    ),
  };
}

async function examplesOf(log: SearchLog, sequences: Sequences): Promise<SearchExamples> {
  const catalog = smallCatalog(...items);
  const behaviour = new SearchBehaviour();
  const popularityThen = { scores: new Float32Array(13), days: null };
  return buildSearchExamples({
    log,
    sequences,
    scenario: new SearchScenario(catalog, await InvertedTextIndex.build(items), {
      popularity: popularityThen,
    }),
    features: new SearchFeatures({
      catalog,
      lexicon: CatalogLexicon.build(items),
      behaviour,
      popularity: () => popularityThen.scores,
    }),
    behaviour,
    popularityThen,
    createdMs: (row) => catalog.createdMs(row),
  });
}

/** The first `count` entries of `a`, then those of `b`. */
function spliced<T extends Int32Array | Uint8Array | Float64Array>(a: T, b: T, count: number): T {
  const joined = b.slice() as T;
  joined.set(a.subarray(0, count));
  return joined;
}

describe("examples of searches", () => {
  test("are split by time, with the latest held out", async () => {
    const { train, validation, heldOut } = await examplesOf(logOf(100, 1), pastsOf(100, 1));
    assert.deepEqual([train.length, validation.length, heldOut.length], [70, 12, 18]);
    const last = (part: SearchExamples["train"]): number => part.at(-1)!.request.nowMs;
    assert.ok(last(train) < validation[0]!.request.nowMs);
    assert.ok(last(validation) < heldOut[0]!.request.nowMs);
  });

  test("say what was taken, by grade and by how likely its place was looked at", async () => {
    const log = logOf(100, 1);
    const { train, examination } = await examplesOf(log, pastsOf(100, 1));
    const first = train[0]!;
    const taken = new Map(
      Array.from(log.rows.subarray(0, 10), (row, i) => [row, { grade: log.grades[i]!, place: i }]),
    );
    first.candidates.forEach(({ itemIndex: row }, i) => {
      const own = taken.get(row);
      assert.equal(first.grades[i], own?.grade ?? 0);
      const chance = own === undefined ? 1 : Math.min(1, Math.max(0.2, examination[own.place]!));
      assert.ok(Math.abs(first.weights[i]! - (own?.grade ? 1 / chance : 1)) < 1e-6);
    });
    assert.deepEqual(first.missed, []);
  });

  test("leave out items that came later", async () => {
    const { train, heldOut } = await examplesOf(logOf(100, 1), pastsOf(100, 1));
    assert.ok(train[0]!.candidates.every(({ itemIndex: row }) => row !== 12));
    assert.ok(heldOut[0]!.candidates.some(({ itemIndex: row }) => row === 12));
  });

  test("know nothing of what came later: another future leaves them as they were", async () => {
    const [log, other] = [logOf(100, 1), logOf(100, 2)];
    const [pasts, otherPasts] = [pastsOf(100, 1), pastsOf(100, 2)];
    const days = 60;
    const offsets = pasts.offsets;
    const mixed = otherPasts.items.slice();
    for (let u = 0; u < 3; u++) {
      mixed.set(pasts.items.subarray(offsets[u]!, offsets[u]! + days), offsets[u]);
    }
    const [now, otherwise] = await Promise.all([
      examplesOf(log, pasts),
      examplesOf(
        {
          ...log,
          rows: spliced(log.rows, other.rows, 10 * days),
          grades: spliced(log.grades, other.grades, 10 * days),
        },
        { ...pasts, items: mixed },
      ),
    ]);
    for (let day = 0; day < days; day++) {
      const [a, b] = [now.train[day]!, otherwise.train[day]!];
      assert.deepEqual(a.candidates, b.candidates);
      assert.deepEqual(a.grades, b.grades);
      assert.deepEqual(a.taste, b.taste);
      // What places are worth is fitted on the whole of the training searches, and only scales looks.
      const own = ["default-score", "popularity", "age", "query-choice-share"].map((name) =>
        searchFeatures.findIndex((feature) => feature.name === name),
      );
      for (let i = 0; i < a.candidates.length; i++) {
        for (const f of own) {
          const at = i * searchFeatures.length + f;
          assert.equal(a.features[at], b.features[at], `${searchFeatures[f]!.name} of day ${day}`);
        }
      }
    }
    assert.notDeepEqual(now.train[days + 5]!.features, otherwise.train[days + 5]!.features);
  });

  test("a choice is known a week later, and from validation on no more", async () => {
    const log = logOf(100, 1);
    const { train, validation, heldOut } = await examplesOf(log, pastsOf(100, 1));
    const share = searchFeatures.findIndex(({ name }) => name === "query-choice-share");
    const sharesOf = ({ features, candidates }: SearchExamples["train"][number]): number[] =>
      candidates.map((_, i) => features[i * searchFeatures.length + share]!);
    assert.ok(sharesOf(train[6]!).every(Number.isNaN));
    assert.ok(sharesOf(train[7]!).some((own) => own > 0));
    const byRow = (example: SearchExamples["train"][number]) =>
      new Map(example.candidates.map(({ itemIndex: row }, i) => [row, sharesOf(example)[i]]));
    assert.deepEqual(byRow(heldOut.at(-1)!), byRow(validation.at(-1)!));
  });

  test("describe the past by the shopper's own acts before the search", async () => {
    const pasts = pastsOf(100, 1);
    const { train } = await examplesOf(logOf(100, 1), pasts);
    assert.equal(train[0]!.taste, undefined);
    const third = train[3]!; // by person 0, who has acted on days 0, 1 and 2
    assert.deepEqual(
      third.request.history.map(({ itemIndex: row }) => row as number),
      [...pasts.items.subarray(0, 3)],
    );
    const length = tasteFeatures.findIndex(({ name }) => name === "past-length");
    const halved = [2, 1, 0].reduce((sum, days) => sum + 2 ** (-(days + 23 / 24) / 30), 0);
    assert.ok(Math.abs(third.taste![length]! - Math.log1p(halved)) < 1e-6);
  });
});
