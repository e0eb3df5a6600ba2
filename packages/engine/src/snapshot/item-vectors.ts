import type { Sequences } from "@magpie/data";
import { Int8SequenceModel, SequenceModel, type TrainedModel } from "@magpie/models";
import { Int8VectorIndex, InvertedListsIndex } from "@magpie/retrieval";

/** The sequence models that a snapshot can serve. */
export type ServedSequenceModel = SequenceModel | Int8SequenceModel;

/** Whether a model turns pasts into vectors and can say what moved a score. */
export function isSequenceModel(model: TrainedModel): model is ServedSequenceModel {
  return model instanceof SequenceModel || model instanceof Int8SequenceModel;
}

/** Whether a model knows items by what is said of them, too. */
export function readsTexts({ config }: ServedSequenceModel): boolean {
  return (config.textWidth ?? 0) > 0;
}

/** An index over a sequence model's item vectors, as a snapshot keeps it. */
export type ItemVectorIndex = Int8VectorIndex | InvertedListsIndex;

/**
 * An index over the vectors of the sequence model's items, in the model's own precision; undefined where
 * there is no such model. Items that training never saw have the vector they were initialised with, which
 * means nothing: they get zeros, and so are never near to anything. Where the model reads texts they are
 * what is said of them.
 */
export function itemVectorIndex(
  trained: readonly TrainedModel[],
  { items }: Pick<Sequences, "items">,
): ItemVectorIndex | undefined {
  const model = trained.find(isSequenceModel);
  if (model === undefined) return undefined;
  const { width } = model;
  const isSeen = new Uint8Array(model.itemTable.rows).fill(readsTexts(model) ? 1 : 0);
  for (const item of items) isSeen[item] = 1;
  if (model instanceof Int8SequenceModel) {
    const { codes, scales } = model.itemTable.quantised();
    const ofSeen = scales.map((scale, row) => (isSeen[row] === 1 ? scale : 0));
    return InvertedListsIndex.fromCodes({ codes, scales: ofSeen }, width, wholeScan);
  }
  const vectors = model.itemVectors.slice();
  isSeen.forEach((seen, row) => {
    if (seen === 0) vectors.fill(0, row * width, (row + 1) * width);
  });
  return new Int8VectorIndex(vectors, width);
}

/** Opens what `itemVectorIndex` saved, for the models of the same snapshot. */
export function openItemVectors(
  bytes: Uint8Array,
  trained: readonly TrainedModel[],
): ItemVectorIndex {
  return trained.some((model) => model instanceof Int8SequenceModel)
    ? InvertedListsIndex.open(bytes, wholeScan)
    : Int8VectorIndex.open(bytes);
}

/** Item vectors differ in length, which lists by direction would not respect: every row is looked at. */
const wholeScan = { lists: 1 } as const;
