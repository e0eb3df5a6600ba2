import { halfWidth, type Assortment, type SimulatedItem } from "./catalog.ts";
import type { SimulatedPromotion } from "./promotions.ts";
import type { Population, Shopper } from "./shoppers.ts";
import { inGap } from "./supply.ts";

const dayMs = 86_400_000;
const yearMs = 365.25 * dayMs;

/** How sharply tastes separate leaves: the standard deviation of a leaf's affinity, in logits. */
const leafScale = 2.2;
/** The same for style and brand within a leaf. */
const mannerScale = 1.6;

/**
 * What is true of the shop at a moment: prices, stock, season, and how much a shopper likes an
 * item. Pure functions of time; the sessions only draw from them.
 */
export class Market {
  readonly assortment: Assortment;
  readonly population: Population;
  /** Promotions that may cover an item, by item row. */
  readonly #byItem: readonly (readonly SimulatedPromotion[])[];
  readonly #byLeaf: readonly (readonly SimulatedPromotion[])[];
  readonly #taste = new Float32Array(2 * halfWidth);

  constructor(
    assortment: Assortment,
    population: Population,
    promotions: readonly SimulatedPromotion[],
  ) {
    this.assortment = assortment;
    this.population = population;
    this.#byItem = assortment.items.map((made, i) =>
      promotions.filter((p) => p.leaf === made.leaf || p.items?.has(i)),
    );
    this.#byLeaf = assortment.leaves.map((_, l) => promotions.filter((p) => p.leaf === l));
  }

  /** Price in fen with the best promotion that runs then. */
  priceAt(item: number, tMs: number): number {
    let percentOff = 0;
    for (const promotion of this.#byItem[item]!) {
      if (tMs >= promotion.startsMs && tMs < promotion.endsMs) {
        percentOff = Math.max(percentOff, promotion.percentOff);
      }
    }
    return Math.round(this.assortment.items[item]!.priceCents * (1 - percentOff / 100));
  }

  isLeafPromoted(leaf: number, tMs: number): boolean {
    return this.#byLeaf[leaf]!.some((p) => tMs >= p.startsMs && tMs < p.endsMs);
  }

  isVariantInStock(item: number, variant: number, tMs: number): boolean {
    return !inGap(this.assortment.items[item]!.gaps[variant]!, tMs);
  }

  /** Whether any variant can be bought. */
  isInStock(item: number, tMs: number): boolean {
    return !inGap(this.assortment.items[item]!.soldOut, tMs);
  }

  /** Log of the leaf's demand relative to its yearly mean. */
  season(leaf: number, tMs: number): number {
    const season = this.assortment.leaves[leaf]!.template.season;
    if (season === undefined) return 0;
    const [month, strength] = season;
    const ofYear = (tMs % yearMs) / yearMs;
    return Math.log(1 + strength * Math.cos(2 * Math.PI * (ofYear - (month - 0.5) / 12)));
  }

  /** How much a shopper with this taste is drawn to a leaf, in logits, season included. */
  leafAffinity(shopper: Shopper, taste: Float32Array, leaf: number, tMs: number): number {
    const { what, template } = this.assortment.leaves[leaf]!;
    let dot = 0;
    for (let d = 0; d < halfWidth; d++) dot += taste[d]! * what[d]!;
    const tilt = (template.zhTilt ?? 0) * (shopper.locale === "zh" ? 0.5 : -0.5);
    return (leafScale * dot) / Math.sqrt(halfWidth) + tilt + this.season(leaf, tMs);
  }

  /** How much a shopper with this taste likes an item among its leaf's, in logits. */
  liking(shopper: Shopper, taste: Float32Array, item: number, tMs: number): number {
    const made = this.assortment.items[item]!;
    let dot = 0;
    for (let d = 0; d < halfWidth; d++) dot += taste[halfWidth + d]! * made.manner[d]!;
    const relative =
      made.relativePrice + Math.log(this.priceAt(item, tMs) / Math.max(1, made.priceCents));
    const distance = relative - shopper.priceTier;
    return (
      (mannerScale * dot) / Math.sqrt(halfWidth) +
      0.6 * made.appeal -
      shopper.priceSensitivity * relative -
      0.6 * distance * distance
    );
  }

  /** Long-term preference of shopper row `s` for an item at a moment: what it is, then which one. */
  utility(s: number, item: number, tMs: number): number {
    const shopper = this.population.shoppers[s]!;
    this.population.tasteAt(s, tMs, this.#taste);
    const made: SimulatedItem = this.assortment.items[item]!;
    return (
      this.leafAffinity(shopper, this.#taste, made.leaf, tMs) +
      this.liking(shopper, this.#taste, item, tMs)
    );
  }
}

/**
 * Chance that a shopper looks at a position of a list, from 1: 1 / position^0.7, the bias that
 * every list leaves in the events.
 */
export function examination(position: number): number {
  return position ** -0.7;
}
