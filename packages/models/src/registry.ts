import { TrainingError } from "@magpie/domain";
import { bprMf } from "./factors/bpr-mf.ts";
import { contentKnn } from "./content/content-knn.ts";
import { ease } from "./linear/ease.ts";
import { graphFilter } from "./linear/graph-filter.ts";
import { implicitAls } from "./factors/implicit-als.ts";
import { itemKnn } from "./memory/item-knn.ts";
import { lightGcn } from "./graph/lightgcn.ts";
import type { Model } from "./model.ts";
import { personalFrequency, tifuKnn } from "./memory/next-basket.ts";
import { popularity, recentPopularity } from "./memory/popularity.ts";
import { rp3Beta } from "./memory/rp3-beta.ts";
import { eSasRec, fuxiModel, gru4Rec, hstuModel, sasRec } from "./sequence/sequence-model.ts";
import { semanticIdsModel } from "./content/semantic-ids-model.ts";
import { sessionKnn } from "./memory/session-knn.ts";
import { slim } from "./linear/slim.ts";
import { stackedBlend } from "./blend/stacked-blend.ts";
import { transitions } from "./memory/transitions.ts";
import { twoTower } from "./content/two-tower-model.ts";
import { ultraGcn } from "./graph/ultragcn.ts";
import { xSimGcl } from "./graph/xsimgcl.ts";

/** The models that a shop trains on events alone, in the order in which tables list them. */
export const models: readonly Model[] = [popularity, recentPopularity, itemKnn, ease, sasRec];

/** The model that a shop trains on events and on what its catalogue says of items. */
export const contentModel: Model = twoTower;

/** Those and all that are trained when named: `magpie evaluate --models graph-filter`. */
export const allModels: readonly Model[] = [
  ...models,
  transitions,
  slim,
  rp3Beta,
  graphFilter,
  implicitAls,
  bprMf,
  lightGcn,
  contentKnn,
  twoTower,
  semanticIdsModel,
  eSasRec,
  hstuModel,
  fuxiModel,
  gru4Rec,
  xSimGcl,
  ultraGcn,
  sessionKnn,
  personalFrequency,
  tifuKnn,
  stackedBlend([
    popularity,
    recentPopularity,
    itemKnn,
    ease,
    transitions,
    slim,
    rp3Beta,
    sasRec,
    eSasRec,
    hstuModel,
    fuxiModel,
    gru4Rec,
  ]),
];

/**
 * The model of a kind, as commands and saved cards name it.
 *
 * @throws {TrainingError} `UNKNOWN_MODEL` naming the kinds that exist
 */
export function modelByKind(kind: string): Model {
  const found = allModels.find((model) => model.kind === kind);
  if (found !== undefined) return found;
  throw new TrainingError(
    "UNKNOWN_MODEL",
    `There is no model of kind "${kind}".`,
    `Use one of ${allModels.map((model) => model.kind).join(", ")}.`,
    { kind: "not-found" },
  );
}
