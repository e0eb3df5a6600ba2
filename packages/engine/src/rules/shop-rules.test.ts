import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ruleStrengths, type Rule } from "@magpie/domain";
import * as fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, test } from "vitest";
import type { Engine, SearchOptions, ServedRanking } from "../engine.ts";
import { openEngine } from "../open-engine.ts";
import { walkingEvents, walkingItems, walkingNowMs, walkingRecipe } from "../walking-shop.suite.ts";

const by = { author: "merchandiser" };
const folders: string[] = [];
let engine: Engine;
let directory: string;

const open = () =>
  openEngine(directory, { now: () => walkingNowMs, recipe: walkingRecipe, verify: "never" });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "magpie-rules-"));
  folders.push(directory);
  engine = await open();
  await engine.upsertItems(walkingItems());
  await engine.ingest(walkingEvents(), walkingNowMs);
  const { id } = engine.train({ seed: 1 });
  await new Promise<void>((resolve, reject) => {
    engine.watchTask(id, ({ status, error }) => {
      if (status === "succeeded") resolve();
      if (status === "failed") reject(new Error(error?.message));
    });
  });
}, 120_000);
afterEach(() => publish());
afterAll(async () => {
  await engine.close();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A rule for searches with "kettles", unless said otherwise. */
function rule(id: string, actions: Rule["actions"], parts: Partial<Rule> = {}): Rule {
  return {
    id,
    name: `Rule ${id}`,
    conditions: [{ query: { match: "contains", text: "kettles" } }],
    actions,
    ...parts,
  };
}

async function publish(...rules: Rule[]): Promise<void> {
  await engine.rules.saveDraft(rules, by);
  await engine.rules.publish(by);
}

const ids = ({ items }: ServedRanking) => items.map(({ item }) => item.id);
const search = (more: Partial<SearchOptions> = {}) =>
  engine.search({ query: "kettles", limit: 20, ...more });
const places = ({ items }: ServedRanking) => items.map(({ position }) => position);

function assertExplained({ items }: ServedRanking): void {
  for (const { score, contributions, item } of items) {
    const sum = contributions.reduce((total, { amount }) => total + amount, 0);
    assert.ok(Math.abs(sum - score) < 1e-6, `${item.id}: ${sum} is not ${score}`);
  }
}

describe("pins", () => {
  test("put items at their places, found or not, and count them as found", async () => {
    const before = await search({ facets: [{ field: "categories" }] });
    const pins = [
      { itemId: "tea-3", position: 1 },
      { itemId: ids(before)[9]!, position: 3 },
    ];
    await publish(rule("r", { pins }));
    const after = await search({ explain: true, facets: [{ field: "categories" }] });
    const others = ids(before).filter((id) => id !== pins[1]!.itemId);
    assert.deepEqual(ids(after), ["tea-3", others[0], pins[1]!.itemId, ...others.slice(1)]);
    assert.equal(after.total, before.total! + 1);
    const countOf = ({ facets }: ServedRanking, value: string) =>
      facets![0]!.values.find((one) => one.value === value)?.count;
    assert.equal(countOf(after, "Shop > Tea"), 1);
    assert.equal(countOf(after, "Shop > Kettles"), countOf(before, "Shop > Kettles"));
    assertExplained(after);
    assert.deepEqual(after.items[0]!.contributions, [
      {
        stage: "rules",
        amount: 0,
        reason: { kind: "rule", rule: "Rule r", ruleId: "r", effect: "pinned" },
      },
    ]);
    assert.deepEqual(after.rules!.applied, [{ id: "r", name: "Rule r", effects: ["pin"] }]);
  });

  test("stand on the page that has their place, and pages fit together", async () => {
    await publish(
      rule("r", {
        pins: [
          { itemId: "kettles-14", position: 6 },
          { itemId: "cups-1", position: 11 },
          { itemId: "cups-2", position: 300 },
        ],
      }),
    );
    const whole = await search();
    assert.equal(whole.items[5]!.item.id, "kettles-14");
    assert.equal(whole.items[10]!.item.id, "cups-1");
    assert.equal(ids(whole).at(-1), "cups-2");
    const pages = [];
    for (let offset = 0; offset < 20; offset += 4) pages.push(await search({ limit: 4, offset }));
    assert.deepEqual(pages.flatMap(ids), ids(whole));
    assert.deepEqual(pages.flatMap(places), places(whole));
    assert.ok(pages.every(({ total }) => total === whole.total));
  });

  test("of items that are filtered out, not chosen, deleted or unknown do not show", async () => {
    await publish(
      rule("r", {
        pins: [
          { itemId: "tea-0", position: 1 },
          { itemId: "gone", position: 2 },
        ],
      }),
    );
    const [brand] = ["Brand 1"];
    const filtered = await search({ filter: { brands: [brand!] } });
    const refined = await search({
      refinements: [{ field: "brand", anyOf: [brand!] }],
      facets: [{ field: "brand" }],
    });
    for (const answer of [filtered, refined]) {
      assert.ok(!ids(answer).includes("tea-0") && !ids(answer).includes("gone"));
      assert.equal(answer.items.length, answer.total);
    }
    // Choosing its brand too would show it, and its brand's count says so.
    const counts = refined.facets![0]!.values;
    assert.equal(counts.find(({ value }) => value === "Brand 0")!.count, 4);
    const [tea] = walkingItems();
    await engine.deleteItems(["tea-0"]);
    assert.ok(!ids(await search()).includes("tea-0"));
    await engine.upsertItems([tea]);
    assert.equal(ids(await search())[0], "tea-0");
  });

  test("give way to an order that the shopper asks for", async () => {
    const order = { sort: { field: "price", order: "ascending" } } as const;
    const before = await search(order);
    await publish(
      rule("r", {
        pins: [{ itemId: "tea-3", position: 1 }],
        boosts: [{ strength: "strong", itemIds: ["kettles-3"] }],
        banners: [{ id: "b" }],
      }),
    );
    const after = await search(order);
    assert.deepEqual(ids(after), ids(before));
    assert.equal(after.total, before.total);
    assert.deepEqual(after.rules!.applied[0]!.effects, ["banner"]);
  });

  test("stand in listings without words and in recommendations, too", async () => {
    const onPage = { contexts: ["category:tea"] };
    await publish(
      rule("r", { pins: [{ itemId: "cups-9", position: 2 }] }, { conditions: [onPage] }),
      rule(
        "feed",
        { pins: [{ itemId: "snacks-3", position: 1 }], hide: ["snacks-4"] },
        { conditions: [{ segments: ["vip"] }], scenarios: ["home-feed"] },
      ),
    );
    const listing = await engine.search({ query: "", limit: 5, ...onPage });
    assert.equal(ids(listing)[1], "cups-9");
    assert.ok(
      !ids(await engine.search({ query: "", limit: 5 }))
        .slice(0, 2)
        .includes("cups-9"),
    );
    const feed = await engine.recommend("home-feed", { limit: 60, segments: ["vip"] });
    assert.equal(ids(feed)[0], "snacks-3");
    assert.ok(!ids(feed).includes("snacks-4"));
    const popular = await engine.recommend("popular", { limit: 60, segments: ["vip"] });
    assert.ok(ids(popular).includes("snacks-4"));
    assert.equal(popular.rules, undefined);
  });

  test("never put an item on its own page", async () => {
    const pins = [
      { itemId: "cups-1", position: 1 },
      { itemId: "snacks-1", position: 2 },
    ];
    const everywhere = rule("r", { pins }, { scenarios: ["similar-items"] });
    const { conditions: _, ...always } = everywhere;
    await publish(always);
    const like = (contextItemId: string) =>
      engine.recommend("similar-items", { contextItemId, limit: 5 });
    assert.deepEqual(ids(await like("cups-2")).slice(0, 2), ["cups-1", "snacks-1"]);
    const own = ids(await like("cups-1"));
    assert.ok(!own.includes("cups-1") && own[1] === "snacks-1");
  });
});

describe("boosting and burying", () => {
  test("move items whatever scores there are, and the change is a contribution", async () => {
    const before = await search({ explain: true });
    const [up, down] = [ids(before)[3]!, ids(before)[0]!];
    await publish(
      rule("up", { boosts: [{ strength: "moderate", itemIds: [up] }] }),
      rule("down", { buries: [{ strength: "weak", itemIds: [down] }] }),
    );
    const after = await search({ explain: true });
    assertExplained(after);
    // Of fifteen, the weakest strength moves the first past the last.
    const others = ids(before).filter((id) => id !== up && id !== down);
    assert.deepEqual(ids(after), [up, ...others, down]);
    const own = after.items[0]!.contributions.find(({ stage }) => stage === "rules")!;
    assert.ok(own.amount > 0);
    assert.deepEqual(own.reason, {
      kind: "rule",
      rule: "Rule up",
      ruleId: "up",
      effect: "boosted",
    });
  });

  test("find items by conditions on any field, in listings too", async () => {
    const dear = { field: "price", min: 900 };
    await publish(
      rule(
        "r",
        { buries: [{ strength: "strong", where: [[{ ...dear, not: true }]] }] },
        { conditions: [{ contexts: ["luxury"] }] },
      ),
    );
    const listing = await engine.search({
      query: "",
      limit: 10,
      contexts: ["luxury"],
      explain: true,
    });
    assertExplained(listing);
    const prices = listing.items.map(({ item }) => item.variants[0]!.price.amount);
    const dearAtAll = walkingItems().filter(({ variants }) => variants[0]!.price.amount >= 900);
    assert.deepEqual(
      prices.slice(0, dearAtAll.length),
      dearAtAll.map(() => 900),
    );
  });
});

describe("filters, hiding and changed queries", () => {
  test("take items out of totals and counts as well", async () => {
    const before = await search({ facets: [{ field: "brand" }] });
    await publish(rule("r", { hide: ["kettles-2"], filter: [[{ field: "price", min: 200 }]] }));
    const after = await search({ facets: [{ field: "brand" }] });
    const kept = walkingItems().filter(
      ({ id, variants }) =>
        id.startsWith("kettles") && id !== "kettles-2" && variants[0]!.price.amount >= 200,
    );
    assert.deepEqual(ids(after).toSorted(), kept.map(({ id }) => id).toSorted());
    assert.equal(after.total, kept.length);
    const sum = after.facets![0]!.values.reduce((total, { count }) => total + count, 0);
    assert.equal(sum, kept.length);
    assert.ok(after.total! < before.total!);
    const values = await engine.searchFacet({ query: "kettles", field: "brand", text: "brand" });
    assert.equal(
      values.reduce((total, { count }) => total + count, 0),
      kept.length,
    );
  });

  test("search for other words than were typed, and log what was typed", async () => {
    await publish(
      rule(
        "r",
        { query: { replace: "cups" } },
        { conditions: [{ query: { match: "is", text: "mugs" } }] },
      ),
    );
    const answer = await search({ query: "Mugs" });
    assert.equal(answer.rules!.query, "cups");
    assert.ok(ids(answer).every((id) => id.startsWith("cups")) && answer.total === 15);
  });

  test("fill in what placeholders stand for", async () => {
    await publish(
      rule(
        "r",
        {
          query: { remove: ["{facet:brand}"] },
          filter: [[{ field: "brand", anyOf: ["{facet:brand}"] }]],
          redirect: { url: "/brands/{facet:brand}" },
        },
        { conditions: [{ query: { match: "contains", text: "{facet:brand}" } }] },
      ),
    );
    const answer = await search({ query: "kettles BRAND 3" });
    assert.equal(answer.rules!.query, "kettles");
    assert.deepEqual(answer.rules!.redirect, { url: "/brands/Brand%203", ruleId: "r" });
    assert.deepEqual(new Set(answer.items.map(({ item }) => item.brand)), new Set(["Brand 3"]));
    assert.equal(answer.total, 3);
    // A brand that came after the snapshot is known as well.
    const [item] = walkingItems();
    await engine.upsertItems([{ ...item!, id: "new", title: "Kettles new", brand: "Acme Works" }]);
    const fresh = await search({ query: "acme works kettles" });
    assert.deepEqual(ids(fresh), ["new"]);
    await engine.deleteItems(["new"]);
  });
});

describe("conditions", () => {
  test("look at tags, segments, language, device and time", async () => {
    const banner = { banners: [{ id: "b", title: "Sale" }] };
    await publish(
      rule("tag", banner, { conditions: [{ contexts: ["sale"] }] }),
      rule("segment", banner, { conditions: [{ segments: ["vip"] }] }),
      rule("locale", banner, { conditions: [{ locales: ["zh"] }] }),
      rule("device", banner, { conditions: [{ devices: ["app"] }] }),
      rule("past", banner, { schedule: { until: "2026-03-01T12:00" } }),
      rule("now", banner, {
        conditions: [{ query: { match: "is", text: "cups" } }],
        schedule: { from: "2026-03-01T20:00", timeZone: "Asia/Shanghai" },
      }),
    );
    const applied = async (more: Partial<SearchOptions>) =>
      (await search(more)).rules?.applied.map(({ id }) => id) ?? [];
    assert.deepEqual(await applied({}), []);
    assert.deepEqual(await applied({ contexts: ["x", "sale"] }), ["tag"]);
    assert.deepEqual(await applied({ segments: ["vip"], locale: "zh-CN" }), ["segment", "locale"]);
    assert.deepEqual(await applied({ device: "app" }), ["device"]);
    assert.deepEqual(await applied({ query: "cups" }), ["now"]);
  });
});

describe("draft and publication", () => {
  test("a draft changes no answer but those that ask for it, which are not logged", async () => {
    await engine.rules.saveDraft([rule("r", { pins: [{ itemId: "tea-1", position: 1 }] })], by);
    assert.notEqual(ids(await search())[0], "tea-1");
    const trial = await search({ rules: "draft" });
    assert.equal(ids(trial)[0], "tea-1");
    const { revision } = await engine.rules.draft();
    assert.deepEqual(trial.rules!.source, { state: "draft", revision });
    const { version } = await engine.rules.publish(by);
    const published = await search();
    assert.deepEqual(published.rules!.source, { state: "published", version });
    assert.equal(
      published.pipeline,
      `${(await search({ rules: "off" })).pipeline} rules/${version}`,
    );
    assert.notEqual(ids(await search({ rules: "off" }))[0], "tea-1");
  });

  test("rolling back brings the rules of a version and its draft back", async () => {
    const first = rule("first", { pins: [{ itemId: "tea-1", position: 1 }] });
    await engine.rules.saveDraft([first], by);
    const { version } = await engine.rules.publish({ ...by, note: "spring" });
    await publish(rule("second", { pins: [{ itemId: "cups-1", position: 1 }] }));
    assert.equal(ids(await search())[0], "cups-1");
    const restored = await engine.rules.rollBack(version, by);
    assert.deepEqual([restored.restores, restored.rules], [version, [first]]);
    assert.equal(ids(await search())[0], "tea-1");
    assert.deepEqual((await engine.rules.draft()).rules, [first]);
    const [newest, , oldest] = await engine.rules.versions();
    assert.deepEqual([newest!.restores, oldest!.note], [version, "spring"]);
    await assert.rejects(engine.rules.rollBack(9_999, by), { code: "UNKNOWN_RULES_VERSION" });
  });

  test("one rule is put at its place, added or taken out, on the draft that was seen", async () => {
    const [a, b] = [rule("a", { hide: ["x"] }), rule("b", { hide: ["x"] })];
    const { revision } = await engine.rules.saveDraft([a, b], by);
    const changed = { ...a, name: "Other" };
    const put = await engine.rules.put(changed, { ...by, ifRevision: revision });
    assert.deepEqual([put.isNew, put.draft.rules], [false, [changed, b]]);
    const added = await engine.rules.put(rule("c", { hide: ["x"] }), by);
    assert.deepEqual([added.isNew, added.draft.rules.map(({ id }) => id)], [true, ["a", "b", "c"]]);
    await assert.rejects(engine.rules.delete("b", { ...by, ifRevision: revision }), {
      code: "RULES_CHANGED",
    });
    assert.deepEqual((await engine.rules.delete("b", by)).rules.length, 2);
    await assert.rejects(engine.rules.delete("b", by), { code: "UNKNOWN_RULE" });
    await assert.rejects(engine.rules.rule("b"), { code: "UNKNOWN_RULE" });
    assert.deepEqual(await engine.rules.rule("a"), changed);
    const twice = [a, { ...b, id: "a" }];
    await assert.rejects(engine.rules.saveDraft(twice, by), { code: "INVALID_RULES" });
  });

  test("checking tells of items and fields that the catalogue does not have", async () => {
    const rules = [
      rule("r", { hide: ["kettles-1", "gone"], filter: [[{ field: "attributes.no", min: 1 }]] }),
    ];
    const conflicts = await engine.rules.check(rules);
    assert.deepEqual(
      conflicts.map(({ kind }) => kind),
      ["unknown-item", "unknown-field"],
    );
    assert.deepEqual(await engine.rules.check(), []);
  });

  test("changes at the same time are all kept", async () => {
    await engine.rules.saveDraft([], by);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => engine.rules.put(rule(`r${i}`, { hide: ["x"] }), by)),
    );
    assert.equal((await engine.rules.draft()).rules.length, 20);
  });

  test("what is in force is in force after reopening", async () => {
    await publish(rule("r", { pins: [{ itemId: "tea-1", position: 1 }] }));
    await engine.close();
    engine = await open();
    assert.equal(ids(await search())[0], "tea-1");
  });
});

test("whatever rules ask for, pages fit together, totals count what is shown and sums hold", async () => {
  const items = walkingItems();
  const itemIds = [...items.map(({ id }) => id), "gone"];
  const anyId = fc.constantFrom(...itemIds);
  const anyBrand = fc.constantFrom("Brand 0", "Brand 1", "Brand 2");
  const anyTarget = fc.oneof(
    fc.record({ strength: fc.constantFrom(...ruleStrengths), itemIds: fc.tuple(anyId) }),
    fc.record({
      strength: fc.constantFrom(...ruleStrengths),
      where: anyBrand.map((brand) => [[{ field: "brand", anyOf: [brand] }]]),
    }),
  );
  const anyActions = fc.record(
    {
      pins: fc.uniqueArray(
        fc.record({ itemId: anyId, position: fc.integer({ min: 1, max: 80 }) }),
        {
          minLength: 1,
          maxLength: 6,
          selector: ({ itemId }) => itemId,
        },
      ),
      hide: fc.uniqueArray(anyId, { minLength: 1, maxLength: 3 }),
      boosts: fc.array(anyTarget, { minLength: 1, maxLength: 2 }),
      buries: fc.array(anyTarget, { minLength: 1, maxLength: 2 }),
      filter: anyBrand.map((brand) => [[{ field: "brand", anyOf: [brand], not: true }]]),
    },
    { requiredKeys: ["pins"] },
  );
  const brandOf = new Map(items.map(({ id, brand }) => [id, brand]));
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyActions, { minLength: 1, maxLength: 3 }),
      fc.constantFrom("kettles", "", "tea number", "zzzz"),
      fc.option(anyBrand, { nil: undefined }),
      fc.integer({ min: 5, max: 30 }),
      async (actions, query, brand, limit) => {
        // Two pins of one rule to one place are refused: rules of one pin each have their places.
        const rules = actions.flatMap(({ pins, ...others }, i) => [
          rule(
            `r${i}`,
            { banners: [{ id: "b" }], ...others },
            { conditions: [{ contexts: ["x"] }] },
          ),
          ...pins.map((pin, n) =>
            rule(`r${i}-${n}`, { pins: [pin] }, { conditions: [{ contexts: ["x"] }] }),
          ),
        ]);
        await engine.rules.saveDraft(rules, by);
        const ask = {
          query,
          rules: "draft",
          contexts: ["x"],
          explain: true,
          facets: [{ field: "brand" }],
          ...(brand !== undefined && { refinements: [{ field: "brand", anyOf: [brand] }] }),
        } as const;
        const whole = await engine.search({ ...ask, limit: 100 });
        assertExplained(whole);
        assert.equal(whole.total, whole.items.length);
        assert.equal(new Set(ids(whole)).size, whole.items.length);
        const hidden = new Set(actions.flatMap(({ hide = [] }) => hide));
        const barred = new Set<string | undefined>(
          actions.flatMap(({ filter = [] }) => filter.flatMap(([test]) => test!.anyOf)),
        );
        const passes = (id: string) =>
          brandOf.has(id) &&
          !hidden.has(id) &&
          !barred.has(brandOf.get(id)) &&
          (brand === undefined || brandOf.get(id) === brand);
        assert.ok(ids(whole).every(passes));
        for (const { itemId } of actions.flatMap(({ pins }) => pins)) {
          assert.equal(ids(whole).includes(itemId), passes(itemId));
        }
        const chosen = whole.facets![0]!.values.find(({ value }) => value === brand)?.count ?? 0;
        if (brand !== undefined) assert.equal(chosen, whole.total);
        const pages: string[] = [];
        for (let offset = 0; offset < whole.items.length; offset += limit) {
          pages.push(...ids(await engine.search({ ...ask, limit, offset })));
        }
        assert.deepEqual(pages, ids(whole));
      },
    ),
    { numRuns: 60 },
  );
});

test("an explanation tells which rules applied, and what kept the others", async () => {
  await publish(
    rule("elsewhere", { hide: ["tea-1"] }, { conditions: [{ contexts: ["sale"] }] }),
    rule("pin", { pins: [{ itemId: "tea-1", position: 1 }], hide: ["kettles-1"] }),
    rule("late", { pins: [{ itemId: "tea-1", position: 9 }] }),
  );
  const explained = await engine.explainSearch({
    query: "kettles",
    itemIds: ["tea-1", "kettles-1"],
  });
  assert.deepEqual(
    explained.rules!.rules.map(({ id, state, effects, obstacles }) => [
      id,
      state,
      effects,
      obstacles,
    ]),
    [
      ["pin", "applied", ["pin", "hide"], []],
      ["late", "held", [], []],
      ["elsewhere", "passed-over", [], ["context"]],
    ],
  );
  const [pinned, hidden] = explained.items;
  assert.deepEqual([pinned!.state, pinned!.position], ["shown", 1]);
  assert.equal(hidden!.state, "hidden");
});

describe("suggestions while typing", () => {
  const suggest = (query: string, more: object = {}) =>
    engine.suggest({ query, limit: 5, ...more });
  const productsOf = async (query: string) => (await suggest(query)).products.map(({ id }) => id);

  test("are none of what a search for what is typed hides", async () => {
    const before = await productsOf("kettles num");
    assert.equal(before.length, 5);
    await publish(rule("r", { hide: [before[0]!, before[2]!] }));
    const after = await productsOf("kettles num");
    assert.equal(after.length, 5, "others take their places");
    assert.ok(!after.includes(before[0]!) && !after.includes(before[2]!));
    assert.ok((await productsOf("kettl")).includes(before[0]!), "the rule is about kettles");
    await publish(rule("r", { filter: [[{ field: "brand", anyOf: ["Brand 1"] }]] }));
    for (const { brand } of (await suggest("kettles num")).products) assert.equal(brand, "Brand 1");
  });

  test("offer pages that rules lead to, as soon as their words begin", async () => {
    const repair = { url: "https://shop.example/repair" };
    const is = (text: string, more: object = {}) => [
      { query: { match: "is", text } as const, ...more },
    ];
    await publish(
      rule(
        "first",
        { redirect: repair },
        { conditions: is("Kettle repair", { segments: ["vip"] }) },
      ),
      rule("second", { redirect: { url: "/help" } }, { conditions: is("kettle repair") }),
      rule("third", { redirect: { url: "/gifts" } }, { conditions: is("礼品卡") }),
      rule("off", { redirect: { url: "/x" } }, { conditions: is("kettle x"), enabled: false }),
      rule("any", { redirect: { url: "/y" } }, { conditions: is("kettle {facet:brand}") }),
    );
    const offered = async (query: string, more: object = {}) =>
      (await suggest(query, more)).redirects;
    assert.deepEqual(await offered("KETTLE r"), [{ text: "kettle repair", url: "/help" }]);
    assert.deepEqual(await offered("kett", { segments: ["vip"] }), [
      { text: "Kettle repair", ...repair },
    ]);
    assert.deepEqual(await offered("礼品"), [{ text: "礼品卡", url: "/gifts" }]);
    for (const none of ["kettle repairs", "repair", ""]) assert.deepEqual(await offered(none), []);
  });
});
