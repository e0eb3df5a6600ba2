import type { ExplainedItem } from "@magpie/client";

/** A product as the shop's API gives it. */
export type Item = ExplainedItem["item"];
export type Variant = Item["variants"][number];
export type Reason = ExplainedItem["reasons"][number]["reason"];
