import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "vitest";

test("the README's example runs as it is printed", () => {
  const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const folder = mkdtempSync(join(tmpdir(), "readme-"));
  try {
    writeFileSync(join(folder, "products.csv"), "id,name,price\np1,Kettle,19.99\np2,Lamp,5\n");
    const events = ["p1", "p2", "p1"].map((itemId, i) =>
      JSON.stringify({
        type: "view",
        userId: `u${i % 2}`,
        timestamp: `2025-01-0${i + 1}T00:00:00Z`,
        items: [{ itemId }],
      }),
    );
    writeFileSync(join(folder, "events.jsonl.gz"), events.join("\n"));
    // Run beside the package, so that its names resolve; the folder is the working directory.
    const resolved = example.replaceAll(/"(@magpie\/\w+)"/g, (_, name: string) =>
      JSON.stringify(pathToFileURL(new URL(import.meta.resolve(name)).pathname).href),
    );
    const script = join(folder, "example.ts");
    writeFileSync(
      script,
      `${resolved}\nconsole.log(sequences.items.length);\nawait store.close();\n`,
    );
    const output = execFileSync(process.execPath, [script], { cwd: folder, encoding: "utf8" });
    assert.match(output, /Rows stored +3/);
    assert.match(output, /\n3\n$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
