import type { Promotion } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import type { Assortment } from "./catalog.ts";

const dayMs = 86_400_000;

/** A promotion with its truth: when, how much, and which leaves or items it covers. */
export interface SimulatedPromotion {
  readonly promotion: Promotion;
  readonly startsMs: number;
  readonly endsMs: number;
  readonly percentOff: number;
  /** Covered leaf, or undefined when single items are covered. */
  readonly leaf?: number;
  readonly items?: ReadonlySet<number>;
}

/** 20 → "8折", 15 → "8.5折": Chinese names what is left to pay, in tenths. */
function inTenths(percentOff: number): string {
  return `${Number(((100 - percentOff) / 10).toFixed(1))}折`;
}

/**
 * Promotions over the simulated time and a little beyond: one category week about every nine
 * days, two days of picked bargains every month. Some run at `nowMs`, some are still to come.
 */
export function drawPromotions(
  seed: number,
  assortment: Assortment,
  startMs: number,
  nowMs: number,
): SimulatedPromotion[] {
  const random = seededRandom(seed, "simulator/promotions");
  const promotions: SimulatedPromotion[] = [];

  const add = (
    startsMs: number,
    days: number,
    percentOff: number,
    title: readonly [string, string],
    scope: { leaf: number } | { items: ReadonlySet<number> },
  ): void => {
    const endsMs = startsMs + days * dayMs;
    promotions.push({
      promotion: {
        id: `promo-${String(promotions.length + 1).padStart(3, "0")}`,
        title: title[0],
        locales: { zh: { title: title[1] } },
        percentOff,
        ...("leaf" in scope
          ? { category: assortment.leaves[scope.leaf]!.path[0] }
          : { itemIds: [...scope.items].map((i) => assortment.items[i]!.item.id) }),
        startsAt: new Date(startsMs).toISOString(),
        endsAt: new Date(endsMs).toISOString(),
      },
      startsMs,
      endsMs,
      percentOff,
      ...scope,
    });
  };

  for (let t = startMs + 3 * dayMs; t < nowMs + 14 * dayMs; t += (6 + random.int(7)) * dayMs) {
    const leaf = random.int(assortment.leaves.length);
    const [en, zh] = assortment.leaves[leaf]!.template.name;
    const percentOff = 10 + 5 * random.int(5);
    add(
      t,
      4 + random.int(4),
      percentOff,
      [`${en} Week: ${percentOff}% off`, `${zh}特惠周 ${inTenths(percentOff)}`],
      { leaf },
    );
  }
  for (let t = startMs + 12 * dayMs; t < nowMs + 14 * dayMs; t += 30 * dayMs) {
    const count = Math.max(3, Math.round(assortment.items.length / 40));
    const items = new Set(Array.from({ length: count }, () => random.int(assortment.items.length)));
    const percentOff = 20 + 5 * random.int(4);
    add(
      t,
      2,
      percentOff,
      [`Bargain Days: ${percentOff}% off`, `限时好价 ${inTenths(percentOff)}`],
      { items },
    );
  }
  // The shop's front page should never be without one.
  const leaf = random.int(assortment.leaves.length);
  const [en, zh] = assortment.leaves[leaf]!.template.name;
  add(nowMs - 2 * dayMs, 9, 15, [`${en} Week: 15% off`, `${zh}特惠周 8.5折`], { leaf });
  return promotions.sort((a, b) => a.startsMs - b.startsMs);
}
