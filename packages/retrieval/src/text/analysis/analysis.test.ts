import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { Analyser } from "./analyser.ts";
import { normaliseText } from "./normalise.ts";
import { singular } from "./plural.ts";
import { partsOf, runsOf } from "./runs.ts";
import { IcuSegmenter, loadSegmenter } from "./segmenter.ts";

describe("normal form", () => {
  test("folds width, case, accents and traditional characters", () => {
    assert.equal(normaliseText("Ｎｉｋｅ　ÀÉ ﬁt ﾊﾟｿｺﾝ"), "nike ae fit パソコン");
    assert.equal(normaliseText("連衣裙 滑鼠"), "连衣裙 鼠标");
  });

  test("leaves marks that carry meaning, and characters that are right already", () => {
    assert.equal(normaliseText("が ごみ"), "が ごみ");
    assert.equal(normaliseText("皇后 后面 面包"), "皇后 后面 面包");
  });
});

describe("the plural", () => {
  test("comes off", () => {
    for (const [plural, expected] of [
      ["shoes", "shoe"],
      ["bags", "bag"],
      ["dresses", "dress"],
      ["watches", "watch"],
      ["brushes", "brush"],
      ["boxes", "box"],
      ["accessories", "accessory"],
      ["ties", "tie"],
    ] as const) {
      assert.equal(singular(plural), expected);
    }
  });

  test("is not seen where there is none", () => {
    for (const word of ["dress", "bus", "status", "gas", "iphone", "s20s", "été", "鞋"]) {
      assert.equal(singular(word), word);
    }
  });
});

describe("runs", () => {
  const texts = (text: string) => runsOf(text).map((run) => `${run.kind} ${run.text}`);

  test("change where the script does, and drop what is between", () => {
    assert.deepEqual(texts("耐克 Nike-Air（夏季）3.5寸, men's!"), [
      "unspaced 耐克",
      "spaced Nike-Air",
      "unspaced 夏季",
      "spaced 3.5",
      "unspaced 寸",
      "spaced men's",
    ]);
    assert.deepEqual(texts("… — !"), []);
  });

  test("have parts at hyphens and where letters meet digits", () => {
    assert.deepEqual(partsOf("mate60-pro"), ["mate", "60", "pro"]);
    assert.deepEqual(partsOf("3.5"), ["3.5"]);
    assert.deepEqual(partsOf("men's"), ["men"]);
    assert.deepEqual(partsOf("o'neill"), ["o", "neill"]);
  });
});

for (const [name, load] of [
  ["jieba", () => loadSegmenter(["跑步鞋", "耐克"])],
  ["ICU", async () => new IcuSegmenter(["跑步鞋", "耐克"])],
] as const) {
  describe(`the segmenter by ${name}`, () => {
    test("cuts into pieces that are the run again", async () => {
      const segmenter = await load();
      for (const run of ["耐克男子跑步鞋", "パソコン用マウス", "กระเป๋าหนัง", "𠮷野家", "的"]) {
        assert.equal(segmenter.cut(run).join(""), run);
      }
    });

    test("knows words of the dictionary and of the shop", async () => {
      const segmenter = await load();
      assert.equal(segmenter.isKnown("景点"), true);
      assert.equal(segmenter.isKnown("跑步鞋"), true);
      assert.equal(segmenter.isKnown("耐客"), false);
    });
  });
}

describe("the segmenter by jieba", () => {
  test("keeps the shop's own words whole, and finds words inside long ones", async () => {
    const segmenter = await loadSegmenter(["小化妆包"]);
    assert.deepEqual(segmenter.cut("买小化妆包"), ["买", "小化妆包"]);
    assert.ok(segmenter.cutFine("小化妆包").includes("化妆包"));
  });
});

describe("the analyser", () => {
  const analyser = new Analyser(new IcuSegmenter(), ["耐克", "阿迪达斯"]);
  const terms = (text: string): string[] => {
    const found: string[] = [];
    analyser.analyse(text, (term) => found.push(term));
    return found.toSorted();
  };

  test("gives characters, pairs and words of unspaced scripts", () => {
    assert.deepEqual(terms("跑步"), ["=跑步", "步", "跑", "跑步"].toSorted());
  });

  test("gives parts of mixed words, and the whole", () => {
    assert.deepEqual(terms("Mate60 T-Shirts"), ["60", "mate", "mate60", "shirt", "t", "tshirt"]);
  });

  test("measures length in words", () => {
    assert.equal(analyser.analyse("red running shoes", () => {}).length, 3);
    assert.equal(analyser.analyse("红色跑步", () => {}).length, 2);
  });

  test("types Chinese by full pinyin, syllables and initials", () => {
    const typed = new Set<string>();
    analyser.analysePinyin("重庆", (term) => typed.add(term));
    assert.deepEqual(typed, new Set(["~chong", "~qing", "~chongqing", "~cq"]));
  });

  test("takes the last word as unfinished only while it is typed", () => {
    const isPrefix = (query: string) =>
      analyser.units(query).map(({ readings }) => readings[0]!.at(-1)!.isPrefix);
    assert.deepEqual(isPrefix("red sho"), [false, true]);
    assert.deepEqual(isPrefix("red shoe "), [false, false]);
    assert.deepEqual(isPrefix("red shoe!"), [false, false]);
    assert.deepEqual(isPrefix("red 鞋"), [false, false]);
  });

  test("shows words as they were typed", () => {
    const words = analyser.units("Red 連衣裙 ＸＬ").map(({ word }) => word);
    assert.equal(words.join("").toLowerCase(), "red連衣裙xl");
  });

  test("spells by sound only what nobody knows", () => {
    const [unknown] = analyser.units("耐客").slice(0, 1);
    const alike = (word: string) =>
      analyser
        .soundingLike({ word, readings: [], extras: [], isWeak: false })
        .map(({ extras }) => extras[0]!.term);
    assert.ok(unknown);
    assert.deepEqual(alike("耐客"), ["=耐克"]);
    assert.deepEqual(alike("景点"), []);
    assert.deepEqual(alike("nike"), []);
  });
});
