import type { ShopSettings, WeightedField } from "@magpie/domain";
import { sourceFields } from "./postings.ts";

/** What a shop says of how its texts are searched. */
export type TextSettings = Pick<ShopSettings, "language" | "fields">;

/** How the texts of one field are indexed. */
export interface FieldPlan {
  /** As a match in which field a match counts. */
  readonly field: WeightedField;
  /** Place of that field in `sourceFields`. */
  readonly slot: number;
  /** Found only by all of a value, not by a word of it. */
  readonly isExact: boolean;
  /** BCP 47 tag of its words, where that is another than the item's. */
  readonly locale: string | undefined;
}

const own: ReadonlySet<string> = new Set(sourceFields);

/** A shop's settings as they are asked for while items are indexed: by the name of a field. */
export class TextPlan {
  readonly settings: TextSettings;
  /** Weight of each source field; undefined where it is the usual one. */
  readonly weights: readonly (number | undefined)[];
  /** True when some field is found by whole values. */
  readonly hasExactFields: boolean;
  readonly #plans = new Map<string, FieldPlan | undefined>();
  readonly #attributePlans = new Map<string, FieldPlan | undefined>();

  constructor(settings: TextSettings = {}) {
    this.settings = settings;
    const { fields = {} } = settings;
    this.weights = sourceFields.map((field) => fields[field]?.weight);
    this.hasExactFields = Object.values(fields).some(({ search }) => search === "exact");
  }

  /**
   * @param name  "title", "attributes.NAME", …
   * @returns     undefined for a field that is not searched
   */
  of(name: string): FieldPlan | undefined {
    let plan = this.#plans.get(name);
    if (plan === undefined && !this.#plans.has(name)) {
      plan = this.#plan(name);
      this.#plans.set(name, plan);
    }
    return plan;
  }

  /** The plan of `attributes.NAME`, by its bare name: items have many, and the same ones. */
  ofAttribute(name: string): FieldPlan | undefined {
    let plan = this.#attributePlans.get(name);
    if (plan === undefined && !this.#attributePlans.has(name)) {
      plan = this.#plan(`attributes.${name}`);
      this.#attributePlans.set(name, plan);
    }
    return plan;
  }

  #plan(name: string): FieldPlan | undefined {
    const { fields = {} } = this.settings;
    const said = Object.hasOwn(fields, name) ? fields[name]! : {};
    // What holds for "attributes" holds for each of them that says nothing else.
    const group = name.startsWith("attributes.") ? (fields["attributes"] ?? {}) : {};
    const search = said.search ?? group.search ?? "words";
    if (search === "off") return undefined;
    const field = said.like ?? (own.has(name) ? (name as WeightedField) : "attributes");
    return {
      field,
      slot: sourceFields.indexOf(field),
      isExact: search === "exact",
      locale: said.language ?? group.language,
    };
  }
}
