import { createClient, type TaskRecord } from "@magpie/client";
import { startServer } from "@magpie/server";
import assert from "node:assert/strict";
import { afterEach, describe, test, vi } from "vitest";
import { call, engineWith, openHttpShop, type HttpShop } from "./http-shop.ts";

let shop: HttpShop;
afterEach(() => shop.close());

describe("watching a task", () => {
  test("shows its present state, its changes, and its end", async () => {
    shop = await openHttpShop({ isTrained: true });
    const client = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.admin });
    const { id } = await client.train({ budgetSeconds: 60 });
    const states: TaskRecord["status"][] = [];
    for await (const task of client.watchTask(id)) {
      states.push(task.status);
      if (states.length === 1) await client.cancelTask(id);
    }
    assert.match(states[0]!, /queued|running/);
    assert.equal(states.at(-1), "cancelled");
    assert.equal((await client.task(id)).status, "cancelled");
    await assert.rejects(client.cancelTask(id), { code: "TASK_FINISHED", status: 409 });
  });

  test("of a task that is over gives its last state and ends", async () => {
    shop = await openHttpShop({ isTrained: true });
    const client = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.admin });
    const { id } = await client.train();
    await client.cancelTask(id);
    const states: string[] = [];
    for await (const { status } of client.watchTask(id)) states.push(status);
    assert.deepEqual(states.at(-1), "cancelled");
  });

  test("lets go of the task when the reader leaves", async () => {
    shop = await openHttpShop({ isTrained: true });
    let watchers = 0;
    const engine = engineWith(shop.engine, {
      watchTask(id, listener) {
        watchers += 1;
        const unwatch = shop.engine.watchTask(id, listener);
        return () => {
          watchers -= 1;
          unwatch();
        };
      },
    });
    const server = await startServer({ engine, port: 0, openMode: true });
    const { id } = engine.train({});
    const abort = new AbortController();
    const answer = await fetch(`${server.url}/v1/tasks/${id}/events`, { signal: abort.signal });
    await answer.body!.getReader().read();
    assert.equal(watchers, 1);
    abort.abort();
    await vi.waitFor(() => assert.equal(watchers, 0));
    engine.cancelTask(id);
    await server.close();
  });
});

describe("closing", () => {
  test("lets open requests finish, takes no new ones, and ends streams", async () => {
    shop = await openHttpShop({ isTrained: true });
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let arrived = () => {};
    const ingesting = new Promise<void>((resolve) => (arrived = resolve));
    const engine = engineWith(shop.engine, {
      async ingest(events, nowMs) {
        arrived();
        await held;
        return shop.engine.ingest(events, nowMs);
      },
    });
    const server = await startServer({ engine, port: 0, openMode: true });
    const { id } = engine.train({});
    const stream = fetch(`${server.url}/v1/tasks/${id}/events`).then((answer) => answer.text());
    const posted = fetch(`${server.url}/v1/events`, {
      method: "POST",
      body: '{"events":[{"type":"home_view","userId":"u","eventId":"last"}]}',
    });
    await ingesting;
    const closed = server.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const late = await fetch(`${server.url}/v1/health`).then(
      ({ status }) => status,
      () => "refused",
    );
    assert.ok(late === "refused" || late === 503, String(late));
    release();
    const answer = await posted;
    assert.equal(answer.status, 202);
    assert.equal(answer.headers.get("connection"), "close");
    assert.match(await stream, /event: task/);
    await closed;
    engine.cancelTask(id);
    const sent = await call(shop, "users", "/v1/users/u/events");
    assert.match(await sent.text(), /"last"/);
  });

  test("does not wait for ever for a request that hangs", async () => {
    shop = await openHttpShop({ isTrained: true });
    const engine = engineWith(shop.engine, { ingest: () => new Promise<never>(() => {}) });
    const server = await startServer({ engine, port: 0, openMode: true, limits: { graceMs: 100 } });
    const hanging = fetch(`${server.url}/v1/events`, {
      method: "POST",
      body: '{"events":[{"type":"home_view","userId":"u"}]}',
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const began = performance.now();
    await Promise.all([assert.rejects(hanging), server.close()]);
    assert.ok(performance.now() - began < 2_000);
  });
});

describe("the client, over a real connection", () => {
  test("delivers tracked events, in order and once", async () => {
    shop = await openHttpShop();
    const client = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.all });
    for (let i = 0; i < 120; i++) {
      client.track({ eventId: `e${i}`, type: "view", userId: "cleo", items: [{ itemId: "mug" }] });
    }
    await client.flush();
    const { events } = await client.userEvents("cleo", { limit: 500 });
    assert.equal(events.length, 120);
    assert.equal(new Set(events.map(({ eventId }) => eventId)).size, 120);
  });

  test("gives the server's words when it is refused", async () => {
    shop = await openHttpShop();
    const client = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.read });
    await assert.rejects(client.train(), { code: "INSUFFICIENT_SCOPE", status: 403 });
    await assert.rejects(client.search({ query: "x", limit: 0 }), {
      code: "INVALID_REQUEST",
      fields: [{ field: "limit", message: "must be >= 1, found 0" }],
    });
  });

  test("says when there is no server", async () => {
    shop = await openHttpShop();
    const client = createClient({ baseUrl: "http://127.0.0.1:9", retries: 0 });
    await assert.rejects(client.shops(), { code: "NETWORK" });
  });

  test("exports a user line by line", async () => {
    shop = await openHttpShop();
    const client = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.all });
    await client.sendEvents([{ eventId: "x1", type: "home_view", userId: "dora" }]);
    const lines = [];
    for await (const line of client.exportUser("dora")) lines.push(line);
    assert.equal(lines.length, 1);
    assert.equal(lines[0]!.kind, "event");
  });
});
