import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, test } from "vitest";
import type { Item } from "@magpie/domain";
import type { Engine, Task } from "./engine.ts";
import { openEngine } from "./open-engine.ts";
import { smallItem } from "./small-shop.suite.ts";

const folders: string[] = [];
const engines: Engine[] = [];
let service: Server | undefined;

async function opened(folder?: string): Promise<{ engine: Engine; folder: string }> {
  const own = folder ?? (await mkdtemp(join(tmpdir(), "magpie-settings-")));
  folders.push(own);
  const engine = await openEngine(own);
  engines.push(engine);
  return { engine, folder: own };
}

async function train(engine: Engine): Promise<void> {
  const { id } = engine.train({});
  const task = await new Promise<Task>((resolve) =>
    engine.watchTask(id, (now) => now.finishedMs !== undefined && resolve(now)),
  );
  assert.equal(task.status, "succeeded", JSON.stringify(task.error));
}

const idsOf = async (engine: Engine, query: string): Promise<string[]> =>
  (await engine.search({ query })).items.map(({ item }) => item.id);

const [variant] = smallItem("x").variants;
const shoes: Item[] = [
  smallItem("boot", {
    title: "Schwarzer Winterstiefel",
    brand: "Vela",
    variants: [{ ...variant!, sku: "WS-400" }],
    attributes: { supplier: "Acme" },
  }),
  smallItem("lamp", { title: "Lamp 400", brand: "Lumo" }),
];

/** An embeddings service: three values by the letters of a text. */
async function startService(): Promise<string> {
  service = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString("utf8")));
    request.on("end", () => {
      const { input } = JSON.parse(body) as { input: string[] };
      const data = input.map((text, index) => ({
        index,
        embedding: [text.length, text.split("e").length, 1],
      }));
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ data }));
    });
  });
  await new Promise<void>((resolve) => service!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(service.address() as { port: number }).port}/v1`;
}

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  service?.closeAllConnections();
  await new Promise<void>((resolve) => (service ? service.close(() => resolve()) : resolve()));
  service = undefined;
});

describe("a shop's settings", () => {
  test("count from the next training on, and are kept", async () => {
    const { engine, folder } = await opened();
    await engine.upsertItems(shoes);
    assert.deepEqual(engine.settings(), { settings: {}, needsTraining: false });
    await train(engine);
    assert.deepEqual(await idsOf(engine, "400"), ["lamp", "boot"]);
    const settings = { language: "de", fields: { sku: { search: "exact" } } };
    assert.deepEqual(await engine.changeSettings(settings), { settings, needsTraining: true });
    assert.deepEqual(await idsOf(engine, "400"), ["lamp", "boot"]);
    await train(engine);
    assert.equal(engine.settings().needsTraining, false);
    assert.deepEqual(await idsOf(engine, "400"), ["lamp"]);
    assert.equal((await idsOf(engine, "ws 400"))[0], "boot");
    assert.deepEqual(await idsOf(engine, "schwarzen Winterstiefeln"), ["boot"]);
    await engine.close();
    const again = (await opened(folder)).engine;
    assert.deepEqual(again.settings(), { settings, needsTraining: false });
    await again.upsertItems([
      smallItem("other", { title: "Other", variants: [{ ...variant!, sku: "ZZ-400" }] }),
    ]);
    assert.deepEqual(await idsOf(again, "400"), ["lamp"]);
  }, 120_000);

  test("hide a facet at once, and leave conditions on it", async () => {
    const { engine } = await opened();
    await engine.upsertItems(shoes);
    await train(engine);
    const facet = (field: string) => engine.search({ query: "", facets: [{ field }] });
    assert.equal((await facet("attributes.supplier")).facets!.length, 1);
    const changed = await engine.changeSettings({
      fields: { "attributes.supplier": { facet: false } },
    });
    assert.equal(changed.needsTraining, false);
    await assert.rejects(facet("attributes.supplier"), { code: "NOT_A_FACET" });
    await assert.rejects(
      engine.searchFacet({ query: "", field: "attributes.supplier", text: "a" }),
      { code: "NOT_A_FACET" },
    );
    const every = (await facet("*")).facets!.map(({ field }) => field);
    assert.ok(every.includes("brand") && !every.includes("attributes.supplier"), every.join());
    const where = [[{ field: "attributes.supplier", anyOf: ["Acme"] }]];
    const { items } = await engine.search({ query: "", filter: { where } });
    assert.deepEqual(
      items.map(({ item }) => item.id),
      ["boot"],
    );
  }, 60_000);

  test("that are wrong change nothing", async () => {
    const { engine } = await opened();
    await engine.changeSettings({ language: "fr" });
    await assert.rejects(engine.changeSettings({ language: "fr", fields: { nonsense: {} } }), {
      code: "INVALID_SETTINGS",
    });
    assert.deepEqual(engine.settings().settings, { language: "fr" });
  });

  test("choose the encoder: off, a service, the embedded one again", async () => {
    const { engine, folder } = await opened();
    await engine.upsertItems(shoes);
    await train(engine);
    const pipeline = async (): Promise<string> =>
      (await engine.search({ query: "boots" })).pipeline;
    assert.equal(await pipeline(), "search-hybrid/1");

    await engine.changeSettings({ encoder: { kind: "off" } });
    await train(engine);
    assert.equal(await pipeline(), "search/1");

    const baseUrl = await startService();
    await engine.changeSettings({ encoder: { kind: "endpoint", baseUrl, model: "m", width: 3 } });
    assert.equal(engine.settings().needsTraining, true);
    await train(engine);
    assert.equal(await pipeline(), "search-hybrid/1");
    assert.deepEqual((await engine.health()).notes, []);

    // Another encoder than the snapshot's: words alone, and health says so until the next training.
    await engine.changeSettings({});
    await engine.close();
    const again = (await opened(folder)).engine;
    assert.match((await again.health()).notes.join(), /search by meaning|words alone/i);
    await train(again);
    assert.deepEqual((await again.health()).notes, []);
    assert.equal((await again.search({ query: "boots" })).pipeline, "search-hybrid/1");
  }, 120_000);

  test("an encoder that could not be opened is tried again by the next training", async () => {
    const { engine } = await opened();
    await engine.upsertItems(shoes);
    const baseUrl = await startService();
    const encoder = {
      kind: "endpoint",
      baseUrl,
      model: "m",
      width: 3,
      keyVariable: "MAGPIE_TEST_KEY",
    };
    await engine.changeSettings({ encoder });
    await train(engine);
    assert.equal((await engine.search({ query: "lamp" })).pipeline, "search/1");
    process.env["MAGPIE_TEST_KEY"] = "secret";
    try {
      await train(engine);
      assert.deepEqual((await engine.health()).notes, []);
      assert.equal((await engine.search({ query: "lamp" })).pipeline, "search-hybrid/1");
    } finally {
      delete process.env["MAGPIE_TEST_KEY"];
    }
  }, 120_000);
});
