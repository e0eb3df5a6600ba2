import type { ApiKey, SnapshotRecord } from "@magpie/data";
import {
  compile,
  eventSchema,
  itemSchema,
  RequestError,
  userId,
  type Event,
  type Item,
} from "@magpie/domain";
import type { Engine, ServedRanking, Task } from "@magpie/engine";
import { randomUUID } from "node:crypto";

const checkEvent = compile(eventSchema);
const checkItem = compile(itemSchema);

/** A shop in memory: answers with its items in order of insertion. */
export function memoryEngine(): Engine {
  const items = new Map<string, Item>();
  const events = new Map<string, Event>();
  const keys = new Map<string, ApiKey>();
  const tasks = new Map<string, Task>();
  const watchers = new Map<string, Set<(task: Task) => void>>();
  const scenarios = ["home-feed", "similar-items", "popular", "cart"];
  const snapshots: SnapshotRecord[] = [
    { version: "s2", createdMs: 2_000, path: "s2", status: "active", summary: { items: 2 } },
    { version: "s1", createdMs: 1_000, path: "s1", status: "ready", summary: { items: 1 } },
  ];
  const rank = (scenario: string, limit = 10, explain = false): ServedRanking => ({
    requestId: randomUUID(),
    scenario,
    snapshot: "s2",
    pipeline: `${scenario}/1`,
    items: [...items.values()].slice(0, limit).map((item, i) => ({
      item,
      position: i + 1,
      score: 1 / (i + 1),
      contributions: explain
        ? [{ stage: "popularity", amount: 1 / (i + 1), reason: { kind: "popular", days: null } }]
        : [],
    })),
    timings: [{ stage: "retrieve", ms: 0.5 }],
  });
  const change = (id: string, next: Partial<Task>) => {
    const task = { ...tasks.get(id)!, ...next };
    tasks.set(id, task);
    for (const watcher of watchers.get(id) ?? []) watcher(task);
  };
  const refused = (field: string, message: string) => ({
    ok: false as const,
    code: "INVALID_EVENT",
    field,
    message,
    hint: "Correct it.",
  });
  return {
    async recommend(scenario, { limit, explain, contextItemId }) {
      if (!scenarios.includes(scenario)) {
        throw new RequestError("UNKNOWN_SCENARIO", `No scenario "${scenario}".`, scenarios.join(), {
          kind: "not-found",
        });
      }
      if (contextItemId !== undefined && !items.has(contextItemId)) {
        throw new RequestError("UNKNOWN_ITEM", `No item "${contextItemId}".`, "Check the id.", {
          kind: "not-found",
        });
      }
      return rank(scenario, limit, explain);
    },
    search: async ({ limit, explain }) => ({
      ...rank("search", limit, explain),
      total: items.size,
    }),
    scenarios: () => scenarios,
    async ingest(inputs, nowMs) {
      return inputs.map((input) => {
        const checked = checkEvent(input);
        if (!checked.ok) {
          const { field, message } = checked.violations[0]!;
          return refused(field, message);
        }
        const { eventId = randomUUID(), timestamp, ...rest } = checked.value;
        if (rest.userId === undefined && rest.visitorId === undefined) {
          return refused("userId", "neither userId nor visitorId is given");
        }
        if (events.has(eventId)) return { ok: true, id: eventId, status: "duplicate" };
        const timestampMs = timestamp === undefined ? nowMs : Date.parse(timestamp);
        events.set(eventId, { ...rest, eventId, timestampMs });
        return { ok: true, id: eventId, status: "stored" };
      });
    },
    item: async (id) => items.get(id),
    async upsertItems(inputs) {
      return inputs.map((input) => {
        const checked = checkItem(input);
        if (!checked.ok) {
          const { field, message } = checked.violations[0]!;
          return { ok: false, code: "INVALID_ITEM", field, message, hint: "Correct it." };
        }
        items.set(checked.value.id, checked.value);
        return { ok: true, id: checked.value.id, status: "stored" };
      });
    },
    async deleteItems(ids) {
      return ids.map((id) =>
        items.delete(id)
          ? { ok: true, id, status: "deleted" }
          : { ok: false, code: "UNKNOWN_ITEM", field: "", message: "unknown", hint: "" },
      );
    },
    categories: async () => [{ path: "Home", label: "Home", count: items.size }],
    shops: async () => [],
    promotions: async () => [],
    users: async () =>
      [...Map.groupBy(events.values(), (event) => event.userId!)].map(([user, own]) => ({
        user: userId(user),
        events: own.length,
        lastMs: own[0]!.timestampMs,
      })),
    userEvents: async (user) => [...events.values()].filter((event) => event.userId === user),
    async *exportUser(user) {
      for (const value of events.values())
        if (value.userId === user) yield { kind: "event", value };
    },
    async eraseUser(user) {
      const own = [...events.values()].filter((event) => event.userId === user);
      for (const { eventId } of own) events.delete(eventId);
      return { user, events: own.length, decisions: 0, note: "Nothing was trained." };
    },
    snapshots: async () => snapshots,
    activateSnapshot: async () => {},
    rollBack: async () => snapshots[1]!,
    train() {
      const task: Task = {
        id: randomUUID(),
        kind: "train",
        status: "running",
        createdMs: Date.now(),
      };
      tasks.set(task.id, task);
      return task;
    },
    tasks: () => [...tasks.values()],
    task: (id) => tasks.get(id),
    cancelTask(id) {
      if (tasks.get(id)?.status !== "running") return false;
      change(id, { status: "cancelled", finishedMs: Date.now() });
      return true;
    },
    watchTask(id, listener) {
      const own = watchers.get(id) ?? new Set();
      watchers.set(id, own);
      own.add(listener);
      listener(tasks.get(id)!);
      return () => own.delete(listener);
    },
    verifyKey: async (secret) => {
      const key = keys.get(secret);
      return key?.expiresMs !== undefined && key.expiresMs < Date.now() ? undefined : key;
    },
    async createKey(name, scopes, expiresMs) {
      const key = {
        id: randomUUID(),
        name,
        scopes,
        createdMs: Date.now(),
        ...(expiresMs !== undefined && { expiresMs }),
      };
      const secret = `mgp_${randomUUID()}`;
      keys.set(secret, key);
      return { ...key, secret };
    },
    listKeys: async () => [...keys.values()],
    revokeKey: async (id) => {
      const found = [...keys].find(([, key]) => key.id === id);
      return found !== undefined && keys.delete(found[0]);
    },
    health: async () => ({
      status: "ok",
      notes: [],
      snapshot: "s2",
      items: items.size,
      events: events.size,
      uptimeSeconds: 1,
      rssBytes: 1,
    }),
    close: async () => {},
  };
}
