import type { Item } from "@magpie/domain";

const separator = " > ";

/**
 * Words for category paths in the catalogue's languages, taken from the items themselves: where an
 * item names the path "Shoes > Running" and its Chinese text "鞋 > 跑步鞋", the second level is
 * called 跑步鞋 in Chinese.
 */
export class CatalogLabels {
  /** By language, then by path. */
  readonly #byLanguage: Map<string, Map<string, string>>;

  private constructor(byLanguage: Map<string, Map<string, string>>) {
    this.#byLanguage = byLanguage;
  }

  static empty(): CatalogLabels {
    return new CatalogLabels(new Map());
  }

  /** Opens what `toJSON` gave. */
  static open(json: Readonly<Record<string, Readonly<Record<string, string>>>>): CatalogLabels {
    return new CatalogLabels(
      new Map(
        Object.entries(json).map(([language, labels]) => [
          language,
          new Map(Object.entries(labels)),
        ]),
      ),
    );
  }

  toJSON(): Readonly<Record<string, Readonly<Record<string, string>>>> {
    return Object.fromEntries(
      [...this.#byLanguage].map(([language, labels]) => [language, Object.fromEntries(labels)]),
    );
  }

  /** Learns from one item. Later items win, so that a corrected word takes effect. */
  add(item: Item): void {
    for (const [language, text] of Object.entries(item.locales ?? {})) {
      const paths = item.categories ?? [];
      const translated = text.categories ?? [];
      if (paths.length !== translated.length) continue;
      for (const [i, path] of paths.entries()) {
        const levels = path.split(separator);
        const words = translated[i]!.split(separator);
        if (levels.length !== words.length) continue;
        const labels = this.#byLanguage.get(language) ?? new Map<string, string>();
        this.#byLanguage.set(language, labels);
        for (const [depth, word] of words.entries()) {
          labels.set(levels.slice(0, depth + 1).join(separator), word.trim());
        }
      }
    }
  }

  /** The last level of a path in a reader's language ("zh-CN" also finds "zh"), else as it stands. */
  labelOf(path: string, locale: string): string {
    const own =
      this.#byLanguage.get(locale)?.get(path) ??
      this.#byLanguage.get(locale.split("-")[0]!)?.get(path);
    return own ?? path.split(separator).at(-1)!;
  }
}
