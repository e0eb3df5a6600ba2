import type { Random } from "@magpie/numerics";
import type { LeafTemplate } from "./assortment/template.ts";
import type { SimulatedItem } from "./catalog.ts";

/** What a shopper types, and what the words ask for. */
export interface TypedQuery {
  readonly text: string;
  readonly style?: number;
  readonly feature?: number;
  readonly brand?: string;
}

/**
 * Words for a leaf in the shopper's language: its name four times of ten, else with a style,
 * a brand or a feature before it; one English query in twenty has a typing error.
 *
 * @param model  an item that the shopper already knows (seen, owned as the predecessor, or the
 *               phone that a case is for) and names
 */
export function typeQuery(
  random: Random,
  locale: "en" | "zh",
  template: LeafTemplate,
  style: number,
  brands: readonly SimulatedItem["brand"][],
  model: string | undefined,
): TypedQuery {
  const language = locale === "zh" ? 1 : 0;
  const typed = template.typed[locale];
  // The most usual word half of the time.
  const noun = typed[random.next() < 0.5 ? 0 : random.int(typed.length)]!;
  // Where a title goes without the noun, the style says what it is: "green tea", 切片刀.
  const isStyleEnough = template.title !== undefined && !template.title[1].includes("{noun}");
  const join = (word: string): string =>
    locale === "zh" ? `${word}${/[\w%]$/.test(word) ? " " : ""}${noun}` : `${word} ${noun}`;

  if (model !== undefined) {
    return { text: locale === "zh" ? `${model} ${noun}` : `${noun} ${model}`.toLowerCase() };
  }
  const roll = random.next();
  const query: TypedQuery =
    roll < 0.4
      ? { text: noun }
      : roll < 0.65
        ? {
            text: (isStyleEnough ? String : join)(template.styles[style]![language]),
            style,
          }
        : roll < 0.85
          ? brandQuery(random, brands, language, join)
          : featureQuery(random, template, language, join);
  const text = locale === "zh" ? query.text : query.text.toLowerCase();
  return { ...query, text: locale === "en" && random.next() < 0.05 ? mistype(random, text) : text };
}

function brandQuery(
  random: Random,
  brands: readonly SimulatedItem["brand"][],
  language: 0 | 1,
  join: (word: string) => string,
): TypedQuery {
  const brand = brands[random.int(brands.length)]!;
  return { text: join(brand.name[language]), brand: brand.name[0] };
}

function featureQuery(
  random: Random,
  template: LeafTemplate,
  language: 0 | 1,
  join: (word: string) => string,
): TypedQuery {
  const feature = random.int(template.features.length);
  return { text: join(template.features[feature]![language]), feature };
}

/** One slip of the fingers: two letters swapped, one left out, or one doubled. */
function mistype(random: Random, text: string): string {
  if (text.length < 4) return text;
  const i = 1 + random.int(text.length - 2);
  switch (random.int(3)) {
    case 0:
      return text.slice(0, i) + text[i + 1]! + text[i]! + text.slice(i + 2);
    case 1:
      return text.slice(0, i) + text.slice(i + 1);
    default:
      return text.slice(0, i) + text[i]! + text.slice(i);
  }
}
