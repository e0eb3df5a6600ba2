import { Type, type Static } from "typebox";
import { oneOf } from "./validate.ts";

const text = (description: string) => Type.String({ minLength: 1, maxLength: 100, description });

/** Texts of which one may stand for another in a search. */
export const synonymSchema = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 512 }),
    from: Type.Array(text("One word or a few"), {
      minItems: 1,
      maxItems: 50,
      description: "What a query says: one of these",
    }),
    to: Type.Optional(
      Type.Array(text("One word or a few"), {
        minItems: 1,
        maxItems: 50,
        description:
          "What is searched for as well (one-way). Absent: each text of `from` stands for every other (two-way)",
      }),
    ),
    weight: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        description: "Share of the score that a match by synonym gets; 0.8 when absent",
      }),
    ),
  },
  { additionalProperties: false, title: "Synonym" },
);

/** How soon a word is given up when no item has all of them. */
export const wordImportances = ["high", "medium", "low"] as const;

/** Stages of understanding that a shop may teach words. */
export const dictionaryStages = [
  "stop-words",
  "exact-words",
  "rewrites",
  "importance",
  "whole-words",
] as const;

export type DictionaryStage = (typeof dictionaryStages)[number];

/** One entry of a dictionary; what it says beside its word depends on the stage. */
export const dictionaryEntrySchema = Type.Object(
  {
    word: text("Of `rewrites`: the whole query"),
    to: Type.Optional(text("Of `rewrites`: the query that is searched for instead")),
    importance: Type.Optional(
      oneOf(wordImportances, "Of `importance`: how soon the word is given up, low first"),
    ),
  },
  { additionalProperties: false, title: "DictionaryEntry" },
);

export type Synonym = Static<typeof synonymSchema>;
export type DictionaryEntry = Static<typeof dictionaryEntrySchema>;

/** All that a shop taught its search. */
export interface SearchDictionaries {
  readonly synonyms: readonly Synonym[];
  /** Mined synonyms that somebody decided against: they are not offered again. */
  readonly refused: readonly { readonly from: string; readonly to: string }[];
  readonly stages: Readonly<Partial<Record<DictionaryStage, readonly DictionaryEntry[]>>>;
}
