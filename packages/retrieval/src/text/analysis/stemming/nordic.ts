import { endings, endingsFrom, withoutEnding } from "./suffixes.ts";

/** How the three differ. All is from the main step of their Snowball stemmers. */
interface Rules {
  readonly endings: readonly string[];
  /** Behind these letters an s is an ending. */
  readonly beforeS: RegExp;
  /** Ends of adjectives that stand for their first letter: rött, rödt → röd. */
  readonly pairs: RegExp;
}

const swedish: Rules = {
  endings: endings(
    "a an ans arna erna heterna orna ad e ade ande arne are aste en anden aren heten ern ar er heter or as " +
      "arnas ernas ornas es ades andes ens arens hetens erns at andet het ast et ets",
  ),
  beforeS: /[bcdfghjklmnoprtvy]s$/,
  pairs: /(?:dd|gd|nn|dt|gt|kt|tt)$/,
};

const danish: Rules = {
  endings: endings(
    "hed ethed ered e erede ende erende ene erne ere en heden eren er heder erer heds es endes " +
      "erendes enes ernes eres ens hedens erens ers ets erets et eret",
  ),
  beforeS: /[abcdfghjklmnoprtvyz]s$/,
  pairs: /(?:gd|dt|gt|kt)$/,
};

const norwegian: Rules = {
  endings: endings(
    "a e ede ande ende ane ene hetene en heten ar er heter as es edes endes enes hetenes ens hetens " +
      "ers ets et het ast",
  ),
  beforeS: /[bcdfghjlmnoprtvyz]s$/,
  pairs: /(?:dt|vt)$/,
};

/** Swedish words without endings: jackor, jackan → jack; byxorna → byx. */
export const stemSwedish = (word: string): string => stem(word, swedish);
/** Danish words without endings: jakker, jakken → jak; tøjet → toj. */
export const stemDanish = (word: string): string => stem(word, danish);
/** Norwegian (bokmål) words without endings: jakker, jakken → jak; vesker → vesk. */
export const stemNorwegian = (word: string): string => stem(word, norwegian);

/**
 * @see Porter (2001), "Snowball: a language for stemming algorithms". Ours is the step that takes
 *      inflection off; endings that make other words (-lig, -ig, -els) stay.
 */
function stem(typed: string, rules: Rules): string {
  // å, æ and ø as people write them without the key; å itself has lost its ring.
  const word = typed.replace(/(?<![aeiouy])(?:aa|ae)/g, "a").replace(/(?<![aeiouy])oe/g, "o");
  const from = endingsFrom(word);
  let bare = withoutEnding(word, rules.endings, from);
  if (bare.length - 1 >= from && rules.beforeS.test(bare)) bare = bare.slice(0, -1);
  if (bare.length - 1 >= from && rules.pairs.test(bare)) return bare.slice(0, -1);
  return bare.length > 3 ? bare.replace(/([bcdfgklmnprst])\1$/, "$1") : bare;
}
