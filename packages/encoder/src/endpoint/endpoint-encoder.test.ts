import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, test } from "vitest";
import { EncoderError } from "../text-encoder.ts";
import { EndpointEncoder } from "./endpoint-encoder.ts";

interface Call {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly body: { readonly model: string; readonly input: string[] };
}
interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Never answers when undefined. */
  readonly body?: unknown;
}

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A service of one's own machine: `answer` says what it replies. */
async function service(answer: (call: Call, count: number) => Answer) {
  const calls: Call[] = [];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (part) => (text += String(part)));
    request.on("end", () => {
      const body = JSON.parse(text) as Call["body"];
      const call = { headers: request.headers, path: request.url ?? "", body };
      calls.push(call);
      const { status = 200, headers = {}, body: reply } = answer(call, calls.length);
      if (reply === undefined) return;
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(reply));
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return { calls, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/` };
}

/** Vectors [3 · length, 4 · length], answered last text first. */
const lengths = ({ body }: Call): Answer => ({
  body: {
    data: body.input
      .map((text, index) => ({ index, embedding: [3 * text.length, 4 * text.length] }))
      .reverse(),
  },
});
const options = { model: "tiny", width: 2, retryDelayMs: 1 };
const failsWith = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof EncoderError && error.code === code && message.test(error.message);

describe("the endpoint encoder", () => {
  test("asks in batches, puts answers in the order of the texts, and makes them length 1", async () => {
    const { calls, baseUrl } = await service(({ body }) => ({
      body: {
        data: body.input
          .map((text, index) => ({ index, embedding: text === "b" ? [0, 2] : [2, 0] }))
          .reverse(),
      },
    }));
    const encoder = new EndpointEncoder({ ...options, baseUrl, batchSize: 2 });
    const vectors = await encoder.encode(["a", "b", "b", "a", "b"]);
    assert.deepEqual([...vectors], [1, 0, 0, 1, 0, 1, 1, 0, 0, 1]);
    assert.deepEqual(calls.map(({ body }) => body.input.length).sort(), [1, 2, 2]);
    assert.ok(calls.every(({ path, body }) => path === "/v1/embeddings" && body.model === "tiny"));
    assert.equal(encoder.name, "endpoint/tiny");
  });

  test("sends no blank text, and gives it zeros", async () => {
    const { calls, baseUrl } = await service(lengths);
    const encoder = new EndpointEncoder({ ...options, baseUrl });
    assert.deepEqual(
      [...(await encoder.encode(["", "x", " "]))].map((value) => Math.round(10 * value)),
      [0, 0, 6, 8, 0, 0],
    );
    assert.deepEqual(calls[0]!.body.input, ["x"]);
    assert.equal((await encoder.encode([])).length, 0);
    assert.equal(calls.length, 1);
  });

  test("writes the prefix of the role, and sends the key of the variable", async () => {
    const { calls, baseUrl } = await service(lengths);
    const prefixes = { query: "query: ", document: "passage: " };
    const encoder = new EndpointEncoder(
      { ...options, baseUrl, prefixes, keyVariable: "SHOP_KEY" },
      { SHOP_KEY: "s3cret" },
    );
    await encoder.encode(["shoes"], "query");
    await encoder.encode(["shoes"]);
    assert.deepEqual(
      calls.flatMap(({ body }) => body.input),
      ["query: shoes", "passage: shoes"],
    );
    assert.equal(calls[0]!.headers.authorization, "Bearer s3cret");
  });

  test("tries again what may pass: 503, 429 with its wait, and silence", async () => {
    const { calls, baseUrl } = await service((call, count) => {
      if (count === 1) return { status: 503, body: {} };
      if (count === 2) return { status: 429, headers: { "retry-after": "0" }, body: {} };
      return count === 3 ? {} : lengths(call);
    });
    const encoder = new EndpointEncoder({ ...options, baseUrl, timeoutMs: 150 });
    assert.equal((await encoder.encode(["x"])).length, 2);
    assert.equal(calls.length, 4);
  });

  test("gives up after the last retry, and at once on what will not pass", async () => {
    const { calls, baseUrl } = await service(({ body }) => ({
      status: body.model === "tiny" ? 500 : 401,
      body: { error: "no" },
    }));
    const key = { keyVariable: "SHOP_KEY" };
    const environment = { SHOP_KEY: "s3cret" };
    await assert.rejects(
      new EndpointEncoder({ ...options, ...key, baseUrl, retries: 2 }, environment).encode(["x"]),
      failsWith("ENDPOINT_FAILED", /status 500/),
    );
    assert.equal(calls.length, 3);
    await assert.rejects(
      new EndpointEncoder({ ...options, ...key, baseUrl, model: "other" }, environment).encode([
        "x",
      ]),
      (error) => failsWith("ENDPOINT_FAILED", /status 401/)(error) && !/s3cret/.test(String(error)),
    );
    assert.equal(calls.length, 4);
  });

  test("says when answers have another width, another count, or are none", async () => {
    const replies: [unknown, RegExp][] = [
      [{ data: [{ index: 0, embedding: [1, 2, 3] }] }, /3 values a text instead of 2/],
      [{ data: [] }, /1 embeddings/],
      [{ data: [{ index: 5, embedding: [1, 2] }] }, /1 embeddings/],
      [{ data: [{ index: 0, embedding: ["1", 2] }] }, /1 embeddings/],
      ["hello", /1 embeddings/],
    ];
    for (const [body, message] of replies) {
      const { baseUrl } = await service(() => ({ body }));
      await assert.rejects(
        new EndpointEncoder({ ...options, baseUrl }).encode(["x"]),
        failsWith("ENDPOINT_FAILED", message),
      );
    }
  });

  test("refuses an address that is none, and a named key that is not there", () => {
    assert.throws(
      () => new EndpointEncoder({ ...options, baseUrl: "localhost" }),
      failsWith("BAD_ENDPOINT", /localhost/),
    );
    assert.throws(
      () => new EndpointEncoder({ ...options, baseUrl: "http://x", keyVariable: "NONE" }, {}),
      failsWith("NO_ENDPOINT_KEY", /NONE/),
    );
  });
});
