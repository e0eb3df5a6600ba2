/**
 * Popularity (all time and last days), item-kNN, EASE, SASRec and their blend on the simulated demo
 * shop, cut at one moment for all shoppers. See `--help`.
 */
import { compareModels } from "./model-comparison.ts";

await compareModels("simulated-shop", "simulated-shop");
