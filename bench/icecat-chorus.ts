import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import type { Item } from "@magpie/domain";
import { parseJudgementsCsv } from "@magpie/evaluation";

/** A product as the files of icecat-chorus have it. */
interface ChorusProduct {
  readonly id: string;
  readonly title?: string;
  readonly supplier?: string;
  readonly short_description?: string;
  readonly price?: number;
  readonly [attribute: `attr_t_${string}`]: unknown;
}

const folderOf = (datasets: string): string => join(datasets, "icecat-chorus");

/** The products of icecat-chorus as items, in the order of its files; none where the set is not there. */
export function chorusItems(datasets: string): Item[] {
  return globSync(join(folderOf(datasets), "products-*.json.zip"))
    .sort()
    .flatMap((file) => JSON.parse(unzipOne(file)) as ChorusProduct[])
    .map((product) => ({
      id: product.id,
      title: product.title || product.id,
      ...(product.supplier && { brand: product.supplier }),
      ...(product.short_description && { description: product.short_description }),
      attributes: Object.fromEntries(
        Object.entries(product)
          .filter(([name]) => name.startsWith("attr_t_"))
          .map(([name, value]) => [name, String(value)]),
      ),
      variants: [
        {
          id: product.id,
          price: { amount: Math.max(0, Math.round(product.price ?? 0)), currency: "USD" },
          availability: { available: true },
        },
      ],
    }));
}

/** Grades of its 102 queries. */
export function chorusJudgements(datasets: string): ReturnType<typeof parseJudgementsCsv> {
  const file = join(folderOf(datasets), "Broad_Query_Set_rated.dev.csv");
  return parseJudgementsCsv(readFileSync(file, "utf8"));
}

/** Content of a zip file with one deflated member. */
function unzipOne(file: string): string {
  const bytes = readFileSync(file);
  const from = 30 + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
  return inflateRawSync(bytes.subarray(from)).toString("utf8");
}
