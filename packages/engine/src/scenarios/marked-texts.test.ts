import { InvertedTextIndex } from "@magpie/retrieval";
import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { smallItem } from "../small-shop.suite.ts";
import { markTexts } from "./marked-texts.ts";

const shoe = smallItem("shoe", {
  title: "Running shoes",
  brand: "Nike",
  description: `${"Soft and light. ".repeat(20)}For running on roads.`,
  locales: { zh: { title: "耐克跑步鞋" } },
});
const index = await InvertedTextIndex.build([shoe]);
const tags = { open: "[", close: "]" };
const marked = (query: string, locale: string) =>
  markTexts(shoe, locale, index.highlighter(query, locale), tags);

describe("marked texts", () => {
  test("are those of the reader's language, and the item's own where it lacks them", () => {
    assert.equal(marked("跑步鞋", "zh-CN").title.value, "耐克[跑步鞋]");
    assert.equal(marked("running", "de").title.value, "[Running] shoes");
    assert.equal(marked("nike", "zh").brand!.value, "[Nike]");
  });

  test("say how much of the query they have", () => {
    const { title } = marked("nike running", "en");
    assert.deepEqual([title.matchLevel, title.matchedWords], ["partial", ["running"]]);
  });

  test("cut a long description to where the words stand", () => {
    const { value } = marked("running", "en").description!;
    assert.match(value, /^….*For \[running\] on roads\.$/);
    assert.ok(value.length < 170);
  });
});
