import { shopSettingsSchema, type ShopSettings } from "@magpie/domain";
import { Type, type Static } from "typebox";

export type { ShopSettings };

/** The shop's settings, and whether they are those that searches go by. */
export const settingsResponseSchema = Type.Object(
  {
    settings: shopSettingsSchema,
    needsTraining: Type.Boolean({
      description: "The snapshot that is served was made by other settings",
    }),
  },
  { additionalProperties: false, title: "SettingsResponse" },
);

export type SettingsResponse = Static<typeof settingsResponseSchema>;
