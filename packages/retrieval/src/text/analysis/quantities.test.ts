import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { quantitiesOf } from "./quantities.ts";

const keys = (text: string, commaIsPoint = false): string[] =>
  quantitiesOf(text, commaIsPoint).map(({ key }) => key);

describe("quantities", () => {
  test("with a decimal comma are those with a point", () => {
    for (const text of ["1,5 l", "1.5 l", "1500 ml", "1,50l"]) {
      assert.deepEqual(keys(text), ["v1500"], text);
      assert.deepEqual(keys(text, true), ["v1500"], text);
    }
    assert.deepEqual(keys("0,750 l"), ["v750"]);
  });

  test("have thousands grouped as the language does", () => {
    assert.deepEqual(keys("10,000 mah"), ["c10000"]);
    assert.deepEqual(keys("10.000 mah"), ["c10"]);
    assert.deepEqual(keys("10.000 mah", true), ["c10000"]);
    assert.deepEqual(keys("1,250 kg", true), ["m1250"]);
    assert.deepEqual(keys("1.000.000 hz"), ["f1000000"]);
  });

  test("in a list are each its own", () => {
    assert.deepEqual(keys("10,20,30 cm"), ["l300"]);
    assert.deepEqual(keys("s,m,5kg"), ["m5000"]);
    assert.deepEqual(keys("1.2.3 kg"), []);
  });

  test("take linear time on any text", () => {
    const started = process.cpuUsage();
    for (const text of ["1,".repeat(50_000), "1.000".repeat(20_000), "9".repeat(100_000)]) {
      keys(text);
    }
    const { user } = process.cpuUsage(started);
    assert.ok(user < 2_000_000, `${user} µs`);
  });
});
