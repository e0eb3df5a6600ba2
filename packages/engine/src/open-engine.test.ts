import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openStore, simulateShop } from "@magpie/data";
import { isAvailable, userId, type Item } from "@magpie/domain";
import type { Engine, ServedRanking, Task } from "./engine.ts";
import { openEngine, type EngineOptions } from "./open-engine.ts";
import { walkingEvents, walkingItems, walkingNowMs, walkingRecipe } from "./walking-shop.suite.ts";

const now = () => walkingNowMs;
const shopper = userId("shopper-1");

const ids = ({ items }: ServedRanking) => items.map(({ item }) => item.id);
const aisleOf = (id: string) => id.split("-")[0];

function finished(engine: Engine, { id }: Task): Promise<Task> {
  return new Promise((resolve) => {
    engine.watchTask(id, (task) => {
      if (task.finishedMs !== undefined) resolve(task);
    });
  });
}

function reached(engine: Engine, { id }: Task, stage: string): Promise<void> {
  return new Promise((resolve) => {
    engine.watchTask(id, ({ progress }) => {
      if (progress?.stage === stage) resolve();
    });
  });
}

async function train(engine: Engine, seed = 1): Promise<string> {
  const task = await finished(engine, engine.train({ seed }));
  assert.equal(task.status, "succeeded", JSON.stringify(task.error));
  return (task.result as { version: string }).version;
}

const open = (directory: string, options: EngineOptions = {}) =>
  openEngine(directory, { now, recipe: walkingRecipe, ...options });

/** A data folder with a trained shop; tests that change it work on a copy. */
let template: string;
const folders: string[] = [];

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "magpie-engine-"));
  folders.push(folder);
  return folder;
}

async function withShop<T>(
  work: (engine: Engine, directory: string) => Promise<T>,
  options: EngineOptions = {},
): Promise<T> {
  const directory = await emptyFolder();
  await cp(template, directory, { recursive: true });
  const engine = await open(directory, options);
  try {
    return await work(engine, directory);
  } finally {
    await engine.close();
  }
}

beforeAll(async () => {
  template = await emptyFolder();
  const engine = await open(template);
  const stored = await engine.upsertItems(walkingItems());
  assert.ok(stored.every(({ ok }) => ok));
  const taken = await engine.ingest(walkingEvents(), walkingNowMs);
  assert.ok(taken.every((one) => one.ok && one.status === "stored"));
  await train(engine);
  await engine.close();
});

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

describe("a quick training", () => {
  test("serves what counting tells, and says what it left out", async () => {
    const engine = await open(await emptyFolder());
    try {
      await engine.upsertItems(walkingItems());
      await engine.ingest(walkingEvents(), walkingNowMs);
      const quick = await finished(engine, engine.train({ seed: 1, quick: true }));
      assert.equal(quick.status, "succeeded", JSON.stringify(quick.error));
      const { models, notes } = quick.result as { models: string[]; notes: string[] };
      assert.deepEqual(models, ["popularity-recent", "item-knn"]);
      assert.ok(notes.some((note) => /^searches keep their default order: .* quick/.test(note)));
      const feed = await engine.recommend("home-feed", { user: shopper, limit: 10 });
      assert.equal(ids(feed).length, 10);
      assert.ok(ids(feed).filter((id) => aisleOf(id) === "cups").length >= 5, ids(feed).join(" "));
    } finally {
      await engine.close();
    }
  });
});

describe("a trained shop", () => {
  test("recommends along the shopper's aisle, every contribution summing to the score", () =>
    withShop(async (engine) => {
      const ranking = await engine.recommend("home-feed", {
        user: shopper,
        limit: 10,
        explain: true,
      });
      assert.equal(ranking.pipeline, "home-feed/1");
      assert.equal(ranking.items.length, 10);
      const cups = ids(ranking).filter((id) => aisleOf(id) === "cups").length;
      assert.ok(cups >= 5, `only ${cups} of 10 from the aisle: ${ids(ranking).join(" ")}`);
      for (const [i, { position, score, contributions }] of ranking.items.entries()) {
        assert.equal(position, i + 1);
        assert.ok(contributions.length > 0);
        const sum = contributions.reduce((total, { amount }) => total + amount, 0);
        assert.ok(Math.abs(sum - score) < 1e-6, `${sum} is not ${score}`);
      }
      const kinds = new Set(
        ranking.items.flatMap(({ contributions }) =>
          contributions.map(({ reason }) => reason.kind),
        ),
      );
      assert.ok(kinds.has("bought-together") && kinds.has("sequence-model"));
      assert.ok(ranking.timings.some(({ stage }) => stage === "retrieve/sequence"));
    }));

  test("an event changes the next answer", () =>
    withShop(async (engine) => {
      const ask = (user: string) =>
        engine.recommend("home-feed", { user: userId(user), limit: 10 });
      const view = (user: string, item: string) => ({
        type: "view",
        userId: user,
        items: [{ itemId: item }],
      });
      const before = [await ask("newcomer"), await ask(shopper)];
      assert.equal(before[0]!.pipeline, "strangers/1");

      const started = performance.now();
      await engine.ingest(
        [view("newcomer", "kettles-3"), view(shopper, "kettles-3")],
        walkingNowMs,
      );
      const after = [await ask("newcomer"), await ask(shopper)];
      assert.ok(performance.now() - started < 1_000);
      assert.equal(after[0]!.pipeline, "home-feed-in-visit/1");
      const top = ids(after[0]!).slice(0, 3);
      assert.ok(
        top.every((id) => aisleOf(id) === "kettles"),
        top.join(" "),
      );
      assert.notDeepEqual(ids(after[1]!), ids(before[1]!));
    }));

  test("an event without consent to personalisation changes nothing", () =>
    withShop(async (engine) => {
      const ask = async () =>
        ids(await engine.recommend("home-feed", { user: shopper, limit: 10 }));
      const before = await ask();
      const [outcome] = await engine.ingest(
        [
          {
            type: "view",
            userId: shopper,
            items: [{ itemId: "kettles-3" }],
            consent: { personalization: false },
          },
        ],
        walkingNowMs,
      );
      assert.equal(outcome!.ok && outcome!.status, "stored");
      assert.deepEqual(await ask(), before);
    }));

  test("what was bought leaves the feed", () =>
    withShop(async (engine) => {
      const first = ids(await engine.recommend("home-feed", { user: shopper, limit: 1 }))[0]!;
      const buy = { type: "purchase", userId: shopper, items: [{ itemId: first }] };
      await engine.ingest([buy], walkingNowMs);
      const feed = await engine.recommend("home-feed", { user: shopper, limit: 100 });
      assert.ok(!ids(feed).includes(first));
    }));

  test("the second page continues the first", () =>
    withShop(async (engine) => {
      const whole = ids(await engine.recommend("home-feed", { user: shopper, limit: 20 }));
      const first = await engine.recommend("home-feed", { user: shopper, limit: 8 });
      const second = await engine.recommend("home-feed", { user: shopper, limit: 8, offset: 8 });
      assert.deepEqual([...ids(first), ...ids(second)], whole.slice(0, 16));
      assert.equal(second.items[0]!.position, 9);
    }));

  test("similar items stand around the item on show, without it", () =>
    withShop(async (engine) => {
      const ranking = await engine.recommend("similar-items", {
        contextItemId: "tea-5",
        limit: 5,
        explain: true,
      });
      assert.ok(!ids(ranking).includes("tea-5"));
      assert.ok(
        ids(ranking).every((id) => aisleOf(id) === "tea"),
        ids(ranking).join(" "),
      );
    }));

  test("a stranger gets what is popular, spread over categories", () =>
    withShop(async (engine) => {
      const ranking = await engine.recommend("home-feed", { user: userId("nobody"), limit: 10 });
      assert.equal(ranking.pipeline, "strangers/1");
      assert.equal(ranking.items.length, 10);
    }));

  test("a cart is answered by what lies in it", () =>
    withShop(async (engine) => {
      const add = { type: "add_to_cart", userId: "new", items: [{ itemId: "snacks-2" }] };
      await engine.ingest([add], walkingNowMs);
      const ranking = await engine.recommend("cart", { user: userId("new"), limit: 5 });
      assert.equal(ranking.pipeline, "cart/1");
      assert.ok(!ids(ranking).includes("snacks-2"));
      assert.equal(aisleOf(ids(ranking)[0]!), "snacks");
    }));

  test("search finds items by their words and says which", () =>
    withShop(async (engine) => {
      const ranking = await engine.search({ query: "kettles", limit: 4, explain: true });
      assert.equal(ranking.total, 15);
      assert.ok(ids(ranking).every((id) => aisleOf(id) === "kettles"));
      for (const { score, contributions } of ranking.items) {
        assert.ok(contributions.some(({ reason }) => reason.kind === "query-match"));
        const sum = contributions.reduce((total, { amount }) => total + amount, 0);
        assert.ok(Math.abs(sum - score) < 1e-6);
      }
    }));

  test("filters hold in every scenario", () =>
    withShop(async (engine) => {
      const filter = { categories: ["Shop > Tea"], priceCents: { max: 500 } };
      for (const scenario of engine.scenarios()) {
        const { items } = await engine.recommend(scenario, {
          user: shopper,
          contextItemId: "cups-1",
          filter,
          limit: 50,
        });
        for (const { item } of items) {
          assert.equal(aisleOf(item.id), "tea");
          assert.ok(item.variants[0]!.price.amount <= 500);
        }
      }
    }));

  test("what was asked for wrongly is named", () =>
    withShop(async (engine) => {
      await assert.rejects(engine.recommend("nowhere", {}), { code: "UNKNOWN_SCENARIO" });
      await assert.rejects(engine.recommend("__proto__", {}), { code: "UNKNOWN_SCENARIO" });
      await assert.rejects(engine.recommend("similar-items", {}), {
        code: "MISSING_CONTEXT_ITEM",
      });
      await assert.rejects(engine.recommend("similar-items", { contextItemId: "none" }), {
        code: "UNKNOWN_ITEM",
      });
      await assert.rejects(engine.recommend("popular", { limit: 0 }), { code: "INVALID_LIMIT" });
      await assert.rejects(engine.recommend("popular", { offset: 0.5 }), {
        code: "INVALID_OFFSET",
      });
    }));

  test("an answer that is only measured is not in the decision log", () =>
    withShop(async (engine) => {
      const decisionsOf = async () => {
        let decisions = 0;
        for await (const { kind } of engine.exportUser(shopper)) {
          if (kind === "decision") decisions++;
        }
        return decisions;
      };
      const before = await decisionsOf();
      const ask = { query: "cup", user: shopper };
      const measured = await engine.search({ ...ask, isShown: false });
      assert.equal(await decisionsOf(), before);
      assert.deepEqual(ids(await engine.search(ask)), ids(measured));
      assert.equal(await decisionsOf(), before + 1);
    }));

  test("every answer is in the decision log, with its place and propensity", () =>
    withShop(async (engine) => {
      const ranking = await engine.recommend("home-feed", { user: shopper, limit: 3 });
      const logged = [];
      for await (const { kind, value } of engine.exportUser(shopper)) {
        if (kind === "decision") logged.push(value);
      }
      const decision = logged.find(
        (one) => "requestId" in one && one.requestId === ranking.requestId,
      );
      assert.ok(decision && "snapshot" in decision);
      assert.equal(decision.snapshot, ranking.snapshot);
      assert.deepEqual(
        decision.items.map(({ itemId, position, propensity }) => [itemId, position, propensity]),
        ids(ranking).map((id, i) => [id, i + 1, 1]),
      );
      assert.ok(decision.items.every(({ retrievers }) => retrievers.length > 0));
    }));
});

describe("live catalogue", () => {
  const withStock = (item: Item, available: boolean): Item => ({
    ...item,
    variants: item.variants.map((variant) => ({ ...variant, availability: { available } })),
  });

  test("an item that sells out leaves the next answer and comes back with its stock", () =>
    withShop(async (engine) => {
      const ask = async () => ids(await engine.recommend("popular", { limit: 60 }));
      const [first] = await ask();
      const item = (await engine.item(first!))!;
      await engine.upsertItems([withStock(item, false)]);
      assert.ok(!(await ask()).includes(first!));
      await engine.upsertItems([item]);
      assert.equal((await ask())[0], first);
    }));

  test("a new item is found by search, by likeness and in the feed; a deleted one nowhere", () =>
    withShop(async (engine) => {
      const item: Item = {
        ...walkingItems()[0]!,
        id: "matcha",
        title: "Matcha powder",
        createdAt: new Date(walkingNowMs).toISOString(),
      };
      await engine.upsertItems([item]);
      const search = async () => ids(await engine.search({ query: "matcha" }));
      const similar = async () =>
        ids(await engine.recommend("similar-items", { contextItemId: "tea-0", limit: 60 }));
      const feed = async () =>
        ids(await engine.recommend("home-feed", { user: userId("shopper-0"), limit: 20 }));
      assert.deepEqual(await search(), ["matcha"]);
      assert.ok((await similar()).includes("matcha"));
      assert.ok((await feed()).includes("matcha"));
      await engine.deleteItems(["matcha"]);
      assert.deepEqual(await search(), []);
      assert.ok(!(await similar()).includes("matcha"));
      assert.ok(!(await feed()).includes("matcha"));
    }));

  test("changes since the snapshot are there after reopening", async () => {
    const directory = await emptyFolder();
    await cp(template, directory, { recursive: true });
    const first = await open(directory);
    const item: Item = { ...walkingItems()[0]!, id: "matcha", title: "Matcha powder" };
    await first.upsertItems([item, withStock(walkingItems()[1]!, false)]);
    await first.deleteItems([walkingItems()[2]!.id]);
    await first.close();
    const again = await open(directory);
    assert.deepEqual(ids(await again.search({ query: "matcha" })), ["matcha"]);
    const popular = ids(await again.recommend("popular", { limit: 100 }));
    assert.ok(!popular.includes(walkingItems()[1]!.id));
    assert.ok(!popular.includes(walkingItems()[2]!.id));
    await again.close();
  });

  test("items that are wrong are refused with their field, the others kept", () =>
    withShop(async (engine) => {
      const outcomes = await engine.upsertItems([
        { ...walkingItems()[0]!, id: "good" },
        { ...walkingItems()[0]!, variants: [] },
      ]);
      assert.deepEqual(outcomes[0], { ok: true, id: "good", status: "stored" });
      assert.equal(outcomes[1]!.ok, false);
      assert.equal(!outcomes[1]!.ok && outcomes[1]!.field, "variants");
      const [known, unknown] = await engine.deleteItems(["good", "never"]);
      assert.equal(known!.ok, true);
      assert.equal(!unknown!.ok && unknown!.code, "UNKNOWN_ITEM");
    }));

  test("categories are counted and named in the reader's language", () =>
    withShop(async (engine) => {
      const categories = await engine.categories("zh-CN");
      assert.deepEqual(
        categories.find(({ path }) => path === "Shop > Tea"),
        {
          path: "Shop > Tea",
          label: "Tea区",
          count: 15,
        },
      );
    }));
});

describe("ingest", () => {
  test("answers each event by itself: stored, duplicate, dropped, refused", () =>
    withShop(async (engine) => {
      const view = { eventId: "x1", type: "view", userId: "u", items: [{ itemId: "tea-1" }] };
      const outcomes = await engine.ingest(
        [
          view,
          view,
          { ...view, eventId: "x2", consent: { analytics: false } },
          { ...view, type: "look" },
        ],
        walkingNowMs,
      );
      assert.deepEqual(
        outcomes.map((one) => (one.ok ? one.status : one.code)),
        ["stored", "duplicate", "dropped", "INVALID_EVENT"],
      );
      const events = await engine.userEvents(userId("u"), 10);
      assert.deepEqual(
        events.map(({ eventId }) => eventId),
        ["x1"],
      );
    }));
});

describe("snapshots", () => {
  test("a new one is activated, and roll-back returns to the former", () =>
    withShop(
      async (engine) => {
        const { version: first } = (await engine.snapshots())[0]!;
        const second = await train(engine, 2);
        const serving = async () => (await engine.recommend("popular", {})).snapshot;
        assert.equal(await serving(), second);
        assert.equal((await engine.rollBack()).version, first);
        assert.equal(await serving(), first);
        await assert.rejects(engine.rollBack(), { code: "NO_FORMER_SNAPSHOT" });
        await engine.activateSnapshot(second);
        assert.equal(await serving(), second);
        await assert.rejects(engine.activateSnapshot("none"), { code: "UNKNOWN_SNAPSHOT" });
      },
      { now: clock() },
    ));

  test("a damaged one is named, and the former serves in its place", async () => {
    const directory = await emptyFolder();
    await cp(template, directory, { recursive: true });
    const tick = clock();
    const engine = await open(directory, { now: tick });
    const { version: first } = (await engine.snapshots())[0]!;
    const second = await train(engine, 2);
    await engine.close();
    const file = join(directory, "snapshots", second, "item-filter.bin");
    await writeFile(file, (await readFile(file)).subarray(0, 100));

    const again = await open(directory, { now: tick });
    const health = await again.health();
    assert.equal(health.status, "degraded");
    assert.match(health.notes.join(), /item-filter\.bin is damaged: it has 100 bytes instead of/);
    assert.equal((await again.recommend("popular", {})).snapshot, first);
    await assert.rejects(again.activateSnapshot(second), { code: "SNAPSHOT_DAMAGED" });
    await again.activateSnapshot(first);
    assert.equal((await again.health()).status, "ok");
    await again.close();
  });

  test("a byte that changed is found before use when asked, and in the background else", async () => {
    const directory = await emptyFolder();
    await cp(template, directory, { recursive: true });
    const [version] = (await readdir(join(directory, "snapshots"))) as [string];
    const file = join(directory, "snapshots", version, "item-created-ms.f64");
    const bytes = await readFile(file);
    bytes[20]! ^= 1;
    await writeFile(file, bytes);
    for (const verify of ["before-use", "background"] as const) {
      const engine = await open(directory, { verify });
      const noted = async (): Promise<string> => {
        const { notes } = await engine.health();
        if (notes.length > 0) return notes.join();
        await new Promise((resolve) => setTimeout(resolve, 10));
        return noted();
      };
      assert.match(await noted(), /item-created-ms\.f64 is damaged: its SHA-256/);
      await engine.close();
    }
  });

  test("hold no user id", async () => {
    const root = join(template, "snapshots");
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const bytes = await readFile(join(entry.parentPath, entry.name));
      assert.equal(bytes.indexOf("shopper-"), -1, entry.name);
    }
  });
});

describe("training", () => {
  test("measures every model and the blend on what they have not seen", () =>
    withShop(async (engine) => {
      const { summary } = (await engine.snapshots())[0]!;
      const { protocol, models } = summary["measurement"] as {
        protocol: string;
        models: { model: string; ndcgAt10: number }[];
      };
      assert.match(protocol, /^global time split/);
      const of = (name: string) => models.find(({ model }) => model === name)!.ndcgAt10;
      assert.ok(of("item-kNN") > 1.5 * of("popularity, all time"));
      assert.ok(of("blend") > 1.5 * of("popularity, all time"));
      assert.ok(models.some(({ model }) => model === "SASRec"));
    }));

  test("a shop without events gets its newest items and says what is missing", async () => {
    const engine = await open(await emptyFolder());
    await assert.rejects(engine.recommend("home-feed", {}), { code: "NO_SNAPSHOT" });
    const empty = await finished(engine, engine.train({}));
    assert.equal(empty.error?.code, "EMPTY_CATALOGUE");
    await engine.upsertItems(walkingItems());
    await train(engine);
    const feed = await engine.recommend("home-feed", { user: shopper, limit: 5 });
    assert.equal(feed.items.length, 5);
    const similar = await engine.recommend("similar-items", { contextItemId: "tea-3", limit: 5 });
    assert.ok(ids(similar).every((id) => aisleOf(id) === "tea"));
    const { summary } = (await engine.snapshots())[0]!;
    const notes = (summary["notes"] as string[]).join("\n");
    assert.match(notes, /no sasrec: the log holds no interaction/);
    assert.match(notes, /no measurement/);
    await engine.close();
  });

  test("stops when cancelled, and the next run goes on with its data", () =>
    withShop(async (engine, directory) => {
      const task = engine.train({ seed: 3 });
      await reached(engine, task, "sasrec/train");
      assert.equal(engine.cancelTask(task.id), true);
      assert.equal((await finished(engine, task)).status, "cancelled");
      assert.ok((await readdir(join(directory, "training"))).includes("run.v8"));

      const messages: string[] = [];
      const again = engine.train({ seed: 3 });
      engine.watchTask(again.id, ({ progress }) => {
        if (progress?.message !== undefined) messages.push(progress.message);
      });
      assert.equal((await finished(engine, again)).status, "succeeded");
      assert.match(messages.join("\n"), /Going on with the interrupted run/);
      assert.ok(!(await readdir(directory)).includes("training"));
    }));
});

describe("the simulated shop", () => {
  test("is trained on, answers in both languages, and learns from a click", async () => {
    const directory = await emptyFolder();
    const shop = simulateShop({ seed: 1, size: "tiny", nowMs: walkingNowMs });
    const store = await openStore(directory);
    await store.catalog.upsert(shop.items, "simulator");
    const bulk = store.events.openBulk("simulator", "simulator");
    for (const event of shop.events()) await bulk.add(event);
    await bulk.commit();
    await store.close();

    const engine = await open(directory, { recipe: { sasrec: false, ease: false } });
    await train(engine);
    const { user } = (await engine.users(1))[0]!;
    const feed = async () => engine.recommend("home-feed", { user, limit: 10 });
    const before = await feed();
    assert.ok(before.items.every(({ item }) => isAvailable(item)));
    const tea = await engine.search({ query: "茶", locale: "zh", limit: 5 });
    assert.ok(tea.items.length > 0);
    for (const { item } of tea.items) assert.match(item.locales!["zh"]!.title!, /茶/);
    const other = tea.items.find(({ item }) => !ids(before).includes(item.id))!.item.id;
    await engine.ingest([{ type: "view", userId: user, items: [{ itemId: other }] }], walkingNowMs);
    assert.notDeepEqual(ids(await feed()), ids(before));
    await engine.close();
  });
});

describe("a data folder", () => {
  test("has one owner: a second is told so", () =>
    withShop(async (_, directory) => {
      await assert.rejects(open(directory), (error: { code: string; message: string }) => {
        assert.equal(error.code, "DATA_FOLDER_IN_USE");
        assert.match(error.message, new RegExp(String(process.pid)));
        return true;
      });
    }));
});

describe("erasure", () => {
  test("takes what a running training froze, once it has ended", () =>
    withShop(async (engine, directory) => {
      const task = engine.train({ seed: 4 });
      await reached(engine, task, "plan");
      await engine.eraseUser(shopper);
      engine.cancelTask(task.id);
      assert.equal((await finished(engine, task)).status, "cancelled");
      assert.ok(!(await readdir(directory)).includes("training"));
    }));

  test("leaves nothing of a user in store, memory and answers", () =>
    withShop(async (engine) => {
      await engine.recommend("home-feed", { user: shopper });
      const erased = await engine.eraseUser(shopper);
      assert.equal(erased.events, 15);
      assert.ok(erased.decisions >= 1);
      assert.match(erased.note, /no user id/);
      assert.deepEqual(await engine.userEvents(shopper, 10), []);
      const left = [];
      for await (const one of engine.exportUser(shopper)) left.push(one);
      assert.deepEqual(left, []);
      const feed = await engine.recommend("home-feed", { user: shopper });
      assert.equal(feed.pipeline, "strangers/1");
    }));
});

/** A clock that moves on by a second with every look, so that versions differ. */
function clock(): () => number {
  let ms = walkingNowMs;
  return () => (ms += 1_000);
}
