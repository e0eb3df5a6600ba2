/**
 * Popularity (all time and last days), item-kNN, EASE and SASRec on Online Retail, cut at one moment
 * for all customers. See `--help`.
 */
import { compareModels } from "./model-comparison.ts";

await compareModels("time-split", "online-retail");
