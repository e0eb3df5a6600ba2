/**
 * Popularity, item-kNN, EASE and SASRec on amazon-beauty: leave-one-out, all items ranked, ties as
 * given. See `--help`.
 *
 *     node bench/amazon-beauty.ts [--models ease,sasrec] [--seeds 1,2,3]
 */
import { compareModels } from "./model-comparison.ts";

await compareModels("amazon-beauty", "amazon-beauty");
