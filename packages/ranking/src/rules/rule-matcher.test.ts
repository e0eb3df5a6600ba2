import assert from "node:assert/strict";
import { queryMatches, type Rule } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { wordsOfQuery } from "./query-words.ts";
import { RuleMatcher, type RuleRequest } from "./rule-matcher.ts";
import { asked, facetWords, rule } from "./rule.suite.ts";

const brands = facetWords({
  brand: { nike: "Nike", "new balance": "New Balance", new: "NEW", "耐 克": "耐克" },
  "attributes.color": { red: "Red" },
});
const held = (rules: readonly Rule[], request: RuleRequest) =>
  new RuleMatcher(rules).match(request, brands).map(({ rule: { id } }) => id);
const onQuery = (match: (typeof queryMatches)[number], text: string) =>
  rule("r", { conditions: [{ query: { match, text } }] });

describe("a rule on the query", () => {
  test.each([
    ["is", "red mug", ["red mug", "RED  mug!", "Réd-Mug"], ["red mugs", "a red mug", "mug red"]],
    ["starts-with", "red mug", ["red mug", "red mug xl"], ["big red mug", "red mugs"]],
    ["ends-with", "red mug", ["red mug", "big red mug"], ["red mug xl"]],
    ["contains", "red mug", ["big red mug xl", "red mug"], ["red big mug", "bored mug", ""]],
    ["contains", "手机", ["买手机壳", "手機", "手机"], ["手表机", "机手"]],
    ["starts-with", "连衣裙", ["連衣裙 红", "连衣裙"], ["红连衣裙"]],
  ] as const)("%s %s", (match, text, yes, no) => {
    for (const query of yes) assert.deepEqual(held([onQuery(match, text)], asked(query)), ["r"]);
    for (const query of no) assert.deepEqual(held([onQuery(match, text)], asked(query)), []);
  });

  test("does not hold where nothing is searched for", () => {
    const { query: _, ...feed } = asked("");
    assert.deepEqual(held([onQuery("contains", "mug")], feed), []);
  });
});

describe("placeholders", () => {
  const captured = (text: string, query: string, match = "is" as const) =>
    new RuleMatcher([onQuery(match, text)]).match(asked(query), brands)[0]?.captures;

  test("stand for the catalogue's values, the longest that fits", () => {
    assert.deepEqual(
      captured("{facet:brand} shoes", "new balance shoes"),
      new Map([["brand", "New Balance"]]),
    );
    assert.deepEqual(captured("{facet:brand} shoes", "NIKE shoes"), new Map([["brand", "Nike"]]));
    assert.deepEqual(captured("{facet:brand}鞋", "耐克鞋"), new Map([["brand", "耐克"]]));
    assert.equal(captured("{facet:brand} shoes", "acme shoes"), undefined);
  });

  test("give a word back that the rest of the pattern needs", () => {
    assert.deepEqual(captured("{facet:brand} balance", "new balance"), new Map([["brand", "NEW"]]));
  });

  test("of one field stand for one value", () => {
    assert.equal(captured("{facet:brand} or {facet:brand}", "nike or new"), undefined);
    assert.ok(captured("{facet:brand} or {facet:brand}", "nike or nike"));
  });

  test("of several fields may stand alone", () => {
    const values = new Map([
      ["attributes.color", "Red"],
      ["brand", "Nike"],
    ]);
    assert.deepEqual(captured("{facet:attributes.color} {facet:brand}", "red nike"), values);
  });
});

describe("other conditions", () => {
  const when = (condition: NonNullable<Rule["conditions"]>[number]) =>
    rule("r", { conditions: [condition] });

  test.each([
    [{ contexts: ["home", "sale"] }, { contexts: ["sale"] }, { contexts: ["sales"] }],
    [{ segments: ["vip"] }, { segments: ["new", "vip"] }, {}],
    [{ locales: ["zh"] }, { locale: "zh-CN" }, { locale: "zhx" }],
    [{ locales: ["zh-CN"] }, { locale: "zh-cn" }, { locale: "zh" }],
    [{ devices: ["mobile"] }, { device: "mobile" }, { device: "app" }],
    [{ devices: ["mobile"] }, { device: "mobile" }, {}],
  ] satisfies [
    NonNullable<Rule["conditions"]>[number],
    Partial<RuleRequest>,
    Partial<RuleRequest>,
  ][])("%o", (condition, yes, no) => {
    const one = when(condition);
    assert.deepEqual(held([one], asked("x", yes)), ["r"]);
    assert.deepEqual(held([one], asked("x", no)), []);
  });

  test("all parts of a condition must hold, and one condition of a rule is enough", () => {
    const one = rule("r", {
      conditions: [
        { query: { match: "is", text: "mug" }, contexts: ["sale"] },
        { query: { match: "is", text: "cup" } },
      ],
    });
    assert.deepEqual(held([one], asked("mug")), []);
    assert.deepEqual(held([one], asked("mug", { contexts: ["sale"] })), ["r"]);
    assert.deepEqual(held([one], asked("cup")), ["r"]);
  });

  test("a rule holds from its first moment until before its last, and not when it is off", () => {
    const one = rule("r", {
      schedule: {
        from: "2026-11-11T00:00",
        until: "2026-11-12T00:00",
        timeZone: "Asia/Shanghai",
      },
    });
    const at = (moment: string) => held([one], asked("mug", { nowMs: Date.parse(moment) }));
    assert.deepEqual(at("2026-11-10T15:59:59.999Z"), []);
    assert.deepEqual(at("2026-11-10T16:00:00Z"), ["r"]);
    assert.deepEqual(at("2026-11-11T15:59:59.999Z"), ["r"]);
    assert.deepEqual(at("2026-11-11T16:00:00Z"), []);
    assert.deepEqual(held([rule("r", { enabled: false })], asked("mug")), []);
  });

  test("rules are for searches unless they name scenarios", () => {
    const { query: _, ...rest } = asked("");
    const feed = { ...rest, scenario: "home-feed" };
    const { conditions: __, ...always } = rule("r");
    assert.deepEqual(held([always], feed), []);
    assert.deepEqual(held([{ ...always, scenarios: ["home-feed"] }], feed), ["r"]);
    assert.deepEqual(held([{ ...always, scenarios: ["home-feed"] }], asked("mug")), []);
  });
});

test("says of each rule what keeps it from holding, by its nearest condition", () => {
  const rules = [
    rule("holds"),
    rule("off", { enabled: false }),
    rule("later", { schedule: { from: "2027-01-01T00:00" } }),
    rule("past", { schedule: { until: "2026-01-01T00:00" } }),
    rule("elsewhere", { scenarios: ["home-feed"] }),
    rule("other words", {
      conditions: [{ query: { match: "is", text: "cup" }, devices: ["app"] }],
    }),
    rule("nearest", {
      conditions: [
        { query: { match: "is", text: "cup" }, segments: ["vip"] },
        { query: { match: "is", text: "mug" }, contexts: ["sale"], locales: ["en"] },
      ],
    }),
  ];
  const verdicts = new RuleMatcher(rules).judge(asked("mug"), brands);
  assert.deepEqual(
    verdicts.map(({ rule: { id }, obstacles }) => [id, ...obstacles]),
    [
      ["holds"],
      ["off", "disabled"],
      ["later", "not-yet"],
      ["past", "over"],
      ["elsewhere", "scenario"],
      ["other words", "device", "words"],
      ["nearest", "context"],
    ],
  );
});

test("the index finds what trying each rule alone finds, in the order of the rules", () => {
  const word = fc.constantFrom("red", "mug", "nike", "new", "balance", "手", "{facet:brand}");
  const text = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(" "));
  const tags = fc.subarray(["a", "b"], { minLength: 1 });
  const condition = fc.record(
    {
      query: fc.record({ match: fc.constantFrom(...queryMatches), text }),
      contexts: tags,
      segments: tags,
      locales: fc.constant<string[]>(["en"]),
    },
    { requiredKeys: [] },
  );
  const anyRules = fc.array(fc.array(condition, { minLength: 1, maxLength: 3 }), { maxLength: 12 });
  const anyRequest = fc.record({
    query: fc.array(word, { maxLength: 5 }).map((words) => words.join(" ")),
    contexts: fc.subarray(["a", "b"]),
    segments: fc.subarray(["a", "b"]),
    locale: fc.constantFrom("en", "de"),
  });
  fc.assert(
    fc.property(anyRules, anyRequest, (all, { query, ...parts }) => {
      const rules = all.map((conditions, i) => rule(`r${i}`, { conditions }));
      const alone = rules.flatMap((one) => held([one], asked(query, parts)));
      assert.deepEqual(held(rules, asked(query, parts)), alone);
      const judged = new RuleMatcher(rules).judge(asked(query, parts), brands);
      const free = judged.filter(({ obstacles }) => obstacles.length === 0);
      assert.deepEqual(
        free.map((verdict) => verdict.rule.id),
        alone,
      );
    }),
  );
});

test("a literal pattern holds exactly where its words stand in a row", () => {
  const word = fc.constantFrom("a", "b", "c");
  const words = (minLength: number) =>
    fc.array(word, { minLength, maxLength: 5 }).map((all) => all.join(" "));
  fc.assert(
    fc.property(words(1), words(0), (text, query) => {
      const plain = ` ${wordsOfQuery(query)
        .map((one) => one.word)
        .join(" ")} `;
      const holds = (match: (typeof queryMatches)[number]) =>
        held([onQuery(match, text)], asked(query)).length === 1;
      assert.equal(holds("contains"), plain.includes(` ${text} `));
      assert.equal(holds("is"), query === text);
      assert.equal(holds("starts-with"), plain.startsWith(` ${text} `));
      assert.equal(holds("ends-with"), plain.endsWith(` ${text} `));
    }),
  );
});
