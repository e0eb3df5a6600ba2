import type { Item, Shop, Variant } from "@magpie/domain";
import { seededRandom, type Random } from "@magpie/numerics";
import { brandGroups, type BrandTemplate } from "./assortment/brands.ts";
import { departments, smallShopLeaves } from "./assortment/departments.ts";
import {
  authors,
  bookPlaces,
  bookSubjects,
  lineNames,
  modelEndings,
  palettes,
  sizeRuns,
} from "./assortment/names.ts";
import { cities, sellers } from "./assortment/people.ts";
import type { LeafTemplate, Phrase, Trait } from "./assortment/template.ts";
import { commonGaps, drawGaps, inGap, mergeGaps, type Gaps } from "./supply.ts";

const dayMs = 86_400_000;

/** Width of the two halves of a taste: what a shopper wants, and in which manner. */
export const halfWidth = 8;

/** A leaf category of one shop with its place in taste space. */
export interface Leaf {
  readonly template: LeafTemplate;
  /** Path from the root, levels joined by " > ", in both languages. */
  readonly path: Phrase;
  /** [halfWidth]: what it is. */
  readonly what: Float32Array;
  /** Rows of its items. */
  readonly items: number[];
}

/** A product with the truth behind it. */
export interface SimulatedItem {
  readonly item: Item;
  readonly leaf: number;
  /** Indices into the leaf's styles and features. */
  readonly style: number;
  readonly feature: number;
  readonly brand: BrandTemplate;
  readonly createdMs: number;
  readonly priceCents: number;
  /** Log price relative to the leaf's median. */
  readonly relativePrice: number;
  /** [halfWidth]: style and brand in taste space. */
  readonly manner: Float32Array;
  /** How good it is, seen by everybody alike; standard normal. */
  readonly appeal: number;
  /** Log of how well known it is; what makes popularity skewed. */
  readonly fame: number;
  /** When each variant cannot be bought. */
  readonly gaps: readonly Gaps[];
  /** When none of them can. */
  readonly soldOut: Gaps;
  /** Row of the product that this one is made for. */
  readonly fits?: number;
  /** Row of the next volume. */
  sequel?: number;
}

export interface Assortment {
  readonly leaves: readonly Leaf[];
  readonly items: readonly SimulatedItem[];
  readonly shops: readonly Shop[];
  readonly leafByKey: ReadonlyMap<string, number>;
}

/** Draws leaves, sellers and products. The same seed, size and time give the same assortment. */
export function drawAssortment(
  seed: number,
  itemCount: number,
  startMs: number,
  nowMs: number,
): Assortment {
  const random = seededRandom(seed, "simulator/catalog");
  const leaves = drawLeaves(seed, itemCount);
  const leafByKey = new Map(leaves.map((leaf, i) => [leaf.template.key, i]));
  const shops = drawShops(seed);
  const items: SimulatedItem[] = [];
  const stock = seededRandom(seed, "simulator/stock");

  const counts = shareOut(
    itemCount,
    leaves.map(({ template }) => template.share ?? 1),
  );

  leaves.forEach((leaf, l) => {
    const composer = new LeafComposer(leaf, l, random, leaves, leafByKey, items);
    const volumes: SimulatedItem[] = [];
    for (let n = 1; n <= counts[l]!; n++) {
      const draft = composer.next(volumes.at(-1));
      const createdMs = creationTime(random, draft, volumes.at(-1), startMs, nowMs, items);
      const made = finish(draft, leaf, l, n, createdMs, nowMs, shops, random, stock);
      leaf.items.push(items.length);
      items.push(made);
      if (draft.volume !== undefined) {
        if (draft.volume > 1) volumes.at(-1)!.sequel = items.length - 1;
        volumes.push(made);
      }
    }
  });
  return { leaves, items, shops, leafByKey };
}

/** Whole numbers in proportion to the weights that sum to `total`. */
function shareOut(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  let upTo = 0;
  let given = 0;
  return weights.map((weight) => {
    upTo += weight;
    const count = Math.round((total * upTo) / sum) - given;
    given += count;
    return count;
  });
}

function drawLeaves(seed: number, itemCount: number): Leaf[] {
  const random = seededRandom(seed, "simulator/leaves");
  const all = departments.flatMap((department) => {
    const centre = normals(random, halfWidth);
    return department.leaves.map((template): Leaf => {
      const own = normals(random, halfWidth);
      return {
        template,
        path: [
          `${department.name[0]} > ${template.name[0]}`,
          `${department.name[1]} > ${template.name[1]}`,
        ],
        what: centre.map((c, d) => 0.7 * c + 0.714 * own[d]!),
        items: [],
      };
    });
  });
  // At least seven products a leaf, so that a list of one leaf is worth looking at.
  const count = Math.floor(itemCount / 7);
  if (count >= all.length) return all;
  const rank = (leaf: Leaf): number => {
    const place = smallShopLeaves.indexOf(leaf.template.key);
    return place < 0 ? smallShopLeaves.length : place;
  };
  return [...all].sort((a, b) => rank(a) - rank(b)).slice(0, Math.max(1, count));
}

function drawShops(seed: number): Shop[] {
  const random = seededRandom(seed, "simulator/shops");
  return sellers.map(([en, zh], i) => ({
    id: `shop-${String(i + 1).padStart(2, "0")}`,
    name: en,
    locales: { zh: { name: zh } },
    rating: Math.round((4.1 + 0.8 * random.next()) * 10) / 10,
    address: random.shuffle([...cities])[0]!.address,
  }));
}

/** A product before it has an id, a time and a price: what it is and what it is called. */
interface Draft {
  readonly brand: BrandTemplate;
  readonly brandRow: number;
  readonly style: number;
  readonly feature: number;
  readonly second: number | undefined;
  readonly title: Phrase;
  readonly specs: readonly { readonly spec: number; readonly value: number }[];
  readonly material: Phrase | undefined;
  readonly manner: Float32Array;
  readonly fits?: number;
  readonly author?: Phrase;
  readonly seriesName?: Phrase;
  readonly volume?: number;
}

/** Composes products of one leaf that differ in title. */
class LeafComposer {
  readonly #leaf: Leaf;
  readonly #row: number;
  readonly #random: Random;
  readonly #brands: readonly BrandTemplate[];
  readonly #brandVectors: readonly Float32Array[];
  readonly #styleVectors: readonly Float32Array[];
  readonly #fitting: readonly number[];
  readonly #items: readonly SimulatedItem[];
  readonly #titles = new Set<string>();
  readonly #taken = new Set<string>();
  #series: { draft: Draft; length: number } | undefined;

  constructor(
    leaf: Leaf,
    row: number,
    random: Random,
    leaves: readonly Leaf[],
    leafByKey: ReadonlyMap<string, number>,
    items: readonly SimulatedItem[],
  ) {
    this.#leaf = leaf;
    this.#row = row;
    this.#random = random;
    this.#items = items;
    this.#brands = brandGroups[leaf.template.brands];
    this.#brandVectors = this.#brands.map((brand) =>
      // A brand has one manner in all leaves: its name alone determines it.
      normals(seededRandom(0, `simulator/brand/${brand.name[0]}`), halfWidth),
    );
    this.#styleVectors = leaf.template.styles.map(() => normals(random, halfWidth));
    const fits = leaf.template.fits === undefined ? undefined : leafByKey.get(leaf.template.fits);
    this.#fitting = fits === undefined ? [] : leaves[fits]!.items;
  }

  next(previous: SimulatedItem | undefined): Draft {
    const series = this.#series;
    if (series !== undefined && previous !== undefined && series.draft.volume! < series.length) {
      const volume = series.draft.volume! + 1;
      const draft = { ...series.draft, volume, title: bookTitle(this.#leaf, series.draft, volume) };
      this.#series = { draft, length: series.length };
      return draft;
    }
    for (let attempt = 0; ; attempt++) {
      const draft = this.#draw(attempt);
      // A book's story is told once; only where all are told does another kind of it come.
      const key = attempt < 40 ? (draft.seriesName ?? draft.title)[0] : draft.title[0];
      if (this.#titles.has(key)) continue;
      this.#titles.add(key);
      const length = draft.volume === undefined ? 0 : 1 + this.#random.int(4);
      if (length > 1) this.#series = { draft, length };
      else this.#series = undefined;
      return draft;
    }
  }

  #draw(attempt: number): Draft {
    const { template } = this.#leaf;
    const random = this.#random;
    // Early brands of a group are bigger: a product is theirs more often.
    const brandRow = Math.floor(this.#brands.length * random.next() ** 1.4);
    const brand = this.#brands[brandRow]!;
    const style = random.int(template.styles.length);
    const feature = random.int(template.features.length);
    const second =
      template.exclusiveFeatures || template.features.length < 2
        ? undefined
        : (feature + 1 + random.int(template.features.length - 1)) % template.features.length;
    const specs = (template.specs ?? []).map((spec, i) => ({
      spec: i,
      value: random.int(spec.values.length),
    }));
    const noise = normals(random, halfWidth);
    const draft = {
      brand,
      brandRow,
      style,
      feature,
      second,
      specs,
      material: template.materials?.[random.int(template.materials.length)],
      manner: noise.map(
        (n, d) =>
          0.35 * n + 0.8 * this.#styleVectors[style]![d]! + 0.5 * this.#brandVectors[brandRow]![d]!,
      ),
    };

    if (template.naming === "book") {
      const [subjects, places] = [bookSubjects[template.key]!, bookPlaces];
      const subject = subjects[random.int(subjects.length)]!;
      const place = places[random.int(places.length)]!;
      const story = {
        ...draft,
        author: authors[random.int(authors.length)]!,
        seriesName: [`The ${subject[0]} of ${place[0]}`, `${place[1]}的${subject[1]}`] as const,
        ...(template.key !== "cookbooks" && { volume: 1 }),
      };
      return {
        ...story,
        title: bookTitle(this.#leaf, story, 1),
      };
    }

    const fits =
      this.#fitting.length === 0 ? undefined : this.#fitting[random.int(this.#fitting.length)]!;
    const name = this.#productName(brand, attempt);
    return {
      ...draft,
      ...(fits !== undefined && { fits }),
      title: composeTitle(
        template,
        brand,
        name,
        template.styles[style]!,
        template.features[feature]!,
        specs
          .filter(({ spec }) => template.specs![spec]!.inTitle)
          .map(({ spec, value }) => template.specs![spec]!.values[value]!),
        fits === undefined ? undefined : modelOf(this.#items[fits]!),
      ),
    };
  }

  #productName(brand: BrandTemplate, attempt: number): Phrase | undefined {
    const { naming } = this.#leaf.template;
    const random = this.#random;
    if (naming === "model") {
      for (;;) {
        const number = 1 + random.int(attempt > 20 ? 990 : 98);
        const ending = modelEndings[random.int(modelEndings.length)]!;
        // The letter differs between leaves of one brand, so that a model number is one product.
        const letter = String.fromCharCode(65 + ((this.#row * 7 + brand.name[0].length) % 26));
        const model = `${letter}${number}${ending}`;
        const key = `${brand.name[0]} ${model}`;
        if (this.#taken.has(key)) continue;
        this.#taken.add(key);
        return [model, model];
      }
    }
    // Care and food go by brand and kind alone, until all such combinations are taken.
    if (naming === "plain" && attempt < 8) return undefined;
    const [en, zh] = lineNames[random.int(lineNames.length)]!;
    return attempt < 40
      ? [en, `${zh}系列`]
      : [`${en} ${2 + random.int(attempt)}`, `${zh}系列${2 + random.int(attempt)}代`];
  }
}

/** Brand and model of a product, as a case names the phone that it is for. */
function modelOf(made: SimulatedItem): Phrase {
  const model = String(made.item.attributes!["model"]);
  return [`${made.brand.name[0]} ${model}`, `${made.brand.name[1]} ${model}`];
}

function composeTitle(
  template: LeafTemplate,
  brand: BrandTemplate,
  name: Phrase | undefined,
  style: Trait,
  feature: Trait,
  specs: readonly Phrase[],
  fits: Phrase | undefined,
): Phrase {
  const patterns: Phrase = template.title ?? [
    "{brand} {name} {feature} {style} {noun}",
    "{brand} {name} {feature}{style}{noun}",
  ];
  const fill = (language: 0 | 1): string =>
    patterns[language]
      .replace("{brand}", brand.name[language])
      .replace("{name}", name?.[language] ?? "")
      .replace("{style}", style[language])
      .replace("{feature}", feature[language])
      .replace("{noun}", template.noun[language])
      .replace("{fits}", fits?.[language] ?? "")
      .replaceAll(/ {2,}/g, " ")
      .trim();
  const suffix = (language: 0 | 1, joint: string): string =>
    specs.map((spec) => joint + spec[language]).join("");
  return [fill(0) + suffix(0, ", "), `${fill(1)}${suffix(1, " ")}`];
}

function bookTitle(leaf: Leaf, draft: Omit<Draft, "title">, volume: number): Phrase {
  const { styles, features, noun } = leaf.template;
  const [style, feature] = [styles[draft.style]!, features[draft.feature]!];
  const [en, zh] = draft.seriesName!;
  return [
    `${en}${volume > 1 ? `, Book ${volume}` : ""}: ${feature[0]} ${style[0]} ${noun[0]}`,
    `《${zh}${volume > 1 ? ` ${volume}` : ""}》${feature[1]}${style[1]}${noun[1]}`,
  ];
}

/** Seven of ten products were there before the simulation begins; sequels and cases come after. */
function creationTime(
  random: Random,
  draft: Draft,
  previous: SimulatedItem | undefined,
  startMs: number,
  nowMs: number,
  items: readonly SimulatedItem[],
): number {
  const drawn =
    random.next() < 0.7
      ? startMs - Math.ceil(random.next() * 500 * dayMs)
      : startMs + random.next() * (nowMs - startMs - 2 * dayMs);
  const after =
    draft.volume !== undefined && draft.volume > 1
      ? previous!.createdMs + 45 * dayMs
      : draft.fits !== undefined
        ? items[draft.fits]!.createdMs + 5 * dayMs
        : -Infinity;
  return Math.round(Math.min(Math.max(drawn, after), nowMs - 2 * dayMs));
}

function finish(
  draft: Draft,
  leaf: Leaf,
  leafRow: number,
  n: number,
  createdMs: number,
  nowMs: number,
  shops: readonly Shop[],
  random: Random,
  stock: Random,
): SimulatedItem {
  const { template } = leaf;
  const { brand } = draft;
  const id = `${template.key}-${String(n).padStart(3, "0")}`;
  const style = template.styles[draft.style]!;
  const feature = template.features[draft.feature]!;
  const second = draft.second === undefined ? undefined : template.features[draft.second]!;

  const [median, sigma] = template.price;
  const tierStep = [-0.45, 0, 0.55][brand.tier]!;
  const specStep = draft.specs.reduce((sum, { spec, value }) => {
    const { values, priceSpan = 1 } = template.specs![spec]!;
    return sum + Math.log(priceSpan) * (value / (values.length - 1) - 0.5);
  }, 0);
  const priceCents = charm(median * Math.exp(tierStep + specStep + sigma * 0.6 * random.normal()));
  const listCents = charm(priceCents * (1.12 + 0.3 * random.next()));
  const reduced = random.next() < 0.35 && listCents > priceCents;

  const appeal = random.normal();
  const fame = 0.5 * appeal + 1.15 * random.normal();

  const options = drawOptions(template, random);
  // Products that sell fast run out more often; one in forty has left the range for good.
  const meanDays = 150 * Math.exp(-0.25 * fame);
  const gone = random.next() < 0.025 ? [nowMs - random.next() * 40 * dayMs, Infinity] : [];
  const supplierGaps = drawGaps(stock, createdMs, nowMs, meanDays * 1.5);
  const gaps = options.map(() =>
    mergeGaps(mergeGaps(drawGaps(stock, createdMs, nowMs, meanDays), supplierGaps), gone),
  );
  const variants = options.map((chosen, v): Variant => {
    const available = !inGap(gaps[v]!, nowMs);
    const status = available ? "in_stock" : gone.length > 0 ? "discontinued" : "out_of_stock";
    return {
      id: `${id}-${v + 1}`,
      ...(chosen.length > 0 && {
        title: chosen.map(({ value }) => value[0]).join(" / "),
        options: Object.fromEntries(chosen.map(({ name, value }) => [name[0], value[0]])),
      }),
      price: { amount: priceCents, currency: "CNY" },
      ...(reduced && { listPrice: { amount: listCents, currency: "CNY" } }),
      availability: {
        available,
        status,
        quantity: available ? 1 + Math.floor(12 * Math.exp(0.8 * stock.normal())) : 0,
      },
    };
  });

  const model = template.naming === "model" ? draft.title[0].split(" ") : undefined;
  const closing = template.closing[random.int(template.closing.length)]!;
  const specs = draft.specs.map(({ spec, value }) => ({
    name: template.specs![spec]!.name,
    value: template.specs![spec]!.values[value]!,
  }));
  const facts: { readonly name: Phrase; readonly value: Phrase }[] = [
    ...(draft.author === undefined
      ? []
      : [{ name: ["author", "作者"] as const, value: draft.author }]),
    ...(draft.material === undefined
      ? []
      : [{ name: ["material", "材质"] as const, value: draft.material }]),
    ...specs.map(({ name, value }) => ({
      name: [name[0].toLowerCase(), name[1]] as const,
      value,
    })),
  ];
  const traits = second === undefined ? [feature] : [feature, second];

  const item: Item = {
    id,
    title: draft.title[0],
    description: [
      draft.author === undefined ? "" : `By ${draft.author[0]}.`,
      style[2],
      ...traits.map((trait) => trait[2]),
      draft.material === undefined ? "" : `Material: ${draft.material[0]}.`,
      closing[0],
    ]
      .filter(Boolean)
      .join(" "),
    brand: brand.name[0],
    shopId: shops[random.int(shops.length)]!.id,
    categories: [leaf.path[0]],
    tags: [style, ...traits].map((trait) => trait[0]),
    attributes: {
      style: style[0],
      features: traits.map((trait) => trait[0]),
      ...(model !== undefined && { model: modelNumber(draft.title[0], brand) }),
      ...Object.fromEntries(facts.map(({ name, value }) => [name[0], value[0]])),
      ...(draft.seriesName !== undefined && {
        series: draft.seriesName[0],
        ...(draft.volume !== undefined && { volume: draft.volume }),
      }),
    },
    rating: {
      value: Math.round(Math.min(4.9, Math.max(3.2, 4.3 + 0.25 * appeal)) * 10) / 10,
      count: Math.floor(20 * Math.exp(0.9 * fame)),
    },
    locale: "en",
    locales: {
      zh: {
        title: draft.title[1],
        description: [
          draft.author === undefined ? "" : `作者：${draft.author[1]}。`,
          style[3],
          ...traits.map((trait) => trait[3]),
          draft.material === undefined ? "" : `材质：${draft.material[1]}。`,
          closing[1],
        ].join(""),
        categories: [leaf.path[1]],
        brand: brand.name[1],
        terms: Object.fromEntries([
          ["style", "款式"],
          ["features", "特点"],
          ...(model === undefined ? [] : [["model", "型号"]]),
          ...(draft.seriesName === undefined
            ? []
            : [["series", "书系"], ["volume", "册"], draft.seriesName]),
          ...[style, ...traits].map((trait) => [trait[0], trait[1]]),
          ...facts.flatMap(({ name, value }) => [name, value]),
          ...options.flatMap((chosen) => chosen.flatMap(({ name, value }) => [name, value])),
        ]) as Record<string, string>,
      },
    },
    variants,
    createdAt: new Date(createdMs).toISOString(),
  };
  return {
    item,
    leaf: leafRow,
    style: draft.style,
    feature: draft.feature,
    brand,
    createdMs,
    priceCents,
    relativePrice: Math.log(priceCents / median),
    manner: draft.manner,
    appeal,
    fame,
    gaps,
    soldOut: commonGaps(gaps),
    ...(draft.fits !== undefined && { fits: draft.fits }),
  };
}

/** The part of a title between the brand and the first describing word: "V20 Pro". */
function modelNumber(title: string, brand: BrandTemplate): string {
  const rest = title.slice(brand.name[0].length + 1);
  return /^[A-Z]\d+(?: (?:Pro|Lite|Plus|S)(?= ))?/.exec(rest)![0];
}

interface ChosenOption {
  readonly name: Phrase;
  readonly value: Phrase;
}

/** Every buyable combination of colour and size, featured first; one empty one when there is none. */
function drawOptions(template: LeafTemplate, random: Random): readonly ChosenOption[][] {
  const colours =
    template.colours === undefined
      ? []
      : random
          .shuffle([...palettes[template.colours]])
          .slice(0, template.sizes === undefined ? 1 + random.int(4) : 1 + random.int(2));
  const sizes = template.sizes === undefined ? [] : sizeRuns[template.sizes];
  const colourOptions = colours.map((value) => ({ name: ["Colour", "颜色"] as const, value }));
  const sizeOptions = sizes.map((value) => ({ name: ["Size", "尺码"] as const, value }));
  if (colourOptions.length === 0) {
    return sizeOptions.length === 0 ? [[]] : sizeOptions.map((size) => [size]);
  }
  if (sizeOptions.length === 0) return colourOptions.map((colour) => [colour]);
  return colourOptions.flatMap((colour) => sizeOptions.map((size) => [colour, size]));
}

/**
 * A price as shops write it, in fen: below 100 yuan with nine jiao (59.9), below 1,000 ending in
 * nine yuan (259), above in ninety-nine (2,699).
 */
function charm(cents: number): number {
  const yuan = cents / 100;
  if (yuan < 100) return Math.max(1, Math.round(yuan)) * 100 - 10;
  if (yuan < 1_000) return Math.round(yuan / 10) * 1_000 - 100;
  return Math.round(yuan / 100) * 10_000 - 100;
}

function normals(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => random.normal());
}
