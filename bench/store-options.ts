import { parseArgs } from "node:util";

/**
 * Reads whole-number options of a benchmark from the command line; `--help` prints the usage and
 * ends the process.
 *
 * @param defaults  every option with its default
 */
export function readOptions<Name extends string>(
  usage: string,
  defaults: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const names = Object.keys(defaults) as Name[];
  const parsed = parseArgs({
    options: {
      help: { type: "boolean", short: "h", default: false },
      ...Object.fromEntries(
        names.map((name) => [name, { type: "string", default: String(defaults[name]) } as const]),
      ),
    },
  });
  const values: Record<string, unknown> = parsed.values;
  if (values["help"] === true) {
    console.log(usage);
    process.exit(0);
  }
  const numbers: Record<Name, number> = { ...defaults };
  for (const name of names) {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1) {
      console.error(
        `--${name} is ${String(values[name])}; it must be a whole number from 1.\n\n${usage}`,
      );
      process.exit(2);
    }
    numbers[name] = value;
  }
  return numbers;
}
