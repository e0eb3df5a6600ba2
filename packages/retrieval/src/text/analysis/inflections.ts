const plain = /^[a-z]{3,20}$/;
const vowel = /[aeiouy]/;
const doubled = /([bdfglmnprt])\1$/;

/**
 * Other forms of an English word by -ing and -ed, of which the caller keeps those that the catalogue
 * has: running → run, runn, runne, …; run → running, runing, …. Guesses that are no words find
 * nothing, so the rules need no dictionary.
 */
export function inflectionsOf(word: string): string[] {
  if (!plain.test(word)) return [];
  const stems = new Set<string>();
  const ending = /(?:ing|ed)$/.exec(word)?.[0];
  if (ending !== undefined) {
    const bare = word.slice(0, -ending.length);
    if (bare.length >= 3 && vowel.test(bare)) {
      stems.add(bare);
      stems.add(`${bare}e`);
      if (doubled.test(bare)) stems.add(bare.slice(0, -1));
    }
  } else stems.add(word);
  const forms = new Set(stems);
  for (const stem of stems) {
    if (!vowel.test(stem)) continue;
    const bare = stem.endsWith("e") ? stem.slice(0, -1) : stem;
    const last = stem.at(-1)!;
    for (const base of [bare, ...(/[bdfglmnprt]/.test(last) ? [stem + last] : [])]) {
      forms.add(`${base}ing`);
      forms.add(`${base}ed`);
    }
  }
  forms.delete(word);
  return [...forms];
}
