import { Type, type Static } from "typebox";

/** Money in integer minor units (cents, fen), so that sums are exact. */
export const moneySchema = Type.Object(
  {
    amount: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "Minor units of the currency: 1999 is 19.99 USD",
    }),
    currency: Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217, upper case" }),
  },
  { additionalProperties: false, title: "Money" },
);

export type Money = Static<typeof moneySchema>;
