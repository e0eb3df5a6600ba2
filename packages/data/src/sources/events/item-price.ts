import type { Money } from "@magpie/domain";
import { parsePrice, priceProblem } from "../prices.ts";
import { shown, type Problem } from "../reader.ts";

/** The price of an event's item; one that cannot be read is reported with its place, and undefined. */
export function itemPrice(
  written: string | number,
  currency: string | undefined,
  place: Pick<Problem, "line" | "field">,
  problems: Problem[],
): Money | undefined {
  const read = parsePrice(written, currency);
  if (read.ok) return read.money;
  problems.push({
    rule: read.problem === "bad-currency" ? "bad-currency" : "impossible-price",
    ...place,
    value: shown(written),
    message: priceProblem(read.problem),
  });
  return undefined;
}
