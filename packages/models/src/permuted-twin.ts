import type { Sequences } from "@magpie/data";
import { seededRandom } from "@magpie/numerics";
import type { Model, TrainedModel, TrainingContext, TrainingData } from "./model.ts";

/**
 * The same interactions with their items dealt out at random: every user keeps as many, at the same times,
 * and every item is taken as often, but who took what, and after what, says nothing any more. An item's
 * weight goes with it.
 */
export function permutedInteractions(train: Sequences, seed: number): Sequences {
  const random = seededRandom(seed, "permuted-twin");
  const items = train.items.slice();
  const weights = train.weights?.slice();
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
    if (weights !== undefined) [weights[i], weights[j]] = [weights[j]!, weights[i]!];
  }
  return { ...train, items, ...(weights && { weights }) };
}

/**
 * Trains a model's twin: the same recipe and seed on permuted interactions. Validation stays as it is,
 * which favours the twin. `compareWithTwin` of evaluation then says whether the model learnt more than how
 * often each item is taken.
 */
export function trainPermutedTwin<Config extends object>(
  model: Model<Config>,
  data: TrainingData,
  config: Config,
  context: TrainingContext,
): Promise<TrainedModel> {
  const { checkpointDir: _, ...rest } = context;
  return model.train(
    { ...data, train: permutedInteractions(data.train, context.seed) },
    config,
    rest,
  );
}
