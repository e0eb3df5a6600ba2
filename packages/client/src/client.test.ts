import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { createClient, MagpieClientError, type ClientOptions, type TrackedEvent } from "./index.ts";

interface Sent {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

type Answer = Response | Error | ((sent: Sent) => Response | Promise<Response>);

/** A network that gives the answers in order, the last one for ever, and notes what was sent. */
function network(...answers: Answer[]) {
  const sent: Sent[] = [];
  const fetch: typeof globalThis.fetch = async (url, init = {}) => {
    init.signal?.throwIfAborted();
    const headers = init.headers as Record<string, string>;
    const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : undefined;
    const one = { url: String(url), method: init.method ?? "GET", headers, body };
    sent.push(one);
    const answer = answers[Math.min(sent.length, answers.length) - 1]!;
    if (answer instanceof Error) throw answer;
    return typeof answer === "function" ? answer(one) : answer.clone();
  };
  return { sent, fetch };
}

const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  json(
    { type: "t", title: "T", status, detail: `It is ${code}.`, code, hint: "Do this." },
    status,
    headers,
  );

/** Answers a batch as the server does when all is well. */
const storeAll = (sent: Sent) => {
  const { events } = sent.body as { events: TrackedEvent[] };
  return json({ results: events.map(({ eventId }) => ({ status: "stored", eventId })) }, 202);
};

function clientOn(fetch: typeof globalThis.fetch, options: Partial<ClientOptions> = {}) {
  return createClient({ baseUrl: "http://shop/", fetch, ...options });
}

const view: TrackedEvent = { type: "view", userId: "u", items: [{ itemId: "a" }] };

beforeEach(() => {
  vi.spyOn(Math, "random").mockReturnValue(0); // no pauses between repetitions
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("calls", () => {
  test("go to the operation's address, with the key, and give its JSON", async () => {
    const { sent, fetch } = network(json({ queryId: "q" }));
    const client = clientOn(fetch, { apiKey: "mgp_1" });
    assert.deepEqual(await client.recommend("home feed/1", { userId: "u", limit: 3 }), {
      queryId: "q",
    });
    assert.deepEqual(sent, [
      {
        url: "http://shop/v1/recommend/home%20feed%2F1",
        method: "POST",
        headers: { authorization: "Bearer mgp_1", "content-type": "application/json" },
        body: { userId: "u", limit: 3 },
      },
    ]);
  });

  test("repeat list parameters and leave out absent ones", async () => {
    const { sent, fetch } = network(json({}));
    const client = clientOn(fetch);
    await client.items(["a,b", "c&d"]);
    await client.categories({});
    assert.deepEqual(
      sent.map(({ url }) => url),
      ["http://shop/v1/items?ids=a%2Cb&ids=c%26d", "http://shop/v1/categories"],
    );
  });

  test("reject with the server's code, hint and places", async () => {
    const refusal = json(
      {
        detail: "limit: must be >= 1.",
        code: "INVALID_REQUEST",
        hint: "Correct it.",
        requestId: "r",
        errors: [{ field: "limit", message: "must be >= 1" }],
      },
      400,
    );
    const { sent, fetch } = network(refusal);
    await assert.rejects(clientOn(fetch).search({ query: "x" }), (error) => {
      assert.ok(error instanceof MagpieClientError);
      assert.equal(error.code, "INVALID_REQUEST");
      assert.equal(error.status, 400);
      assert.equal(error.hint, "Correct it.");
      assert.equal(error.requestId, "r");
      assert.deepEqual(error.fields, [{ field: "limit", message: "must be >= 1" }]);
      return true;
    });
    assert.equal(sent.length, 1); // the fault is the caller's: repeating would not help
  });

  test("say so when something else answers in the server's place", async () => {
    const page = () => new Response("<html>", { status: 403 });
    await assert.rejects(clientOn(network(page).fetch).shops(), {
      code: "NOT_MAGPIE",
      status: 403,
    });
    const broken = () => new Response("{", { status: 200 });
    await assert.rejects(clientOn(network(broken).fetch).shops(), { code: "NOT_MAGPIE" });
  });
});

describe("repetition", () => {
  test("after 429, 5xx and silence, until it succeeds", async () => {
    const { sent, fetch } = network(
      problem(503, "NO_SNAPSHOT"),
      problem(429, "RATE_LIMITED", { "retry-after": "0" }),
      new TypeError("fetch failed"),
      json({ shops: [] }),
    );
    assert.deepEqual(await clientOn(fetch).shops(), { shops: [] });
    assert.equal(sent.length, 4);
  });

  test("ends with the last refusal", async () => {
    const { sent, fetch } = network(problem(503, "NO_SNAPSHOT"));
    await assert.rejects(clientOn(fetch, { retries: 2 }).shops(), { code: "NO_SNAPSHOT" });
    assert.equal(sent.length, 3);
  });

  test("pauses grow, are random, and Retry-After is obeyed", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const pauses: unknown[] = [];
    const wait = globalThis.setTimeout;
    vi.stubGlobal("setTimeout", (run: () => void, ms: number) => {
      if (ms < 10_000) pauses.push(ms);
      return wait(run, ms < 10_000 ? 0 : ms);
    });
    const { fetch } = network(
      problem(500, "INTERNAL"),
      problem(500, "INTERNAL"),
      problem(429, "RATE_LIMITED", { "retry-after": "2" }),
      json({}),
    );
    await clientOn(fetch).shops();
    assert.deepEqual(pauses, [100, 200, 2_000]);
  });

  test("does not wait for a server that asks for more than half a minute", async () => {
    const { sent, fetch } = network(problem(429, "RATE_LIMITED", { "retry-after": "31" }));
    await assert.rejects(clientOn(fetch).shops(), { code: "RATE_LIMITED" });
    assert.equal(sent.length, 1);
  });

  test("never for calls that would happen twice", async () => {
    for (const call of [
      (client: ReturnType<typeof createClient>) => client.train(),
      (client: ReturnType<typeof createClient>) => client.rollBack(),
      (client: ReturnType<typeof createClient>) =>
        client.createKey({ name: "k", scopes: ["read"] }),
      (client: ReturnType<typeof createClient>) => client.sendEvents([view]),
    ]) {
      const { sent, fetch } = network(new TypeError("fetch failed"));
      await assert.rejects(call(clientOn(fetch)), { code: "NETWORK" });
      assert.equal(sent.length, 1);
    }
  });

  test("stops with the caller's reason when the caller aborts", async () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const { sent, fetch } = network(problem(500, "INTERNAL"));
    const abort = new AbortController();
    const reason = new Error("left the page");
    setTimeout(() => abort.abort(reason), 20);
    await assert.rejects(clientOn(fetch).shops({ signal: abort.signal }), reason);
    assert.equal(sent.length, 1);
  });

  test("a call that gets no answer in time rejects with TIMEOUT", async () => {
    const silent: typeof fetch = (_url, init) =>
      new Promise((_resolve, reject) => {
        init!.signal!.addEventListener("abort", () => reject(init!.signal!.reason as Error));
      });
    await assert.rejects(clientOn(silent, { timeoutMs: 10, retries: 0 }).shops(), {
      code: "TIMEOUT",
    });
  });
});

describe("tracked events", () => {
  test("go out together, in order, with id and time", async () => {
    const { sent, fetch } = network(storeAll);
    const client = clientOn(fetch);
    client.track(view);
    client.track({ ...view, type: "click", eventId: "mine" });
    await client.flush();
    assert.equal(sent.length, 1);
    const { events } = sent[0]!.body as { events: TrackedEvent[] };
    assert.deepEqual(
      events.map(({ type }) => type),
      ["view", "click"],
    );
    assert.match(events[0]!.eventId!, /^[\da-f-]{36}$/);
    assert.match(events[0]!.timestamp!, /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.equal(events[1]!.eventId, "mine");
  });

  test("go out by themselves when enough wait, or when the first has waited long enough", async () => {
    const { sent, fetch } = network(storeAll);
    const client = clientOn(fetch, { batchSize: 2, maxDelayMs: 20 });
    client.track(view);
    client.track(view);
    await vi.waitFor(() => assert.equal(sent.length, 1));
    client.track(view);
    assert.equal(sent.length, 1);
    await vi.waitFor(() => assert.equal(sent.length, 2));
  });

  test("keep their ids when they are sent again, so that they count once", async () => {
    const { sent, fetch } = network(new TypeError("lost"), problem(500, "INTERNAL"), storeAll);
    const client = clientOn(fetch);
    client.track(view);
    await client.flush();
    const ids = sent.map(({ body }) => (body as { events: TrackedEvent[] }).events[0]!.eventId);
    assert.equal(ids.length, 3);
    assert.equal(new Set(ids).size, 1);
  });

  test("wait on, in order, when the server cannot be reached, and flush does not reject", async () => {
    const { sent, fetch } = network(new TypeError("lost"), storeAll);
    const client = clientOn(fetch, { retries: 0 });
    client.track({ ...view, eventId: "1" });
    await client.flush();
    client.track({ ...view, eventId: "2" });
    await client.flush();
    const { events } = sent[1]!.body as { events: TrackedEvent[] };
    assert.deepEqual(
      events.map(({ eventId }) => eventId),
      ["1", "2"],
    );
  });

  test("that the server does not take for a while do not hold up whoever flushes", async () => {
    const { fetch } = network(problem(429, "RATE_LIMITED", { "retry-after": "20" }));
    const client = clientOn(fetch);
    client.track(view);
    const began = performance.now();
    await client.flush(30);
    assert.ok(performance.now() - began < 1_000);
  });

  test("told while a batch is on its way go out with the next", async () => {
    let tellMore = () => {};
    const { sent, fetch } = network((one) => {
      tellMore();
      return storeAll(one);
    });
    const client = clientOn(fetch);
    tellMore = () => {
      tellMore = () => {};
      client.track({ ...view, eventId: "late" });
    };
    client.track(view);
    await client.flush();
    assert.equal(sent.length, 2);
  });

  test("that are refused are told to the owner, and the others are stored", async () => {
    const { fetch } = network(
      json(
        {
          results: [
            { status: "stored", eventId: "1" },
            {
              status: "refused",
              code: "INVALID_EVENT",
              field: "type",
              message: "no",
              hint: "Fix.",
            },
          ],
        },
        202,
      ),
    );
    const lost: [string, readonly TrackedEvent[]][] = [];
    const client = clientOn(fetch, {
      onEventsLost: ({ code }, events) => lost.push([code, events]),
    });
    client.track({ ...view, eventId: "1" });
    client.track({ ...view, eventId: "2", timestamp: "2026-01-01T00:00:00Z" });
    await client.flush();
    assert.deepEqual(lost, [
      ["INVALID_EVENT", [{ ...view, eventId: "2", timestamp: "2026-01-01T00:00:00Z" }]],
    ]);
  });

  test("are given up, oldest first, when too many wait", async () => {
    const { fetch } = network(new TypeError("lost"));
    const lost: (string | undefined)[] = [];
    const client = clientOn(fetch, {
      maxQueued: 2,
      retries: 0,
      onEventsLost: (_error, events) => lost.push(...events.map(({ eventId }) => eventId)),
    });
    for (const eventId of ["1", "2", "3"]) client.track({ ...view, eventId });
    assert.deepEqual(lost, ["1"]);
  });
});

describe("when the page goes away", () => {
  /** A browser page that can be hidden, and notes its beacons. */
  function page(beaconsTaken = true) {
    const listeners = new Map<string, () => void>();
    const beacons: { url: string; events: TrackedEvent[] }[] = [];
    vi.stubGlobal("addEventListener", (type: string, run: () => void) => listeners.set(type, run));
    vi.stubGlobal("document", {
      visibilityState: "hidden",
      addEventListener: (type: string, run: () => void) => listeners.set(type, run),
    });
    vi.stubGlobal("navigator", {
      sendBeacon: (url: string, body: string) => {
        if (!beaconsTaken) return false;
        beacons.push({ url, events: (JSON.parse(body) as { events: TrackedEvent[] }).events });
        return true;
      },
    });
    return { beacons, hide: () => listeners.get("visibilitychange")!(), listeners };
  }

  test("what waits goes out by beacon, with the key in the address", () => {
    const { beacons, hide, listeners } = page();
    const client = clientOn(network(storeAll).fetch, { apiKey: "mgp_a&b" });
    client.track({ ...view, eventId: "1" });
    hide();
    assert.equal(beacons[0]!.url, "http://shop/v1/events?key=mgp_a%26b");
    assert.equal(beacons[0]!.events[0]!.eventId, "1");
    assert.ok(listeners.has("pagehide"));
    hide();
    assert.equal(beacons.length, 1); // nothing waits any more
  });

  test("a batch that is on its way goes out again, with the same ids", async () => {
    const { beacons, hide } = page();
    const answers: (() => void)[] = [];
    const { fetch } = network(
      (one) => new Promise((resolve) => answers.push(() => resolve(storeAll(one)))),
    );
    const client = clientOn(fetch);
    client.track({ ...view, eventId: "1" });
    const flushed = client.flush();
    client.track({ ...view, eventId: "2" });
    hide();
    assert.deepEqual(
      beacons[0]!.events.map(({ eventId }) => eventId),
      ["1", "2"],
    );
    answers[0]!();
    await flushed;
  });

  test("many events go out in beacons small enough for browsers", () => {
    const { beacons, hide } = page();
    const client = clientOn(network(storeAll).fetch, { batchSize: 1_000 });
    for (let i = 0; i < 600; i++) client.track({ ...view, eventId: `e${i}` });
    hide();
    const ids = beacons.flatMap(({ events }) => events.map(({ eventId }) => eventId));
    assert.deepEqual(
      ids,
      Array.from({ length: 600 }, (_, i) => `e${i}`),
    );
    assert.ok(beacons.every(({ events }) => JSON.stringify(events).length <= 20_000));
  });

  test("a beacon that the browser refuses goes out as a request that outlives the page", () => {
    const { hide } = page(false);
    const { sent, fetch } = network(storeAll);
    const client = clientOn(fetch);
    client.track(view);
    hide();
    assert.equal(sent.length, 1);
    assert.deepEqual(sent[0]!.headers, { "content-type": "text/plain" });
  });
});

describe("streams", () => {
  const stream = (...parts: string[]) =>
    new Response(
      new ReadableStream({
        start(controller) {
          for (const one of parts) controller.enqueue(new TextEncoder().encode(one));
          controller.close();
        },
      }),
    );

  test("an export comes line by line, wherever it is cut", async () => {
    const { fetch } = network(() =>
      stream('{"kind":"ev', 'ent","value":1}\n{"kind":', '"decision"}\n'),
    );
    const lines: unknown[] = [];
    for await (const line of clientOn(fetch).exportUser("u")) lines.push(line);
    assert.deepEqual(lines, [{ kind: "event", value: 1 }, { kind: "decision" }]);
  });

  test("a task is watched to its end, across a connection that breaks", async () => {
    const { sent, fetch } = network(
      () =>
        stream('retry: 3000\n\nid: 1\nevent: task\ndata: {"status":"running"}\n\n: still here\n\n'),
      () => stream('id: 2\nevent: end\ndata: {"status":"succeeded"}\n\n'),
    );
    const states: unknown[] = [];
    for await (const task of clientOn(fetch).watchTask("t")) states.push(task.status);
    assert.deepEqual(states, ["running", "succeeded"]);
    assert.equal(sent[1]!.headers["last-event-id"], "1");
  });

  test("a task whose stream breaks again and again is given up", async () => {
    const { sent, fetch } = network(() => stream(": still here\n\n"));
    await assert.rejects(clientOn(fetch).watchTask("t").next(), { code: "NETWORK" });
    assert.equal(sent.length, 3);
  });
});

describe("the package", () => {
  const sources = globSync(join(import.meta.dirname, "*.ts")).filter(
    (file) => !file.includes(".test."),
  );

  test("takes nothing but types from outside itself", () => {
    for (const file of sources) {
      const code = stripTypeScriptTypes(readFileSync(file, "utf8"));
      const imports = [...code.matchAll(/\bfrom "([^"]+)"/g)].map((match) => match[1]!);
      assert.deepEqual(
        imports.filter((name) => !name.startsWith("./")),
        [],
        file,
      );
    }
  });

  test("is smaller than 5 kB over the wire, even before names are shortened", () => {
    const code = sources
      .map((file) => stripTypeScriptTypes(readFileSync(file, "utf8")))
      .join("\n")
      .replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "")
      .replaceAll(/\s+/g, " ");
    const bytes = gzipSync(code, { level: 9 }).length;
    assert.ok(bytes < 5_000, `${bytes} bytes`);
  });
});
