import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { Type, type Static, type TSchema } from "typebox";

/** One thing that is wrong with a value, in words for the person who sent it. */
export interface Violation {
  /** Where, as the writer would say it: `items[0].price.amount`; "" for the value itself. */
  readonly field: string;
  /** What was expected and what was found. */
  readonly message: string;
}

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly violations: readonly Violation[] };

const ajv = new Ajv2020({ allErrors: false, strict: false, verbose: true });
// ajv-formats ships CommonJS; under Node's ESM its callable is the default of the default.
(addFormats as unknown as (target: Ajv2020) => void)(ajv);

/** A string that is one of `values`; one `enum` in the JSON schema, so errors list the choices. */
export const oneOf = <const T extends readonly string[]>(values: T, description?: string) =>
  Type.Unsafe<T[number]>({
    type: "string",
    enum: [...values],
    ...(description !== undefined && { description }),
  });

/**
 * Compiles a schema once into a check that is fast enough for every imported row.
 * The first violation is reported (a union reports its best branch).
 */
export function compile<S extends TSchema>(schema: S): (value: unknown) => Checked<Static<S>> {
  const validate: ValidateFunction = ajv.compile(schema as object);
  return (value) => {
    if (validate(value)) return { ok: true, value: value as Static<S> };
    return { ok: false, violations: (validate.errors ?? []).map(toViolation) };
  };
}

function toViolation(error: ErrorObject): Violation {
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part, i) => (/^\d+$/.test(part) ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join("");
  const found = describe(error.data);
  switch (error.keyword) {
    case "additionalProperties": {
      const name = String(error.params["additionalProperty"]);
      return { field: join(path, name), message: `unknown field "${name}"` };
    }
    case "required": {
      const name = String(error.params["missingProperty"]);
      return { field: join(path, name), message: `required field "${name}" is missing` };
    }
    case "const":
      return {
        field: path,
        message: `must be ${JSON.stringify(error.params["allowedValue"])}, found ${found}`,
      };
    case "enum": {
      const allowed = (error.params["allowedValues"] as string[]).join(", ");
      return { field: path, message: `must be one of ${allowed}; found ${found}` };
    }
    default:
      return { field: path, message: `${error.message ?? "is not valid"}, found ${found}` };
  }
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/**
 * A value in a few words. Arrays and objects are named by their shape, as printing them would
 * overflow the stack on hostile nesting and help nobody; NaN and Infinity keep their names.
 */
function describe(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) {
    const names = Object.keys(value);
    const shown = names.slice(0, 3).map((name) => shorten(JSON.stringify(name), 30));
    if (names.length > shown.length) shown.push("…");
    return names.length === 0 ? "an empty object" : `an object with ${shown.join(", ")}`;
  }
  return shorten(typeof value === "string" ? JSON.stringify(value) : String(value), 80);
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 3)}…` : text;
}
