import { TrainingError } from "@magpie/domain";
import type { SequenceConfig } from "./sequence-config.ts";
import { textProjectionOf } from "./sequence-graphs.ts";
import { projectTexts } from "./sequence-texts.ts";

/**
 * Vectors of items by their texts alone, for items that came after the training.
 *
 * @param model  its name, recipe and dense weights
 * @param texts  [n, text width], as the training read them
 * @returns      [n, D]
 * @throws {TrainingError} `NO_TEXTS` when the model was trained without
 */
export function itemsOfTexts(
  model: { readonly name: string; readonly config: SequenceConfig; readonly dense: Float32Array },
  texts: Float32Array,
): Float32Array {
  const { width, textWidth = 0 } = model.config;
  const projection = textProjectionOf(model.config, model.dense);
  if (projection !== undefined) return projectTexts(texts, projection, { width, textWidth });
  throw new TrainingError(
    "NO_TEXTS",
    `${model.name} was trained without texts, so it cannot tell an item by its text.`,
    "Train it with itemTexts: true in its recipe.",
  );
}
