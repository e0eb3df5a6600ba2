import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { describe, test } from "vitest";

const root = join(import.meta.dirname, "..");
const run = promisify(execFile);

/** The first TypeScript block of a README: the package's ten-line example. */
function exampleOf(readme: string): string | undefined {
  return /```ts\n([\s\S]*?)```/.exec(readFileSync(readme, "utf8"))?.[1];
}

const readmes = globSync(join(root, "packages/*/README.md"));

describe("README examples", () => {
  test("every package has a README", () => {
    const without = globSync(join(root, "packages/*/package.json"))
      .map(dirname)
      .filter((folder) => !existsSync(join(folder, "README.md")))
      .map((folder) => relative(root, folder));
    assert.deepEqual(without, []);
  });

  for (const readme of readmes) {
    const code = exampleOf(readme);
    // An example that reads files is run by its package's own test, which makes them.
    const ownTest = join(dirname(readme), "src/readme.test.ts");
    if (code === undefined || existsSync(ownTest)) continue;

    test(`${relative(root, readme)} runs as it stands`, { timeout: 60_000 }, async () => {
      // Beside the package's manifest, so that its own name and its dependencies resolve.
      const file = join(dirname(readme), `.readme-example-${process.pid}.ts`);
      writeFileSync(file, code);
      try {
        await run(process.execPath, [file], { cwd: dirname(readme), timeout: 50_000 });
      } finally {
        rmSync(file);
      }
    });
  }
});
