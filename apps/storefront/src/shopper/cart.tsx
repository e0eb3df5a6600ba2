import { createContext, useContext, useMemo, useState, type ReactNode } from "react";

/** One line of the cart. Texts are looked up when shown, so that they follow the language. */
export interface CartLine {
  readonly itemId: string;
  readonly variantId: string;
  readonly quantity: number;
}

interface CartState {
  readonly lines: readonly CartLine[];
  readonly count: number;
  add(itemId: string, variantId: string): void;
  remove(variantId: string): void;
  clear(): void;
}

const CartContext = createContext<CartState | undefined>(undefined);

const storageKey = "magpie.cart";

/** What the browser kept; anything that is not a cart (edited, older version) starts an empty one. */
function storedLines(): CartLine[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(storageKey) ?? "[]");
    if (!Array.isArray(value)) return [];
    return value.filter(
      (line): line is CartLine =>
        typeof line === "object" &&
        line !== null &&
        typeof line.itemId === "string" &&
        typeof line.variantId === "string" &&
        Number.isInteger(line.quantity) &&
        line.quantity > 0,
    );
  } catch {
    return [];
  }
}

export function CartProvider({ children }: { readonly children: ReactNode }) {
  const [lines, setLines] = useState(storedLines);

  const state = useMemo<CartState>(() => {
    const change = (next: CartLine[]) => {
      localStorage.setItem(storageKey, JSON.stringify(next));
      setLines(next);
    };
    return {
      lines,
      count: lines.reduce((sum, line) => sum + line.quantity, 0),
      add(itemId, variantId) {
        const known = lines.find((line) => line.variantId === variantId);
        change(
          known === undefined
            ? [...lines, { itemId, variantId, quantity: 1 }]
            : lines.map((line) =>
                line === known ? { ...line, quantity: line.quantity + 1 } : line,
              ),
        );
      },
      remove: (variantId) => change(lines.filter((line) => line.variantId !== variantId)),
      clear: () => change([]),
    };
  }, [lines]);
  return <CartContext value={state}>{children}</CartContext>;
}

export function useCart(): CartState {
  const state = useContext(CartContext);
  if (state === undefined) throw new Error("internal: useCart outside CartProvider");
  return state;
}
