/** How much a stand-in for a word counts, compared with the word itself. */
export const standIn = {
  prefix: 0.6,
  firstLetterTypo: 0.7,
  pinyin: 0.4,
  sound: 0.5,
  inner: 0.5,
  inflection: 0.5,
  stem: 0.8,
  compound: 0.9,
} as const;
