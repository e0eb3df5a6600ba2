import { createContext, useContext, useMemo, useState, type ReactNode } from "react";

/**
 * Who is shopping: a visitor id that this browser keeps, and, once a demo shopper is chosen, that
 * shopper's user id. The session id names one visit and lives as long as the tab.
 */
export interface Shopper {
  readonly visitorId: string;
  readonly userId?: string;
  readonly sessionId: string;
}

interface ShopperState {
  readonly shopper: Shopper;
  /** The key under which the shop joins this shopper's events. */
  readonly actor: string;
  choose(userId: string | undefined): void;
  /** A new visitor id: the shop knows nothing about this one. */
  startOver(): void;
}

const ShopperContext = createContext<ShopperState | undefined>(undefined);

const visitorKey = "magpie.visitor";
const userKey = "magpie.user";

function stored(storage: Storage, key: string, make: () => string): string {
  const found = storage.getItem(key);
  if (found !== null) return found;
  const made = make();
  storage.setItem(key, made);
  return made;
}

const newVisitorId = (): string => `visitor-${crypto.randomUUID()}`;

function currentShopper(): Shopper {
  const userId = localStorage.getItem(userKey);
  return {
    visitorId: stored(localStorage, visitorKey, newVisitorId),
    sessionId: stored(sessionStorage, "magpie.session", () => crypto.randomUUID()),
    ...(userId !== null && { userId }),
  };
}

export function ShopperProvider({ children }: { readonly children: ReactNode }) {
  const [shopper, setShopper] = useState(currentShopper);

  const state = useMemo<ShopperState>(
    () => ({
      shopper,
      actor: shopper.userId ?? shopper.visitorId,
      choose(userId) {
        if (userId === undefined) localStorage.removeItem(userKey);
        else localStorage.setItem(userKey, userId);
        setShopper(currentShopper());
      },
      startOver() {
        localStorage.removeItem(userKey);
        localStorage.setItem(visitorKey, newVisitorId());
        setShopper(currentShopper());
      },
    }),
    [shopper],
  );
  return <ShopperContext value={state}>{children}</ShopperContext>;
}

export function useShopper(): ShopperState {
  const state = useContext(ShopperContext);
  if (state === undefined) throw new Error("internal: useShopper outside ShopperProvider");
  return state;
}
