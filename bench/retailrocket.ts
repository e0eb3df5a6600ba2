/**
 * Popularity (all time and last days), item-kNN, EASE, SASRec and their blend on RetailRocket's views,
 * carts and purchases, cut at one moment for all users. See `--help`.
 */
import { compareModels } from "./model-comparison.ts";

await compareModels("retailrocket", "retailrocket");
