import { createClient, type Client } from "@magpie/client";
import type { Item } from "@magpie/domain";
import { openEngine, type Engine } from "@magpie/engine";
import { startServer, type RunningServer } from "@magpie/server";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";

/** One row of the published acceptance set. */
interface AcceptanceCase {
  readonly documents: readonly (string | (Partial<Item> & { readonly title: string }))[];
  readonly query: string;
  readonly hits?: readonly string[];
  readonly first?: string;
  readonly absent?: readonly string[];
  readonly marks?: string;
}

const fixture = "../packages/retrieval/src/text/fixtures/acceptance.json";
const { cases } = JSON.parse(readFileSync(new URL(fixture, import.meta.url), "utf8")) as {
  cases: readonly AcceptanceCase[];
};

/** All documents of all rows in one catalogue; a row is the seller, which no text is searched in. */
const sellerOf = (row: number): string => `row-${row}`;
const catalogue = cases.flatMap(({ documents }, row) =>
  documents.map((document, place): Item => {
    const given = typeof document === "string" ? { title: document } : document;
    const id = `${row}-${place}`;
    return {
      ...given,
      id,
      shopId: sellerOf(row),
      variants: given.variants ?? [
        {
          id: `${id}-v`,
          price: { amount: 100, currency: "CNY" },
          availability: { available: true },
        },
      ],
    };
  }),
);

let folder = "";
let engine: Engine;
let server: RunningServer;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "magpie-acceptance-"));
  engine = await openEngine(folder);
  const stored = await engine.upsertItems(catalogue);
  assert.deepEqual(
    stored.filter(({ ok }) => !ok),
    [],
  );
  const { id } = engine.train({ seed: 1 });
  await new Promise<void>((done) => {
    engine.watchTask(id, ({ finishedMs }) => finishedMs !== undefined && done());
  });
  assert.equal(engine.task(id)!.status, "succeeded");
  const { secret } = await engine.createKey("reader", ["read"]);
  server = await startServer({ engine, port: 0 });
  client = createClient({ baseUrl: server.url, apiKey: secret });
});

afterAll(async () => {
  await server.close();
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

describe("the acceptance set over HTTP, all of its rows in one catalogue", () => {
  for (const [row, { documents, query, hits, first, absent, marks }] of cases.entries()) {
    const titles = documents.map((one) => (typeof one === "string" ? one : one.title));
    test(`${query} among ${titles.join(", ")}`, async () => {
      const { items, total } = await client.search({
        query,
        limit: 50,
        locale: "zh",
        filter: { shopIds: [sellerOf(row)] },
        highlight: { open: "[", close: "]" },
        explain: true,
      });
      const found = items.map(({ item }) => item.title);
      assert.equal(total, found.length);
      if (hits !== undefined) assert.deepEqual(found.toSorted(), [...hits].sort());
      if (first !== undefined) assert.equal(found[0], first);
      for (const title of absent ?? []) assert.ok(!found.includes(title), title);
      if (marks !== undefined) assert.equal(items[0]!.highlights!.title.value, marks);
      for (const { score, reasons } of items) {
        const sum = reasons.reduce((told, { amount }) => told + amount, 0);
        assert.ok(Math.abs(sum - score) < 1e-6, `${sum} is not ${score}`);
      }
    });
  }
});
