import { Type, type Static } from "typebox";
import { conditionsSchema } from "./conditions.ts";
import { oneOf } from "./validate.ts";

/**
 * A merchandiser's rule: when a request is like this, change its answer so.
 *
 * Texts may name placeholders, `{facet:brand}`: in a condition it stands for any value of that field
 * that the catalogue has, in an action for the value that was found.
 */

const itemIdOf = (description: string) =>
  Type.String({ minLength: 1, maxLength: 512, description });
const tag = Type.String({ minLength: 1, maxLength: 100 });
const tags = (description: string) => Type.Array(tag, { minItems: 1, maxItems: 50, description });

/** Kinds of device that a request may say it comes from. */
export const devices = ["desktop", "mobile", "tablet", "app"] as const;

/** How a query is compared with a pattern, word by word. */
export const queryMatches = ["is", "starts-with", "ends-with", "contains"] as const;

/** How much a rule moves items that it does not put at a place. */
export const ruleStrengths = ["weak", "moderate", "strong"] as const;

const ruleConditionSchema = Type.Object(
  {
    query: Type.Optional(
      Type.Object(
        {
          match: oneOf(queryMatches),
          text: Type.String({
            minLength: 1,
            maxLength: 200,
            description:
              'Words; case, accents, width and traditional characters do not matter. "{facet:brand}" stands for any brand',
          }),
        },
        { additionalProperties: false },
      ),
    ),
    contexts: Type.Optional(tags("Tags that the page sent, of which one is enough")),
    segments: Type.Optional(tags("Groups of shoppers, of which one is enough")),
    locales: Type.Optional(tags('Languages of the reader: "zh" holds for zh-CN as well')),
    devices: Type.Optional(Type.Array(oneOf(devices), { minItems: 1, uniqueItems: true })),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    title: "RuleCondition",
    description: "All parts that are given must hold",
  },
);

const moment = (description: string) =>
  Type.String({
    maxLength: 40,
    pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?(Z|[+-]\\d{2}:\\d{2})?$",
    description,
  });

const ruleScheduleSchema = Type.Object(
  {
    from: Type.Optional(moment("First moment")),
    until: Type.Optional(moment("The moment it ends, not included")),
    timeZone: Type.Optional(
      Type.String({
        maxLength: 64,
        description:
          'Of moments without an offset, such as "Asia/Shanghai"; UTC when absent. Summer time is minded',
      }),
    ),
  },
  { additionalProperties: false, minProperties: 1, title: "RuleSchedule" },
);

const ruleTargetSchema = Type.Object(
  {
    strength: oneOf(ruleStrengths),
    itemIds: Type.Optional(
      Type.Array(itemIdOf("An item"), { minItems: 1, maxItems: 1_000, uniqueItems: true }),
    ),
    where: Type.Optional(conditionsSchema),
  },
  {
    additionalProperties: false,
    title: "RuleTarget",
    description: "Items by id or by condition; exactly one of the two",
  },
);

/** Something to show beside the items. */
export const bannerSchema = Type.Object(
  {
    id: tag,
    title: Type.Optional(Type.String({ maxLength: 500 })),
    text: Type.Optional(Type.String({ maxLength: 5_000 })),
    imageUrl: Type.Optional(Type.String({ maxLength: 2_000 })),
    url: Type.Optional(Type.String({ maxLength: 2_000 })),
  },
  { additionalProperties: false, title: "RuleBanner" },
);

const ruleActionsSchema = Type.Object(
  {
    pins: Type.Optional(
      Type.Array(
        Type.Object(
          {
            itemId: itemIdOf("The item, whether the query finds it or not"),
            position: Type.Integer({ minimum: 1, maximum: 1_000, description: "From 1" }),
          },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: 300 },
      ),
    ),
    hide: Type.Optional(
      Type.Array(itemIdOf("An item that is left out, of counts too"), {
        minItems: 1,
        maxItems: 10_000,
        uniqueItems: true,
      }),
    ),
    boosts: Type.Optional(Type.Array(ruleTargetSchema, { minItems: 1, maxItems: 50 })),
    buries: Type.Optional(Type.Array(ruleTargetSchema, { minItems: 1, maxItems: 50 })),
    filter: Type.Optional(conditionsSchema),
    query: Type.Optional(
      Type.Object(
        {
          replace: Type.Optional(
            Type.String({ minLength: 1, maxLength: 500, description: "Search for this instead" }),
          ),
          remove: Type.Optional(
            Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
              minItems: 1,
              maxItems: 50,
              description: "Words that are left out of the query, unless nothing would be left",
            }),
          ),
        },
        { additionalProperties: false, minProperties: 1, maxProperties: 1 },
      ),
    ),
    redirect: Type.Optional(
      Type.Object(
        {
          url: Type.String({
            minLength: 1,
            maxLength: 2_000,
            description: "https://, http:// or a path of the shop",
          }),
        },
        { additionalProperties: false },
      ),
    ),
    banners: Type.Optional(Type.Array(bannerSchema, { minItems: 1, maxItems: 20 })),
    data: Type.Optional(
      Type.Record(Type.String({ maxLength: 100 }), Type.Unknown(), {
        description: "Anything the page knows what to do with",
      }),
    ),
  },
  { additionalProperties: false, minProperties: 1, title: "RuleActions" },
);

/** One rule as it is written, stored and sent. */
export const ruleSchema = Type.Object(
  {
    id: Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
      maxLength: 128,
      description: "Stable key: letters, digits, dots, hyphens, underscores",
    }),
    name: Type.String({ minLength: 1, maxLength: 200, description: "As reasons show it" }),
    note: Type.Optional(Type.String({ maxLength: 2_000 })),
    enabled: Type.Optional(Type.Boolean({ description: "True when absent" })),
    scenarios: Type.Optional(
      Type.Array(tag, {
        minItems: 1,
        maxItems: 20,
        uniqueItems: true,
        description: '"search" (when absent), "home-feed", "similar-items", …',
      }),
    ),
    conditions: Type.Optional(
      Type.Array(ruleConditionSchema, {
        minItems: 1,
        maxItems: 100,
        description: "One of them is enough; absent: every request",
      }),
    ),
    schedule: Type.Optional(ruleScheduleSchema),
    actions: ruleActionsSchema,
  },
  { additionalProperties: false, title: "Rule" },
);

export type Rule = Static<typeof ruleSchema>;
export type RuleCondition = Static<typeof ruleConditionSchema>;
export type RuleSchedule = Static<typeof ruleScheduleSchema>;
export type RuleTarget = Static<typeof ruleTargetSchema>;
export type RuleBanner = Static<typeof bannerSchema>;
export type RuleStrength = (typeof ruleStrengths)[number];
export type Device = (typeof devices)[number];
