import assert from "node:assert/strict";
import type { Item } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import type { Highlighter } from "./highlight.ts";
import { InvertedTextIndex } from "./inverted-text-index.ts";
import { product } from "./text-index.suite.ts";

const tags = { open: "[", close: "]" };

async function highlighterFor(text: string, query: string): Promise<Highlighter> {
  return (await InvertedTextIndex.build([product(text)])).highlighter(query);
}

describe("a highlighter", () => {
  test("says how many of the words a text has", async () => {
    const highlighter = await highlighterFor("red running shoe", "red shoe ");
    const levels = ["Red shoe", "red hat", "bag"].map((text) => highlighter.highlight(text, tags));
    assert.deepEqual(levels, [
      {
        value: "[Red] [shoe]",
        matchLevel: "full",
        matchedWords: ["red", "shoe"],
        fullyHighlighted: true,
      },
      {
        value: "[red] hat",
        matchLevel: "partial",
        matchedWords: ["red"],
        fullyHighlighted: false,
      },
      { value: "bag", matchLevel: "none", matchedWords: [], fullyHighlighted: false },
    ]);
  });

  test("marks a phrase only where its words stand side by side", async () => {
    const highlighter = await highlighterFor("running shoe", '"running shoe"');
    const { value } = highlighter.highlight("shoe, running shoe, running", tags);
    assert.equal(value, "shoe, [running shoe], running");
  });

  test("cuts a snippet around the words, at spaces", async () => {
    const text = `${"lorem ipsum dolor ".repeat(20)}a red shoe ${"sit amet consectetur ".repeat(20)}`;
    const highlighter = await highlighterFor("red shoe", "red shoe ");
    const { value } = highlighter.snippet(text, { maxCharacters: 60, tags });
    assert.match(value, /^…(?:lorem|ipsum|dolor) .*\[red\] \[shoe\].*(?:sit|amet|consectetur)…$/);
    assert.ok(value.length <= 60 + "…[][]…".length);
    assert.equal(highlighter.snippet("a red shoe", { tags }).value, "a [red] [shoe]");
  });

  test("never changes a text but for the tags", async () => {
    const highlighter = await highlighterFor("red shoe 连衣裙", "red 连衣裙");
    const anyText = fc.string({
      unit: fc.oneof(
        fc.constantFrom(..."redRED 連衣裙连é\u0301ﬁ②𠮷🦊\ud800"),
        fc.string({ unit: "binary" }),
      ),
      maxLength: 40,
    });
    fc.assert(
      fc.property(anyText, (text) => {
        const marked = highlighter.highlight(text, { open: "\ue000", close: "\ue001" }).value;
        const bare = text.replaceAll(/[\ue000\ue001]/g, "");
        assert.equal(marked.replaceAll(/[\ue000\ue001]/g, ""), bare);
      }),
    );
  });

  test("counts the words that each variant has in its own texts", async () => {
    const one = product("Shirt").variants[0]!;
    const shirt: Item = product("Shirt", {
      variants: ["red", "blue"].map((colour, i) => ({
        ...one,
        id: `v${i}`,
        sku: `SH-${i + 1}00`,
        options: { colour, size: "XL" },
      })),
    });
    const index = await InvertedTextIndex.build([shirt]);
    assert.deepEqual(index.highlighter("blue shirt ").termsInVariants(shirt), [0, 1]);
    // "sh100" is read as "sh", "100" and the whole.
    assert.deepEqual(index.highlighter("sh100 ").termsInVariants(shirt), [3, 1]);
    // "xl" is a word, and one that stands alone.
    assert.deepEqual(index.highlighter("xl shirt ").termsInVariants(shirt), [2, 2]);
    assert.deepEqual(index.highlighter("shirt ").termsInVariants(shirt), [0, 0]);
  });
});
