import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import type { Item } from "@magpie/domain";
import { InvertedTextIndex } from "../text/inverted-text-index.ts";
import { CatalogLexicon } from "./catalog-lexicon.ts";
import { CategoryPredictor } from "./category-predictor.ts";
import { priceAsked } from "./price-words.ts";
import { QueryUnderstanding } from "./query-understanding.ts";
import { TextNumberList, TextNumbers } from "./text-numbers.ts";
import { catalogWords, SpellingCorrector } from "./spelling-corrector.ts";

const variants = (sku: string): Item["variants"] => [
  {
    id: sku,
    sku,
    price: { amount: 100, currency: "EUR" },
    availability: { available: true },
    options: { color: "red" },
  },
];
const items: Item[] = [
  {
    id: "p1",
    title: "Pegasus running shoe",
    brand: "Nike",
    categories: ["Shoes > Running shoes"],
    attributes: { material: "leather" },
    locales: {
      zh: {
        title: "飞马跑步鞋",
        brand: "耐克",
        categories: ["鞋 > 跑步鞋"],
        terms: { red: "红色", leather: "真皮" },
      },
    },
    variants: variants("AB-1234"),
  },
  {
    id: "p2",
    title: "Washing machine",
    brand: "Bosch",
    categories: ["Home > Washing machines"],
    locales: { zh: { title: "滚筒洗衣机", categories: ["家电 > 洗衣机"] } },
    variants: variants("WM-9"),
  },
  {
    id: "p3",
    title: "Nike running sock",
    brand: "Nike",
    categories: ["Socks"],
    variants: variants("S"),
  },
];
const index = await InvertedTextIndex.build(items);
const lexicon = CatalogLexicon.build(items);
const understanding = new QueryUnderstanding({
  index,
  lexicon,
  spelling: SpellingCorrector.build(catalogWords(items), [
    { text: "洗衣机", searches: 9, users: 5, weight: 9 },
    { text: "running", searches: 300, users: 50, weight: 9 },
  ]),
  categories: CategoryPredictor.build(
    [
      { query: "nike", category: "Shoes", weight: 6 },
      { query: "nike", category: "Socks", weight: 2 },
    ],
    [],
    (text) => text.split(" "),
  ),
});
const groups = (query: string): string[] =>
  understanding
    .analyse(query)
    .parsed.groups.map(({ text, importance, need }) => `${text} ${importance} ${need}`);

/** Letters of several scripts, signs, controls. */
const anyUnit = fc.constantFrom(...Array.from('aNé… "-(\u0000\u202e汉漢字鞋🧦が1.'));

describe("query understanding", () => {
  test("gives brands and categories high importance, colours medium, marketing words low", () => {
    assert.deepEqual(groups("cheap red nike shoes "), [
      "cheap low optional",
      "red medium required",
      "nike high required",
      "shoes high required",
    ]);
    assert.deepEqual(groups("包邮 红色 耐克 跑步鞋 "), [
      "包邮 low optional",
      "红色 medium required",
      "耐克 high required",
      "跑步鞋 high required",
    ]);
  });

  test("recognises names of the catalogue in both languages, the longest first", () => {
    const found = (query: string) =>
      understanding.analyse(query).entities.map(({ kind, value }) => `${kind} ${value}`);
    assert.deepEqual(found("washing machines bosch "), [
      "category Home > Washing machines",
      "brand Bosch",
    ]);
    assert.deepEqual(found("耐克真皮跑步鞋"), [
      "brand Nike",
      "material leather",
      "category Shoes > Running shoes",
    ]);
  });

  test("corrects what nobody says, and writes it down", () => {
    const analysis = understanding.analyse("runnign shoe ");
    assert.deepEqual(analysis.corrections, [
      { from: "runnign", to: "running", reason: "typing-error" },
    ]);
    assert.equal(analysis.text, "running shoe");
    assert.ok(
      analysis.stages.some(
        ({ stage, before, after }) =>
          stage === "spelling" && before === "runnign" && after === "running",
      ),
    );
  });

  test("corrects an unknown Chinese word to one of the same sound, and no known one", () => {
    const spelling = SpellingCorrector.build(
      new Map([
        ["经典", 4],
        ["景点", 2],
        ["耐克", 3],
      ]),
    );
    assert.equal(spelling.correct("耐客")?.text, "耐克");
    assert.equal(spelling.correct("景点"), undefined);
  });

  test.each([
    ["washin", "washing"],
    ["washingg", "washing"],
    ["wahsing", "washing"],
    ["washinx", "washing"],
    ["wsahing", "washing"],
  ])("corrects %s to %s, wherever the error is", (typed, meant) => {
    assert.equal(SpellingCorrector.build(new Map([["washing", 2]])).correct(typed)?.text, meant);
  });

  test("only offers a correction of a word that is in use", () => {
    const spelling = SpellingCorrector.build(
      new Map([
        ["running", 900],
        ["runing", 3],
        ["cunning", 20],
      ]),
    );
    assert.equal(spelling.correct("runing")?.confidence, "likely");
    assert.equal(spelling.correct("cunning"), undefined);
    assert.equal(spelling.correct("runnning")?.confidence, "certain");
  });

  test.each(["AB-1234", "iph0ne", "z62", "ab", "501"])("leaves %s as it is typed", (code) => {
    const analysis = understanding.analyse(`${code} `);
    assert.deepEqual(analysis.corrections, []);
    assert.equal(analysis.didYouMean, undefined);
  });

  test("keeps phrases and exclusions", () => {
    const { parsed } = understanding.analyse('"running shoe" -nike ');
    assert.deepEqual(
      parsed.groups.map(({ text, isPhrase, need }) => [text, isPhrase, need]),
      [
        ["running shoe", true, "required"],
        ["nike", false, "excluded"],
      ],
    );
  });

  test("knows a query that names one thing exactly", () => {
    assert.deepEqual(understanding.analyse("nike ").navigational, { kind: "brand", value: "Nike" });
    assert.deepEqual(understanding.analyse("ab-1234").navigational, {
      kind: "code",
      value: "ab-1234",
      row: 1,
    });
    assert.deepEqual(understanding.analyse("飞马跑步鞋").navigational, {
      kind: "title",
      value: "飞马跑步鞋",
      row: 1,
    });
    assert.equal(understanding.analyse("nike shoes ").navigational, undefined);
  });

  test("predicts categories from what was taken after the query, by hand", () => {
    // 8 acts of its own, 6 of them shoes; the word "nike" says the same with smoothing:
    // shoes 6/8 · 6.5/7, socks 2/8 · 2.5/3, so .6964 against .2083 of .9048.
    const [shoes, socks] = understanding.analyse("nike ").categories;
    const fromWords = (0.75 * 6.5) / 7 / ((0.75 * 6.5) / 7 + (0.25 * 2.5) / 3);
    assert.equal(shoes!.category, "Shoes");
    assert.ok(Math.abs(shoes!.probability - (6 + 2 * fromWords) / 10) < 1e-9);
    assert.equal(socks!.category, "Socks");
  });

  test("searches for what the shop's dictionary says instead, and corrects no word it names", () => {
    const own = new QueryUnderstanding(
      { index, lexicon, spelling: SpellingCorrector.build(catalogWords(items)) },
      { rewrites: [{ from: "laufschuh", to: "running shoe" }], neverCorrect: ["bosh"] },
    );
    assert.equal(own.analyse("Laufschuh").text, "running shoe");
    assert.equal(own.analyse("bosh ").corrections.length, 0);
  });

  test("takes any text, and answers soon", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyUnit, maxLength: 400 }), (query) => {
        const { parsed, stages } = understanding.analyse(query);
        assert.ok(Array.isArray(parsed.groups) && stages.length > 0);
      }),
    );
    assert.ok(understanding.analyse("a".repeat(10_000)).parsed.groups.length <= 64);
  });

  test("takes words as they are typed where that is asked for", () => {
    const analysis = understanding.analyse("runnign shoe ", { correct: false });
    assert.deepEqual(analysis.corrections, []);
    assert.equal(analysis.text, "runnign shoe");
  });

  test("corrects no word that items have, wherever they have it, once they are there", async () => {
    const own = await InvertedTextIndex.build(items);
    const live = new QueryUnderstanding({
      index: own,
      lexicon,
      spelling: SpellingCorrector.build(new Map([["washing", 9]])),
    });
    assert.equal(live.analyse("washinx machine ").text, "washing machine");
    const named = { ...items[1]!, id: "p9", title: "Lamp", description: "By Washinx of Oslo" };
    await own.update(new Map([[4, named]]));
    assert.equal(live.analyse("washinx machine ").text, "washinx machine");
  });

  test("keeps what was parsed of a group whose importance changes", () => {
    const { parsed } = understanding.analyse("3.5寸 洗衣机 ");
    const typed = index.search("3.5寸 洗衣机 ", { limit: 5 });
    const weighed = index.search(parsed, { limit: 5 });
    assert.deepEqual(weighed.items, typed.items);
    assert.ok(Math.abs(weighed.scores[0]! - typed.scores[0]!) < 1e-6);
  });

  test("reads prices in minor units of the shop's currency, and in no other", () => {
    assert.deepEqual(understanding.analyse("shoes under 49.99").priceCents, { max: 4999 });
    assert.deepEqual(understanding.analyse("shoes under 50 euros").priceCents, { max: 5000 });
    assert.equal(understanding.analyse("shoes under $50").priceCents, undefined);
    assert.equal(understanding.analyse("shoes under $50").text, "shoes under $50");
    assert.equal(understanding.analyse("shoes under 50", { price: false }).priceCents, undefined);
  });

  test("does not take the word before a price for one that is being typed", () => {
    const [shoe] = understanding.analyse("shoe under 50").parsed.groups;
    assert.equal(shoe!.isPrefix, false);
  });
});

describe("what is learned of a catalogue", () => {
  const reopened = CatalogLexicon.open(lexicon.toBytes());

  test("is the same once it is opened from its bytes", () => {
    for (const name of ["nike", "耐克", "shoe", "真皮", "红色", "running shoes", "lamp"]) {
      assert.deepEqual(reopened.nameOf(name), lexicon.nameOf(name));
    }
    assert.equal(reopened.rowTitled("WASHING  machine"), 2);
    assert.equal(reopened.rowCoded("wm-9"), 2);
    assert.equal(reopened.rowCoded("wm-8"), undefined);
    assert.equal(reopened.currency, "EUR");
    assert.deepEqual(new Set(reopened.names()), new Set(lexicon.names()));
  });

  test("takes items that change: new names, and no title that is no more", () => {
    const live = CatalogLexicon.open(lexicon.toBytes());
    const [spin, tumble] = [
      { ...items[1]!, title: "Spin dryer", brand: "Zyntha" },
      { ...items[1]!, title: "Tumble dryer" },
    ];
    live.put(2, spin, items[1]);
    assert.equal(live.rowTitled("spin dryer"), 2);
    assert.equal(live.rowTitled("washing machine"), undefined);
    assert.deepEqual(live.nameOf("zyntha"), { kind: "brand", value: "Zyntha", items: 1 });
    assert.equal(live.nameOf("bosch"), undefined);
    live.put(2, tumble, spin);
    assert.equal(live.rowTitled("spin dryer"), undefined);
    assert.equal(live.rowTitled("tumble dryer"), 2);
    assert.equal(live.nameOf("zyntha"), undefined);
    assert.equal(live.nameOf("bosch")!.items, 1);
    live.put(2, undefined, tumble);
    assert.equal(live.rowCoded("wm-9"), undefined);
    assert.equal(live.nameOf("home"), undefined);
  });

  test("names what most items have, of the kind that people mean sooner", () => {
    const coloured = (id: string, color: string, more: Partial<Item> = {}): Item => ({
      id,
      title: id,
      attributes: { color },
      ...more,
      variants: [{ ...variants(id)[0]!, options: {} }],
    });
    const own = CatalogLexicon.build([
      coloured("a", "black"),
      coloured("b", "BLACK"),
      coloured("c", "BLACK"),
      coloured("d", "blue", { brand: "Black" }),
    ]);
    assert.deepEqual(own.nameOf("black"), { kind: "brand", value: "Black", items: 1 });
    own.put(4, undefined, coloured("d", "blue", { brand: "Black" }));
    assert.equal(own.nameOf("black")!.value, "BLACK");
    own.put(3, coloured("c", "black"), coloured("c", "BLACK"));
    assert.deepEqual(own.nameOf("black"), {
      kind: "color",
      attribute: "color",
      value: "black",
      items: 2,
    });
  });

  test("spelling corrects alike once it is opened from its bytes", () => {
    const words = fc.uniqueArray(
      fc.tuple(fc.stringMatching(/^[a-e]{3,9}$/), fc.integer({ min: 1, max: 500 })),
      { selector: ([word]) => word, maxLength: 30 },
    );
    fc.assert(
      fc.property(words, fc.stringMatching(/^[a-e]{3,9}$/), (known, typed) => {
        const built = SpellingCorrector.build(new Map([...known, ["耐克", 7]]));
        const opened = SpellingCorrector.open(built.toBytes());
        assert.deepEqual(opened.correct(typed), built.correct(typed));
        assert.equal(opened.usesOf(typed), new Map(known).get(typed) ?? 0);
        assert.equal(opened.correct("耐客")?.text, "耐克");
      }),
    );
  });

  test("categories are predicted alike once they are opened from their bytes", () => {
    const built = CategoryPredictor.build(
      [{ query: "Apple", category: "Phones", weight: 5 }],
      [
        { text: "green apple", category: "Fruit" },
        { text: "apple juice", category: "Drinks" },
      ],
      (text) => text.toLowerCase().split(" "),
    );
    const opened = CategoryPredictor.open(built.toBytes());
    for (const query of ["apple", "green apple", "juice", "lamp"]) {
      assert.deepEqual(
        opened.predict(query, query.split(" ")),
        built.predict(query, query.split(" ")),
      );
    }
    assert.equal(opened.predict("apple", ["apple"])[0]!.category, "Phones");
  });

  test.each([
    ["lexicon", CatalogLexicon.open, lexicon.toBytes()],
    ["spelling", SpellingCorrector.open, SpellingCorrector.build(new Map()).toBytes()],
    ["categories", CategoryPredictor.open, CategoryPredictor.build([], [], () => []).toBytes()],
  ] as const)("damaged bytes of %s are refused", (_name, open, bytes) => {
    assert.throws(() => open(bytes.slice(0, bytes.length - 8)), { code: "BAD_INDEX_FILE" });
    assert.throws(() => open(new Uint8Array(20)), { code: "BAD_INDEX_FILE" });
  });
});

describe("numbers by text", () => {
  test("are those that were given, of equal texts the first; others have none", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 6 })),
        fc.string({ maxLength: 6 }),
        (texts, other) => {
          const list = new TextNumberList();
          texts.forEach((text, i) => list.add(text, i));
          const numbers = TextNumbers.build(list);
          for (const text of [...texts, other])
            assert.equal(numbers.find(text), texts.indexOf(text));
        },
      ),
    );
  });
});

describe("a price in a query", () => {
  test.each([
    ["shoes under 50", { max: 50 }, "shoes"],
    ["shoes under $49.99 red", { max: 49.99 }, "shoes red"],
    ["between 20 and 40 lamp", { min: 20, max: 40 }, "lamp"],
    ["$20-$40 lamp", { min: 20, max: 40 }, "lamp"],
    ["100元以下的耳机", { max: 100 }, "耳机"],
    ["耳机100以内", { max: 100 }, "耳机"],
    ["50到100元 台灯", { min: 50, max: 100 }, "台灯"],
    ["手机2000元以上", { min: 2000 }, "手机"],
    ["tv over 500 dollars", { min: 500 }, "tv"],
    ["tv over 500", { min: 500 }, "tv"],
    ["over $500 tv", { min: 500 }, "tv"],
    ["under 50 headphones", { max: 50 }, "headphones"],
    ["gift for women under $50", { max: 50 }, "gift for women"],
    ["100内的耳机", { max: 100 }, "耳机"],
  ])("is read from %s", (query, range, rest) => {
    const asked = priceAsked(query);
    assert.deepEqual(asked?.range, range);
    assert.equal(asked?.rest, rest);
  });

  test.each([
    "levis 501",
    "10-20 cm",
    "under 50cm shelf",
    "iphone 15",
    "500ml",
    "over ear 3 headphones",
    "vitamins for men over 50",
    "books for kids under 10",
    "toys ages 3 and up",
    "boots size 12 and up",
    "rack for up to 50 wine glasses",
    "meals under 5 minutes",
    "16 内存条",
    "5 起子",
  ])("is not read from %s", (query) => {
    assert.equal(priceAsked(query), undefined);
  });
});
