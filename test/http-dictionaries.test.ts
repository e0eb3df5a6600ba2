import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client } from "@magpie/client";
import type { EventInput, Item } from "@magpie/domain";
import { openEngine, type Engine } from "@magpie/engine";
import { startServer, type RunningServer } from "@magpie/server";
import { afterAll, beforeAll, describe, test } from "vitest";

const nowMs = Date.now();
const item = (id: string, title: string, categories: string[], amount: number): Item => ({
  id,
  title,
  categories,
  variants: [
    { id: `${id}-v`, price: { amount, currency: "EUR" }, availability: { available: true } },
  ],
});
const items = [
  item("t1", "Canvas trainers", ["Shoes"], 4_000),
  item("t2", "Leather trainers", ["Shoes"], 9_000),
  item("s1", "Running socks", ["Socks"], 900),
  item("c1", "Running cap", ["Caps"], 1_900),
];

/** Three people type "sneakers", find nothing, type "trainers" and click. */
function retyped(): EventInput[] {
  const time = (afterMs: number) => new Date(nowMs - 3_600_000 + afterMs).toISOString();
  return ["ann", "bob", "cem"].flatMap((visitorId): EventInput[] => [
    { type: "search", visitorId, sessionId: "s", query: "sneakers", timestamp: time(0) },
    { type: "search", visitorId, sessionId: "s", query: "trainers", timestamp: time(40_000) },
    {
      type: "click",
      visitorId,
      sessionId: "s",
      query: "trainers",
      items: [{ itemId: "t1" }],
      timestamp: time(50_000),
    },
  ]);
}

/** What a shop teaches its search, and how its queries are understood, over HTTP. */
describe("queries that are understood, over HTTP", () => {
  let directory: string;
  let engine: Engine;
  let server: RunningServer;
  let client: Client;
  let secret: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "magpie-dictionaries-"));
    await open();
    await engine.upsertItems(items);
    await engine.ingest(
      [...retyped(), { type: "view", visitorId: "dan", items: [{ itemId: "s1" }] }],
      nowMs,
    );
    const { id } = engine.train({});
    await new Promise<void>((resolve) => {
      engine.watchTask(id, ({ finishedMs }) => finishedMs !== undefined && resolve());
    });
  }, 120_000);
  afterAll(async () => {
    await close();
    await rm(directory, { recursive: true, force: true });
  });

  async function open(): Promise<void> {
    engine = await openEngine(join(directory, "data"), {
      encoder: false,
      recipe: { sasrec: false, "two-tower": false },
    });
    ({ secret } = await engine.createKey("test", ["read", "rules"]));
    server = await startServer({ engine, port: 0 });
    client = createClient({ baseUrl: server.url, apiKey: secret, retries: 0 });
  }
  async function close(): Promise<void> {
    await server?.close();
    await engine?.close();
  }
  const found = async (query: string): Promise<string[]> =>
    (await client.search({ query })).items.map(({ item: { id } }) => id).toSorted();

  test("a synonym counts from the next search on, until it is deleted", async () => {
    assert.deepEqual(await found("headgear "), []);
    const put = await client.putSynonym({ id: "caps", from: ["headgear"], to: ["cap"] });
    assert.deepEqual(put, { id: "caps", from: ["headgear"], to: ["cap"] });
    assert.deepEqual(await found("headgear "), ["c1"]);
    assert.deepEqual((await client.synonyms()).synonyms, [put]);
    await client.deleteSynonym("caps");
    assert.deepEqual(await found("headgear "), []);
    await assert.rejects(client.deleteSynonym("caps"), { code: "UNKNOWN_SYNONYM", status: 404 });
  });

  test("two-way synonyms count both ways, one-way ones one way", async () => {
    await client.putSynonym({ id: "kicks", from: ["kicks", "trainers"] });
    assert.deepEqual(await found("kicks "), ["t1", "t2"]);
    await client.putSynonym({ id: "kicks", from: ["trainers"], to: ["socks"] });
    assert.deepEqual(await found("kicks "), []);
    assert.deepEqual(await found("trainers "), ["s1", "t1", "t2"]);
    assert.deepEqual(await found("socks "), ["s1"]);
    await client.deleteSynonym("kicks");
  });

  test("a synonym that says nothing is refused", async () => {
    await assert.rejects(client.putSynonym({ id: "x", from: ["Cap", "cap"] }), {
      code: "INVALID_DICTIONARY",
      status: 400,
    });
    await assert.rejects(client.putSynonym({ id: "x", from: [] }), { status: 400 });
    assert.deepEqual((await client.synonyms()).synonyms, []);
  });

  test("what people typed instead is offered, and taken or refused once", async () => {
    const { candidates } = await client.synonymCandidates();
    assert.deepEqual(candidates, [{ from: "sneakers", to: "trainers", users: 3, share: 1 }]);
    const pair = { from: "sneakers", to: "trainers" };
    const { synonym } = await client.decideSynonym({ ...pair, decision: "approve" });
    assert.deepEqual(synonym?.from, ["sneakers"]);
    assert.deepEqual(await found("sneakers "), ["t1", "t2"]);
    assert.deepEqual((await client.synonymCandidates()).candidates, []);
    await client.deleteSynonym(synonym!.id);
    await client.decideSynonym({ ...pair, decision: "refuse" });
    assert.deepEqual((await client.synonymCandidates()).candidates, []);
    await assert.rejects(client.decideSynonym({ ...pair, decision: "approve" }), {
      code: "UNKNOWN_SYNONYM",
    });
  });

  test("each stage has a dictionary: rewrites, words that are exact, importance, stop words", async () => {
    await client.saveDictionary("rewrites", [{ word: "Laufsocken", to: "running socks" }]);
    const rewritten = await client.search({ query: "laufsocken" });
    assert.deepEqual(
      rewritten.items.map(({ item: { id } }) => id),
      ["s1"],
    );
    assert.equal(rewritten.understood?.text, "running socks");

    assert.equal((await client.search({ query: "runnign cap " })).corrections?.[0]?.to, "running");
    await client.saveDictionary("exact-words", [{ word: "runnign" }]);
    assert.equal((await client.search({ query: "runnign cap " })).corrections, undefined);
    await client.saveDictionary("exact-words", []);

    assert.equal((await client.search({ query: "sparkling cap " })).relaxed, true);
    await client.saveDictionary("stop-words", [{ word: "sparkling" }]);
    assert.equal((await client.search({ query: "sparkling cap " })).relaxed, false);
    assert.deepEqual(await client.dictionary("stop-words"), { entries: [{ word: "sparkling" }] });

    await assert.rejects(client.saveDictionary("rewrites", [{ word: "x" }]), {
      code: "INVALID_DICTIONARY",
    });
    await assert.rejects(client.saveDictionary("importance", [{ word: "x", to: "y" }]), {
      code: "INVALID_DICTIONARY",
    });
  });

  test("an answer says what was understood, and the explanation says it stage by stage", async () => {
    const { understood, items: hits, total } = await client.search({ query: "trainers under 50" });
    assert.deepEqual(
      hits.map(({ item: { id } }) => id),
      ["t1"],
    );
    assert.equal(total, 1);
    assert.deepEqual(understood?.priceCents, { max: 5_000 });
    assert.equal(understood?.answeredBy, "all");
    assert.equal(understood?.text, "trainers");
    const { query } = await client.explainSearch({ query: "trainers under 50", itemIds: ["t1"] });
    assert.ok(query.stages.some(({ stage, after }) => stage === "price" && after === "trainers"));
    const titled = await client.search({ query: "Canvas trainers" });
    assert.deepEqual(titled.understood?.navigational, {
      kind: "title",
      value: "canvas trainers",
      itemId: "t1",
    });
  });

  test("a search that finds nothing shows what sells, in the category that it names if it names one", async () => {
    const nothing = await client.search({ query: "zzyzx " });
    assert.deepEqual(nothing.items, []);
    assert.equal(nothing.total, 0);
    assert.equal(nothing.understood?.answeredBy, "nothing");
    assert.equal(nothing.instead?.by, "popular");
    assert.equal(nothing.instead.items[0]?.item.id, "t1");
    assert.notEqual(nothing.instead.queryId, nothing.queryId);
    // A phrase that nobody has beside a category: the words may not be given up.
    const named = await client.search({ query: '"zzyzx plugh" socks -running' });
    assert.equal(named.total, 0);
    assert.equal(named.instead?.category, "Socks");
    assert.deepEqual(
      named.instead.items.map(({ item: { id } }) => id),
      ["s1"],
    );
    const chosen = await client.search({
      query: "trainers",
      refinements: [{ field: "price", max: 1 }],
    });
    assert.equal(chosen.total, 0);
    assert.equal(chosen.instead, undefined);
    assert.equal((await client.search({ query: "" })).instead, undefined);
  });

  test("Algolia's clients are told in parsedQuery, and say typoTolerance for words as typed", async () => {
    const ask = async (params: object) => {
      const response = await fetch(`${server.url}/1/indexes/products/query`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-algolia-api-key": secret },
        body: JSON.stringify(params),
      });
      return (await response.json()) as { readonly parsedQuery?: string; readonly query: string };
    };
    const corrected = await ask({ query: "runnign cap " });
    assert.equal(corrected.query, "runnign cap ");
    assert.equal(corrected.parsedQuery, "running cap");
    const typed = await ask({ query: "runnign cap ", typoTolerance: false });
    assert.equal(typed.parsedQuery, undefined);
  });

  test("correct: false takes words as they are typed", async () => {
    const corrected = await client.search({ query: "runnign cap " });
    assert.deepEqual(corrected.corrections, [
      { from: "runnign", to: "running", reason: "typing-error" },
    ]);
    const typed = await client.search({ query: "runnign cap ", correct: false });
    assert.equal(typed.corrections, undefined);
  });

  test("what was taught is there after the shop is opened again", async () => {
    await client.putSynonym({ id: "caps", from: ["headgear"], to: ["cap"] });
    await close();
    await open();
    assert.deepEqual(await found("headgear "), ["c1"]);
    assert.deepEqual((await client.dictionary("rewrites")).entries.length, 1);
  });

  test("takes a key that may change rules", async () => {
    const readOnly = await engine.createKey("page", ["read"]);
    const page = createClient({ baseUrl: server.url, apiKey: readOnly.secret, retries: 0 });
    await assert.rejects(page.synonyms(), { status: 403 });
    await assert.rejects(page.putSynonym({ id: "x", from: ["a", "b"] }), { status: 403 });
  });
});
