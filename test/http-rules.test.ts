import assert from "node:assert/strict";
import {
  createClient,
  MagpieClientError,
  type Client,
  type RankingResponse,
  type Rule,
} from "@magpie/client";
import { afterAll, afterEach, beforeAll, describe, test } from "vitest";
import { call, openHttpShop, problemOf, send, type HttpShop } from "./http-shop.ts";

/** Merchandisers' rules over HTTP: worked on, tried, published, taken back, and what pages see of them. */
describe("rules over HTTP", () => {
  let shop: HttpShop;
  /** A merchandiser's key, and that of a web page. */
  let merchandiser: Client;
  let page: Client;
  let items: string[];

  const idsOf = (answer: RankingResponse) => answer.items.map(({ item }) => item.id);
  const rule = (id: string, actions: Rule["actions"], parts: Partial<Rule> = {}): Rule => ({
    id,
    name: `Rule ${id}`,
    actions,
    ...parts,
  });
  const json = ["content-type", "application/json"] as const;
  const withKey = (key: keyof HttpShop["keys"]) =>
    ["authorization", `Bearer ${shop.keys[key]}`] as const;

  beforeAll(async () => {
    shop = await openHttpShop({ isTrained: true });
    const baseUrl = shop.server.url;
    merchandiser = createClient({ baseUrl, apiKey: shop.keys.rules });
    page = createClient({ baseUrl, apiKey: shop.keys.read });
    items = idsOf(await page.search({ query: "", limit: 10 }));
  }, 120_000);
  afterEach(async () => {
    await merchandiser.saveRules([]);
    await merchandiser.publishRules();
  });
  afterAll(() => shop?.close());

  test("a draft is put together, checked, published and taken back", async () => {
    const { revision } = await merchandiser.rulesDraft();
    const pin = rule("pin", { pins: [{ itemId: items[5]!, position: 1 }] });
    assert.deepEqual(await merchandiser.putRule(pin), { revision: revision + 1, size: 1 });
    const hide = rule("hide", { hide: [items[5]!] });
    assert.deepEqual(await merchandiser.putRule(hide, { ifRevision: revision + 1 }), {
      revision: revision + 2,
      size: 2,
    });
    assert.deepEqual(await merchandiser.rule("hide"), hide);
    const { conflicts } = await merchandiser.checkRules();
    assert.deepEqual(
      conflicts.map(({ kind, ruleIds }) => [kind, ruleIds]),
      [["pin-and-hide", ["pin", "hide"]]],
    );
    assert.equal((await merchandiser.deleteRule("hide")).size, 1);
    assert.deepEqual((await merchandiser.checkRules()).conflicts, []);
    assert.deepEqual((await merchandiser.rulesDraft()).rules, [pin]);

    assert.equal(idsOf(await page.search({ query: "" }))[0], items[0]);
    const published = await merchandiser.publishRules({ note: "first" });
    assert.deepEqual([published.size, published.note], [1, "first"]);
    const answer = await page.search({ query: "" });
    assert.equal(idsOf(answer)[0], items[5]);
    assert.deepEqual(answer.rules, {
      version: published.version,
      applied: [{ id: "pin", name: "Rule pin", effects: ["pin"] }],
    });

    await merchandiser.saveRules([]);
    await merchandiser.publishRules();
    assert.equal((await page.search({ query: "" })).rules, undefined);
    const restored = await merchandiser.rollBackRules({ version: published.version });
    assert.equal(restored.restores, published.version);
    assert.equal(idsOf(await page.search({ query: "" }))[0], items[5]);
    const { versions } = await merchandiser.ruleVersions();
    assert.deepEqual(versions[0], restored);
    assert.deepEqual((await merchandiser.ruleVersion(restored.version)).rules, [pin]);
  });

  test("the draft is tried by those who may, and changes nothing for others", async () => {
    await merchandiser.saveRules([rule("pin", { pins: [{ itemId: items[4]!, position: 1 }] })]);
    const all = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.all });
    const trial = await all.search({ query: "", rules: "draft" });
    assert.equal(idsOf(trial)[0], items[4]);
    assert.equal(trial.rules!.draftRevision, (await merchandiser.rulesDraft()).revision);
    assert.equal(idsOf(await page.search({ query: "" }))[0], items[0]);
    const refused = { code: "INSUFFICIENT_SCOPE", status: 403 };
    await assert.rejects(page.search({ query: "", rules: "draft" }), refused);
    await assert.rejects(page.search({ query: "", rules: "off" }), refused);
    await assert.rejects(page.multiSearch([{ query: "", rules: "draft" }]), refused);
    await assert.rejects(page.recommend("popular", { rules: "draft" }), refused);
    await assert.rejects(page.similar({ itemId: items[0]!, rules: "draft" }), refused);
    await assert.rejects(page.searchFacet("brand", { text: "", rules: "draft" }), refused);
    await assert.rejects(
      page.explainSearch({ query: "", itemIds: items.slice(0, 1), rules: "draft" }),
      refused,
    );
  });

  test("a page is told of redirects, banners and data, by the tags that it sends", async () => {
    const when = { conditions: [{ contexts: ["sale"], devices: ["mobile" as const] }] };
    await merchandiser.saveRules([
      rule("away", { redirect: { url: "/sale" } }, when),
      rule("beside", { banners: [{ id: "b", title: "Sale" }], data: { colour: "red" } }, when),
    ]);
    const { version } = await merchandiser.publishRules();
    const expected = {
      version,
      applied: [
        { id: "away", name: "Rule away", effects: ["redirect"] },
        { id: "beside", name: "Rule beside", effects: ["banner", "data"] },
      ],
      redirect: { url: "/sale", ruleId: "away" },
      banners: [{ id: "b", title: "Sale", ruleId: "beside" }],
      data: [{ ruleId: "beside", data: { colour: "red" } }],
    };
    const tags = { contexts: ["sale"], device: "mobile" as const };
    const answer = await page.search({ query: "", ...tags });
    assert.deepEqual(answer.rules, expected);
    assert.ok(answer.items.length > 0);
    const got = await call(shop, "read", "/v1/search?query=&context=sale&device=mobile");
    assert.deepEqual(((await got.json()) as RankingResponse).rules, expected);
    assert.equal((await page.search({ query: "", contexts: ["sale"] })).rules, undefined);
  });

  test("an explanation tells of rules to those who may know them", async () => {
    await merchandiser.saveRules([
      rule("pin", { pins: [{ itemId: items[2]!, position: 1 }] }),
      rule("secret", { hide: ["x"] }, { conditions: [{ segments: ["vip"] }] }),
    ]);
    await merchandiser.publishRules();
    const asked = { query: "", itemIds: [items[2]!] };
    const all = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.all });
    const told = await all.explainSearch(asked);
    assert.deepEqual(
      told.rules!.rules.map(({ id, state, obstacles }) => [id, state, obstacles]),
      [
        ["pin", "applied", []],
        ["secret", "passed-over", ["segment"]],
      ],
    );
    const { rules, ...rest } = told;
    assert.deepEqual(await page.explainSearch(asked), rest);
    assert.equal(rules!.total, 2);
  });

  test("needs the scope rules for everything", async () => {
    for (const [method, path, body] of [
      ["GET", "/v1/rules/draft"],
      ["PUT", "/v1/rules/draft", { rules: [] }],
      ["GET", "/v1/rules/draft/x"],
      ["PUT", "/v1/rules/draft/x", { id: "x" }],
      ["DELETE", "/v1/rules/draft/x"],
      ["POST", "/v1/rules/check", {}],
      ["POST", "/v1/rules/publish", {}],
      ["POST", "/v1/rules/rollback", { version: 1 }],
      ["GET", "/v1/rules/versions"],
      ["GET", "/v1/rules/versions/1"],
    ] as const) {
      for (const key of ["read", "catalog", "admin"] as const) {
        const answer = await call(shop, key, path, body, method);
        assert.equal(answer.status, 403, `${method} ${path} with ${key}`);
      }
    }
  });

  test("a change of a draft that is another one by now is refused", async () => {
    const { revision } = await merchandiser.saveRules([rule("a", { hide: ["x"] })]);
    const code = "RULES_CHANGED";
    const old = { ifRevision: revision - 1 };
    await assert.rejects(merchandiser.saveRules([], old), { code, status: 412 });
    await assert.rejects(merchandiser.deleteRule("a", old), { code });
    await assert.rejects(merchandiser.publishRules({}, old), { code });
    const remove = (etag: string) =>
      send(shop.server.port, {
        method: "DELETE",
        path: "/v1/rules/draft/a",
        headers: [withKey("rules"), ["if-match", etag]],
      });
    const draft = await call(shop, "rules", "/v1/rules/draft");
    assert.equal(draft.headers.get("etag"), `"${revision}"`);
    assert.equal((await remove(`"${revision - 1}"`)).status, 412);
    const broken = await remove("W/abc");
    assert.equal(broken.status, 400);
    assert.equal(problemOf(broken.text).errors![0]!.field, "If-Match");
    const removed = await remove(`"${revision}"`);
    assert.equal(removed.status, 200);
    assert.equal(removed.headers["etag"], `"${revision + 1}"`);
  });

  test("every problem of rules that cannot be taken is told with its place", async () => {
    const before = await merchandiser.rulesDraft();
    const wrong = [
      rule("a", { redirect: { url: "javascript:alert(1)" } }),
      rule("a", { hide: ["x"] }, { schedule: { from: "2026-02-31T00:00" } }),
      { id: "b", name: "B", actions: { pins: [{ itemId: "x", position: 0 }] } },
    ];
    const answer = await call(shop, "rules", "/v1/rules/draft", { rules: wrong }, "PUT");
    assert.equal(answer.status, 400);
    const problem = problemOf(await answer.text());
    assert.equal(problem.code, "INVALID_RULES");
    assert.deepEqual(
      problem.errors!.map(({ field }) => field),
      [
        "rules[0].actions.redirect.url",
        "rules[1].id",
        "rules[1].schedule.from",
        "rules[2].actions.pins[0].position",
      ],
    );
    const one = await call(shop, "rules", "/v1/rules/draft/b", wrong[2], "PUT");
    assert.equal(problemOf(await one.text()).errors![0]!.field, "actions.pins[0].position");
    const named = await call(shop, "rules", "/v1/rules/draft/c", wrong[1], "PUT");
    assert.equal(problemOf(await named.text()).errors![0]!.field, "id");
    assert.deepEqual(await merchandiser.rulesDraft(), before);
  });

  test.each([
    ["a rule that is a list", "PUT", "/v1/rules/draft/x", "[]", 400, "INVALID_REQUEST"],
    ["rules that are no list", "PUT", "/v1/rules/draft", '{"rules":{}}', 400, "INVALID_REQUEST"],
    ["no body", "PUT", "/v1/rules/draft", undefined, 400, "EMPTY_BODY"],
    ["a version of words", "GET", "/v1/rules/versions/new", undefined, 400, "INVALID_REQUEST"],
    [
      "an unknown version",
      "GET",
      "/v1/rules/versions/999",
      undefined,
      404,
      "UNKNOWN_RULES_VERSION",
    ],
    [
      "going back to nothing",
      "POST",
      "/v1/rules/rollback",
      '{"version":999}',
      404,
      "UNKNOWN_RULES_VERSION",
    ],
    ["an unknown rule", "DELETE", "/v1/rules/draft/nope", undefined, 404, "UNKNOWN_RULE"],
    [
      "a revision of words",
      "DELETE",
      "/v1/rules/draft/x?ifRevision=a",
      undefined,
      400,
      "INVALID_REQUEST",
    ],
    [
      "an unknown choice",
      "POST",
      "/v1/search",
      '{"query":"","rules":"all"}',
      400,
      "INVALID_REQUEST",
    ],
  ] as const)("%s is refused", async (_, method, path, body, status, code) => {
    const answer = await send(shop.server.port, {
      method,
      path,
      headers: [withKey("all"), json],
      ...(body !== undefined && { body }),
    });
    assert.equal(answer.status, status, answer.text);
    assert.equal(problemOf(answer.text).code, code);
  });

  test("ten thousand rules are taken in one call", async () => {
    const many = Array.from({ length: 10_000 }, (_, i) =>
      rule(
        `r${i}`,
        { hide: [`x${i}`] },
        {
          conditions: [{ query: { match: "contains", text: `word${i}` } }],
        },
      ),
    );
    assert.equal((await merchandiser.saveRules(many)).size, 10_000);
    await merchandiser.publishRules();
    const answer = await page.search({ query: "word77 mug" });
    assert.deepEqual(
      answer.rules!.applied.map(({ id }) => id),
      ["r77"],
    );
    await assert.rejects(merchandiser.putRule(rule("more", { hide: ["x"] })), (error) => {
      assert.ok(error instanceof MagpieClientError);
      return error.code === "INVALID_RULES" && /10001/.test(error.message);
    });
  });
});
