import { DataError } from "@magpie/domain";

/** One field that a column may hold, and what shops call that column. */
export interface ColumnField<Name extends string> {
  readonly name: Name;
  /** Compared without case, spaces, `_`, `-` and `.`; full-width letters count as plain ones. */
  readonly aliases: readonly string[];
}

/** Column names, written as lists separated by commas. */
export function names(...lists: readonly string[]): readonly string[] {
  return lists.flatMap((list) => list.split(", "));
}

/** Which column each field is read from; `extra` are columns that no field claimed. */
export interface Columns<Name extends string> {
  readonly of: Readonly<Partial<Record<Name, number>>>;
  readonly extra: readonly { readonly name: string; readonly column: number }[];
}

/** The form in which column names are compared. */
export function columnKey(name: string): string {
  return name
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[\s_\-.:：()（）"']/g, "");
}

/**
 * Finds the column of each field: by `overrides` (field → column name, as `--map title=Name`),
 * else by name. Earlier aliases win over later ones.
 *
 * @throws {DataError} `UNKNOWN_FIELD`, `UNKNOWN_COLUMN` for a mapping that cannot be;
 *   `DUPLICATE_COLUMN` when a name that is used occurs twice
 */
export function mapColumns<Name extends string>(
  header: readonly string[],
  fields: readonly ColumnField<Name>[],
  overrides: Readonly<Record<string, string>> = {},
): Columns<Name> {
  const byKey = new Map<string, number[]>();
  header.forEach((name, column) => {
    const key = columnKey(name);
    if (key !== "") byKey.set(key, [...(byKey.get(key) ?? []), column]);
  });
  const columnNamed = (name: string): number | undefined => {
    const found = byKey.get(columnKey(name));
    if (found !== undefined && found.length > 1) {
      throw new DataError(
        "DUPLICATE_COLUMN",
        `Line 1: the column "${name}" occurs ${found.length} times (columns ${found.map((c) => c + 1).join(", ")}).`,
        "Remove or rename all but one of them.",
      );
    }
    return found?.[0];
  };

  const of: Partial<Record<Name, number>> = {};
  for (const [field, name] of Object.entries(overrides)) {
    if (!fields.some((known) => known.name === field)) {
      throw new DataError(
        "UNKNOWN_FIELD",
        `--map ${field}=${name}: there is no field "${field}".`,
        `Fields are ${fields.map((known) => known.name).join(", ")}.`,
      );
    }
    const column = columnNamed(name);
    if (column === undefined) {
      throw new DataError(
        "UNKNOWN_COLUMN",
        `--map ${field}=${name}: the file has no column "${name}".`,
        `Its columns are ${listOf(header)}.`,
      );
    }
    of[field as Name] = column;
  }
  const taken = new Set<number>(Object.values(of) as number[]);
  for (const { name, aliases } of fields) {
    if (of[name] !== undefined) continue;
    for (const alias of [name, ...aliases]) {
      const column = columnNamed(alias);
      if (column === undefined || taken.has(column)) continue;
      of[name] = column;
      taken.add(column);
      break;
    }
  }
  const extra = header
    .map((name, column) => ({ name: name.trim(), column }))
    .filter(({ name, column }) => name !== "" && !taken.has(column));
  return { of, extra };
}

/**
 * Holds a mapping to the fields without which rows mean nothing.
 *
 * @throws {DataError} `MISSING_COLUMN`
 */
export function requireColumns<Name extends string>(
  columns: Columns<Name>,
  header: readonly string[],
  required: readonly Name[],
  what: string,
): void {
  const missing = required.filter((name) => columns.of[name] === undefined);
  if (missing.length === 0) return;
  throw new DataError(
    "MISSING_COLUMN",
    `Line 1: no column for ${missing.map((name) => `"${name}"`).join(" and ")}, which ${what} need. The columns are ${listOf(header)}.`,
    `Name the column: ${missing.map((name) => `--map ${name}="…"`).join(" ")}. If the file has no header line, add one.`,
  );
}

function listOf(header: readonly string[]): string {
  const names = header.slice(0, 30).map((name) => `"${name.trim()}"`);
  return names.join(", ") + (header.length > 30 ? ` and ${header.length - 30} more` : "");
}
