import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { lineChart } from "./line-chart.ts";

const options = { title: "Loss", xLabel: "epoch", yLabel: "loss", width: 720, height: 400 };
/** The texts of a chart, in order. */
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((m) => m[1]);
const lines = (svg: string) => [
  ...svg.matchAll(/<path d="(M[^"]*)" fill="none" stroke="#0072b2"/g),
];

describe("a line chart", () => {
  const points = [0, 1, 2, 3].map((x) => ({ x, y: 10 - 2 * x }));

  test("labels its axes and its lines, with round ticks", () => {
    const svg = lineChart([{ label: "seed 1", points }], options);
    const all = texts(svg);
    for (const text of ["Loss", "epoch", "loss", "seed 1"]) assert.ok(all.includes(text), text);
    assert.deepEqual(
      all.filter((text) => /^\d+$/.test(text!)),
      ["4", "5", "6", "7", "8", "9", "10"],
    );
  });

  test("draws the first point at the left top and the last at the right bottom of a falling line", () => {
    const [, path] = lines(lineChart([{ label: "a", points }], options))[0]!;
    // Plot: x from 64 to 704, y from 44 to 400 - 52 - 20 = 328.
    assert.ok(path!.startsWith("M64 44L"));
    assert.ok(path!.endsWith("L704 328"));
  });

  test("breaks a line where a value is missing instead of bending it", () => {
    const broken = points.map((point, i) => (i === 1 ? { ...point, y: NaN } : point));
    const [, path] = lines(lineChart([{ label: "a", points: broken }], options))[0]!;
    assert.equal(path!.split("M").length - 1, 2);
    assert.ok(!path!.includes("NaN"));
  });

  test("shows a single point, equal values and nothing at all without failing", () => {
    assert.match(lineChart([{ label: "a", points: [{ x: 1, y: 2 }] }], options), /<circle/);
    const flat = lineChart([{ label: "a", points: points.map(({ x }) => ({ x, y: 3 })) }], options);
    assert.ok(!flat.includes("NaN"));
    assert.ok(texts(lineChart([], options)).includes("no points yet"));
  });

  test("escapes what stands in labels", () => {
    const svg = lineChart([{ label: `<b> & "c"`, points }], options);
    assert.ok(svg.includes("&lt;b&gt; &amp; &quot;c&quot;"));
  });
});
