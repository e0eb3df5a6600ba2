import { ScoreProduct } from "@magpie/numerics";
import type { Graph, Tensor } from "@magpie/tensor";
import type { SequenceSettings } from "./sequence-config.ts";

/**
 * What texts of items are to a sequence model, where its recipe says so (`SequenceSettings.itemTexts`):
 *
 *     item i  =  its own embedding  +  embeddings of its features  +  text_i · W        W: [text width, D]
 *
 * W is learnt beside the network's weights, and starts as small as fresh embeddings do: as a random
 * projection, which keeps likenesses of texts. While a model learns, rows of the table and texts of a
 * batch's items meet in the graph; after each epoch they are summed up once for all items, and whoever
 * encodes, scores or exports sees one vector an item.
 */
export const textProjection = "textProjection";

/** The input that holds the texts of the items whose rows another input holds. */
export const textsOf = (rows: string): string => `${rows}Texts`;

/** Declares rows of items, [count, D], in a graph. */
export type ItemRows = (name: string, count: number) => Tensor;

/** How a training's graph declares rows of items: as the table gives them, with what their texts add. */
export function itemRowsIn(
  g: Graph,
  {
    width,
    textWidth = 0,
    ownDropout = 0,
  }: Pick<SequenceSettings, "width" | "textWidth" | "ownDropout">,
): ItemRows {
  if (textWidth === 0) return (name, count) => g.rows(name, [count, width]);
  const projection = g.parameter(textProjection, [textWidth, width]);
  return (name, count) => {
    const rows = g.rows(name, [count, width]);
    const own =
      ownDropout === 0 ? rows : rows.dropout(g.noise(`${name}.own`, [count, 1], ownDropout));
    return own.add(g.input(textsOf(name), [count, textWidth]).matmul(projection));
  };
}

/** Texts that are projected together. */
const block = 256;

/**
 * What texts add to items: texts · W.
 *
 * @param texts       [n, C]
 * @param projection  W: [C, D]
 * @returns           [n, D]
 */
export function projectTexts(
  texts: Float32Array,
  projection: Float32Array,
  { width: D, textWidth: C }: { readonly width: number; readonly textWidth: number },
): Float32Array<ArrayBuffer> {
  const columns = new Float32Array(D * C);
  for (let c = 0; c < C; c++) {
    for (let d = 0; d < D; d++) columns[d * C + c] = projection[c * D + d]!;
  }
  const product = new ScoreProduct(columns, C, block);
  const count = texts.length / C;
  const out = new Float32Array(count * D);
  for (let from = 0; from < count; from += block) {
    const to = Math.min(count, from + block);
    product.multiply(texts.subarray(from * C, to * C), out.subarray(from * D, to * D));
  }
  return out;
}
