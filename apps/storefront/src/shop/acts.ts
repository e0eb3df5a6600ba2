import type { TrackedEvent } from "@magpie/client";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useShopper } from "../shopper/shopper.tsx";
import { client, who, type ListRequest } from "./shop.ts";
import type { Item } from "./types.ts";

/** Where an act happened: in which answered list and at which place of it. */
export interface ListPlace {
  readonly queryId: string;
  readonly position: number;
  readonly scenario: string;
}

/** A line of an order. */
export interface OrderLine {
  readonly item: Item;
  readonly variantId: string;
  readonly quantity: number;
}

type Act =
  | { readonly type: "view" | "click"; readonly item: Item; readonly place?: ListPlace }
  | {
      readonly type: "add_to_cart" | "remove_from_cart";
      readonly item: Item;
      readonly variantId: string;
    }
  | { readonly type: "search"; readonly query: string; readonly queryId: string }
  | {
      readonly type: "impression";
      readonly queryId: string;
      readonly scenario: string;
      readonly items: readonly { readonly itemId: string; readonly position: number }[];
    }
  | { readonly type: "purchase"; readonly orderId: string; readonly lines: readonly OrderLine[] };

const variantOf = (item: Item, variantId: string) =>
  item.variants.find((variant) => variant.id === variantId) ?? item.variants[0]!;

const sourceOf = (scenario: string): "search" | "recommend" =>
  scenario === "search" ? "search" : "recommend";

/** The act as the canonical event says it, without who and when. */
function eventOf(act: Act): TrackedEvent {
  switch (act.type) {
    case "view":
    case "click": {
      const { item, place } = act;
      return {
        type: act.type,
        source: place === undefined ? "browse" : sourceOf(place.scenario),
        ...(place && { queryId: place.queryId, scenario: place.scenario }),
        items: [{ itemId: item.id, ...(place && { position: place.position }) }],
      };
    }
    case "add_to_cart":
    case "remove_from_cart": {
      const variant = variantOf(act.item, act.variantId);
      const line = { itemId: act.item.id, variantId: variant.id, quantity: 1 };
      return { type: act.type, items: [{ ...line, price: variant.price }] };
    }
    case "search":
      return { ...act, source: "search" };
    case "impression":
      return { ...act, source: sourceOf(act.scenario), items: [...act.items] };
    case "purchase":
      return {
        type: act.type,
        orderId: act.orderId,
        items: act.lines.map(({ item, variantId, quantity }) => {
          const variant = variantOf(item, variantId);
          return { itemId: item.id, variantId: variant.id, quantity, price: variant.price };
        }),
      };
    default:
      return act satisfies never;
  }
}

/**
 * Sends what the shopper does. Lists that are on the page stay still under the reader's hand and
 * are asked for anew when a page is opened; the cart's companions follow the cart at once.
 */
export function useAct(): (act: Act) => Promise<void> {
  const { shopper } = useShopper();
  const cache = useQueryClient();
  return useCallback(
    async (act) => {
      client.track({ ...eventOf(act), ...who(shopper), sessionId: shopper.sessionId });
      if (act.type === "impression" || act.type === "click" || act.type === "search") return;
      await client.flush();
      await cache.invalidateQueries({
        predicate: ({ queryKey }) =>
          queryKey[0] === "noted" ||
          (queryKey[0] === "ranking" && (queryKey[1] as ListRequest).scenario === "cart"),
      });
    },
    [shopper, cache],
  );
}
