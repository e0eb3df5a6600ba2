import type { Rule } from "@magpie/domain";
import { placeholdersIn, RuleMatcher, wordsOfQuery } from "@magpie/ranking";

/** Where rules come from: a publication, or the draft in one of its states. */
export type RulesSource =
  | { readonly state: "published"; readonly version: number }
  | { readonly state: "draft"; readonly revision: number };

/** What a condition asks a query to say, of a rule that leads to another page. */
export interface RedirectPhrase {
  readonly text: string;
  readonly ruleId: string;
}

/** A set of rules made ready for requests. It never changes: another set takes its place at once. */
export class CompiledRules {
  readonly source: RulesSource;
  readonly matcher: RuleMatcher;
  readonly size: number;
  /** Fields whose values conditions have placeholders for. */
  readonly placeholders: ReadonlySet<string>;
  /** With their words in normal form, by which they are sorted. */
  readonly #redirects: readonly (RedirectPhrase & { readonly words: string })[];

  /** @param rules  as `readRules` gave them */
  constructor(rules: readonly Rule[], source: RulesSource) {
    this.source = source;
    this.size = rules.length;
    this.matcher = new RuleMatcher(rules);
    this.placeholders = new Set(
      rules.flatMap(({ conditions = [] }) =>
        conditions.flatMap(({ query }) => (query === undefined ? [] : placeholdersIn(query.text))),
      ),
    );
    this.#redirects = rules
      .flatMap(({ id, enabled, actions, conditions = [] }) =>
        actions.redirect === undefined || enabled === false
          ? []
          : conditions.flatMap(({ query }) =>
              // What a placeholder stands for is known of whole queries only.
              query === undefined || placeholdersIn(query.text).length > 0
                ? []
                : [{ text: query.text, ruleId: id, words: wordsIn(query.text) }],
            ),
      )
      .sort((a, b) => (a.words < b.words ? -1 : 1));
  }

  /** Phrases that begin like what is typed and lead to another page when they are searched for. */
  redirectsFrom(typed: string): readonly RedirectPhrase[] {
    const beginning = wordsIn(typed);
    if (beginning === "") return [];
    const from = this.#redirects.findIndex(({ words }) => words >= beginning);
    if (from === -1) return [];
    const found = [];
    for (const phrase of this.#redirects.slice(from)) {
      if (!phrase.words.startsWith(beginning)) break;
      found.push(phrase);
    }
    return found;
  }
}

const wordsIn = (text: string): string =>
  wordsOfQuery(text)
    .map(({ word }) => word)
    .join(" ");
