import { compile, type Reason } from "@magpie/domain";
import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { contributionSchema, errorCodes, openApiDocument, routes, type Route } from "./index.ts";

const document = openApiDocument("0.1.0");
const all = Object.values<Route>(routes);

/** Every value under `key`, anywhere in a document. */
function collect(value: unknown, key: string): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => [
    ...(name === key ? [part] : []),
    ...collect(part, key),
  ]);
}

describe("routes", () => {
  test("each has its own id, and its own method and path", () => {
    assert.deepEqual(
      Object.keys(routes),
      all.map(({ id }) => id),
    );
    const places = all.map(({ method, path }) => `${method} ${path}`);
    assert.equal(new Set(places).size, places.length);
  });

  test("each path parameter has a schema, and each schema a path parameter", () => {
    for (const { id, path, params } of all) {
      const inPath = [...path.matchAll(/:(\w+)/g)].map((match) => match[1]);
      const { properties = {} } = (params ?? {}) as { properties?: object };
      assert.deepEqual(inPath, Object.keys(properties), id);
    }
  });

  test("every change of state needs a key", () => {
    const open = all.filter(({ scope }) => scope === null).map(({ method }) => method);
    assert.deepEqual([...new Set(open)], ["GET"]);
  });

  test.each(all.filter(({ bodyExample }) => bodyExample !== undefined))(
    "the example body of $id follows its schema",
    ({ body, bodyExample }) => {
      assert.deepEqual(compile(body!)(bodyExample), { ok: true, value: bodyExample });
    },
  );

  const answers = all.flatMap(({ id, answers }) =>
    Object.entries(answers).map(([status, answer]) => ({ id, status, ...answer })),
  );
  test.each(answers.filter(({ example }) => example !== undefined))(
    "the example answer $status of $id follows its schema",
    ({ schema, example }) => {
      assert.deepEqual(compile(schema!)(example), { ok: true, value: example });
    },
  );

  test("a batch is checked in two steps, so that the envelope takes what single parts refuse", () => {
    const check = compile(routes.postEvents.envelope);
    assert.ok(check({ events: [{ type: "no such type" }] }).ok);
    assert.ok(!check({ events: [] }).ok);
    assert.ok(!check({ events: Array.from({ length: 1_001 }, () => ({})) }).ok);
    assert.ok(!check({ events: [{}], more: 1 }).ok);
  });
});

describe("reasons on the wire", () => {
  const check = compile(contributionSchema);
  const stage = { stage: "sasrec", amount: 0.5 };

  test("take each kind of the domain", () => {
    // A kind that the domain gains stops the build here.
    const examples: Record<Reason["kind"], object> = {
      "history-item": { itemId: "a", share: 0.3 },
      "sequence-model": {},
      "bought-together": { itemId: "a" },
      "similar-to": { itemId: "a" },
      popular: { days: null },
      learned: { signal: "taste", itemId: "i1" },
      "similar-meaning": {},
      "likely-category": { category: "Shoes" },
      "query-match": { words: ["mug"] },
      rule: { rule: "pinned" },
      diversity: {},
      exploration: {},
    };
    for (const [kind, rest] of Object.entries(examples)) {
      assert.ok(check({ ...stage, reason: { kind, ...rest } }).ok, kind);
    }
    assert.ok(check({ ...stage, reason: { kind: "popular", days: 14 } }).ok);
  });

  test("take no other", () => {
    assert.ok(!check({ ...stage, reason: { kind: "magic" } }).ok);
    assert.ok(!check({ ...stage, reason: { kind: "history-item", share: 0.3 } }).ok);
  });
});

describe("error codes", () => {
  test("have a status that fits an error, a title and words of help", () => {
    for (const [code, { status, title, doc }] of Object.entries(errorCodes)) {
      assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
      assert.ok(status >= 400 && status < 600, code);
      assert.ok(title.length > 5 && !title.endsWith("."), code);
      assert.ok(doc.endsWith(".") || doc.endsWith(")"), code);
    }
  });
});

interface Content {
  readonly schema: object;
  readonly example?: unknown;
  readonly examples?: Record<string, { readonly value: unknown }>;
}

describe("OpenAPI document", () => {
  test("is plain JSON of version 3.1", () => {
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
    assert.equal(document.openapi, "3.1.1");
  });

  test("holds each operation once", () => {
    const ids = Object.values(document.paths)
      .flatMap((methods) => Object.values(methods))
      .map((operation) => operation["operationId"]);
    assert.deepEqual(ids.toSorted(), Object.keys(routes).toSorted());
    assert.ok("get" in document.paths["/v1/items/{itemId}"]!);
    assert.ok("delete" in document.paths["/v1/items/{itemId}"]!);
  });

  test("has a component for every reference, and a reference to every component", () => {
    const referred = new Set(collect(document, "$ref").map(String));
    const present = Object.keys(document.components.schemas).map(
      (name) => `#/components/schemas/${name}`,
    );
    assert.deepEqual([...referred].toSorted(), present.toSorted());
  });

  test("its examples follow its own schemas, through every reference", () => {
    let checked = 0;
    for (const content of collect(document.paths, "content") as Record<string, Content>[]) {
      for (const { schema, example, examples = {} } of Object.values(content)) {
        // References start at the root, where a copy of the components stands.
        const check = compile({ components: document.components, allOf: [schema] } as never);
        const values = Object.values(examples).map(({ value }) => value);
        for (const value of example === undefined ? values : [example, ...values]) {
          assert.deepEqual(check(value), { ok: true, value });
          checked += 1;
        }
      }
    }
    assert.ok(checked > 200, `only ${checked} examples`);
  });

  test("names the scope of each guarded operation and offers the beacon key for events only", () => {
    const post = document.paths["/v1/events"]!["post"]!;
    assert.deepEqual(post["security"], [{ key: ["events"] }, { beaconKey: ["events"] }]);
    assert.deepEqual(document.paths["/v1/train"]!["post"]!["security"], [{ key: ["admin"] }]);
    assert.deepEqual(document.paths["/v1/health"]!["get"]!["security"], []);
    assert.equal(collect(document, "beaconKey").length, 2); // the scheme and its one use
  });

  test("marks path parameters and mandatory query parameters as required", () => {
    const parameters = document.paths["/v1/search"]!["get"]!["parameters"] as {
      name: string;
      in: string;
      required: boolean;
    }[];
    assert.deepEqual(
      parameters.filter(({ required }) => required).map(({ name }) => name),
      ["query"],
    );
    assert.ok(parameters.every((parameter) => parameter.in === "query"));
  });

  test("shows an example problem for each code that an operation may give", () => {
    const missing = document.paths["/v1/items/{itemId}"]!["get"]!["responses"] as Record<
      string,
      { content: Record<string, { examples: Record<string, { value: { code: string } }> }> }
    >;
    const { examples } = missing["404"]!.content["application/problem+json"]!;
    assert.equal(examples["UNKNOWN_ITEM"]!.value.code, "UNKNOWN_ITEM");
  });
});
