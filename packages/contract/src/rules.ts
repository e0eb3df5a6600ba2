import { bannerSchema, ruleSchema, type Rule } from "@magpie/domain";
import { Type, type Static } from "typebox";

const time = Type.String({ format: "date-time" });
const revision = Type.Integer({
  minimum: 0,
  description: "Of the draft; grows with every change. Also the ETag of answers about the draft",
});
const ifRevision = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "Only when the draft is this one still; `If-Match` says the same",
  }),
);
const ruleId = Type.String({ description: "The rule that asked for it" });
const note = Type.Optional(
  Type.String({ maxLength: 2_000, description: "What this publication is about, for the history" }),
);

const rules = Type.Array(Type.Unsafe<Rule>(ruleSchema), {
  maxItems: 10_000,
  description: "In order: where two ask for the same, the earlier one gets it",
});

/** The path of one rule of the draft. */
export const rulePathSchema = Type.Object(
  { ruleId: Type.String({ minLength: 1, maxLength: 512 }) },
  { additionalProperties: false },
);

/** The path of a publication. */
export const ruleVersionPathSchema = Type.Object(
  { version: Type.String({ pattern: "^[1-9][0-9]{0,14}$", description: "From 1" }) },
  { additionalProperties: false },
);

/** Query of every change of the draft. */
export const ruleChangeParametersSchema = Type.Object(
  { ifRevision },
  { additionalProperties: false },
);

/** Body of PUT /v1/rules/draft, and of POST /v1/rules/check where rules are given. */
export const rulesRequestSchema = Type.Object(
  { rules },
  { additionalProperties: false, title: "RulesRequest" },
);

/** The same, with rules that are looked at one by one, so that all problems are told at once. */
export const rulesEnvelopeSchema = Type.Object(
  { rules: Type.Array(Type.Unknown()) },
  { additionalProperties: false },
);

/** Body of POST /v1/rules/check; without rules the draft is checked. */
export const checkRulesRequestSchema = Type.Object(
  { rules: Type.Optional(rules) },
  { additionalProperties: false, title: "CheckRulesRequest" },
);
export const checkRulesEnvelopeSchema = Type.Object(
  { rules: Type.Optional(Type.Array(Type.Unknown())) },
  { additionalProperties: false },
);

/** Body of POST /v1/rules/publish. */
export const publishRulesRequestSchema = Type.Object(
  { note },
  { additionalProperties: false, title: "PublishRulesRequest" },
);

/** Body of POST /v1/rules/rollback. */
export const rollBackRulesRequestSchema = Type.Object(
  {
    version: Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Whose rules come into force again, as a new version",
    }),
    note,
  },
  { additionalProperties: false, title: "RollBackRulesRequest" },
);

const publication = {
  version: Type.Integer({ minimum: 1, description: "Each publication has the next" }),
  publishedAt: time,
  author: Type.String({ description: "The id of the key, or the command" }),
  note: Type.Optional(Type.String()),
  restores: Type.Optional(Type.Integer({ description: "The version that this one brought back" })),
  size: Type.Integer({ minimum: 0, description: "Number of rules" }),
};

/** A publication, without its rules. */
export const ruleVersionSchema = Type.Object(publication, {
  additionalProperties: false,
  title: "RuleVersion",
});

/** A publication with its rules. */
export const fullRuleVersionSchema = Type.Object(
  { ...publication, rules },
  { additionalProperties: false, title: "FullRuleVersion" },
);

export const ruleVersionsResponseSchema = Type.Object(
  { versions: Type.Array(ruleVersionSchema, { description: "Newest first; it is in force" }) },
  { additionalProperties: false, title: "RuleVersionsResponse" },
);

/** The answer to GET /v1/rules/draft. */
export const rulesDraftSchema = Type.Object(
  {
    revision,
    changedAt: Type.Optional(time),
    author: Type.Optional(Type.String()),
    rules,
  },
  { additionalProperties: false, title: "RulesDraft" },
);

/** What became of a change of the draft. */
export const rulesChangeSchema = Type.Object(
  { revision, size: Type.Integer({ minimum: 0, description: "Rules that the draft has now" }) },
  { additionalProperties: false, title: "RulesChange" },
);

/** The answer to POST /v1/rules/check. */
export const ruleConflictsSchema = Type.Object(
  {
    conflicts: Type.Array(
      Type.Object(
        {
          kind: Type.String({
            description:
              "same-place, pinned-twice, pin-and-hide, boost-and-bury, two-redirects, two-queries, redirect-loop, schedule-over, unreachable, unknown-item or unknown-field",
          }),
          ruleIds: Type.Array(Type.String()),
          message: Type.String({ description: "With the items, places and words" }),
        },
        { additionalProperties: false, title: "RuleConflict" },
      ),
      { description: "At most 500. Rules with conflicts can be published" },
    ),
  },
  { additionalProperties: false, title: "RuleConflicts" },
);

const effects = Type.Array(Type.String(), {
  description: "pin, hide, boost, bury, filter, query, redirect, banner or data",
});

const source = {
  version: Type.Optional(Type.Integer({ description: "Of the rules in force" })),
  draftRevision: Type.Optional(Type.Integer({ description: "Where the draft was asked for" })),
};

/** What rules did to an answer. */
export const ruleOutcomeSchema = Type.Object(
  {
    ...source,
    applied: Type.Array(
      Type.Object(
        { id: Type.String(), name: Type.String(), effects },
        { additionalProperties: false },
      ),
      { description: "Rules that had a part in the answer, in their order" },
    ),
    query: Type.Optional(
      Type.String({ description: "What was searched for in place of what was typed" }),
    ),
    redirect: Type.Optional(
      Type.Object(
        { url: Type.String({ description: "Where the page should lead" }), ruleId },
        { additionalProperties: false },
      ),
    ),
    banners: Type.Optional(
      Type.Array(
        Type.Object({ ...bannerSchema.properties, ruleId }, { additionalProperties: false }),
      ),
    ),
    data: Type.Optional(
      Type.Array(
        Type.Object(
          { ruleId, data: Type.Record(Type.String(), Type.Unknown()) },
          { additionalProperties: false },
        ),
        { description: "As the rules hold it, for the page" },
      ),
    ),
  },
  { additionalProperties: false, title: "RuleOutcome" },
);

/** How the rules looked at a search. */
export const explainedRulesSchema = Type.Object(
  {
    ...source,
    total: Type.Integer({ minimum: 0, description: "Number of all rules" }),
    query: Type.Optional(
      Type.String({ description: "What was searched for in place of what was typed" }),
    ),
    rules: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          name: Type.String(),
          state: Type.String({
            description:
              "applied; held: its conditions hold, and there was nothing left for it to do; passed-over",
          }),
          effects,
          obstacles: Type.Array(Type.String(), {
            description:
              "What keeps it from holding, by its nearest condition: disabled, not-yet, over, scenario, context, segment, locale, device, words",
          }),
        },
        { additionalProperties: false },
      ),
      { description: "Those that applied, then those that came nearest; at most 100" },
    ),
  },
  { additionalProperties: false, title: "ExplainedRules" },
);

export type RulesRequest = Static<typeof rulesRequestSchema>;
export type CheckRulesRequest = Static<typeof checkRulesRequestSchema>;
export type PublishRulesRequest = Static<typeof publishRulesRequestSchema>;
export type RollBackRulesRequest = Static<typeof rollBackRulesRequestSchema>;
export type RuleVersion = Static<typeof ruleVersionSchema>;
export type FullRuleVersion = Static<typeof fullRuleVersionSchema>;
export type RuleVersionsResponse = Static<typeof ruleVersionsResponseSchema>;
export type RulesDraft = Static<typeof rulesDraftSchema>;
export type RulesChange = Static<typeof rulesChangeSchema>;
export type RuleConflicts = Static<typeof ruleConflictsSchema>;
export type RuleOutcome = Static<typeof ruleOutcomeSchema>;
export type ExplainedRules = Static<typeof explainedRulesSchema>;
