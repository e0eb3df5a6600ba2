import { compile, itemSchema, type Item, type Variant } from "@magpie/domain";
import { shown, type Problem, type ReadingRule } from "../reader.ts";

const check = compile(itemSchema);

/** Checks a value against the item schema; the first thing that is wrong becomes a problem. */
export function readItem(value: unknown, line: number, problems: Problem[]): Item | undefined {
  const checked = check(value);
  if (checked.ok) return checked.value;
  const { field, message } = checked.violations[0]!;
  problems.push({
    rule: ruleOf(field),
    line,
    ...(field !== "" && { field }),
    ...(field === "" && { value: shown(value) }),
    message,
  });
  return undefined;
}

function ruleOf(field: string): ReadingRule {
  if (field === "id" || field.endsWith("].id")) return "missing-id";
  if (field === "title") return "missing-title";
  if (field.endsWith("currency")) return "bad-currency";
  if (/\.(price|listPrice)(\.amount)?$/.test(field)) {
    return field.endsWith("amount") ? "impossible-price" : "missing-price";
  }
  if (field.endsWith("quantity")) return "impossible-quantity";
  return "invalid";
}

/** A row of a catalogue in which each variant has a row of its own. */
export interface VariantRow {
  readonly line: number;
  readonly itemId: string;
  /** What the row says of the item; the first row of an item decides each field. */
  readonly item: Partial<Omit<Item, "id" | "variants">>;
  /** Absent for rows that only add to the item: another picture. */
  readonly variant?: Variant;
}

/** Items made of consecutive rows. */
export interface GroupedItems {
  readonly values: Item[];
  readonly lines: number[];
  readonly widths: number[];
}

/**
 * Joins consecutive rows of one item into the item with its variants. Rows of an item that lie
 * apart make it twice; the import joins those by their variants.
 */
export class VariantGrouper {
  #rows: VariantRow[] = [];

  /** Takes a row; gives the items that are whole into `out`. */
  push(row: VariantRow, out: GroupedItems, problems: Problem[]): void {
    if (this.#rows.length > 0 && this.#rows[0]!.itemId !== row.itemId) this.flush(out, problems);
    this.#rows.push(row);
  }

  /** Closes the last item. */
  flush(out: GroupedItems, problems: Problem[]): void {
    const rows = this.#rows;
    if (rows.length === 0) return;
    this.#rows = [];
    const first = rows[0]!;
    const replaced = replacedRows(rows);
    for (const row of replaced) {
      const message = "a later row of the file describes the same variant";
      const value = row.variant!.id;
      problems.push({ rule: "superseded", line: row.line, field: "id", value, message });
    }
    const kept = replaced.length === 0 ? rows : rows.filter((row) => !replaced.includes(row));
    const item = readItem(joined(rows), first.line, problems);
    if (item === undefined) {
      // The item is one problem, but each of its rows is accounted for.
      const { rule, field, message } = problems.at(-1)!;
      for (const { line } of kept.slice(1)) {
        problems.push({ rule, line, ...(field !== undefined && { field }), message });
      }
      return;
    }
    out.values.push(item);
    out.lines.push(first.line);
    out.widths.push(kept.length);
  }
}

/** Rows whose variant a later row of the group describes again. */
function replacedRows(rows: readonly VariantRow[]): readonly VariantRow[] {
  const latest = new Map<string, VariantRow>();
  const replaced: VariantRow[] = [];
  for (const row of rows) {
    if (row.variant === undefined) continue;
    const before = latest.get(row.variant.id);
    if (before !== undefined) replaced.push(before);
    latest.set(row.variant.id, row);
  }
  return replaced;
}

function joined(rows: readonly VariantRow[]): unknown {
  const fields: Record<string, unknown> = {};
  const images: string[] = [];
  const tags = new Set<string>();
  const variants = new Map<string, Variant>();
  for (const { item, variant } of rows) {
    for (const [name, value] of Object.entries(item)) {
      if (value !== undefined && !Object.hasOwn(fields, name)) fields[name] = value;
    }
    for (const image of item.imageUrls ?? []) if (!images.includes(image)) images.push(image);
    for (const tag of item.tags ?? []) tags.add(tag);
    if (variant !== undefined) variants.set(variant.id, variant);
  }
  return {
    id: rows[0]!.itemId,
    ...fields,
    ...(images.length > 0 && { imageUrls: images.slice(0, 100) }),
    ...(tags.size > 0 && { tags: [...tags].slice(0, 250) }),
    variants: [...variants.values()],
  };
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  mdash: "—",
  ndash: "–",
  hellip: "…",
  copy: "©",
  reg: "®",
  trade: "™",
  deg: "°",
  times: "×",
};

/** HTML of a description as plain text: blocks become lines, scripts and styles vanish. */
export function plainText(html: string): string {
  if (!/[<&]/.test(html)) return html.trim();
  return html
    .replaceAll(/<(script|style)\b[^>]*>[\s\S]*?(<\/\1\s*>|$)/gi, "")
    .replaceAll(/<(br|\/p|\/div|\/li|\/h\d|\/tr)\b[^>]*>/gi, "\n")
    .replaceAll(/<[a-z!/][^>]*>/gi, "")
    .replaceAll(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]+));/gi, (whole, decimal, hex, name) => {
      if (name !== undefined) return entities[String(name).toLowerCase()] ?? String(whole);
      const code = decimal === undefined ? parseInt(String(hex), 16) : Number(decimal);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "";
    })
    .replaceAll(/[ \t\u00a0]+/g, " ")
    .replaceAll(/ ?\n\s*/g, "\n")
    .trim();
}
