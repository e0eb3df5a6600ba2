/** An object of a foreign dialect, before anything is known of its fields. */
export type LooseFields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is LooseFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text or a number; undefined for all else. */
export function scalarOf(value: unknown): string | number | undefined {
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

/** A text or a number as text; undefined when there is none, and for GA4's "(not set)". */
export function textOf(value: unknown): string | undefined {
  const given = scalarOf(value);
  return given === undefined || given === "" || given === "(not set)" ? undefined : String(given);
}

/** `{ [name]: value }`, or nothing when the value is absent: for spreading into an object. */
export function given<const K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: V };
}
