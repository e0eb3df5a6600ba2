import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { CategoricalEncoder, missingCode, rareCode, type CategoricalCard } from "./categorical.ts";
import { HashedTextEncoder, type HashedTextCard } from "./hashed-text.ts";
import { NumericEncoder, type NumericCard } from "./numeric.ts";
import { TimeEncoder, type TimeCard } from "./time-features.ts";

/** A card as it comes back from a snapshot's JSON. */
const reopened = <T>(card: T): T => JSON.parse(JSON.stringify(card)) as T;

describe("CategoricalEncoder", () => {
  test("numbers values by frequency; rare, unknown and missing ones share codes", () => {
    const encoder = CategoricalEncoder.fit(["b", "a", "b", "c", undefined, "a", "b"], {
      minCount: 2,
    });
    assert.deepEqual(
      ["b", "a", "c", "new", undefined].map((v) => encoder.encode(v)),
      [2, 3, rareCode, rareCode, missingCode],
    );
    assert.equal(encoder.size, 4);
    assert.equal(encoder.decode(3), "a");
    assert.equal(encoder.decode(rareCode), undefined);
  });

  test("does not depend on the order of the data, and survives saving", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "b", "c", "d")), fc.nat(3), (values, maxValues) => {
        const one = CategoricalEncoder.fit(values, { maxValues });
        const other = CategoricalEncoder.fit(values.toReversed(), { maxValues });
        assert.deepEqual(one.save(), other.save());
        const opened = CategoricalEncoder.load(reopened<CategoricalCard>(one.save()));
        for (const value of [...values, "x"]) assert.equal(opened.encode(value), one.encode(value));
      }),
    );
  });
});

describe("NumericEncoder", () => {
  test("standardises to mean 0 and deviation 1", () => {
    const encoder = NumericEncoder.fit([2, 4, 4, 4, 5, 5, 7, 9], {
      lowQuantile: 0,
      highQuantile: 1,
    });
    // Mean 5, standard deviation 2.
    assert.deepEqual(
      [1, 5, 9].map((v) => encoder.encode(v)),
      [-1.5, 0, 2],
    );
  });

  test("draws outliers in: one price of a million does not flatten the others", () => {
    const prices = [...Array.from({ length: 1000 }, (_, i) => i), 1e9];
    const encoder = NumericEncoder.fit(prices);
    assert.equal(encoder.encode(1e12), encoder.encode(990));
    assert.ok(encoder.encode(900) - encoder.encode(100) > 2);
  });

  test("gives 0 for absent and impossible numbers and for a feature that never varies", () => {
    const encoder = NumericEncoder.fit([1, 2, 3, undefined, NaN]);
    assert.deepEqual(
      [undefined, NaN, Infinity].map((v) => encoder.encode(v)),
      [0, 0, 0],
    );
    assert.equal(NumericEncoder.fit([7, 7]).encode(9), 0);
    assert.equal(NumericEncoder.fit([]).encode(9), 0);
  });

  test("never falls as the number grows, with or without logarithm, also after saving", () => {
    const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 });
    fc.assert(
      fc.property(
        fc.array(anyNumber),
        anyNumber,
        anyNumber,
        fc.boolean(),
        (values, x, y, isLogarithmic) => {
          const encoder = NumericEncoder.load(
            reopened<NumericCard>(NumericEncoder.fit(values, { isLogarithmic }).save()),
          );
          assert.ok(encoder.encode(Math.min(x, y)) <= encoder.encode(Math.max(x, y)));
        },
      ),
    );
  });
});

describe("HashedTextEncoder", () => {
  const encoder = HashedTextEncoder.fit(
    ["red running shoes", "blue shoes", "跑步鞋", "红色跑步鞋"],
    1 << 14,
  );
  const similarity = (a: string, b: string): number => {
    const x = encoder.encode(a);
    const y = encoder.encode(b);
    const of = new Map([...x.indices].map((index, i) => [index, x.values[i]!]));
    return [...y.indices].reduce((sum, index, i) => sum + (of.get(index) ?? 0) * y.values[i]!, 0);
  };

  test("gives vectors of length 1, and none for texts without words", () => {
    assert.ok(Math.abs(similarity("红色 shoes", "红色 shoes") - 1) < 1e-6);
    assert.equal(encoder.encode(" —!? ").indices.length, 0);
  });

  test("knows words in either script, whatever case, width and order", () => {
    assert.ok(Math.abs(similarity("Running SHOES", "ｓｈｏｅｓ, running") - 1) < 1e-6);
    assert.ok(similarity("跑步鞋", "红色跑步鞋") > 0.5);
    assert.ok(Math.abs(similarity("running shoes", "电热水壶")) < 1e-6);
  });

  test("weighs rare words more than common ones", () => {
    assert.ok(similarity("red shoes", "red") > similarity("red shoes", "shoes"));
  });

  test("is the same after saving", () => {
    const opened = HashedTextEncoder.load(reopened<HashedTextCard>(encoder.save()));
    assert.deepEqual(opened.encode("红色 running"), encoder.encode("红色 running"));
  });
});

describe("TimeEncoder", () => {
  const nowMs = Date.UTC(2026, 10, 24, 6);

  test("puts hours and weekdays on circles, by the shop's clock", () => {
    const encoder = TimeEncoder.fit([nowMs - 1000], nowMs, 480);
    // 22:00 UTC on Sunday is 06:00 on Monday in +08:00: a quarter of the day, day 0 of the week.
    const features = encoder.encode(Date.UTC(2026, 10, 22, 22), nowMs);
    assert.ok(Math.abs(features.hourSin - 1) < 1e-9 && Math.abs(features.hourCos) < 1e-9);
    assert.ok(Math.abs(features.weekdaySin) < 1e-9 && Math.abs(features.weekdayCos - 1) < 1e-9);
  });

  test("halves recency at the median age of the training events", () => {
    const encoder = TimeEncoder.load(
      reopened<TimeCard>(TimeEncoder.fit([nowMs - 1e6, nowMs - 4e6, nowMs - 9e6], nowMs).save()),
    );
    assert.equal(encoder.encode(nowMs, nowMs).recency, 1);
    assert.equal(encoder.encode(nowMs - 4e6, nowMs).recency, 0.5);
    assert.equal(encoder.encode(nowMs + 5e6, nowMs).recency, 1);
  });
});
