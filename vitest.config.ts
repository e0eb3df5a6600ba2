import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "apps/*/src/**/*.test.{ts,tsx}",
      "test/**/*.test.ts",
      "bench/**/*.test.ts",
    ],
    // Native sessions and worker threads of the tests live in processes of their own.
    pool: "forks",
    maxWorkers: 2,
    // Generous: a busy machine must not fail what is right. A test that holds a time says so itself.
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
