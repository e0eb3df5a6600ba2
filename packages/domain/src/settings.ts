import { Type, type Static } from "typebox";
import { RequestError } from "./errors.ts";
import { compile, oneOf } from "./validate.ts";

const locale = (description: string) =>
  Type.String({ pattern: "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", maxLength: 35, description });

/** Fields whose matches have a weight of their own; all others count as a match in one of them. */
export const weightedFields = [
  "title",
  "brand",
  "categories",
  "attributes",
  "description",
] as const;

/** A field whose matches have a weight of their own. */
export type WeightedField = (typeof weightedFields)[number];

/** How one field of items is searched and counted. */
export const fieldSettingsSchema = Type.Object(
  {
    /** exact: found only by all of a value, however it is spaced and hyphened. */
    search: Type.Optional(oneOf(["words", "exact", "off"])),
    weight: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 20,
        description: "How much a match says, for the five fields that have a weight",
      }),
    ),
    like: Type.Optional(oneOf(weightedFields)),
    language: Type.Optional(
      locale('Language of its words, where it is not the item\'s; "und": no known one'),
    ),
    facet: Type.Optional(Type.Boolean({ description: "Whether it is counted as a facet" })),
  },
  { additionalProperties: false, title: "FieldSettings" },
);

const prefixes = Type.Optional(
  Type.Object(
    { query: Type.String({ maxLength: 200 }), document: Type.String({ maxLength: 200 }) },
    { additionalProperties: false, description: "Written before each text, as E5 models ask for" },
  ),
);

/** What reads the meaning of items and queries. */
export const encoderSettingsSchema = Type.Union([
  Type.Object({ kind: Type.Literal("embedded") }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal("off") }, { additionalProperties: false }),
  Type.Object(
    {
      kind: Type.Literal("onnx"),
      folder: Type.String({ minLength: 1, maxLength: 4_096 }),
      prefixes,
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      kind: Type.Literal("endpoint"),
      baseUrl: Type.String({ pattern: "^https?://", maxLength: 2_000 }),
      model: Type.String({ minLength: 1, maxLength: 200 }),
      width: Type.Integer({ minimum: 1, maximum: 8_192, description: "Values per vector" }),
      keyVariable: Type.Optional(
        Type.String({ maxLength: 200, description: "Environment variable that holds the key" }),
      ),
      prefixes,
      version: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    },
    { additionalProperties: false },
  ),
]);

/** What a shop says of its texts and of how they are searched. All of it may be left out. */
export const shopSettingsSchema = Type.Object(
  {
    language: Type.Optional(locale("Language of texts whose item names none")),
    fields: Type.Optional(
      Type.Record(Type.String(), fieldSettingsSchema, {
        description:
          'By field: "title", "brand", "categories", "attributes", "description", "tags", "sku", ' +
          '"barcodes", "variants" (their titles), "attributes.NAME", "options.NAME"; for facets ' +
          'also "shop", "available", "price", "rating", "createdAt"',
      }),
    ),
    encoder: Type.Optional(encoderSettingsSchema),
    personalise: Type.Optional(
      Type.Boolean({
        description:
          "False: everybody is answered like a stranger, whatever they did before. True when absent",
      }),
    ),
  },
  { additionalProperties: false, title: "ShopSettings" },
);

export type FieldSettings = Static<typeof fieldSettingsSchema>;
export type EncoderSettings = Static<typeof encoderSettingsSchema>;
export type ShopSettings = Static<typeof shopSettingsSchema>;

const check = compile(shopSettingsSchema);
/** By kind, so that what is wrong is said of the kind that was meant. */
const checkEncoder = new Map(
  encoderSettingsSchema.anyOf.map((one) => [one.properties.kind.const as unknown, compile(one)]),
);
const searchedFields: ReadonlySet<string> = new Set([
  ...weightedFields,
  "tags",
  "sku",
  "barcodes",
  "variants",
]);
const onlyFacets: ReadonlySet<string> = new Set([
  "shop",
  "available",
  "price",
  "rating",
  "createdAt",
]);
const ofItems = /^(?:attributes|options)\../u;
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const looksLikeKey = /^(?:sk|pk|hf|key|mgp|gsk|xai)[-_]|[a-z].*[0-9].*[a-z].*[0-9]/i;

/**
 * Settings as they were sent, when they can be kept.
 *
 * @throws {RequestError} `INVALID_SETTINGS` naming the field that is wrong and why
 */
export function checkSettings(input: unknown): ShopSettings {
  const kind = (input as { encoder?: { kind?: unknown } } | null)?.encoder?.kind;
  const encoderChecked = checkEncoder.get(kind)?.((input as { encoder: unknown }).encoder);
  if (encoderChecked?.ok === false) {
    const { field, message } = encoderChecked.violations[0]!;
    // What stands in its fields may be a key: it is not repeated.
    throw invalid(`encoder.${field}`, message.replace(/, found .*$/s, ""));
  }
  const checked = check(input);
  if (!checked.ok) throw invalid(checked.violations[0]!.field, checked.violations[0]!.message);
  for (const [name, field] of Object.entries(checked.value.fields ?? {})) checkField(name, field);
  const { encoder } = checked.value;
  if (encoder?.kind === "endpoint" && encoder.keyVariable !== undefined) {
    const { keyVariable } = encoder;
    if (!variableName.test(keyVariable) || looksLikeKey.test(keyVariable)) {
      throw invalid(
        "encoder.keyVariable",
        "must name the environment variable that holds the key, and is not such a name",
        "Keep the key out of the settings: export it as EMBEDDINGS_KEY, and write that name here.",
      );
    }
  }
  return checked.value;
}

function checkField(name: string, { search, weight, like, language, facet }: FieldSettings): void {
  const place = `fields.${name}`;
  if (!searchedFields.has(name) && !onlyFacets.has(name) && !ofItems.test(name)) {
    throw invalid(
      place,
      "is no field of items",
      `Use one of ${[...searchedFields, ...onlyFacets].join(", ")}, attributes.NAME or options.NAME.`,
    );
  }
  const isWeighted = (weightedFields as readonly string[]).includes(name);
  if (weight !== undefined && !isWeighted) {
    throw invalid(
      place,
      "has no weight of its own",
      `Weights are those of ${weightedFields.join(", ")}; say which of them it counts like: { "like": "brand" }.`,
    );
  }
  if (like !== undefined && isWeighted) {
    throw invalid(place, "counts as itself", 'Give it a weight: { "weight": 2 }.');
  }
  if (onlyFacets.has(name) && (search ?? language ?? like) !== undefined) {
    throw invalid(place, "has no words to be searched", 'Only { "facet": … } can be said of it.');
  }
  if (facet !== undefined && ["title", "description", "attributes", "variants"].includes(name)) {
    throw invalid(place, "is never counted as a facet", 'Leave "facet" out here.');
  }
}

const invalid = (
  field: string,
  what: string,
  hint = "See docs/guides/search-settings.md for all settings and their values.",
): RequestError =>
  new RequestError(
    "INVALID_SETTINGS",
    `${field === "" ? "The settings" : `"${field}"`} ${what}.`,
    hint,
  );
