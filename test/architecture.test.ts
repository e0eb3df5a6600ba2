import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, test } from "vitest";

const root = join(import.meta.dirname, "..");

interface Manifest {
  readonly name: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;

const folders = (
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { workspaces: string[] }
).workspaces;
const packages = folders.map((folder) => ({ folder, ...manifestOf(folder) }));
const rank = new Map(packages.map(({ name }, i) => [name, i]));

/** Specifiers of every import, export-from and dynamic import in a file. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*["']([@\w.][^"'\s]*)["']/g)].map(
    (match) => match[1]!,
  );
}

const sources = packages.flatMap((pkg) =>
  globSync(join(root, pkg.folder, "{src,bin}/**/*.{ts,tsx,js}"))
    .filter((file) => !file.includes("/dist/"))
    .map((file) => ({ pkg, file })),
);

/** "@magpie/data" of "@magpie/data/x"; undefined for relative and built-in specifiers. */
function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith(".") || specifier.startsWith("node:")) return undefined;
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0];
}

describe("architecture", () => {
  test("the scan sees the sources", () => {
    assert.ok(sources.length > 20, `only ${sources.length} files found`);
  });

  test("a package imports only packages listed before it in the root workspaces", () => {
    const wrong = sources.flatMap(({ pkg, file }) =>
      importsOf(file)
        .map(packageOf)
        .filter((name) => name !== undefined && rank.has(name) && name !== pkg.name)
        .filter((name) => rank.get(name!)! > rank.get(pkg.name)!)
        .map((name) => `${relative(root, file)} imports ${name}, which comes later`),
    );
    assert.deepEqual(wrong, []);
  });

  test("a package imports only what its own manifest names", () => {
    const rootDev = manifestOf(".").devDependencies ?? {};
    const wrong = sources.flatMap(({ pkg, file }) => {
      const own = { ...pkg.dependencies, ...pkg.devDependencies };
      const isTest = /\.(test|suite)\.tsx?$/.test(file);
      return importsOf(file)
        .map(packageOf)
        .filter((name) => name !== undefined && name !== pkg.name && !(name in own))
        .filter((name) => !isTest || !Object.hasOwn(rootDev, name!))
        .map(
          (name) => `${relative(root, file)} imports ${name}, which ${pkg.folder} does not list`,
        );
    });
    assert.deepEqual(wrong, []);
  });

  test("no file reaches into another package's folder", () => {
    const wrong = sources.flatMap(({ pkg, file }) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => relative(root, join(file, "..", specifier)))
        .filter((target) => !target.startsWith(`${pkg.folder}/`))
        .map((target) => `${relative(root, file)} → ${target}`),
    );
    assert.deepEqual(wrong, []);
  });

  test("the client takes nothing but types from outside itself", () => {
    const wrong = sources
      .filter(({ pkg, file }) => pkg.name === "@magpie/client" && !file.includes(".test."))
      .filter(({ file }) => /import (?!type)[^;]*from "[^."]/.test(readFileSync(file, "utf8")))
      .map(({ file }) => relative(root, file));
    assert.deepEqual(wrong, []);
  });

  test("no file is a grab-bag", () => {
    const wrong = sources
      .map(({ file }) => relative(root, file))
      .filter((file) => /(^|\/)(utils?|helpers?|misc|common|lib)(\/|\.|$)/.test(file));
    assert.deepEqual(wrong, []);
  });
});
