import type { FieldConditions, Rule, RuleTarget } from "@magpie/domain";
import { filledIn, type Captures } from "./patterns.ts";

type Actions = Rule["actions"];

/** Texts of actions that may hold placeholders, each with its place. */
export function* textsOf(actions: Actions): Generator<{ place: string; text: string }> {
  const { boosts, buries, filter, query, redirect, banners } = actions;
  yield* conditionTexts("filter", filter);
  for (const [name, targets] of Object.entries({ boosts, buries })) {
    for (const [i, { where }] of (targets ?? []).entries()) {
      yield* conditionTexts(`${name}[${i}].where`, where);
    }
  }
  if (query?.replace !== undefined) yield { place: "query.replace", text: query.replace };
  for (const [i, text] of (query?.remove ?? []).entries()) {
    yield { place: `query.remove[${i}]`, text };
  }
  if (redirect !== undefined) yield { place: "redirect.url", text: redirect.url };
  for (const [i, { title, text, url, imageUrl }] of (banners ?? []).entries()) {
    for (const [name, own] of Object.entries({ title, text, url, imageUrl })) {
      if (own !== undefined) yield { place: `banners[${i}].${name}`, text: own };
    }
  }
}

function* conditionTexts(
  place: string,
  where: FieldConditions | undefined,
): Generator<{ place: string; text: string }> {
  for (const [i, clause] of (where ?? []).entries()) {
    for (const [j, test] of clause.entries()) {
      if (!("anyOf" in test)) continue;
      for (const [k, text] of test.anyOf.entries()) {
        yield { place: `${place}[${i}][${j}].anyOf[${k}]`, text };
      }
    }
  }
}

/** The actions with what placeholders stood for. */
export function withCaptures(actions: Actions, captures: Captures): Actions {
  if (captures.size === 0) return actions;
  const text = (own: string): string => filledIn(own, captures);
  const inUrl = (own: string): string => filledIn(own, captures, encodeURIComponent);
  const conditions = (where: FieldConditions): NonNullable<Actions["filter"]> =>
    where.map((clause) =>
      clause.map((test) => ("anyOf" in test ? { ...test, anyOf: test.anyOf.map(text) } : test)),
    );
  const targets = (all: readonly RuleTarget[]): RuleTarget[] =>
    all.map(({ where, ...target }) => ({
      ...target,
      ...(where !== undefined && { where: conditions(where) }),
    }));
  const { boosts, buries, filter, query, redirect, banners } = actions;
  return {
    ...actions,
    ...(boosts && { boosts: targets(boosts) }),
    ...(buries && { buries: targets(buries) }),
    ...(filter && { filter: conditions(filter) }),
    ...(query && {
      query: {
        ...(query.replace !== undefined && { replace: text(query.replace) }),
        ...(query.remove && { remove: query.remove.map(text) }),
      },
    }),
    ...(redirect && { redirect: { url: inUrl(redirect.url) } }),
    ...(banners && {
      banners: banners.map(({ id, title, text: body, url, imageUrl }) => ({
        id,
        ...(title !== undefined && { title: text(title) }),
        ...(body !== undefined && { text: text(body) }),
        ...(url !== undefined && { url: inUrl(url) }),
        ...(imageUrl !== undefined && { imageUrl: inUrl(imageUrl) }),
      })),
    }),
  };
}
