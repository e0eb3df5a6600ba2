import type { Engine } from "@magpie/engine";
import { memoryEngine } from "./http-memory-engine.ts";

/** The engine under the HTTP tests. */
export async function openTestEngine(_directory: string): Promise<Engine> {
  const engine = memoryEngine();
  await engine.upsertItems([testItem("mug"), testItem("kettle")]);
  return engine;
}

/** A small valid item. */
export function testItem(id: string) {
  return {
    id,
    title: `A ${id}`,
    variants: [
      { id: `${id}-1`, price: { amount: 100, currency: "EUR" }, availability: { available: true } },
    ],
  };
}
