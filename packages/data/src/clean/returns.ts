/** A purchase or a return of one user, in order of time. */
export interface PurchaseOrReturn {
  /** What was bought: purchases and returns of the same key can settle each other. */
  readonly key: number | string;
  readonly isReturn: boolean;
  /** Units. Not positive means unstated: one unit bought, or the whole purchase returned. */
  readonly quantity: number;
}

/** What remains when returns have been set against purchases. */
export interface Settlement {
  /**
   * Per entry: units of a purchase that were not returned, or of a return that met no purchase.
   * An unstated return quantity that met nothing counts as 1.
   */
  readonly left: number[];
  /** Returns that met their purchase whole, in part, and not at all. */
  readonly matched: number;
  readonly partlyMatched: number;
  readonly unmatched: number;
}

/**
 * Sets each return against the latest purchases of the same key that precede it, newest first, so
 * that a person who bought twice and returned once keeps the earlier purchase. A return may take
 * part of a purchase (quantity 1 of 3) or span several.
 *
 * @param entries  one user's purchases and returns, oldest first
 */
export function settleReturns(entries: readonly PurchaseOrReturn[]): Settlement {
  const left = entries.map(({ quantity }) => (quantity > 0 ? quantity : 1));
  const open = new Map<number | string, number[]>();
  let matched = 0;
  let partlyMatched = 0;
  let unmatched = 0;

  for (let i = 0; i < entries.length; i++) {
    const { key, isReturn, quantity } = entries[i]!;
    const purchases = open.get(key) ?? [];
    if (!isReturn) {
      purchases.push(i);
      open.set(key, purchases);
      continue;
    }
    const latest = purchases.at(-1);
    let owed = quantity > 0 || latest === undefined ? left[i]! : left[latest]!;
    const asked = owed;
    for (let purchase = latest; owed > 0 && purchase !== undefined; purchase = purchases.at(-1)) {
      const units = Math.min(owed, left[purchase]!);
      left[purchase]! -= units;
      owed -= units;
      if (left[purchase] === 0) purchases.pop();
    }
    left[i] = owed;
    if (owed === 0) matched++;
    else if (owed < asked) partlyMatched++;
    else unmatched++;
  }
  return { left, matched, partlyMatched, unmatched };
}
