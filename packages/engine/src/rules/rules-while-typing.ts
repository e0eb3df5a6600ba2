import type { ItemFilter } from "@magpie/domain";
import { effectsOf, type FacetWords, type RuleRequest } from "@magpie/ranking";
import type { CompiledRules } from "./compiled-rules.ts";
import { narrowed } from "./ruling.ts";

/** A page that a rule leads to, offered by the words that it is searched for by. */
export interface SuggestedRedirect {
  readonly text: string;
  readonly url: string;
}

/** What rules say of what is suggested while somebody types. */
export interface RulesWhileTyping {
  /** What products that are suggested must pass: those that a search for it would not hide. */
  readonly filter: ItemFilter;
  /** In order of their words, each page once. */
  readonly redirects: readonly SuggestedRedirect[];
}

/**
 * What rules say of suggestions: who types "ket" is not shown what a search for "ket" would hide, and is
 * offered the page that a search for "kettle repair" leads to.
 *
 * @param request  of the search that is being typed
 */
export function rulesWhileTyping(
  rules: CompiledRules,
  facets: FacetWords,
  request: RuleRequest & { readonly query: string },
  limit: number,
): RulesWhileTyping {
  const effectsFor = (query: string) =>
    effectsOf(rules.matcher.match({ ...request, query }, facets), query);
  const pages = new Map<string, SuggestedRedirect>();
  for (const { text, ruleId } of rules.redirectsFrom(request.query)) {
    if (pages.size === limit) break;
    // The whole rule must hold, and no earlier one lead elsewhere.
    const { redirect } = effectsFor(text);
    if (redirect?.ruleId === ruleId && !pages.has(redirect.url)) {
      pages.set(redirect.url, { text, url: redirect.url });
    }
  }
  return { filter: narrowed({}, effectsFor(request.query)), redirects: [...pages.values()] };
}
