/**
 * All words one typing error away: a letter left out, put in, replaced, or two neighbours swapped
 * (Damerau's four). A few hundred, which are cheaper to look up than a table of deletions of every
 * term is to keep.
 *
 *     gives   shoe → hoe, soe, she, sho │ hsoe, sohe, sheo │ ahoe, …, shoz │ ashoe, …, shoez
 */
export function* oneEditAway(word: string, alphabet: Iterable<string>): Generator<string> {
  const letters = [...word];
  const join = (...parts: readonly (readonly string[] | string)[]): string => parts.flat().join("");
  for (let i = 0; i < letters.length; i++) {
    yield join(letters.slice(0, i), letters.slice(i + 1));
    if (i > 0 && letters[i] !== letters[i - 1]) {
      yield join(letters.slice(0, i - 1), letters[i]!, letters[i - 1]!, letters.slice(i + 1));
    }
  }
  for (const letter of alphabet) {
    for (let i = 0; i <= letters.length; i++) {
      yield join(letters.slice(0, i), letter, letters.slice(i));
      if (i < letters.length && letters[i] !== letter) {
        yield join(letters.slice(0, i), letter, letters.slice(i + 1));
      }
    }
  }
}
