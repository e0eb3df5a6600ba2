import type { Sequences } from "@magpie/data";
import {
  contentModel,
  itemKnn,
  models,
  popularity,
  recentPopularity,
  type Model,
} from "@magpie/models";
import type { TrainingInput } from "./run.ts";

/** A two-tower model's tables take about 1.5 KB an item while it learns. */
const maxTowerItems = 500_000;
/** A sequence model needs pasts to learn from: from fewer interactions it learns noise. */
const minSequenceInteractions = 500;
/** EASE is trained to be measured against, where inverting items × items takes seconds. */
const maxEaseItems = 4_000;

/** Why a quick training leaves something out. */
export const byCountingAlone = "a quick training learns by counting alone";
const countingKinds: ReadonlySet<string> = new Set([
  popularity.kind,
  recentPopularity.kind,
  itemKnn.kind,
]);

/** The models that this data carries; the notes say which it does not, and why. */
export function chooseModels(
  {
    sequences,
    vocabulary,
    recipe,
    quick,
  }: Pick<TrainingInput, "sequences" | "vocabulary" | "recipe" | "quick">,
  notes: string[],
): Model[] {
  const interactions = sequences.items.length;
  const withoutPairs = usersWith(2, sequences) > 0 ? undefined : "no user has two interactions";
  const tooFew =
    interactions >= minSequenceInteractions
      ? undefined
      : `it takes ${minSequenceInteractions} interactions to learn from, and there are ${interactions}`;
  return [...models, contentModel].filter(({ kind }) => {
    const why = ((): string | undefined => {
      if (recipe[kind] === false) return "the recipe leaves it out";
      if (quick && !countingKinds.has(kind)) return byCountingAlone;
      if (interactions === 0) return "the log holds no interaction with an item of the catalogue";
      switch (kind) {
        case "item-knn":
          return withoutPairs;
        case "ease":
          return vocabulary.size > maxEaseItems
            ? `it is only measured against, and ${vocabulary.size} items are more than ${maxEaseItems}`
            : withoutPairs;
        case "two-tower":
          return vocabulary.size > maxTowerItems
            ? `its tables of ${vocabulary.size} items would not fit beside the rest`
            : tooFew;
        case "sasrec":
          return tooFew;
        default:
          return undefined;
      }
    })();
    if (why !== undefined) notes.push(`no ${kind}: ${why}`);
    return why === undefined;
  });
}

/** Users with so many interactions or more. */
export function usersWith(interactions: number, { userCount, offsets }: Sequences): number {
  let users = 0;
  for (let u = 0; u < userCount; u++) {
    if (offsets[u + 1]! - offsets[u]! >= interactions) users++;
  }
  return users;
}
