import type { Event, EventItem, EventSource } from "@magpie/domain";
import { seededRandom, type Random } from "@magpie/numerics";
import { halfWidth, type Leaf } from "./catalog.ts";
import { examination, type Market } from "./market.ts";
import { typeQuery, type TypedQuery } from "./queries.ts";
import type { Shopper } from "./shoppers.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;
const listLength = 10;

/** What a shopper is after: a leaf, a style of it, and what they know of the one they want. */
interface Mission {
  readonly leaf: number;
  readonly style: number;
  /** The sequel, the product recommended by a friend or bought before. */
  readonly wanted?: number;
  /** The phone that a case must fit. */
  readonly fits?: number;
  readonly untilMs: number;
}

/** A mission that a purchase caused and that waits for its day. */
interface Trigger extends Omit<Mission, "style" | "untilMs"> {
  readonly dueMs: number;
}

interface CartLine {
  readonly item: number;
  readonly variant: number;
  readonly quantity: number;
  readonly from: Provenance;
}

/** Where on the pages an item was met. */
interface Provenance {
  readonly source: EventSource;
  readonly queryId?: string;
  readonly scenario?: string;
  readonly listId: string;
}

interface ShopperState {
  mission: Mission | undefined;
  readonly triggers: Trigger[];
  readonly owned: Set<number>;
  /** Leaves viewed lately, newest last, at most five. */
  readonly recentLeaves: number[];
  cart: CartLine[];
}

/**
 * Plays visits one after another. Visits must come in order of their start, because purchases
 * change what friends and later visits do.
 */
export class Visits {
  readonly #market: Market;
  readonly #random: Random;
  readonly #states = new Map<number, ShopperState>();
  readonly #idPrefix: string;
  readonly #taste = new Float32Array(2 * halfWidth);
  #counter = 0;

  // The visit that is being played.
  #shopper!: Shopper;
  #state!: ShopperState;
  #now = 0;
  #sessionId = "";
  #actor: Pick<Event, "userId" | "visitorId"> = {};
  #out: Event[] = [];
  #viewsLeft = 0;

  constructor(seed: number, market: Market) {
    this.#market = market;
    this.#random = seededRandom(seed, "simulator/visits");
    this.#idPrefix = `sim${seed}-`;
  }

  /** Plays one visit of shopper row `s` and appends its events, and those it causes later. */
  play(s: number, startMs: number, out: Event[]): void {
    const random = this.#random;
    this.#shopper = this.#market.population.shoppers[s]!;
    this.#state = this.#stateOf(s);
    this.#now = startMs;
    this.#out = out;
    this.#sessionId = this.#id("s");
    this.#viewsLeft = 2 + random.int(7);
    this.#market.population.tasteAt(s, startMs, this.#taste);

    const onSecondDevice = random.next() < 0.04;
    const visitorId = this.#shopper.visitorIds[onSecondDevice ? 1 : 0];
    const { userId } = this.#shopper;
    this.#actor = userId === undefined || onSecondDevice ? { visitorId } : { userId, visitorId };

    let mission = this.#chooseMission();
    this.#enter(mission);
    // A purchase often leads straight on to what goes with it.
    for (let chain = 0; chain < 3; chain++) {
      const bought = this.#settleCart(mission);
      const next = bought ? this.#dueTrigger(this.#now + minuteMs) : undefined;
      if (next === undefined) break;
      mission = this.#missionOf(next);
      this.#state.mission = mission;
      this.#viewsLeft = 1 + random.int(4);
      this.#searchOrBrowse(mission);
    }
    this.#state.cart = this.#state.cart.slice(-4);
  }

  #stateOf(s: number): ShopperState {
    let state = this.#states.get(s);
    if (state === undefined) {
      state = { mission: undefined, triggers: [], owned: new Set(), recentLeaves: [], cart: [] };
      this.#states.set(s, state);
    }
    return state;
  }

  #chooseMission(): Mission {
    const random = this.#random;
    const { mission } = this.#state;
    if (mission !== undefined && mission.untilMs > this.#now && random.next() < 0.8) return mission;
    const due = random.next() < 0.85 ? this.#dueTrigger(this.#now) : undefined;
    this.#state.mission =
      due === undefined ? this.#missionIn(this.#drawLeaf()) : this.#missionOf(due);
    return this.#state.mission;
  }

  #dueTrigger(nowMs: number): Trigger | undefined {
    const { triggers } = this.#state;
    const i = triggers.findIndex((trigger) => trigger.dueMs <= nowMs);
    return i < 0 ? undefined : triggers.splice(i, 1)[0];
  }

  #missionOf({ leaf, wanted, fits }: Trigger): Mission {
    return {
      ...this.#missionIn(leaf),
      ...(wanted !== undefined && { wanted }),
      ...(fits !== undefined && { fits }),
    };
  }

  /** A mission stays for one to ten days, over several visits, on one style of the leaf. */
  #missionIn(leaf: number): Mission {
    const { styles } = this.#market.assortment.leaves[leaf]!.template;
    return {
      leaf,
      style: this.#random.int(styles.length),
      untilMs: this.#now + (1 + 9 * this.#random.next()) * dayMs,
    };
  }

  /** Softmax over the leaves' affinities; a promotion adds 0.7. */
  #drawLeaf(): number {
    const { leaves } = this.#market.assortment;
    const weights = leaves.map((_, l) =>
      Math.exp(
        this.#market.leafAffinity(this.#shopper, this.#taste, l, this.#now) +
          (this.#market.isLeafPromoted(l, this.#now) ? 0.7 : 0),
      ),
    );
    let rest = this.#random.next() * weights.reduce((sum, w) => sum + w, 0);
    for (let l = 0; l < weights.length; l++) {
      rest -= weights[l]!;
      if (rest < 0) return l;
    }
    return weights.length - 1;
  }

  /** The way in: the home page first, or straight to what is wanted. */
  #enter(mission: Mission): void {
    const random = this.#random;
    if (random.next() < 0.3) {
      this.#emit({ type: "home_view", attributes: { locale: this.#shopper.locale } });
      this.#show(this.#homeFeed(), mission, {
        source: "recommend",
        scenario: "home-feed",
        listId: "home-feed",
      });
      if (random.next() < 0.25) return;
    }
    this.#searchOrBrowse(mission);
  }

  #searchOrBrowse(mission: Mission): void {
    const random = this.#random;
    const leaf = this.#market.assortment.leaves[mission.leaf]!;
    const pages = random.next() < 0.3 ? 2 : 1;
    if (random.next() < (mission.fits === undefined ? 0.55 : 0.9)) {
      for (let attempt = 0; attempt < pages && this.#viewsLeft > 0; attempt++) {
        const query = this.#typeQuery(leaf, mission);
        const queryId = this.#id("q");
        this.#emit({
          type: "search",
          query: query.text,
          queryId,
          source: "search",
          attributes: { locale: this.#shopper.locale },
        });
        this.#show(this.#listOf(leaf, mission, query, 0), mission, {
          source: "search",
          queryId,
          listId: "search",
        });
      }
    } else {
      const listId = `category:${leaf.template.key}`;
      for (let page = 0; page < pages && this.#viewsLeft > 0; page++) {
        const items = this.#listOf(leaf, mission, undefined, page);
        this.#show(items, mission, { source: "browse", listId }, page * listLength);
      }
    }
  }

  #typeQuery(leaf: Leaf, mission: Mission): TypedQuery {
    const known = mission.fits ?? mission.wanted;
    const { items } = this.#market.assortment;
    const language = this.#shopper.locale;
    const brands = leaf.items.map((i) => items[i]!.brand);
    return typeQuery(
      this.#random,
      language,
      leaf.template,
      mission.style,
      brands,
      known === undefined || this.#random.next() < (mission.fits === undefined ? 0.4 : 0.1)
        ? undefined
        : shortName(items[known]!.item, items[known]!.brand.name[language === "zh" ? 1 : 0]),
    );
  }

  /**
   * A page of a leaf as this shop has listed it so far: by popularity, newer ones a little
   * higher, sold-out ones last, matches of the words first, and some noise.
   */
  #listOf(leaf: Leaf, mission: Mission, query: TypedQuery | undefined, page: number): number[] {
    const { items } = this.#market.assortment;
    const keys: number[] = [];
    const rows: number[] = [];
    for (const i of leaf.items) {
      const made = items[i]!;
      if (made.createdMs > this.#now) continue;
      const ageDays = (this.#now - made.createdMs) / dayMs;
      let key = made.fame + 0.8 / (1 + ageDays / 15) + 2.2 * this.#random.next();
      if (!this.#market.isInStock(i, this.#now)) key -= 4;
      if (query !== undefined) {
        if (query.style === made.style) key += 3;
        if (query.feature === made.feature) key += 3;
        if (query.brand === made.brand.name[0]) key += 3;
        if (mission.fits !== undefined && mission.fits === made.fits) key += 4;
        if (mission.wanted === i) key += 4;
      }
      keys.push(key);
      rows.push(i);
    }
    return best(rows, keys, page * listLength, listLength);
  }

  /** Half what everybody buys, half from the leaves that the shopper looked at lately. */
  #homeFeed(): number[] {
    const random = this.#random;
    const { leaves } = this.#market.assortment;
    const { recentLeaves } = this.#state;
    const shown = new Set<number>();
    for (let n = 0; n < listLength * 2 && shown.size < listLength; n++) {
      const leaf =
        recentLeaves.length > 0 && n % 2 === 0
          ? recentLeaves[random.int(recentLeaves.length)]!
          : random.int(leaves.length);
      const pick = this.#drawByFame(leaves[leaf]!.items, 2.5);
      if (pick !== undefined) shown.add(pick);
    }
    return [...shown];
  }

  /** The most famous of a few random items that are on sale now. */
  #drawByFame(rows: readonly number[], draws: number): number | undefined {
    const { items } = this.#market.assortment;
    let chosen: number | undefined;
    for (let n = 0; n < draws; n++) {
      const i = rows[this.#random.int(rows.length)];
      if (i === undefined || items[i]!.createdMs > this.#now) continue;
      if (!this.#market.isInStock(i, this.#now)) continue;
      if (chosen === undefined || items[i]!.fame > items[chosen]!.fame) chosen = i;
    }
    return chosen;
  }

  /** Below a product: four of its leaf, of the same style before others, and what goes with it. */
  #similarTo(item: number): number[] {
    const { items, leaves, leafByKey } = this.#market.assortment;
    const made = items[item]!;
    const leaf = leaves[made.leaf]!;
    const sameStyle = leaf.items.filter((i) => i !== item && items[i]!.style === made.style);
    const shown = new Set<number>();
    for (let n = 0; n < 8 && shown.size < 4; n++) {
      const pick = this.#drawByFame(n % 4 < 3 ? sameStyle : leaf.items, 3);
      if (pick !== undefined && pick !== item) shown.add(pick);
    }
    for (const key of Object.keys(leaf.template.complements ?? {}).slice(0, 2)) {
      const complement = leafByKey.get(key);
      if (complement === undefined) continue;
      const fitting = leaves[complement]!.items.filter((i) => items[i]!.fits === item);
      const pick = this.#drawByFame(fitting.length > 0 ? fitting : leaves[complement]!.items, 3);
      if (pick !== undefined) shown.add(pick);
    }
    return [...shown];
  }

  /** Shows a list: the impression, then the views that it leads to. */
  #show(rows: readonly number[], mission: Mission, from: Provenance, offset = 0): void {
    if (rows.length === 0) return;
    this.#emit({
      type: "impression",
      ...from,
      items: rows.map((i, p) => ({
        itemId: this.#market.assortment.items[i]!.item.id,
        position: offset + p + 1,
      })),
    });
    this.#wait(4, 0.6);
    for (let p = 0; p < rows.length && this.#viewsLeft > 0; p++) {
      if (this.#random.next() >= examination(p + 1)) continue;
      const liking = this.#likingNow(rows[p]!, mission);
      if (this.#random.next() >= sigmoid(liking - 0.5)) continue;
      this.#view(rows[p]!, mission, from, offset + p + 1, liking);
    }
  }

  /** Long-term liking, raised or lowered by what the shopper is after just now. */
  #likingNow(item: number, mission: Mission): number {
    const { items, leaves } = this.#market.assortment;
    const made = items[item]!;
    let liking = this.#market.liking(this.#shopper, this.#taste, item, this.#now);
    if (made.leaf === mission.leaf) {
      if (made.style === mission.style) liking += 1.2;
      if (mission.wanted === item) liking += 3;
      if (mission.fits !== undefined) liking += made.fits === mission.fits ? 3 : -2.5;
    } else {
      // Not what the visit is for, but a leaf may be liked anyway.
      liking +=
        0.4 * this.#market.leafAffinity(this.#shopper, this.#taste, made.leaf, this.#now) - 0.8;
    }
    if (this.#state.owned.has(item) && leaves[made.leaf]!.template.replenishDays === undefined) {
      liking -= 4;
    }
    if (!this.#market.isInStock(item, this.#now)) liking -= 1.5;
    return liking;
  }

  #view(
    item: number,
    mission: Mission,
    from: Provenance,
    position: number,
    liking: number,
    depth = 0,
  ): void {
    const random = this.#random;
    const made = this.#market.assortment.items[item]!;
    const dwellMs = Math.round(1_000 * Math.exp(2.6 + 0.25 * liking + 0.7 * random.normal()));
    this.#viewsLeft--;
    this.#emit({
      type: "view",
      ...from,
      items: [{ itemId: made.item.id, position, price: this.#price(item) }],
      attributes: { dwellMs },
    });
    this.#now += dwellMs;
    const { recentLeaves } = this.#state;
    if (recentLeaves.at(-1) !== made.leaf) {
      recentLeaves.push(made.leaf);
      if (recentLeaves.length > 5) recentLeaves.shift();
    }

    if (random.next() < sigmoid(1.1 * liking - 4.5)) this.#addToCart(item, from, position);
    else if (random.next() < sigmoid(liking - 4.5)) {
      this.#emit({ type: "wishlist", ...from, items: [{ itemId: made.item.id }] });
    }

    if (depth < 2 && this.#viewsLeft > 0 && random.next() < 0.25) {
      const near = this.#similarTo(item);
      const nearFrom: Provenance = {
        source: "recommend",
        scenario: "similar-items",
        listId: "similar-items",
      };
      if (near.length === 0) return;
      this.#emit({
        type: "impression",
        ...nearFrom,
        items: near.map((i, p) => ({
          itemId: this.#market.assortment.items[i]!.item.id,
          position: p + 1,
        })),
      });
      this.#wait(3, 0.5);
      for (let p = 0; p < near.length; p++) {
        if (random.next() >= examination(p + 1)) continue;
        const nearLiking = this.#likingNow(near[p]!, mission);
        if (random.next() >= sigmoid(nearLiking - 0.5)) continue;
        this.#view(near[p]!, mission, nearFrom, p + 1, nearLiking, depth + 1);
        break;
      }
    }
  }

  #addToCart(item: number, from: Provenance, position: number): void {
    const random = this.#random;
    const variant = this.#variantFor(item);
    if (variant === undefined) return;
    const { item: product, leaf } = this.#market.assortment.items[item]!;
    const isConsumed = this.#market.assortment.leaves[leaf]!.template.replenishDays !== undefined;
    const quantity = isConsumed && random.next() < 0.3 ? 2 + random.int(2) : 1;
    this.#emit({
      type: "add_to_cart",
      ...from,
      items: [
        {
          itemId: product.id,
          variantId: product.variants[variant]!.id,
          position,
          quantity,
          price: this.#price(item),
        },
      ],
    });
    this.#wait(5, 0.5);
    this.#state.cart.push({ item, variant, quantity, from });
  }

  /** The shopper's size in a liked colour, if it is in stock; one in three takes another one. */
  #variantFor(item: number): number | undefined {
    const { item: product, leaf } = this.#market.assortment.items[item]!;
    const { variants } = product;
    const isSized = this.#market.assortment.leaves[leaf]!.template.sizes !== undefined;
    const sizes = isSized ? new Set(variants.map((v) => v.options!["Size"])).size : 1;
    const size = Math.floor(this.#shopper.build * sizes);
    const colours = variants.length / sizes;
    const wanted = this.#random.int(colours) * sizes + size;
    if (this.#market.isVariantInStock(item, wanted, this.#now)) return wanted;
    if (this.#random.next() > 1 / 3) return undefined;
    const other = this.#random.int(variants.length);
    return this.#market.isVariantInStock(item, other, this.#now) ? other : undefined;
  }

  /** Lines are taken out, left for later, or bought together. True when something was bought. */
  #settleCart(mission: Mission): boolean {
    const random = this.#random;
    const bought: CartLine[] = [];
    const kept: CartLine[] = [];
    const { items } = this.#market.assortment;
    for (const line of this.#state.cart) {
      const liking = this.#likingNow(line.item, mission);
      if (!this.#market.isVariantInStock(line.item, line.variant, this.#now)) {
        kept.push(line);
      } else if (random.next() < sigmoid(0.7 * liking - 2.4)) {
        bought.push(line);
      } else if (random.next() < 0.25) {
        this.#emit({
          type: "remove_from_cart",
          items: [this.#eventItem(line)],
        });
      } else {
        kept.push(line);
      }
    }
    this.#state.cart = kept;
    if (bought.length === 0) return false;

    this.#emit({ type: "checkout", items: bought.map((line) => this.#eventItem(line)) });
    this.#wait(60, 0.5);
    if (random.next() < 0.1) {
      this.#state.cart.push(...bought);
      return false;
    }
    const orderId = this.#id("o");
    const lines = bought.map((line) => this.#eventItem(line));
    const total = lines.reduce((sum, line) => sum + line.price!.amount * line.quantity!, 0);
    const { queryId } = bought[0]!.from;
    this.#emit({
      type: "purchase",
      orderId,
      ...(bought.length === 1 && queryId !== undefined && { queryId }),
      source: bought[0]!.from.source,
      items: lines,
      value: { amount: total, currency: "CNY" },
    });
    bought.forEach((line, n) => this.#afterPurchase(line, lines[n]!, orderId));
    if (bought.some((line) => items[line.item]!.leaf === mission.leaf)) {
      this.#state.mission = undefined;
    }
    this.#wait(30, 0.5);
    return true;
  }

  /** What a purchase causes: complements, sequels, refills, friends who hear of it, returns. */
  #afterPurchase(line: CartLine, eventItem: EventItem, orderId: string): void {
    const random = this.#random;
    const { items, leaves, leafByKey } = this.#market.assortment;
    const made = items[line.item]!;
    const { template } = leaves[made.leaf]!;
    this.#state.owned.add(line.item);

    for (const [key, chance] of Object.entries(template.complements ?? {})) {
      const leaf = leafByKey.get(key);
      if (leaf === undefined || random.next() >= chance) continue;
      const atOnce = random.next() < 0.5;
      this.#state.triggers.push({
        leaf,
        dueMs: atOnce ? this.#now : this.#now + random.next() * 10 * dayMs,
        ...(leaves[leaf]!.template.fits === template.key && { fits: line.item }),
      });
    }
    if (made.sequel !== undefined && random.next() < 0.6) {
      this.#state.triggers.push({
        leaf: made.leaf,
        wanted: made.sequel,
        dueMs: Math.max(
          this.#now + (3 + 25 * random.next()) * dayMs,
          items[made.sequel]!.createdMs + dayMs,
        ),
      });
    }
    if (template.replenishDays !== undefined && random.next() < 0.7) {
      const wait = template.replenishDays * line.quantity * Math.exp(0.2 * random.normal());
      this.#state.triggers.push({
        leaf: made.leaf,
        wanted: line.item,
        dueMs: this.#now + wait * dayMs,
      });
    }
    for (const friend of this.#shopper.friends) {
      if (random.next() >= 0.05) continue;
      this.#stateOf(friend).triggers.push({
        leaf: made.leaf,
        wanted: line.item,
        dueMs: this.#now + (0.5 + 5 * random.next()) * dayMs,
      });
      if (random.next() < 0.5) {
        this.#emit({ type: "share", items: [{ itemId: made.item.id }] });
      }
    }

    // Clothes and shoes come back most often; what disappointed comes back more.
    const liking = this.#market.liking(this.#shopper, this.#taste, line.item, this.#now);
    const returns = template.replenishDays !== undefined ? -3.6 : template.sizes ? -1.2 : -2.3;
    if (random.next() < sigmoid(returns - 0.4 * liking)) {
      this.#emitLater(3 + 9 * random.next(), {
        type: "refund",
        orderId,
        items: [eventItem],
        value: { amount: eventItem.price!.amount * line.quantity, currency: "CNY" },
      });
    } else if (random.next() < 0.12) {
      const stars = Math.round(3.9 + 0.4 * liking + 0.5 * random.normal());
      this.#emitLater(4 + 16 * random.next(), {
        type: "review",
        items: [{ itemId: made.item.id }],
        attributes: { rating: Math.min(5, Math.max(1, stars)) },
      });
    }
  }

  #eventItem({ item, variant, quantity }: CartLine): EventItem {
    const { item: product } = this.#market.assortment.items[item]!;
    return {
      itemId: product.id,
      variantId: product.variants[variant]!.id,
      quantity,
      price: this.#price(item),
    };
  }

  #price(item: number): { amount: number; currency: string } {
    return { amount: this.#market.priceAt(item, this.#now), currency: "CNY" };
  }

  #emit(event: Omit<Event, "eventId" | "timestampMs">): void {
    this.#out.push({
      eventId: this.#id("e"),
      timestampMs: Math.ceil(this.#now),
      ...this.#actor,
      sessionId: this.#sessionId,
      ...event,
    });
    this.#wait(1.5, 0.4);
  }

  /** An act days after the visit: outside of any session. */
  #emitLater(days: number, event: Omit<Event, "eventId" | "timestampMs">): void {
    this.#out.push({
      eventId: this.#id("e"),
      timestampMs: Math.ceil(this.#now + days * dayMs),
      ...this.#actor,
      ...event,
    });
  }

  /** Time passes: log-normal around a median of so many seconds. */
  #wait(medianSeconds: number, sigma: number): void {
    this.#now += 1_000 * medianSeconds * Math.exp(sigma * this.#random.normal());
  }

  #id(kind: string): string {
    return `${this.#idPrefix}${kind}${(this.#counter++).toString(36)}`;
  }
}

/** "voltari v20 pro" for a phone, else its title without brand and details. */
function shortName(
  item: { readonly title: string; readonly attributes?: Record<string, unknown> },
  brand: string,
): string {
  const { model, series } = item.attributes ?? {};
  if (typeof model === "string") return `${brand} ${model}`;
  return typeof series === "string" ? series : brand;
}

/** Rows with the highest keys, from place `from`, at most `count`, best first. */
function best(
  rows: readonly number[],
  keys: readonly number[],
  from: number,
  count: number,
): number[] {
  // Places of the best so far, in order; a page is short, so insertion beats sorting everything.
  const top: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    if (top.length === from + count) {
      if (keys[i]! <= keys[top.at(-1)!]!) continue;
      top.pop();
    }
    let place = top.length;
    while (place > 0 && keys[top[place - 1]!]! < keys[i]!) place--;
    top.splice(place, 0, i);
  }
  return top.slice(from).map((i) => rows[i]!);
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
