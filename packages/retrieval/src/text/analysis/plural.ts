const plain = /^[a-z]{4,}$/;

/**
 * English plural off: shoes → shoe, dresses → dress, accessories → accessory. Nothing more: a
 * stemmer that also joins universal and university finds wrong products. Not a dictionary: what
 * matters is that text and query end in the same form (lens → len on both sides).
 */
export function singular(word: string): string {
  if (!plain.test(word) || !word.endsWith("s") || word.endsWith("ss") || word.endsWith("us")) {
    return word;
  }
  if (word.endsWith("ies") && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:ss|sh|ch|x|zz)es$/.test(word)) return word.slice(0, -2);
  return word.slice(0, -1);
}
