import { cpuUsage, resourceUsage } from "node:process";
import type { TrainingCost } from "./model.ts";

/**
 * What objects and arrays that a training makes and drops reach before the collector takes them back: the
 * young generation of the heap (16 MiB, twice over while it is copied). For trainings that make many; by
 * `bench/memory.ts`.
 */
export const uncollectedBytes = 32 * 2 ** 20;

/**
 * Starts the meter of a training; the returned function reads it.
 *
 * Processor time counts all threads of the process. Peak memory is that of the process so far,
 * which includes what ran before: measure single trainings in a process of their own.
 */
export function startCost(): () => TrainingCost {
  const wall = performance.now();
  const cpu = cpuUsage();
  return () => {
    const { user, system } = cpuUsage(cpu);
    return {
      wallSeconds: (performance.now() - wall) / 1_000,
      cpuSeconds: (user + system) / 1e6,
      peakRssBytes: resourceUsage().maxRSS * 1_024,
    };
  };
}
