export * from "./clean/import-catalog.ts";
export * from "./clean/import-events.ts";
export { type ImportOptions, type ImportOutcome } from "./clean/import-run.ts";
export * from "./clean/k-core.ts";
export {
  type AbnormalUser,
  type ActivityBounds,
  type Example,
  type Finding,
  type QualityReport,
} from "./clean/quality-report.ts";
export * from "./clean/render-html.ts";
export * from "./clean/render-text.ts";
export { type ReportLanguage } from "./clean/report-words.ts";
export * from "./clean/returns.ts";
export { type RuleId } from "./clean/rules.ts";
export * from "./encode/build-sequences.ts";
export * from "./encode/categorical.ts";
export * from "./encode/hashed-text.ts";
export * from "./encode/item-features.ts";
export * from "./encode/numeric.ts";
export * from "./encode/time-features.ts";
export * from "./encode/vocabulary.ts";
export * from "./sequences.ts";
export { type Shopper } from "./simulator/shoppers.ts";
export * from "./simulator/simulate.ts";
export * from "./sources/datasets/diginetica.ts";
export * from "./sources/datasets/light-gcn.ts";
export * from "./sources/datasets/online-retail.ts";
export * from "./sources/datasets/retail-rocket.ts";
export * from "./sources/datasets/s3-rec.ts";
export { RecordScanner } from "./sources/csv.ts";
export { catalogFormats, eventFormats } from "./sources/formats.ts";
export { encodingNamed, encodings, type Encoding } from "./sources/text.ts";
export * from "./split/by-time.ts";
export * from "./split/leave-one-out.ts";
export * from "./store/sqlite-store.ts";
export * from "./store/store.ts";
