import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { RequestError } from "./errors.ts";
import { checkSettings } from "./settings.ts";

const refused = (settings: unknown, words: RegExp): void => {
  assert.throws(
    () => checkSettings(settings),
    (error) =>
      error instanceof RequestError &&
      error.code === "INVALID_SETTINGS" &&
      words.test(error.message) &&
      error.hint.length > 10,
    JSON.stringify(settings),
  );
};

describe("shop settings", () => {
  test("may say nothing, or all", () => {
    assert.deepEqual(checkSettings({}), {});
    const all = {
      language: "de-AT",
      fields: {
        title: { weight: 4 },
        sku: { search: "exact" },
        "attributes.material": { like: "categories", language: "de" },
        "attributes.internal note": { search: "off", facet: false },
        "options.colour": { facet: true },
        price: { facet: false },
      },
      encoder: {
        kind: "endpoint",
        baseUrl: "http://127.0.0.1:11434/v1",
        model: "bge-m3",
        width: 1024,
        keyVariable: "EMBEDDINGS_KEY",
      },
    };
    assert.equal(checkSettings(all), all);
    for (const encoder of [{ kind: "embedded" }, { kind: "off" }, { kind: "onnx", folder: "e5" }]) {
      assert.deepEqual(checkSettings({ encoder }), { encoder });
    }
  });

  test("are refused with the field that is wrong", () => {
    refused({ langauge: "de" }, /langauge/);
    refused({ language: "German!" }, /language/);
    refused({ fields: { colour: { facet: true } } }, /fields\.colour.*no field of items/);
    refused({ fields: { "attributes.": { facet: true } } }, /no field of items/);
    refused({ fields: { sku: { weight: 3 } } }, /sku.*no weight/);
    refused({ fields: { title: { like: "brand" } } }, /title.*counts as itself/);
    refused({ fields: { title: { weight: 0 } } }, /fields\.title\.weight/);
    refused({ fields: { title: { search: "prefix" } } }, /must be one of words, exact, off/);
    refused({ fields: { price: { search: "words" } } }, /price.*no words/);
    refused({ fields: { description: { facet: true } } }, /never counted/);
    refused({ encoder: { kind: "endpoint", baseUrl: "ftp://x", model: "m", width: 3 } }, /encoder/);
    refused([], /settings/);
    refused(null, /settings/);
  });

  test("never hold a key, and never repeat one in an error", () => {
    for (const key of ["sk-proj-4f9aQ2", "hf_abc", "4f9a8b7c6d5e", "x y", "a1b2c3d4e5f6"]) {
      const encoder = {
        kind: "endpoint",
        baseUrl: "https://x",
        model: "m",
        width: 3,
        keyVariable: key,
      };
      assert.throws(
        () => checkSettings({ encoder }),
        (error) => error instanceof RequestError && !`${error.message} ${error.hint}`.includes(key),
        key,
      );
    }
  });
});
