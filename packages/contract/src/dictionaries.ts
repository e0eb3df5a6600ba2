import {
  dictionaryEntrySchema,
  dictionaryStages,
  oneOf,
  synonymSchema,
  type Synonym,
} from "@magpie/domain";
import { Type, type Static } from "typebox";

/** The path of one synonym. */
export const synonymPathSchema = Type.Object(
  { synonymId: Type.String({ minLength: 1, maxLength: 512 }) },
  { additionalProperties: false },
);

/** Body of PUT /v1/synonyms/{synonymId}: a synonym whose id is in the path. */
export const putSynonymRequestSchema = Type.Object(
  {
    from: synonymSchema.properties.from,
    to: synonymSchema.properties.to,
    weight: synonymSchema.properties.weight,
  },
  { additionalProperties: false, title: "PutSynonymRequest" },
);

export const synonymsResponseSchema = Type.Object(
  { synonyms: Type.Array(Type.Unsafe<Synonym>(synonymSchema)) },
  { additionalProperties: false, title: "SynonymsResponse" },
);

export const deletedSynonymSchema = Type.Object(
  { synonymId: Type.String(), status: Type.Literal("deleted") },
  { additionalProperties: false, title: "DeletedSynonym" },
);

const pair = {
  from: Type.String({ description: "Typed first; it led to nothing" }),
  to: Type.String({ description: "Typed instead; something was taken from it" }),
};

/** The answer to GET /v1/synonyms/candidates. */
export const synonymCandidatesResponseSchema = Type.Object(
  {
    candidates: Type.Array(
      Type.Object(
        {
          ...pair,
          users: Type.Integer({ minimum: 1, description: "Different people who did so" }),
          share: Type.Number({
            description: "Of the people who gave `from` up for another query, those who took `to`",
          }),
        },
        { additionalProperties: false },
      ),
      { description: "Of most people first; what was decided about is not among them" },
    ),
  },
  { additionalProperties: false, title: "SynonymCandidatesResponse" },
);

/** Body of POST /v1/synonyms/candidates. */
export const synonymDecisionSchema = Type.Object(
  {
    ...pair,
    decision: oneOf(
      ["approve", "refuse"],
      "`approve`: who types `from` finds what `to` finds; `refuse`: never offered again",
    ),
  },
  { additionalProperties: false, title: "SynonymDecision" },
);

/** The answer to it: the synonym that an approval made. */
export const decidedSynonymSchema = Type.Object(
  { synonym: Type.Optional(Type.Unsafe<Synonym>(synonymSchema)) },
  { additionalProperties: false, title: "DecidedSynonym" },
);

/** The path of one dictionary. */
export const dictionaryPathSchema = Type.Object(
  {
    stage: oneOf(
      dictionaryStages,
      "`stop-words` rank and need not be there; `exact-words` are meant as they are typed and never corrected; `rewrites` replace whole queries; `importance` says how soon words are given up; `whole-words` are not cut where Chinese is, from the next training on",
    ),
  },
  { additionalProperties: false },
);

/** A dictionary: body of PUT /v1/dictionaries/{stage}, and the answer to it. */
export const dictionarySchema = Type.Object(
  { entries: Type.Array(dictionaryEntrySchema, { maxItems: 10_000 }) },
  { additionalProperties: false, title: "Dictionary" },
);

export type PutSynonymRequest = Static<typeof putSynonymRequestSchema>;
export type SynonymsResponse = Static<typeof synonymsResponseSchema>;
export type DeletedSynonym = Static<typeof deletedSynonymSchema>;
export type SynonymCandidatesResponse = Static<typeof synonymCandidatesResponseSchema>;
export type SynonymDecision = Static<typeof synonymDecisionSchema>;
export type DecidedSynonym = Static<typeof decidedSynonymSchema>;
export type Dictionary = Static<typeof dictionarySchema>;
