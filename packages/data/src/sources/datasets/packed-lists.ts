import type { Sequences } from "../../sequences.ts";

/** Packs one list of item rows per user, oldest first, into the flat arrays that training reads. */
export function packLists(lists: readonly (readonly number[])[], itemCount: number): Sequences {
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach((list, user) => (offsets[user + 1] = offsets[user]! + list.length));
  const items = new Int32Array(offsets[lists.length]!);
  lists.forEach((list, user) => items.set(list, offsets[user]!));
  return { userCount: lists.length, itemCount, offsets, items };
}

/** The largest number in any list; 0 when there is none. */
export function largest(lists: readonly (readonly number[])[]): number {
  return lists.reduce((most, list) => list.reduce((most, value) => Math.max(most, value), most), 0);
}
