/**
 * Popularity, item-kNN, EASE and SASRec on amazon-sports: leave-one-out, all items ranked, ties as
 * given. See `--help`.
 */
import { compareModels } from "./model-comparison.ts";

await compareModels("amazon-sports", "amazon-sports");
