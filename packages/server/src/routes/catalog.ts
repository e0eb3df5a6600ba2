import {
  routes,
  type ItemResult,
  type ProblemField,
  type UpsertResponse,
  type UpsertSummary,
} from "@magpie/contract";
import type { Item } from "@magpie/domain";
import type { Engine } from "@magpie/engine";
import type { Readable } from "node:stream";
import { bind, type App, type Services } from "../bind.ts";
import { readLines, type Line } from "../ndjson.ts";
import { HttpError } from "../problems.ts";

/** Lines of a catalogue that are stored together. */
const linesPerBatch = 500;

/** Problems listed in one answer; more would help nobody. */
const maxFields = 100;

/** Items, categories, sellers and promotions. */
export function catalogRoutes(app: App, services: Services): void {
  const { engine, metrics, limits, now } = services;

  app.route({
    ...bind(routes.getItem),
    handler: async (request) => {
      const { itemId } = request.params;
      const item = await engine.item(itemId);
      if (item === undefined) throw unknownItem(itemId);
      return item;
    },
  });

  app.route({
    ...bind(routes.getItems),
    handler: async (request) => {
      const ids = [...new Set(request.query.ids)];
      const found = await Promise.all(ids.map((id) => engine.item(id)));
      return {
        items: found.filter((item): item is Item => item !== undefined),
        missing: ids.filter((_, i) => found[i] === undefined),
      };
    },
  });

  app.route({
    ...bind(routes.upsertItems),
    // Small enough to be whole in memory; NDJSON is counted as it streams.
    bodyLimit: Math.max(limits.maxBodyBytes, 16 * 1_048_576),
    handlerTimeout: 3_600_000,
    handler: async (request, reply) => {
      const body: unknown = request.body;
      if (!isStream(body)) {
        const answer = await upsertBatch(engine, request.body.items);
        metrics.itemsReceived("stored", answer.stored);
        metrics.itemsReceived("refused", answer.refused);
        if (answer.stored === 0) throw allRefused(answer.results, (i) => `items[${i}]`);
        return answer;
      }
      const { results, summary } = await upsertLines(engine, body, limits.maxCatalogBytes);
      metrics.itemsReceived("stored", summary.summary.stored);
      metrics.itemsReceived("refused", summary.summary.refused);
      if (summary.summary.stored === 0) {
        throw allRefused(results, (i) => `line ${results[i]!.line}`);
      }
      reply.type("application/x-ndjson");
      return [...results, summary].map((line) => `${JSON.stringify(line)}\n`).join("");
    },
  });

  app.route({
    ...bind(routes.deleteItem),
    handler: async (request) => {
      const { itemId } = request.params;
      const [outcome] = await engine.deleteItems([itemId]);
      if (outcome === undefined || !outcome.ok) throw unknownItem(itemId);
      return { itemId, status: "deleted" };
    },
  });

  app.route({
    ...bind(routes.categories),
    handler: async (request) => ({
      categories: await engine.categories(request.query.locale ?? "en"),
    }),
  });

  app.route({ ...bind(routes.shops), handler: async () => ({ shops: await engine.shops() }) });

  app.route({
    ...bind(routes.promotions),
    handler: async () => ({ promotions: await engine.promotions(now()) }),
  });
}

function unknownItem(itemId: string): HttpError {
  return new HttpError(
    "UNKNOWN_ITEM",
    `The catalogue has no item ${JSON.stringify(itemId)}.`,
    "Check the id; ids are case-sensitive, and an item may have been deleted.",
  );
}

function isStream(body: unknown): body is Readable {
  return typeof body === "object" && body !== null && "pipe" in body;
}

async function upsertBatch(engine: Engine, items: readonly unknown[]): Promise<UpsertResponse> {
  const outcomes = await engine.upsertItems(items);
  const results = outcomes.map((outcome) => toResult(outcome));
  const stored = results.filter(({ status }) => status === "stored").length;
  return { stored, refused: results.length - stored, results };
}

function toResult(
  outcome: Awaited<ReturnType<Engine["upsertItems"]>>[number],
  line?: number,
): ItemResult {
  const place = line !== undefined && { line };
  if (outcome.ok) return { ...place, status: "stored", itemId: outcome.id };
  const { code, field, message, hint } = outcome;
  return { ...place, status: "refused", code, field, message, hint };
}

/** Stores a catalogue batch by batch as it arrives; what is stored before a break stays stored. */
async function upsertLines(
  engine: Engine,
  body: Readable,
  maxBytes: number,
): Promise<{ results: ItemResult[]; summary: UpsertSummary }> {
  const results: ItemResult[] = [];
  let stored = 0;
  let batch: Line[] = [];
  const flush = async () => {
    const good = batch.filter((line) => "value" in line);
    const outcomes =
      good.length === 0 ? [] : await engine.upsertItems(good.map(({ value }) => value));
    let next = 0;
    for (const line of batch) {
      if ("value" in line) {
        const result = toResult(outcomes[next++]!, line.number);
        if (result.status === "stored") stored += 1;
        results.push(result);
      } else {
        const { number, code, message, hint } = line;
        results.push({ line: number, status: "refused", code, field: "", message, hint });
      }
    }
    batch = [];
  };
  for await (const line of readLines(bounded(body, maxBytes, () => stored))) {
    batch.push(line);
    if (batch.length === linesPerBatch) await flush();
  }
  await flush();
  return {
    results,
    summary: { summary: { lines: results.length, stored, refused: results.length - stored } },
  };
}

/** Passes chunks on until there are too many bytes. */
async function* bounded(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
  stored: () => number,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new HttpError(
        "TOO_LARGE",
        `The catalogue has more than ${maxBytes} bytes; its first ${stored()} items are stored.`,
        "Send the rest in a second request, or import the file with the command line.",
        { headers: { connection: "close" } }, // the rest is on its way and is not read
      );
    }
    yield chunk;
  }
}

function allRefused(results: readonly ItemResult[], placeOf: (i: number) => string): HttpError {
  const fields = results
    .slice(0, maxFields)
    .flatMap((result, i): ProblemField[] =>
      result.status === "refused"
        ? [{ field: [placeOf(i), result.field].filter(Boolean).join("."), message: result.message }]
        : [],
    );
  const first = results[0];
  if (first?.status !== "refused") {
    return new HttpError(
      "EMPTY_BODY",
      "The body holds no items.",
      "Send one JSON object per line, each an item.",
    );
  }
  return new HttpError(
    "ITEMS_REFUSED",
    `None of ${results.length} ${results.length === 1 ? "item" : "items"} was accepted; the first (${first.code}): ${fields[0]!.field}: ${fields[0]!.message}.`,
    first.hint,
    { fields },
  );
}
