import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { glob, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { StoreError } from "@magpie/domain";

const storefront = join(import.meta.dirname, "../../../apps/storefront");
const built = join(storefront, "dist");
/** Inside the built folder: the hash of the sources that it was built from. */
const stampFile = join(built, ".sources");

/** What a build depends on: the storefront's own files, and the packages under it. */
async function sourcesHash(): Promise<string> {
  const hash = createHash("sha256");
  const root = join(storefront, "../..");
  const patterns = [
    "apps/storefront/{index.html,vite.config.ts,package.json}",
    "apps/storefront/{src,public}/**/*.*",
    "packages/{algolia,client,domain,instantsearch}/src/**/*.ts",
  ];
  const files: string[] = [];
  for (const pattern of patterns) {
    for await (const file of glob(pattern, { cwd: root })) {
      if (!file.includes(".test.")) files.push(file);
    }
  }
  for (const file of files.toSorted()) {
    hash
      .update(file)
      .update("\0")
      .update(await readFile(join(root, file)));
  }
  return hash.digest("hex");
}

/**
 * Builds the storefront unless the built one is of the present sources.
 *
 * @returns the folder to serve
 * @throws {StoreError} `STOREFRONT_BUILD_FAILED` with what the build said
 */
export async function ensureStorefront(note: (text: string) => void): Promise<string> {
  const hash = await sourcesHash();
  if (existsSync(stampFile) && (await readFile(stampFile, "utf8")) === hash) return built;

  note("Building the storefront (once, some seconds) …");
  const vite = join(
    dirname(createRequire(join(storefront, "package.json")).resolve("vite/package.json")),
    "bin/vite.js",
  );
  const child = spawn(process.execPath, [vite, "build", "--logLevel", "warn"], {
    cwd: storefront,
    // Whatever the caller's is: a test's would bundle React's development build.
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += String(chunk)));
  child.stderr.on("data", (chunk: Buffer) => (said += String(chunk)));
  const code = await new Promise<number | null>((done, failed) => {
    child.once("error", failed).once("exit", done);
  });
  if (code !== 0) {
    throw new StoreError(
      "STOREFRONT_BUILD_FAILED",
      `The storefront could not be built:\n${said.trim()}`,
      "Run `npm ci` again; when you changed the storefront, `npm run types` says where.",
      { kind: "unavailable" },
    );
  }
  await writeFile(stampFile, hash);
  return built;
}
