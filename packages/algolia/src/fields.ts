/** How the dialect's attributes are called here, and back. */

/** A field, and the level of a tree that an attribute stands for: "categories.lvl1" is level 1. */
export interface FieldOfAttribute {
  readonly field: string;
  readonly level?: number;
}

const renamed: Readonly<Record<string, string>> = {
  _tags: "tags",
  shopId: "shop",
  in_stock: "available",
  inStock: "available",
};

/** `hierarchicalCategories.lvl1` and `categories.lvl1` are levels of the category tree. */
export function fieldOf(attribute: string): FieldOfAttribute {
  const level = /^(?:hierarchicalCategories|categories)\.lvl(\d)$/.exec(attribute);
  if (level !== null) return { field: "categories", level: Number(level[1]) };
  return { field: renamed[attribute] ?? attribute };
}

/** Depth of a category path: 0 at the root. */
export function levelOf(path: string): number {
  return path.split(" > ").length - 1;
}
