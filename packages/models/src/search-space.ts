import { TrainingError } from "@magpie/domain";
import type { Random } from "@magpie/numerics";

/** What a setting may be: one of a few values, or a number between two. */
export type Choice =
  | { readonly oneOf: readonly (number | string | boolean)[] }
  | {
      readonly from: number;
      /** Included. */
      readonly to: number;
      /** "log": as likely between 1 and 10 as between 10 and 100. */
      readonly scale: "linear" | "log";
      /** Rounded to a whole number. */
      readonly isWhole?: boolean;
    };

/** The settings of a model that are worth searching, by field of its recipe. */
export interface SearchSpace {
  readonly settings: Readonly<Record<string, Choice>>;
  /**
   * The field that says how long a training lasts, where a training that stopped goes on from its
   * checkpoint: bad recipes are then found after a part of it.
   */
  readonly effort?: string;
}

/** One recipe's changes to the defaults, drawn from the space. */
export function drawRecipe(
  { settings }: SearchSpace,
  random: Random,
): Readonly<Record<string, number | string | boolean>> {
  const drawn: Record<string, number | string | boolean> = {};
  for (const [field, choice] of Object.entries(settings)) {
    drawn[field] =
      "oneOf" in choice ? choice.oneOf[random.int(choice.oneOf.length)]! : between(choice, random);
  }
  return drawn;
}

function between(choice: Exclude<Choice, { oneOf: unknown }>, random: Random): number {
  const { from, to, scale, isWhole = false } = choice;
  const at = random.next();
  const value = scale === "log" ? from * (to / from) ** at : from + at * (to - from);
  // Three digits are enough to tell recipes apart, and can be read in a table.
  const shown = isWhole ? Math.round(value) : Number(value.toPrecision(3));
  return Math.min(to, Math.max(from, shown));
}

/** @throws {TrainingError} `BAD_SPACE` naming a field that the recipe lacks or a range that is none */
export function checkSpace(
  kind: string,
  { settings, effort }: SearchSpace,
  defaults: object,
): void {
  const fail = (problem: string): never => {
    throw new TrainingError(
      "BAD_SPACE",
      `The search space of "${kind}": ${problem}.`,
      "Name fields of the model's recipe, with values to choose from or a range.",
    );
  };
  for (const field of [...Object.keys(settings), ...(effort === undefined ? [] : [effort])]) {
    if (!(field in defaults)) fail(`"${field}" is no field of its recipe`);
  }
  for (const [field, choice] of Object.entries(settings)) {
    if ("oneOf" in choice) {
      if (choice.oneOf.length === 0) fail(`"${field}" has no values`);
    } else if (!(choice.from <= choice.to) || (choice.scale === "log" && !(choice.from > 0))) {
      fail(`"${field}" cannot be from ${choice.from} to ${choice.to} (${choice.scale})`);
    }
  }
}
