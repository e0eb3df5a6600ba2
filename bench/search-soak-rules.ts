/**
 * A merchandiser beside the shoppers of `search-soak.ts`: works on the draft, publishes, goes back, and
 * knows at every moment what an answer by each version must look like.
 */
import type { Client, RankingResponse, Rule } from "@magpie/client";
import type { Item } from "@magpie/domain";
import type { Random } from "@magpie/numerics";

/** Pages that send it are answered by the rules; all others never are. */
export const soakContext = "soak";

/** At most so many rules, so that each has places of its own for its pins. */
const maxRules = 8;

/** A listing that a shopper saw by the rules of a version. */
interface Seen {
  readonly version: number | undefined;
  readonly itemIds: readonly string[];
}

export class Merchandiser {
  /** Rules of each version that was published. */
  readonly #versions = new Map<number, readonly Rule[]>();
  readonly #seen: Seen[] = [];
  readonly #client: Client;
  readonly #random: Random;
  readonly #items: readonly Item[];
  readonly #brands: readonly string[];
  /** Items that rules pin: they must not be deleted while anybody looks. */
  readonly pinned: ReadonlySet<string>;
  #draft: readonly Rule[] = [];
  #inForce: readonly Rule[] = [];
  changes = 0;
  publications = 0;
  /** Listings that were compared with the rules of their version. */
  compared = 0;

  constructor(items: readonly Item[], client: Client, random: Random) {
    this.#items = items;
    this.#client = client;
    this.#random = random;
    this.#brands = [...new Set(items.flatMap(({ brand }) => brand ?? []))];
    this.pinned = new Set(items.slice(0, 40).map(({ id }) => id));
  }

  /** One change: a rule of the draft, a publication, or the way back. */
  async change(): Promise<void> {
    const kind = this.#random.next();
    this.changes++;
    if (kind < 0.5) {
      const rule = this.#anyRule(this.#random.int(maxRules));
      await this.#client.putRule(rule);
      const place = this.#draft.findIndex(({ id }) => id === rule.id);
      this.#draft = place === -1 ? [...this.#draft, rule] : this.#draft.with(place, rule);
    } else if (kind < 0.6 && this.#draft.length > 0) {
      const { id } = this.#draft[this.#random.int(this.#draft.length)]!;
      await this.#client.deleteRule(id);
      this.#draft = this.#draft.filter((rule) => rule.id !== id);
    } else if (kind < 0.85 || this.#versions.size === 0) {
      const { version } = await this.#client.publishRules();
      this.#bringIn(version, this.#draft);
    } else {
      const versions = [...this.#versions.keys()];
      const former = versions[this.#random.int(versions.length)]!;
      const { version } = await this.#client.rollBackRules({ version: former });
      this.#draft = this.#versions.get(former)!;
      this.#bringIn(version, this.#draft);
    }
  }

  #bringIn(version: number, rules: readonly Rule[]): void {
    this.#versions.set(version, rules);
    this.#inForce = rules;
    this.publications++;
  }

  /** The rule of a number: it pins to places that no other has, and may hide, filter or boost. */
  #anyRule(number: number): Rule {
    const pinned = [...this.pinned];
    const anyId = () => this.#items[this.#random.int(this.#items.length)]!.id;
    const first = this.#random.int(pinned.length / 2);
    const brand = this.#brands[this.#random.int(this.#brands.length)]!;
    const isRestricting = number === 0 && this.#random.next() < 0.3;
    return {
      id: `rule-${number}`,
      name: `Rule ${number}`,
      conditions: [{ contexts: [soakContext] }],
      actions: {
        pins: [
          { itemId: pinned[first]!, position: 2 * number + 1 },
          { itemId: pinned[first + pinned.length / 2]!, position: 2 * number + 2 },
        ],
        hide: Array.from(new Set([anyId(), anyId()])),
        boosts: [{ strength: "moderate", where: [[{ field: "brand", anyOf: [brand] }]] }],
        banners: [{ id: `banner-${number}`, title: `Banner ${number}` }],
        ...(isRestricting && { filter: [[{ field: "brand", anyOf: [brand], not: true }]] }),
      },
    };
  }

  /** Notes what a shopper saw on the first page of the listing. */
  note({ rules, items }: RankingResponse): void {
    this.#seen.push({ version: rules?.version, itemIds: items.map(({ item }) => item.id) });
  }

  /** Compares what was seen with the rules of its version; gives what differs. */
  wrongListings(itemOf: (id: string) => Item): string[] {
    return this.#seen.splice(0).flatMap(({ version, itemIds }): string[] => {
      if (version === undefined) return [];
      const rules = this.#versions.get(version);
      if (rules === undefined) return [`version ${version} was never published`];
      this.compared++;
      const passes = passing(rules);
      const hidden = itemIds.find((id) => !passes(itemOf(id)));
      if (hidden !== undefined) return [`version ${version} shows ${hidden}`];
      return pinsOf(rules)
        .filter(({ itemId, position }) => {
          const mayShow = passes(itemOf(itemId)) && position <= itemIds.length;
          return mayShow && itemIds[position - 1] !== itemId;
        })
        .map(({ itemId, position }) => `version ${version}: ${itemId} is not at ${position}`);
    });
  }

  /** Compares totals and counts by the rules in force with the catalogue; gives what differs. */
  async wrongCounts(present: ReadonlyMap<string, Item>): Promise<string[]> {
    const passes = passing(this.#inForce);
    const kept = [...present.values()].filter(passes);
    const { total, facets } = await this.#client.search({
      query: "",
      limit: 1,
      contexts: [soakContext],
      facets: [{ field: "brand", limit: 1_000 }],
    });
    const counts = facets![0]!.values.reduce((sum, { count }) => sum + count, 0);
    return [
      ...(total === kept.length ? [] : [`${total} by the rules, ${kept.length} in the catalogue`]),
      ...(counts === kept.filter(({ brand }) => brand !== undefined).length
        ? []
        : ["brands by the rules"]),
    ];
  }
}

/** Whether rules let an item through. */
function passing(rules: readonly Rule[]): (item: Item) => boolean {
  const hidden = new Set(rules.flatMap(({ actions }) => actions.hide ?? []));
  const barred = new Set(
    rules.flatMap(({ actions }) =>
      (actions.filter ?? []).flatMap(([test]) => ("anyOf" in test! ? test.anyOf : [])),
    ),
  );
  return ({ id, brand }) => !hidden.has(id) && (brand === undefined || !barred.has(brand));
}

/** Where pins stand: each item at its first place. No two rules name one place. */
function pinsOf(rules: readonly Rule[]): { readonly itemId: string; readonly position: number }[] {
  const known = new Set<string>();
  return rules
    .flatMap(({ actions }) => actions.pins ?? [])
    .filter(({ itemId }) => !known.has(itemId) && known.add(itemId));
}
