/**
 * Ids come from the shop; indices are ours. Each has its own type, so that the compiler sees when
 * the two are mixed up.
 */

declare const brand: unique symbol;

/** A primitive with a name of its own: assignable to `Base`, but not from it. */
export type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** The shop's own key for an item (a product, not one of its variants). Models never see it. */
export type ItemId = Branded<string, "ItemId">;

/** The shop's own key for one buyable variant of an item. */
export type VariantId = Branded<string, "VariantId">;

/** The key under which a person's events are joined: the shop's user id, else the visitor id. */
export type UserId = Branded<string, "UserId">;

/** The shop's own key for a seller on a marketplace. */
export type ShopId = Branded<string, "ShopId">;

/** Row of an item in embedding tables and score arrays: dense, from 1; row 0 is padding. */
export type ItemIndex = Branded<number, "ItemIndex">;

/** Row of a user in per-user arrays: dense, from 0. */
export type UserIndex = Branded<number, "UserIndex">;

export const itemId = (value: string): ItemId => value as ItemId;
export const variantId = (value: string): VariantId => value as VariantId;
export const userId = (value: string): UserId => value as UserId;
export const shopId = (value: string): ShopId => value as ShopId;
export const itemIndex = (value: number): ItemIndex => value as ItemIndex;
export const userIndex = (value: number): UserIndex => value as UserIndex;
