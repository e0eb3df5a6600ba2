import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { departments } from "./assortment/departments.ts";
import { typeQuery } from "./queries.ts";

const leaf = (key: string) =>
  departments.flatMap(({ leaves }) => leaves).find((template) => template.key === key)!;
const brand = { name: ["Norvane", "诺梵"], tier: 1 } as const;

function typedOften(key: string, locale: "en" | "zh", times: number): string[] {
  const random = seededRandom(11, "queries");
  return Array.from(
    { length: times },
    () => typeQuery(random, locale, leaf(key), 0, [brand], undefined).text,
  );
}

describe("what shoppers type", () => {
  test("is in their language, from the words of leaf, style, brand and feature", () => {
    const chinese = new Set(typedOften("running-shoes", "zh", 300));
    for (const words of ["跑步鞋", "越野跑步鞋", "诺梵跑鞋", "缓震跑步鞋"]) {
      assert.ok(chinese.has(words), words);
    }
    const english = new Set(typedOften("running-shoes", "en", 300));
    for (const words of ["running shoes", "trail running shoes", "norvane trainers"]) {
      assert.ok(english.has(words), words);
    }
  });

  test("names a style alone where the style says what it is", () => {
    assert.ok(typedOften("tea", "zh", 200).includes("绿茶"));
    assert.ok(!typedOften("tea", "zh", 200).some((text) => /绿茶.*茶叶/.test(text)));
  });

  test("has about one slip of the fingers in twenty English queries, none in Chinese", () => {
    const known = new Set(
      leaf("mice").typed.en.flatMap((noun) => [
        noun,
        `norvane ${noun}`,
        ...leaf("mice").styles.map(([style]) => `${style.toLowerCase()} ${noun}`),
        ...leaf("mice").features.map(([feature]) => `${feature.toLowerCase()} ${noun}`),
      ]),
    );
    const typed = typedOften("mice", "en", 4_000);
    const slips = typed.filter((text) => !known.has(text)).length;
    // 5 % slip; one in a dozen of them swaps equal letters and shows nothing.
    assert.ok(slips / 4_000 > 0.035 && slips / 4_000 < 0.06, `${slips} of 4000`);
  });

  test("names the phone that a case is for", () => {
    const random = seededRandom(1, "queries");
    const query = typeQuery(random, "zh", leaf("phone-cases"), 0, [brand], "沃塔睿 V20 Pro");
    assert.match(query.text, /^沃塔睿 V20 Pro (?:手机壳|手机套|保护壳)$/);
  });
});
