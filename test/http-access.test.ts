import { startServer } from "@magpie/server";
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { afterEach, describe, test } from "vitest";
import {
  call,
  engineWith,
  openHttpShop,
  problemOf,
  send,
  sendBytes,
  type HttpShop,
} from "./http-shop.ts";

let shop: HttpShop;
afterEach(() => shop.close());

describe("open mode", () => {
  test.each(["0.0.0.0", "::", "192.168.1.7", "shop.example", "127.evil.example"])(
    "is refused on %s, before anything listens",
    async (host) => {
      shop = await openHttpShop();
      await assert.rejects(startServer({ engine: shop.engine, host, port: 0, openMode: true }), {
        code: "OPEN_MODE_NOT_LOOPBACK",
      });
    },
  );

  test("needs no key on loopback", async () => {
    shop = await openHttpShop({ openMode: true });
    const answer = await fetch(`${shop.server.url}/v1/users`);
    assert.equal(answer.status, 200);
  });

  test("answers no page of another origin, not even one that needs no permission to post", async () => {
    shop = await openHttpShop({ openMode: true, corsOrigins: ["https://shop.example"] });
    const post = (origin: string) =>
      send(shop.server.port, {
        path: "/v1/events",
        body: '{"events":[{"type":"home_view","userId":"u"}]}',
        headers: [
          ["content-type", "text/plain"],
          ["origin", origin],
        ],
      });
    for (const origin of [
      "https://evil.example",
      "null",
      `http://127.0.0.1:${shop.server.port + 1}`,
    ]) {
      const answer = await post(origin);
      assert.equal(answer.status, 403, origin);
      assert.equal(problemOf(answer.text).code, "FORBIDDEN_ORIGIN");
    }
    assert.equal((await post(shop.server.url)).status, 202);
    assert.equal((await post("https://shop.example")).status, 202);
  });

  test("answers no request that does not say which host it means", async () => {
    shop = await openHttpShop({ openMode: true });
    const text = await sendBytes(shop.server.port, "GET /v1/users HTTP/1.0\r\n\r\n");
    assert.match(text, /^HTTP\/1\.1 403 /);
  });

  test("answers under no foreign name that resolves to loopback", async () => {
    shop = await openHttpShop({ openMode: true });
    const text = await sendBytes(
      shop.server.port,
      "GET /v1/users HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    );
    assert.match(text, /^HTTP\/1\.1 403 /);
    assert.match(text, /FORBIDDEN_ORIGIN/);
  });
});

describe("keys", () => {
  test("stop working when they are revoked", async () => {
    shop = await openHttpShop();
    const created = await call(shop, "admin", "/v1/keys", { name: "k", scopes: ["read"] });
    assert.equal(created.status, 201);
    const { id, secret } = (await created.json()) as { id: string; secret: string };
    const read = () =>
      fetch(`${shop.server.url}/v1/items/mug`, { headers: { authorization: `Bearer ${secret}` } });
    assert.equal((await read()).status, 200);
    const listed = await (await call(shop, "admin", "/v1/keys")).text();
    assert.ok(!listed.includes(secret));
    assert.equal((await call(shop, "admin", `/v1/keys/${id}`, undefined, "DELETE")).status, 200);
    assert.equal((await read()).status, 401);
  });

  test("stop working when their time is over", async () => {
    let aheadMs = 0;
    shop = await openHttpShop({ now: () => Date.now() + aheadMs });
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const created = await call(shop, "admin", "/v1/keys", {
      name: "k",
      scopes: ["read"],
      expiresAt,
    });
    const { secret } = (await created.json()) as { secret: string };
    const read = () =>
      fetch(`${shop.server.url}/v1/items/mug`, { headers: { authorization: `Bearer ${secret}` } });
    assert.equal((await read()).status, 200);
    aheadMs = 61_000;
    const answer = await read();
    assert.equal(answer.status, 401);
    assert.equal(problemOf(await answer.text()).code, "INVALID_KEY");
  });

  test("are needed for everything but health, probes, documentation and error codes", async () => {
    shop = await openHttpShop();
    const document = (await (await fetch(`${shop.server.url}/v1/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { security: object[] }>>;
    };
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { security }] of Object.entries(methods)) {
        const url = path.replaceAll(/\{\w+\}/g, "x");
        const { status } = await send(shop.server.port, {
          path: url,
          method: method.toUpperCase(),
        });
        if (security.length > 0) assert.equal(status, 401, `${method} ${path}`);
        else assert.notEqual(status, 401, `${method} ${path}`);
      }
    }
  });

  test("with the scope admin see more of health", async () => {
    shop = await openHttpShop();
    const seen = async (key?: "read" | "admin") => {
      const headers = key && { authorization: `Bearer ${shop.keys[key]}` };
      const answer = await fetch(`${shop.server.url}/v1/health`, { ...(headers && { headers }) });
      return "events" in ((await answer.json()) as object);
    };
    assert.deepEqual([await seen(), await seen("read"), await seen("admin")], [false, false, true]);
  });
});

describe("limits", () => {
  test("a key that asks too often waits, others do not", async () => {
    shop = await openHttpShop({ limits: { requestsPerMinute: 3 } });
    for (let i = 0; i < 3; i++) {
      assert.equal((await call(shop, "read", "/v1/items/mug")).status, 200);
    }
    const answer = await call(shop, "read", "/v1/items/mug");
    assert.equal(answer.status, 429);
    assert.equal(problemOf(await answer.text()).code, "RATE_LIMITED");
    const seconds = Number(answer.headers.get("retry-after"));
    assert.ok(seconds > 0 && seconds <= 60, String(seconds));
    assert.equal((await call(shop, "all", "/v1/items/mug")).status, 200);
  });

  test("an address that guesses keys waits", async () => {
    shop = await openHttpShop({ limits: { failedKeysPerMinute: 3 } });
    const guess = async () =>
      (
        await send(shop.server.port, {
          path: "/v1/users",
          headers: [["authorization", "Bearer mgp_guess"]],
        })
      ).status;
    const statuses = [await guess(), await guess(), await guess(), await guess()];
    assert.deepEqual(statuses, [401, 401, 401, 429]);
  });

  test("a handler that takes too long is given up", async () => {
    shop = await openHttpShop();
    const slow = engineWith(shop.engine, { health: () => new Promise<never>(() => {}) });
    const server = await startServer({
      engine: slow,
      port: 0,
      limits: { handlerTimeoutMs: 50, graceMs: 50 },
    });
    const answer = await fetch(`${server.url}/v1/health`);
    assert.equal(answer.status, 503);
    assert.equal(problemOf(await answer.text()).code, "HANDLER_TIMEOUT");
    await server.close();
  });
});

describe("CORS", () => {
  const preflight = (origin: string) =>
    send(shop.server.port, {
      method: "OPTIONS",
      path: "/v1/events",
      headers: [
        ["origin", origin],
        ["access-control-request-method", "POST"],
        ["access-control-request-headers", "authorization,content-type"],
      ],
    });

  test("lets the configured origins in, and no other", async () => {
    shop = await openHttpShop({ corsOrigins: ["https://shop.example"] });
    const good = await preflight("https://shop.example");
    assert.equal(good.status, 204);
    assert.equal(good.headers["access-control-allow-origin"], "https://shop.example");
    assert.match(String(good.headers["access-control-allow-headers"]), /authorization.*if-match/);
    assert.match(String(good.headers["access-control-allow-methods"]), /PUT/);
    const bad = await preflight("https://evil.example");
    assert.notEqual(bad.headers["access-control-allow-origin"], "https://evil.example");
  });

  test("lets none in by default", async () => {
    shop = await openHttpShop();
    const answer = await preflight("https://shop.example");
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  });
});

describe("the log", () => {
  test("has a line per answer, and no secret in any", async () => {
    const lines: string[] = [];
    const log = { level: "debug", stream: { write: (line: string) => lines.push(line) } } as const;
    shop = await openHttpShop({ log });
    await call(shop, "read", "/v1/items/mug");
    await fetch(`${shop.server.url}/v1/events?key=${shop.keys.events}`, {
      method: "POST",
      body: '{"events":[{"type":"home_view","userId":"u"}]}',
    });
    await fetch(`${shop.server.url}/v1/items/${shop.keys.read}`);
    const secret = (
      (await (await call(shop, "admin", "/v1/keys", { name: "k", scopes: ["read"] })).json()) as {
        secret: string;
      }
    ).secret;
    const text = lines.join("");
    assert.equal(lines.filter((line) => line.includes('"answered"')).length, 4);
    assert.match(text, /"url":"\/v1\/events\?key=\[removed\]"/);
    for (const one of [secret, ...Object.values(shop.keys)]) assert.ok(!text.includes(one));
  });

  test("has the cause of a fault of our own, which the answer keeps to itself", async () => {
    const lines: string[] = [];
    const log = { level: "info", stream: { write: (line: string) => lines.push(line) } } as const;
    shop = await openHttpShop();
    const broken = engineWith(shop.engine, {
      health: () => Promise.reject(new Error("disk on fire")),
    });
    const server = await startServer({ engine: broken, port: 0, log });
    const answer = await fetch(`${server.url}/v1/health`);
    const text = await answer.text();
    assert.equal(answer.status, 500);
    assert.ok(!text.includes("disk on fire"));
    const line = lines.find((one) => one.includes("disk on fire"));
    assert.ok(line?.includes(problemOf(text).requestId!));
    await server.close();
  });
});

describe("before anything is published", () => {
  test("probes tell the two states apart, and a recommendation says what to do", async () => {
    shop = await openHttpShop();
    assert.equal((await fetch(`${shop.server.url}/v1/health/live`)).status, 200);
    const ready = await fetch(`${shop.server.url}/v1/health/ready`);
    assert.equal(ready.status, 503);
    assert.deepEqual(await ready.json(), { status: "no-snapshot" });
    const answer = await call(shop, "read", "/v1/recommend/home-feed", {});
    assert.equal(answer.status, 503);
    const problem = problemOf(await answer.text());
    assert.equal(problem.code, "NO_SNAPSHOT");
    assert.match(problem.hint, /POST \/v1\/train/);
  });
});

describe("starting", () => {
  test("on a port that is taken says so", async () => {
    shop = await openHttpShop();
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    await assert.rejects(startServer({ engine: shop.engine, port }), {
      code: "PORT_IN_USE",
      message: new RegExp(`Port ${port} on 127\\.0\\.0\\.1`),
    });
    other.close();
  });

  test("with a storefront that is not built says so", async () => {
    shop = await openHttpShop();
    await assert.rejects(
      startServer({ engine: shop.engine, port: 0, storefrontDir: `${shop.directory}/none` }),
      { code: "STOREFRONT_NOT_BUILT" },
    );
  });
});
