import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { NegativeSampler } from "./negative-sampling.ts";

describe("NegativeSampler", () => {
  const sequences = {
    userCount: 1,
    itemCount: 4,
    offsets: Int32Array.of(0, 6),
    items: Int32Array.of(1, 1, 1, 2, 2, 3),
  };

  test("draws each item as often as its stated probability says", () => {
    const sampler = new NegativeSampler(sequences, 0.25);
    const expected = [0.25 / 4 + 0.75 / 2, 0.25 / 4 + 0.75 / 3, 0.25 / 4 + 0.75 / 6, 0.25 / 4];
    const drawn = new Int32Array(100_000);
    sampler.draw(drawn, seededRandom(1, "negatives"));
    expected.forEach((probability, i) => {
      assert.ok(Math.abs(Math.exp(sampler.logProbability(i + 1)) - probability) < 1e-6);
      const share = drawn.filter((item) => item === i + 1).length / drawn.length;
      // Five standard deviations
      const allowed = 5 * Math.sqrt((probability * (1 - probability)) / drawn.length);
      assert.ok(Math.abs(share - probability) < allowed, `item ${i + 1}: ${share}`);
    });
    assert.ok(drawn.every((item) => item >= 1 && item <= 4));
  });

  test("draws what is not uniform from a batch's targets where they are given", () => {
    const drawn = new Int32Array(1_000);
    new NegativeSampler(sequences, 0.5).draw(drawn, seededRandom(1, "negatives"), Int32Array.of(4));
    const share = drawn.filter((item) => item === 4).length / drawn.length;
    // 1/2 of the batch, 1/8 by chance among all; five standard deviations
    assert.ok(Math.abs(share - 0.625) < 5 * Math.sqrt((0.625 * 0.375) / 1_000), `${share}`);
  });

  test("draws among taken items alone where it is told to, each as its probability says", () => {
    const sampler = new NegativeSampler(sequences, 0.5, { isTakenOnly: true });
    const expected = [0.5 / 3 + 0.5 / 2, 0.5 / 3 + 0.5 / 3, 0.5 / 3 + 0.5 / 6];
    const drawn = new Int32Array(100_000);
    sampler.draw(drawn, seededRandom(1, "negatives"));
    expected.forEach((probability, i) => {
      assert.ok(Math.abs(Math.exp(sampler.logProbability(i + 1)) - probability) < 1e-6);
      const share = drawn.filter((item) => item === i + 1).length / drawn.length;
      const allowed = 5 * Math.sqrt((probability * (1 - probability)) / drawn.length);
      assert.ok(Math.abs(share - probability) < allowed, `item ${i + 1}: ${share}`);
    });
    assert.equal(sampler.logProbability(4), -Infinity);
    assert.ok(!drawn.includes(4));
  });

  test("never draws an item without interactions when nothing is uniform", () => {
    const sampler = new NegativeSampler(sequences, 0);
    assert.equal(sampler.logProbability(4), -Infinity);
    const drawn = new Int32Array(1_000);
    sampler.draw(drawn, seededRandom(1, "negatives"));
    assert.ok(!drawn.includes(4));
  });
});
