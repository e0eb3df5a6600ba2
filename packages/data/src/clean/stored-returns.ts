import { eventTypes } from "@magpie/domain";
import type { EventStore } from "../store/store.ts";
import { settleReturns, type PurchaseOrReturn } from "./returns.ts";

/** A return of this import, with its line. */
export interface StoredReturn {
  readonly user: string;
  readonly item: string;
  readonly timestampMs: number;
  readonly line: number;
}

/** How a return met the purchases of the log. */
export interface ReturnVerdict {
  readonly rule: "return-settled" | "return-partly-settled" | "return-unmatched";
  readonly line: number;
  readonly item: string;
}

const purchase = eventTypes.indexOf("purchase");
const refund = eventTypes.indexOf("refund");

/**
 * Sets the returns of an import against the purchases of the whole log, earlier imports included.
 * Memory grows with the returns and the purchases of the users who returned, not with the log.
 */
export async function settledReturns(
  events: EventStore,
  returns: readonly StoredReturn[],
): Promise<ReturnVerdict[]> {
  const users = new Set(returns.map(({ user }) => user));
  const items = new Set(returns.map(({ item }) => item));
  const userKeys = await events.userKeys();
  const itemKeys = await events.itemKeys();
  const isUser = Uint8Array.from(userKeys, (key) => (users.has(key) ? 1 : 0));
  const isItem = Uint8Array.from(itemKeys, (key) => (items.has(key) ? 1 : 0));

  interface Entry extends PurchaseOrReturn {
    readonly timestampMs: number;
  }
  const byUser = new Map<number, Entry[]>();
  for await (const columns of events.scanColumns()) {
    for (let i = 0; i < columns.length; i++) {
      const type = columns.types[i]!;
      if (type !== purchase && type !== refund) continue;
      const user = columns.users[i]!;
      const item = columns.items[i]!;
      if (isUser[user] !== 1 || isItem[item] !== 1) continue;
      const entries = byUser.get(user) ?? [];
      byUser.set(user, entries);
      entries.push({
        key: item,
        isReturn: type === refund,
        quantity: columns.quantities[i]!,
        timestampMs: columns.timestampsMs[i]!,
      });
    }
  }

  const verdicts = new Map<string, ReturnVerdict["rule"]>();
  for (const [user, entries] of byUser) {
    // A return of the same moment as its purchase comes after it.
    entries.sort(
      (a, b) => a.timestampMs - b.timestampMs || Number(a.isReturn) - Number(b.isReturn),
    );
    const { left } = settleReturns(entries);
    entries.forEach(({ key, isReturn, quantity, timestampMs }, i) => {
      if (!isReturn) return;
      const asked = quantity > 0 ? quantity : 1;
      const rule =
        left[i] === 0
          ? "return-settled"
          : left[i]! < asked
            ? "return-partly-settled"
            : "return-unmatched";
      verdicts.set(keyOf(userKeys[user]!, itemKeys[key as number]!, timestampMs), rule);
    });
  }
  const answers: ReturnVerdict[] = [];
  for (const { user, item, timestampMs, line } of returns) {
    const rule = verdicts.get(keyOf(user, item, timestampMs));
    // A return whose event id the log had before is not of this import.
    if (rule !== undefined) answers.push({ rule, line, item });
  }
  return answers;
}

function keyOf(user: string, item: string, timestampMs: number): string {
  return JSON.stringify([user, item, timestampMs]);
}
