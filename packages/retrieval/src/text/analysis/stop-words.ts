/**
 * Words that say next to nothing about a product. They rank, and need not be there. Short lists on
 * purpose: "on", "off" and "no" are part of product names.
 */
const everywhere = words(
  "的 了 和 与 及 或 在 是 款 同款 新款 正品 包邮 现货 特价 爆款 官方 旗舰店",
);

const byLanguage: Readonly<Record<string, ReadonlySet<string>>> = {
  en: words("a an and are as at be by for from in is it my of on or s that the this to with your"),
  de: words("der die das den dem des ein eine einen einem einer und oder mit für von zu im am auf"),
  fr: words("le la les l un une des du de d et ou avec pour en au aux sur dans"),
  es: words("el la los las un una unos unas de del y o con para en por"),
  it: words("il lo la i gli le un uno una di del della dei e o con per in da"),
  pt: words("o a os as um uma de do da dos das e ou com para em no na"),
  nl: words("de het een en of met voor van op in te"),
};

/**
 * True for a word that need not be there, in the reader's language; English where no list is, since
 * English words stand in catalogues of every language.
 *
 * @param word    normalised
 * @param locale  BCP 47 tag
 */
export function isStopWord(word: string, locale?: string): boolean {
  if (everywhere.has(word)) return true;
  const language = locale?.slice(0, 2).toLowerCase() ?? "en";
  return (byLanguage[language] ?? byLanguage["en"]!).has(word);
}

function words(list: string): ReadonlySet<string> {
  // Texts are compared without accents: für is asked for as fur.
  return new Set(
    list
      .normalize("NFD")
      .replace(/[\u0300-\u036f]/g, "")
      .split(" "),
  );
}
