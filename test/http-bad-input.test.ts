import { compile } from "@magpie/domain";
import { errorCodes, problemSchema } from "@magpie/contract";
import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, test } from "vitest";
import {
  call,
  openHttpShop,
  problemOf,
  send,
  sendBytes,
  type HttpShop,
  type RawRequest,
} from "./http-shop.ts";

let shop: HttpShop;
beforeAll(async () => {
  shop = await openHttpShop({ isTrained: true });
});
afterAll(() => shop.close());

interface Case extends RawRequest {
  readonly name: string;
  /** Which key goes along; default "all", `null` none. */
  readonly key?: keyof HttpShop["keys"] | null;
  readonly status: number;
  readonly code: string;
  /** The first place named. */
  readonly field?: string;
  readonly detail?: RegExp;
  readonly hint?: RegExp;
}

const json = ["content-type", "application/json"] as const;
const post = (path: string, body: string | Buffer) => ({ path, body, headers: [json] });
const recommend = (body: unknown) =>
  post("/v1/recommend/home-feed", typeof body === "string" ? body : JSON.stringify(body));
const events = (...list: unknown[]) => post("/v1/events", JSON.stringify({ events: list }));
const items = (...list: unknown[]) => post("/v1/items", JSON.stringify({ items: list }));
const item = (change: object) => ({
  id: "x",
  title: "X",
  variants: [
    { id: "x1", price: { amount: 1, currency: "EUR" }, availability: { available: true } },
  ],
  ...change,
});
const view = { type: "view", userId: "u", items: [{ itemId: "mug" }] };
const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

const invalid = { status: 400, code: "INVALID_REQUEST" } as const;
const refused = { status: 400, code: "EVENTS_REFUSED" } as const;

const cases: readonly Case[] = [
  // The body as bytes.
  {
    name: "cut off JSON",
    ...recommend('{"limit": 5'),
    status: 400,
    code: "MALFORMED_JSON",
    detail: /position|end/i,
    hint: /JSON library/,
  },
  { name: "single quotes", ...recommend("{'limit': 5}"), status: 400, code: "MALFORMED_JSON" },
  { name: "NaN", ...recommend('{"limit": NaN}'), status: 400, code: "MALFORMED_JSON", hint: /NaN/ },
  { name: "a trailing comma", ...recommend('{"limit": 5,}'), status: 400, code: "MALFORMED_JSON" },
  { name: "two documents", ...recommend('{"limit": 5}{}'), status: 400, code: "MALFORMED_JSON" },
  {
    name: "invalid UTF-8",
    ...post("/v1/search", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
    status: 400,
    code: "INVALID_ENCODING",
    detail: /Byte 2/,
    hint: /UTF-8/,
  },
  {
    name: "UTF-16",
    ...post("/v1/search", Buffer.from('{"query":"mug"}', "utf16le").fill(0xd8, 3, 4)),
    status: 400,
    code: "INVALID_ENCODING",
  },
  {
    name: "65 levels of nesting",
    ...recommend(deep(65)),
    status: 400,
    code: "TOO_DEEP",
    detail: /64/,
  },
  {
    name: "half a million levels of nesting",
    ...recommend("[".repeat(500_000)),
    status: 400,
    code: "TOO_DEEP",
  },
  {
    name: "more than 1 MiB",
    ...recommend(`{"userId":"${"x".repeat(1_048_577)}"}`),
    status: 413,
    code: "TOO_LARGE",
  },
  {
    name: "more than 2 MB of events",
    ...events({ ...view, query: "x".repeat(2_000_001) }),
    status: 413,
    code: "TOO_LARGE",
  },
  {
    name: "no body where one is needed",
    path: "/v1/search",
    method: "POST",
    status: 400,
    code: "EMPTY_BODY",
    hint: /application\/json/,
  },
  { name: "an empty body", ...post("/v1/search", ""), status: 400, code: "EMPTY_BODY" },
  { name: "null for a body", ...post("/v1/search", "null"), status: 400, code: "EMPTY_BODY" },
  { name: "a list for a body", ...recommend([]), ...invalid, field: "", detail: /object/ },
  { name: "a string for a body", ...recommend('"home"'), ...invalid, field: "" },

  // Its form.
  {
    name: "a form instead of JSON",
    path: "/v1/search",
    body: "query=mug",
    headers: [["content-type", "application/x-www-form-urlencoded"]],
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
    hint: /application\/json/,
  },
  {
    name: "no content type",
    path: "/v1/search",
    body: "{}",
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  {
    name: "a content type that is none",
    path: "/v1/search",
    body: "{}",
    headers: [["content-type", "json"]],
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  {
    name: "text/plain where no beacon goes",
    path: "/v1/search",
    body: "{}",
    headers: [["content-type", "text/plain"]],
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
    detail: /text\/plain/,
  },
  {
    name: "NDJSON where no catalogue goes",
    path: "/v1/events",
    body: "{}",
    headers: [["content-type", "application/x-ndjson"]],
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
  },
  {
    name: "another character set",
    path: "/v1/search",
    body: "{}",
    headers: [["content-type", "application/json; charset=gbk"]],
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
    detail: /gbk/,
  },
  {
    name: "a compressed body",
    path: "/v1/search",
    body: "{}",
    headers: [json, ["content-encoding", "gzip"]],
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
    detail: /gzip/,
  },

  // Fields.
  {
    name: "an unknown field",
    ...recommend({ limt: 5 }),
    ...invalid,
    field: "limt",
    detail: /unknown field "limt"/,
  },
  {
    name: "an unknown field in a filter",
    ...recommend({ filter: { color: "red" } }),
    ...invalid,
    field: "filter.color",
  },
  {
    name: "a negative limit",
    ...recommend({ limit: -1 }),
    ...invalid,
    field: "limit",
    detail: />= 1, found -1/,
    hint: /limit/,
  },
  { name: "a limit of zero", ...recommend({ limit: 0 }), ...invalid, field: "limit" },
  {
    name: "a limit too high",
    ...recommend({ limit: 101 }),
    ...invalid,
    field: "limit",
    detail: /<= 100/,
  },
  {
    name: "a fractional limit",
    ...recommend({ limit: 1.5 }),
    ...invalid,
    field: "limit",
    detail: /integer, found 1.5/,
  },
  {
    name: "a number as text",
    ...recommend({ limit: "5" }),
    ...invalid,
    field: "limit",
    detail: /found "5"/,
  },
  {
    name: "a number beyond all bounds",
    ...recommend('{"limit": 1e999}'),
    ...invalid,
    field: "limit",
    detail: /Infinity/,
  },
  {
    name: "a number beyond integers",
    ...recommend('{"offset": 99999999999999999999}'),
    ...invalid,
    field: "offset",
  },
  { name: "a wrong type", ...recommend({ explain: "yes" }), ...invalid, field: "explain" },
  {
    name: "an object for an id",
    ...recommend({ userId: { $ne: null } }),
    ...invalid,
    field: "userId",
    detail: /an object with "\$ne"/,
  },
  { name: "an empty id", ...recommend({ userId: "" }), ...invalid, field: "userId" },
  {
    name: "an id of 513 characters",
    ...recommend({ userId: "x".repeat(513) }),
    ...invalid,
    field: "userId",
  },
  {
    name: "a language that is none",
    ...recommend({ locale: "en_US; DROP" }),
    ...invalid,
    field: "locale",
  },
  {
    name: "a price bound below zero",
    ...recommend({ filter: { priceCents: { min: -1 } } }),
    ...invalid,
    field: "filter.priceCents.min",
  },
  {
    name: "__proto__ as a field",
    ...recommend('{"__proto__": {"isAdmin": true}}'),
    ...invalid,
    field: "__proto__",
  },
  { name: "no query", ...post("/v1/search", "{}"), ...invalid, field: "query", detail: /missing/ },
  {
    name: "a query of 501 characters",
    ...post("/v1/search", JSON.stringify({ query: "喜".repeat(501) })),
    ...invalid,
    field: "query",
  },
  {
    name: "marks without an end",
    ...post("/v1/search", JSON.stringify({ query: "mug", highlight: { open: "<b>" } })),
    ...invalid,
    field: "highlight.close",
  },
  {
    name: "one wrong search among several",
    ...post(
      "/v1/multi-search",
      JSON.stringify({ searches: [{ query: "mug" }, { query: "mug", limit: 101 }] }),
    ),
    ...invalid,
    field: "searches[1].limit",
  },
  {
    name: "more searches than a call may hold",
    ...post(
      "/v1/multi-search",
      JSON.stringify({ searches: Array.from({ length: 21 }, () => ({ query: "mug" })) }),
    ),
    ...invalid,
    field: "searches",
  },
  {
    name: "too many ids",
    path: `/v1/items?${Array.from({ length: 101 }, (_, i) => `ids=${i}`).join("&")}`,
    ...invalid,
    field: "query.ids",
  },
  { name: "no ids", path: "/v1/items", ...invalid, field: "query.ids" },

  // Query parameters.
  {
    name: "a parameter that is no number",
    path: "/v1/search?query=x&limit=ten",
    ...invalid,
    field: "query.limit",
    detail: /"ten"/,
  },
  {
    name: "a parameter given twice",
    path: "/v1/search?query=x&limit=1&limit=2",
    ...invalid,
    field: "query.limit",
  },
  {
    name: "an unknown parameter",
    path: "/v1/search?query=x&page=2",
    ...invalid,
    field: "query.page",
  },
  {
    name: "a parameter in another notation",
    path: "/v1/search?query=x&limit=0x10",
    ...invalid,
    field: "query.limit",
  },
  {
    name: "a key in the address where none may be",
    path: "/v1/search?query=x&key=mgp_1",
    ...invalid,
    field: "query.key",
  },

  // Paths.
  {
    name: "an unknown scenario",
    ...post("/v1/recommend/front-page", "{}"),
    status: 404,
    code: "UNKNOWN_SCENARIO",
    hint: /home-feed/,
  },
  {
    name: "an injection for a scenario",
    ...post(`/v1/recommend/${encodeURIComponent("'; DROP TABLE items; --")}`, "{}"),
    status: 404,
    code: "UNKNOWN_SCENARIO",
  },
  {
    name: "an unknown item",
    path: "/v1/items/no-such",
    status: 404,
    code: "UNKNOWN_ITEM",
    detail: /"no-such"/,
  },
  {
    name: "an injection for an item",
    path: `/v1/items/${encodeURIComponent("x' OR '1'='1")}`,
    status: 404,
    code: "UNKNOWN_ITEM",
  },
  { name: "a NUL in an id", path: "/v1/items/a%00b", status: 404, code: "UNKNOWN_ITEM" },
  {
    name: "an unknown item's likes",
    path: "/v1/similar/no-such",
    status: 404,
    code: "UNKNOWN_ITEM",
  },
  {
    name: "deleting an unknown item",
    method: "DELETE",
    path: "/v1/items/no-such",
    status: 404,
    code: "UNKNOWN_ITEM",
  },
  {
    name: "an id of 600 characters",
    path: `/v1/items/${"x".repeat(600)}`,
    ...invalid,
    field: "path.itemId",
  },
  {
    name: "an escape that is not UTF-8",
    path: "/v1/items/%ff",
    status: 400,
    code: "INVALID_URL",
    hint: /encodeURIComponent/,
  },
  { name: "an escape that is none", path: "/v1/items/%zz", status: 400, code: "INVALID_URL" },
  { name: "an unknown task", path: "/v1/tasks/no-such", status: 404, code: "UNKNOWN_TASK" },
  {
    name: "watching an unknown task",
    path: "/v1/tasks/no-such/events",
    status: 404,
    code: "UNKNOWN_TASK",
  },
  {
    name: "an unknown snapshot",
    method: "POST",
    path: "/v1/snapshots/..%2f..%2fetc/activate",
    status: 404,
    code: "UNKNOWN_SNAPSHOT",
  },
  {
    name: "an unknown key",
    method: "DELETE",
    path: "/v1/keys/no-such",
    status: 404,
    code: "UNKNOWN_KEY",
  },
  {
    name: "an unknown error code",
    path: "/v1/errors/NOPE",
    status: 404,
    code: "UNKNOWN_ERROR_CODE",
  },
  {
    name: "an unknown operation",
    path: "/v1/recomend/home-feed",
    status: 404,
    code: "UNKNOWN_ROUTE",
    hint: /docs/,
  },
  {
    name: "a method that the path does not take",
    method: "DELETE",
    path: "/v1/events",
    status: 405,
    code: "METHOD_NOT_ALLOWED",
    hint: /POST/,
  },
  {
    name: "PUT",
    method: "PUT",
    path: "/v1/items/mug",
    body: "{}",
    headers: [json],
    status: 405,
    code: "METHOD_NOT_ALLOWED",
    hint: /GET and DELETE/,
  },

  // Events.
  { name: "no events", ...events(), ...invalid, field: "events" },
  {
    name: "1,001 events",
    ...events(...Array.from({ length: 1_001 }, () => view)),
    ...invalid,
    field: "events",
    detail: /1000/,
  },
  {
    name: "events that are no list",
    ...post("/v1/events", '{"events":{}}'),
    ...invalid,
    field: "events",
  },
  { name: "an event that is text", ...events("view"), ...refused, field: "events[0]" },
  {
    name: "an unknown event type",
    ...events({ ...view, type: "vew" }),
    ...refused,
    field: "events[0].type",
    detail: /view, click/,
  },
  {
    name: "an event without a person",
    ...events({ ...view, userId: undefined }),
    ...refused,
    field: "events[0].userId",
  },
  {
    name: "a date without a zone",
    ...events({ ...view, timestamp: "2026-01-01 10:00:00" }),
    ...refused,
    field: "events[0].timestamp",
  },
  {
    name: "a date that does not exist",
    ...events({ ...view, timestamp: "2026-02-30T10:00:00Z" }),
    ...refused,
    field: "events[0].timestamp",
  },
  {
    name: "a quantity of zero",
    ...events({ ...view, items: [{ itemId: "a", quantity: 0 }] }),
    ...refused,
    field: "events[0].items[0].quantity",
  },
  {
    name: "a price with decimals",
    ...events({ ...view, value: { amount: 19.99, currency: "EUR" } }),
    ...refused,
    field: "events[0].value.amount",
  },

  // Items.
  {
    name: "an item without a title",
    ...items(item({ title: undefined })),
    status: 400,
    code: "ITEMS_REFUSED",
    field: "items[0].title",
  },
  {
    name: "an item without variants",
    ...items(item({ variants: [] })),
    status: 400,
    code: "ITEMS_REFUSED",
    field: "items[0].variants",
  },
  {
    name: "NDJSON without a good line",
    path: "/v1/items",
    body: "{}\nnope\n",
    headers: [["content-type", "application/x-ndjson"]],
    status: 400,
    code: "ITEMS_REFUSED",
    field: "line 1.id",
  },
  {
    name: "NDJSON without lines",
    path: "/v1/items",
    body: "\n\n",
    headers: [["content-type", "application/x-ndjson"]],
    status: 400,
    code: "EMPTY_BODY",
  },

  // Training and keys.
  {
    name: "a training budget of nothing",
    ...post("/v1/train", '{"budgetSeconds":0}'),
    ...invalid,
    field: "budgetSeconds",
  },
  {
    name: "a training by no process",
    ...post("/v1/train", '{"workers":0}'),
    ...invalid,
    field: "workers",
  },
  {
    name: "a training by more processes than a machine has",
    ...post("/v1/train", '{"workers":1000}'),
    ...invalid,
    field: "workers",
  },
  {
    name: "a training by one and a half processes",
    ...post("/v1/train", '{"workers":1.5}'),
    ...invalid,
    field: "workers",
  },
  {
    name: "a training in some number of bits",
    ...post("/v1/train", '{"int8":"yes"}'),
    ...invalid,
    field: "int8",
  },
  {
    name: "a key without scopes",
    ...post("/v1/keys", '{"name":"k","scopes":[]}'),
    ...invalid,
    field: "scopes",
  },
  {
    name: "a key that is over before it begins",
    ...post("/v1/keys", '{"name":"k","scopes":["read"],"expiresAt":"2020-01-01T00:00:00Z"}'),
    ...invalid,
    field: "expiresAt",
    detail: /future/,
  },
  {
    name: "a key with a scope that is none",
    ...post("/v1/keys", '{"name":"k","scopes":["root"]}'),
    ...invalid,
    field: "scopes[0]",
    detail: /events, read/,
  },

  // Who asks.
  { name: "no key", ...recommend({}), key: null, status: 401, code: "MISSING_KEY", hint: /"read"/ },
  {
    name: "an unknown key",
    path: "/v1/items/mug",
    key: null,
    headers: [["authorization", "Bearer mgp_unknown"]],
    status: 401,
    code: "INVALID_KEY",
  },
  {
    name: "another scheme",
    path: "/v1/items/mug",
    key: null,
    headers: [["authorization", "Basic dTpw"]],
    status: 401,
    code: "INVALID_KEY",
    hint: /Bearer mgp_/,
  },
  {
    name: "a giant key",
    path: "/v1/items/mug",
    key: null,
    headers: [["authorization", `Bearer ${"x".repeat(5_000)}`]],
    status: 401,
    code: "INVALID_KEY",
  },
  {
    name: "an injection for a key",
    path: "/v1/items/mug",
    key: null,
    headers: [["authorization", "Bearer '%20OR%201=1"]],
    status: 401,
    code: "INVALID_KEY",
  },
  {
    name: "a key that may not",
    ...events(view),
    key: "read",
    status: 403,
    code: "INSUFFICIENT_SCOPE",
    hint: /"events"/,
  },
  {
    name: "a page's key for the catalogue",
    method: "DELETE",
    path: "/v1/items/mug",
    key: "read",
    status: 403,
    code: "INSUFFICIENT_SCOPE",
  },
  {
    name: "a page's key for a user's data",
    path: "/v1/users/u/export",
    key: "events",
    status: 403,
    code: "INSUFFICIENT_SCOPE",
  },
  {
    name: "two keys",
    path: "/v1/items/mug",
    headers: [["Authorization", "Bearer mgp_other"]],
    status: 400,
    code: "DUPLICATE_HEADER",
    detail: /authorization/,
  },
  {
    name: "two content types",
    path: "/v1/search",
    body: "{}",
    headers: [json, ["Content-Type", "text/plain"]],
    status: 400,
    code: "DUPLICATE_HEADER",
  },
];

const isProblem = compile(problemSchema);

describe("a broken request", () => {
  test.each(cases)("$name → $status $code", async (broken) => {
    const { key = "all", headers = [], status, code, field, detail, hint } = broken;
    const authorization =
      key === null ? [] : [["authorization", `Bearer ${shop.keys[key]}`] as const];
    const answer = await send(shop.server.port, {
      ...broken,
      headers: [...authorization, ...headers],
    });
    assert.equal(answer.status, status, answer.text);
    assert.match(String(answer.headers["content-type"]), /^application\/problem\+json/);
    const problem = problemOf(answer.text);
    assert.deepEqual(isProblem(problem), { ok: true, value: problem });
    assert.equal(problem.code, code);
    assert.equal(problem.status, status);
    assert.ok(code in errorCodes, `${code} is not documented`);
    assert.ok(problem.hint.length > 10, "no hint");
    assert.equal(problem.requestId, answer.headers["x-request-id"]);
    if (field !== undefined) assert.equal(problem.errors?.[0]?.field, field, answer.text);
    if (detail) assert.match(problem.detail, detail);
    if (hint) assert.match(problem.hint, hint);
  });

  test("HEAD of a stream → 405, as it would never end", async () => {
    const answer = await send(shop.server.port, { method: "HEAD", path: "/v1/tasks/x/events" });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers["allow"], "GET");
  });

  test("an id that its stream did not give → 400, with the header's name", async () => {
    const task = (await (await call(shop, "admin", "/v1/train", {})).json()) as { id: string };
    const answer = await send(shop.server.port, {
      path: `/v1/tasks/${task.id}/events`,
      headers: [
        ["authorization", `Bearer ${shop.keys.admin}`],
        ["last-event-id", "1; drop"],
      ],
    });
    assert.equal(answer.status, 400);
    assert.equal(problemOf(answer.text).errors![0]!.field, "Last-Event-ID");
    await call(shop, "admin", `/v1/tasks/${task.id}`, undefined, "DELETE");
  });

  test.each([
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/assets/%5c..%5c..%5csecret.txt",
    "//etc/passwd",
    "/.env",
    "/assets/../.env",
  ])("a path that leads out of the storefront's folder is not followed: %s", async (path) => {
    const answer = await send(shop.server.port, { path });
    assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}: ${answer.text}`);
    assert.equal(problemOf(answer.text).status, answer.status);
    assert.ok(!/not for you|SECRET|root:/.test(answer.text));
  });

  test.each([
    ["nonsense", "hello\r\n\r\n", "400", "MALFORMED_HTTP"],
    ["a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00", "400", "MALFORMED_HTTP"],
    [
      "a length that is no number",
      "POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
      "400",
      "MALFORMED_HTTP",
    ],
    [
      "two lengths",
      "POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
      "400",
      "MALFORMED_HTTP",
    ],
    [
      "headers without end",
      `GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${"a".repeat(20_000)}\r\n\r\n`,
      "431",
      "HEADERS_TOO_LARGE",
    ],
  ])("bytes that are not a request: %s", async (_name, bytes, status, code) => {
    const answer = await sendBytes(shop.server.port, bytes);
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
    assert.equal(problemOf(answer.slice(answer.indexOf("\r\n\r\n") + 4)).code, code);
  });
});

describe("after all of them", () => {
  test("the server is well, and no answer was a 5xx", async () => {
    const health = await call(shop, "admin", "/v1/health");
    assert.equal(health.status, 200);
    const metrics = await (await call(shop, "admin", "/v1/metrics")).text();
    const statuses = [...metrics.matchAll(/magpie_http_requests_total\{.*status="(\d)\d\d"\}/g)];
    assert.ok(statuses.length > 10);
    assert.ok(
      statuses.every((match) => match[1] !== "5"),
      metrics,
    );
  });

  test("good requests are answered", async () => {
    const stored = await call(shop, "events", "/v1/events", { events: [view] });
    assert.equal(stored.status, 202);
    const ranking = await call(shop, "read", "/v1/recommend/home-feed", { userId: "u" });
    assert.equal(ranking.status, 200);
  });

  test("a batch with good and bad events stores the good", async () => {
    const answer = await call(shop, "events", "/v1/events", {
      events: [view, { type: "view" }, "x", { ...view, eventId: "good-2" }],
    });
    assert.equal(answer.status, 202);
    const { results, stored, refused } = (await answer.json()) as {
      results: { status: string }[];
      stored: number;
      refused: number;
    };
    assert.deepEqual(
      results.map(({ status }) => status),
      ["stored", "refused", "refused", "stored"],
    );
    assert.deepEqual([stored, refused], [2, 2]);
  });
});
