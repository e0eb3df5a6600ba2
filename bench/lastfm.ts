/**
 * Popularity, item-kNN, EASE and SASRec on lastfm-s3rec: leave-one-out, all items ranked. Small: a
 * check within minutes. See `--help`.
 */
import { compareModels } from "./model-comparison.ts";

await compareModels("lastfm", "lastfm-s3rec");
