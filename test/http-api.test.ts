import { errorCodes, routes, type Route, type RouteId } from "@magpie/contract";
import { compile } from "@magpie/domain";
import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, test } from "vitest";
import { testItem } from "./http-engine.ts";
import { call, openHttpShop, problemOf, send, type HttpShop } from "./http-shop.ts";

let shop: HttpShop;
beforeAll(async () => {
  shop = await openHttpShop({ isTrained: true });
});
afterAll(() => shop.close());

/** Calls an operation, checks its status and that the answer follows the contract, and gives it. */
async function answerOf<T>(id: RouteId, path: string, body?: unknown): Promise<T> {
  const route: Route = routes[id];
  const answer = await call(shop, "all", path, body, route.method);
  const text = await answer.text();
  const known = route.answers[answer.status];
  assert.ok(known !== undefined, `${id} answered ${answer.status}: ${text}`);
  assert.ok(
    answer.headers.get("content-type")!.startsWith(known.contentType ?? "application/json"),
  );
  const value = JSON.parse(text) as T;
  assert.deepEqual(compile(known.schema!)(value), { ok: true, value }, id);
  return value;
}

interface Ranking {
  queryId: string;
  scenario: string;
  items: { item: { id: string }; position: number; score: number; reasons: { amount: number }[] }[];
  total?: number;
}

describe("every operation answers as the contract says", () => {
  test("catalogue", async () => {
    await answerOf("upsertItems", "/v1/items", { items: [testItem("jug")] });
    const item = await answerOf<{ id: string }>("getItem", "/v1/items/jug");
    assert.equal(item.id, "jug");
    const found = await answerOf<{ items: { id: string }[]; missing: string[] }>(
      "getItems",
      "/v1/items?ids=nope&ids=jug&ids=mug&ids=jug",
    );
    assert.deepEqual(
      found.items.map(({ id }) => id),
      ["jug", "mug"],
    );
    assert.deepEqual(found.missing, ["nope"]);
    await answerOf("deleteItem", "/v1/items/jug");
    assert.equal((await call(shop, "read", "/v1/items/jug")).status, 404);
    await answerOf("categories", "/v1/categories?locale=zh-CN");
    await answerOf("shops", "/v1/shops");
    await answerOf("promotions", "/v1/promotions");
  });

  test("ids with every kind of character come back whole", async () => {
    for (const id of ["a/b", "a b", "50%", "喜鹊", "'; --", "a?b#c", "a+b", "a%2Fb", "😀"]) {
      await answerOf("upsertItems", "/v1/items", { items: [testItem(id)] });
      const path = `/v1/items/${encodeURIComponent(id)}`;
      assert.equal((await answerOf<{ id: string }>("getItem", path)).id, id);
      await answerOf("deleteItem", path);
    }
  });

  test("ranking", async () => {
    const feed = await answerOf<Ranking>("recommend", "/v1/recommend/home-feed", {
      userId: "u",
      limit: 2,
      explain: true,
    });
    assert.equal(feed.scenario, "home-feed");
    assert.deepEqual(
      feed.items.map(({ position }) => position),
      feed.items.map((_, i) => i + 1),
    );
    assert.ok(feed.items.length > 0);
    for (const { score, reasons } of feed.items) {
      assert.ok(reasons.length > 0);
      const sum = reasons.reduce((total, { amount }) => total + amount, 0);
      assert.ok(Math.abs(sum - score) < 1e-6, `${sum} is not ${score}`);
    }
    const quiet = await answerOf<Ranking>("recommend", "/v1/recommend/home-feed", {});
    assert.ok(quiet.items.every(({ reasons }) => reasons.length === 0));
    await answerOf("similar", "/v1/similar/mug?limit=1&explain=true&available=true&maxPrice=5000");
    await answerOf("postSimilar", "/v1/similar", { itemId: "mug", limit: 1 });
    const found = await answerOf<Ranking>("search", "/v1/search?query=mug&limit=5");
    assert.ok(found.items.some(({ item }) => item.id === "mug"));
    await answerOf("postSearch", "/v1/search", { query: "mug", locale: "en", filter: {} });
    const marked = await answerOf<{
      items: { highlights: { title: { value: string; matchLevel: string } } }[];
    }>("postSearch", "/v1/search", { query: "mug", highlight: { open: "«", close: "»" } });
    const { title } = marked.items.find(
      (hit) => hit.highlights.title.value === "A «mug»",
    )!.highlights;
    assert.equal(title.matchLevel, "full");
    const kettles = await answerOf<Ranking>("search", "/v1/search?query=kettle&limit=1");
    const { results } = await answerOf<{ results: Ranking[] }>("multiSearch", "/v1/multi-search", {
      searches: [
        { query: "kettle", limit: 1 },
        { query: "mug", limit: 5 },
        { query: "mug", filter: { categories: ["no such"] } },
      ],
    });
    assert.deepEqual(
      results.map(({ items }) => items.map(({ item }) => item.id)),
      [kettles.items.map(({ item }) => item.id), found.items.map(({ item }) => item.id), []],
    );
    assert.equal(new Set(results.map(({ queryId }) => queryId)).size, 3);
    await answerOf("scenarios", "/v1/scenarios");
  });

  test("a stranger is answered, and so is a request without a body", async () => {
    await answerOf("recommend", "/v1/recommend/home-feed", { userId: "never seen before" });
    await answerOf("recommend", "/v1/recommend/home-feed");
  });

  test("people", async () => {
    const event = { eventId: "p1", type: "view", userId: "pia", items: [{ itemId: "mug" }] };
    await answerOf("postEvents", "/v1/events", { events: [event] });
    const { events } = await answerOf<{ events: object[] }>("userEvents", "/v1/users/pia/events");
    assert.equal(events.length, 1);
    await answerOf("users", "/v1/users?limit=5");

    const lines = await (await call(shop, "users", "/v1/users/pia/export")).text();
    const check = compile(routes.exportUser.answers[200].schema);
    for (const line of lines.trimEnd().split("\n")) assert.ok(check(JSON.parse(line)).ok, line);
    assert.match(lines, /"eventId":"p1"/);

    const erased = await answerOf<{ events: number }>("eraseUser", "/v1/users/pia");
    assert.equal(erased.events, 1);
    assert.equal(await (await call(shop, "users", "/v1/users/pia/export")).text(), "");
    await answerOf("eraseUser", "/v1/users/pia"); // again: nothing is left, and that is no error
  });

  test("snapshots, keys and what describes the server", async () => {
    await answerOf("snapshots", "/v1/snapshots");
    await answerOf("keys", "/v1/keys");
    await answerOf("health", "/v1/health");
    await answerOf("live", "/v1/health/live");
    await answerOf("ready", "/v1/health/ready");
    await answerOf("openapi", "/v1/openapi.json");
    const { errors } = await answerOf<{ errors: object[] }>("errors", "/v1/errors");
    assert.equal(errors.length, Object.keys(errorCodes).length);
    await answerOf("error", "/v1/errors/UNKNOWN_ITEM");
  });

  test("the type of a problem leads to its description", async () => {
    const answer = await call(shop, "read", "/v1/items/no-such");
    const { type } = problemOf(await answer.text());
    const description = await fetch(new URL(type, shop.server.url));
    assert.equal(((await description.json()) as { code: string }).code, "UNKNOWN_ITEM");
  });
});

describe("events", () => {
  const view = { type: "view", userId: "ann", items: [{ itemId: "mug" }] };

  test("count once, however often they are sent", async () => {
    const event = { ...view, eventId: "once" };
    for (const expected of ["stored", "duplicate"]) {
      const { results } = await answerOf<{ results: { status: string }[] }>(
        "postEvents",
        "/v1/events",
        { events: [event] },
      );
      assert.equal(results[0]!.status, expected);
    }
  });

  test("come as text/plain with the key in the address, as beacons do", async () => {
    const answer = await fetch(`${shop.server.url}/v1/events?key=${shop.keys.events}`, {
      method: "POST",
      body: JSON.stringify({ events: [{ ...view, eventId: "beacon" }] }), // a string is text/plain
    });
    assert.equal(answer.status, 202);
  });

  test("get an id when they bring none", async () => {
    const { results } = await answerOf<{ results: { eventId: string }[] }>(
      "postEvents",
      "/v1/events",
      { events: [view] },
    );
    assert.ok(results[0]!.eventId.length > 8);
  });
});

describe("an NDJSON catalogue", () => {
  const upload = (lines: readonly string[]) =>
    fetch(`${shop.server.url}/v1/items`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${shop.keys.catalog}`,
        "content-type": "application/x-ndjson",
      },
      body: lines.join("\n"),
    });

  test("is answered line by line, and the good lines are stored", async () => {
    const lines = Array.from({ length: 1_203 }, (_, i) => JSON.stringify(testItem(`n${i}`)));
    lines[700] = "{broken";
    lines[701] = JSON.stringify({ ...testItem("n701"), title: 7 });
    lines[702] = "";
    const answer = await upload(lines);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type")!, /^application\/x-ndjson/);
    const results = (await answer.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { line?: number; status?: string; field?: string });
    assert.deepEqual(results.at(-1), { summary: { lines: 1_202, stored: 1_200, refused: 2 } });
    const refused = results.filter(({ status }) => status === "refused");
    assert.deepEqual(
      refused.map(({ line, field }) => [line, field]),
      [
        [701, ""],
        [702, "title"],
      ],
    );
    assert.equal(results[702]!.line, 704); // the blank line counts, and has no result
    assert.equal((await call(shop, "read", "/v1/items/n1202")).status, 200);
  });

  test("that is too large is refused, and what came before is said", async () => {
    const small = await openHttpShop({ limits: { maxCatalogBytes: 200_000 } });
    const lines = Array.from({ length: 3_000 }, (_, i) => JSON.stringify(testItem(`n${i}`)));
    const answer = await fetch(`${small.server.url}/v1/items`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${small.keys.catalog}`,
        "content-type": "application/x-ndjson",
      },
      body: lines.join("\n"),
    });
    assert.equal(answer.status, 413);
    assert.match(problemOf(await answer.text()).detail, /first \d{3,} items are stored/);
    await small.close();
  });
});

describe("headers", () => {
  test("tell the request, the query and the time of each stage", async () => {
    const answer = await call(shop, "read", "/v1/recommend/home-feed", {});
    const { queryId } = (await answer.json()) as Ranking;
    assert.equal(answer.headers.get("x-query-id"), queryId);
    assert.match(answer.headers.get("x-request-id")!, /^[\da-f-]{36}$/);
    assert.match(
      answer.headers.get("server-timing")!,
      /^[\w.-]+;dur=\d+\.\d\d(, [\w.-]+;dur=\d+\.\d\d)*$/,
    );
  });

  test("keep a caller's own request id, unless it could break a log", async () => {
    const idOf = async (id: string) =>
      (await send(shop.server.port, { path: "/v1/health", headers: [["x-request-id", id]] }))
        .headers["x-request-id"];
    assert.equal(await idOf("trace-1.2_3"), "trace-1.2_3");
    assert.match(String(await idOf("a b")), /^[\da-f-]{36}$/);
    assert.match(String(await idOf("x".repeat(65))), /^[\da-f-]{36}$/);
  });

  test("forbid browsers to guess, frame and load", async () => {
    for (const path of ["/v1/health", "/v1/nothing", "/docs/", "/"]) {
      const { headers } = await send(shop.server.port, {
        path,
        headers: [["accept", "text/html"]],
      });
      assert.equal(headers["x-content-type-options"], "nosniff", path);
      assert.equal(headers["x-frame-options"], "DENY", path);
      assert.match(String(headers["content-security-policy"]), /default-src '(none|self)'/, path);
      assert.ok(!String(headers["content-security-policy"]).includes("unsafe-eval"), path);
    }
  });
});

describe("metrics", () => {
  test("count requests, latency, stages, events, the snapshot's age and the event loop's lag", async () => {
    await call(shop, "read", "/v1/recommend/home-feed", {});
    const answer = await call(shop, "admin", "/v1/metrics");
    assert.match(answer.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    for (const line of [
      /^magpie_http_requests_total\{route="recommend",status="200"\} [1-9]/m,
      /^magpie_http_request_seconds_bucket\{le="0\.25",route="recommend"\} [1-9]/m,
      /^magpie_stage_seconds_count\{scenario="home-feed",stage="[\w.-]+"\} [1-9]/m,
      /^magpie_events_total\{outcome="stored"\} [1-9]/m,
      /^magpie_events_total\{outcome="duplicate"\} 1$/m,
      /^magpie_catalog_items [1-9]/m,
      /^magpie_snapshot_age_seconds \d/m,
      /^nodejs_eventloop_lag_seconds\{quantile="0\.99"\} \d/m,
      /^process_resident_memory_bytes [1-9]\d{6}/m,
    ]) {
      assert.match(text, line);
    }
    assert.ok(!text.includes("never seen"), "no ids in labels");
  });
});

describe("pages", () => {
  const page = (path: string, accept = "text/html") =>
    send(shop.server.port, { path, headers: [["accept", accept]] });

  test("the storefront's addresses all give its page", async () => {
    for (const path of ["/", "/item/a%2Fb", "/search?q=mug", "/cart"]) {
      const answer = await page(path);
      assert.equal(answer.status, 200, path);
      assert.match(answer.text, /<title>shop/, path);
      assert.equal(answer.headers["cache-control"], "no-cache");
      assert.match(String(answer.headers["content-security-policy"]), /script-src 'self';/);
    }
  });

  test("hashed assets are kept for ever", async () => {
    const answer = await page("/assets/app-1a2b.js");
    assert.equal(answer.status, 200);
    assert.match(String(answer.headers["cache-control"]), /immutable/);
  });

  test("a missing asset, and what programs ask for, is not answered with the page", async () => {
    for (const [path, accept] of [
      ["/assets/gone.js", "*/*"],
      ["/logo.png", "text/html"],
      ["/item/1", "application/json"],
      ["/v1/none", "text/html"],
    ] as const) {
      const answer = await page(path, accept);
      assert.equal(answer.status, 404, path);
      assert.equal(problemOf(answer.text).code, "UNKNOWN_ROUTE");
    }
  });

  test("the documentation needs no other host", async () => {
    const html = await page("/docs/");
    assert.equal(html.status, 200);
    assert.ok(!/(src|href)="(https?:)?\/\//.test(html.text), "all files are the server's own");
    const bundle = await page("/docs/static/swagger-ui-bundle.js");
    assert.equal(bundle.status, 200);
    const document = await page("/docs/json");
    assert.equal((JSON.parse(document.text) as { openapi: string }).openapi, "3.1.1");
    assert.ok(!String(html.headers["content-security-policy"]).includes("https:"));
  });
});
