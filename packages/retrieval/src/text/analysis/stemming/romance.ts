/** Letters that a stem keeps: what is shorter says too little to be one. */
const shortest = 3;

/** An ending and what stands in its place, in the order in which they are tried. */
type Rule = readonly [ending: string, put: string];

/** The word by the first rule whose ending it has; as it was where a stem would be too short. */
function byRule(word: string, rules: readonly Rule[]): string {
  for (const [ending, put] of rules) {
    if (!word.endsWith(ending)) continue;
    const stem = word.slice(0, word.length - ending.length) + put;
    return stem.length >= shortest ? stem : word;
  }
  return word;
}

const frenchGender: readonly Rule[] = [
  ["trice", "teur"],
  ["iere", "ier"],
  ["euse", "eur"],
  ["enne", "en"],
  ["elle", "el"],
  ["ette", "et"],
  ["esse", "es"],
  ["asse", "as"],
  ["osse", "os"],
  ["otte", "ot"],
  ["anche", "anc"],
  ["aiche", "ais"],
  ["ive", "if"],
  ["euve", "euf"],
  ["gue", "g"],
  ["ee", ""],
  ["e", ""],
];

/**
 * French words without the endings of number and gender: chaussures → chaussur, journaux → journal,
 * blanches → blanc, chanteuse → chanteur, imprimées → imprim.
 *
 * @see Savoy (1999), "A stemming procedure and stopword list for general French corpora"
 */
export function stemFrench(word: string): string {
  const one = byRule(word, [
    ["eaux", "eau"],
    ["aux", "al"],
    ["x", ""],
    ["s", ""],
  ]);
  // gris, gros and français end in an s of their own, which grise, grosse and française show.
  const bare = byRule(byRule(one, frenchGender), [["s", ""]]);
  // imprimer, imprimé, imprimée; but not acier, cuisinier, cher
  return bare.length > 5 && bare.endsWith("er") && !bare.endsWith("ier") ? bare.slice(0, -2) : bare;
}

const spanish: readonly Rule[] = [
  ["ces", "z"],
  ["eses", "es"],
  ["os", ""],
  ["as", ""],
  ["es", ""],
  ["o", ""],
  ["a", ""],
  ["e", ""],
];

/**
 * Spanish words without the endings of number and gender: zapatos, zapato → zapat; luces → luz;
 * pantalones → pantalon.
 *
 * @see Savoy (2001), "Report on CLEF-2001 experiments", the light stemmer for Spanish
 */
export function stemSpanish(word: string): string {
  return withoutEs(byRule(word, spanish));
}

/** inglesa → ingles → ingl, as inglês and inglés become by the rules of plurals. */
const withoutEs = (stem: string): string =>
  stem.length > 5 && stem.endsWith("es") ? stem.slice(0, -2) : stem;

const portuguesePlural: readonly Rule[] = [
  ["oes", "ao"],
  ["aes", "ao"],
  ["ais", "al"],
  ["eis", "el"],
  ["ois", "ol"],
  ["uis", "ul"],
  ["is", "il"],
  ["ns", "m"],
  ["res", "r"],
  ["zes", "z"],
  ["ses", "s"],
  ["s", ""],
];

/**
 * Portuguese words without the endings of number and gender: calções → calcao, azuis → azul,
 * vermelhas → vermelh. A word in -ão keeps it: calção is not calça.
 *
 * @see Savoy (2006), "Light stemming approaches for the French, Portuguese, German and Hungarian
 *      languages"
 */
export function stemPortuguese(word: string): string {
  const one = byRule(word, portuguesePlural);
  if (one.endsWith("ao")) return one;
  return withoutEs(
    byRule(one, [
      ["a", ""],
      ["o", ""],
      ["e", ""],
    ]),
  );
}

const italian: readonly Rule[] = [
  ["chi", "c"],
  ["che", "c"],
  ["ghi", "g"],
  ["ghe", "g"],
  ["ie", ""],
  ["ia", ""],
  ["io", ""],
  ["ii", ""],
  ["e", ""],
  ["i", ""],
  ["a", ""],
  ["o", ""],
];

/**
 * Italian words without the endings of number and gender: scarpa, scarpe → scarp; bianche → bianc;
 * orologio, orologi → orolog.
 *
 * @see Savoy (2001), "Report on CLEF-2001 experiments", the light stemmer for Italian
 */
export function stemItalian(word: string): string {
  return byRule(word, italian);
}
