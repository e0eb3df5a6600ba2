import { TrainingError } from "@magpie/domain";
import { ease } from "./ease.ts";
import { itemKnn } from "./item-knn.ts";
import type { Model } from "./model.ts";
import { popularity, recentPopularity } from "./popularity.ts";
import { sasRec } from "./sasrec-model.ts";

/** All models that can be trained, in the order in which tables list them. */
export const models: readonly Model[] = [popularity, recentPopularity, itemKnn, ease, sasRec];

/**
 * The model of a kind, as commands and saved cards name it.
 *
 * @throws {TrainingError} `UNKNOWN_MODEL` naming the kinds that exist
 */
export function modelByKind(kind: string): Model {
  const found = models.find((model) => model.kind === kind);
  if (found !== undefined) return found;
  throw new TrainingError(
    "UNKNOWN_MODEL",
    `There is no model of kind "${kind}".`,
    `Use one of ${models.map((model) => model.kind).join(", ")}.`,
    { kind: "not-found" },
  );
}
