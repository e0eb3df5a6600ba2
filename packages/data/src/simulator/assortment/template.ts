/**
 * What a leaf category sells, in both languages: the words from which titles, descriptions,
 * variants and search queries are composed. Every style fits every feature of its leaf.
 */

/** The same words in English and Chinese. */
export type Phrase = readonly [en: string, zh: string];

/** A word of the title and the sentence that the description gives it, in both languages. */
export type Trait = readonly [en: string, zh: string, sentenceEn: string, sentenceZh: string];

/** A measurable property: its name and the values products have. */
export interface Spec {
  readonly name: Phrase;
  readonly values: readonly Phrase[];
  /** Price factor of the last value relative to the first; values between are spaced evenly. */
  readonly priceSpan?: number;
  /** Stands at the end of the title: sizes of food and appliances. */
  readonly inTitle?: boolean;
}

/** What products of the leaf are called besides their brand. */
export type Naming =
  /** A line of the brand: "Drift" / 流云系列. */
  | "line"
  /** A model number that both languages share: "V20 Pro". */
  | "model"
  /** Nothing: food, care. */
  | "plain"
  /** A composed title with volumes; the brand is the publisher. */
  | "book";

export type BrandGroup =
  | "tech"
  | "kitchen"
  | "sport"
  | "fashion"
  | "home"
  | "beauty"
  | "baby"
  | "food"
  | "pets"
  | "books";

export interface LeafTemplate {
  /** Stable, kebab-case; stands in item ids. */
  readonly key: string;
  /** Name of the category, as menus show it. */
  readonly name: Phrase;
  /** The product's kind in a title: "Running Shoes", 跑步鞋. */
  readonly noun: Phrase;
  /** How shoppers type it, most usual first. */
  readonly typed: { readonly en: readonly string[]; readonly zh: readonly string[] };
  readonly brands: BrandGroup;
  readonly naming: Naming;
  readonly styles: readonly Trait[];
  readonly features: readonly Trait[];
  /** A product has exactly one of the features: paperback or hardcover. */
  readonly exclusiveFeatures?: true;
  readonly materials?: readonly Phrase[];
  readonly specs?: readonly Spec[];
  readonly colours?: "muted" | "bright" | "dark" | "denim" | "lips";
  readonly sizes?: "shoe" | "clothing" | "sock" | "waist" | "bed" | "diaper";
  /**
   * Title with {brand} {name} {style} {feature} {noun} {fits}; the usual order when absent.
   * Always has {name}, by which the products of a large shop stay distinct.
   */
  readonly title?: Phrase;
  /** Median price in fen and the standard deviation of its logarithm. */
  readonly price: readonly [medianCents: number, sigma: number];
  /** Last sentences of a description, one of which is taken. */
  readonly closing: readonly Phrase[];
  /** Leaves that buyers turn to next, with the chance that they do. */
  readonly complements?: Readonly<Record<string, number>>;
  /** Products are made for one product of this leaf: cases for phones. */
  readonly fits?: string;
  /** Number of products relative to the mean leaf, which has 1. */
  readonly share?: number;
  /** Days after which a buyer needs more. */
  readonly replenishDays?: number;
  /** Month of highest demand (1 to 12) and how strongly the year swings around it, 0 to 1. */
  readonly season?: readonly [month: number, strength: number];
  /** How much Chinese-speaking shoppers prefer the leaf over English-speaking ones, in logits. */
  readonly zhTilt?: number;
}

export interface Department {
  readonly key: string;
  readonly name: Phrase;
  readonly leaves: readonly LeafTemplate[];
}
