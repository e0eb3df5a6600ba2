import { useEffect, useMemo, useRef } from "react";
import type { InstantSearchProps } from "react-instantsearch";
import { useLocation, useNavigate } from "react-router";
import {
  addressOf,
  indexName,
  readAddress,
  widgetStateOf,
  writeAddress,
  type SearchAddress,
  type WidgetState,
} from "./search-url.ts";

const path = "/search";

/** State of a move in the page's history that leaves reader and focus where they are. */
export interface KeepsPlace {
  readonly keepsPlace: true;
}

/** The one way to write what an address says, so that addresses can be compared. */
const shortest = (search: string) => writeAddress(readAddress(search));

type Widgets = Readonly<Record<string, WidgetState>>;

/**
 * Joins the widgets' state with the page's address in both directions: a choice moves the address on,
 * and the shopper's back, a link or the search box of the header move the widgets.
 */
export function useSearchRouting(): NonNullable<
  InstantSearchProps<Widgets, SearchAddress>["routing"]
> {
  const { search } = useLocation();
  const navigate = useNavigate();
  const goTo = useRef(navigate);
  const onUpdate = useRef<(address: SearchAddress) => void>(undefined);
  const written = useRef(shortest(search));

  useEffect(() => {
    goTo.current = navigate;
  }, [navigate]);
  useEffect(() => {
    const shown = shortest(search);
    // What is shown may lag behind the address when choices come fast: then the last of them holds.
    if (shown === written.current || shown !== shortest(window.location.search)) return;
    written.current = shown;
    onUpdate.current?.(readAddress(search));
  }, [search]);

  return useMemo(
    () => ({
      router: {
        read: () => readAddress(window.location.search),
        write(address) {
          // The widgets report once more when they are taken down: the page may be another by then.
          if (window.location.pathname !== path) return;
          const next = writeAddress(address);
          if (next === shortest(window.location.search)) return;
          written.current = next;
          const state: KeepsPlace = { keepsPlace: true };
          void goTo.current({ pathname: path, search: next }, { state });
        },
        createURL: (address) => `${path}${writeAddress(address)}`,
        onUpdate(callback) {
          onUpdate.current = callback;
        },
        dispose() {
          onUpdate.current = undefined;
        },
      },
      stateMapping: {
        stateToRoute: (widgets) => addressOf(widgets[indexName] ?? {}),
        routeToState: (address) => ({ [indexName]: widgetStateOf(address) }),
      },
    }),
    [],
  );
}
