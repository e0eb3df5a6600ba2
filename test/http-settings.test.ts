import assert from "node:assert/strict";
import { createClient, type Client } from "@magpie/client";
import { afterAll, beforeAll, describe, test } from "vitest";
import { call, openHttpShop, problemOf, type HttpShop } from "./http-shop.ts";

describe("settings over HTTP", () => {
  let shop: HttpShop;
  let operator: Client;

  beforeAll(async () => {
    shop = await openHttpShop();
    operator = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.admin });
  });
  afterAll(() => shop?.close());

  test("are read and changed by whoever runs the shop", async () => {
    assert.deepEqual(await operator.settings(), { settings: {}, needsTraining: false });
    const settings = { language: "de", fields: { sku: { search: "exact" as const } } };
    assert.deepEqual(await operator.changeSettings(settings), { settings, needsTraining: false });
    assert.deepEqual((await operator.settings()).settings, settings);
  });

  test("are nobody else's", async () => {
    for (const key of ["read", "events", "catalog", "users"] as const) {
      const other = createClient({ baseUrl: shop.server.url, apiKey: shop.keys[key] });
      await assert.rejects(other.settings(), { code: "INSUFFICIENT_SCOPE" });
      await assert.rejects(other.changeSettings({}), { code: "INSUFFICIENT_SCOPE" });
    }
  });

  test("are refused with the place and the reason, without a key in the answer", async () => {
    const refused = async (body: unknown): Promise<string> => {
      const answer = await call(shop, "admin", "/v1/settings", body, "PUT");
      assert.equal(answer.status, 400);
      const { code, detail, hint } = problemOf(await answer.text());
      assert.equal(code, "INVALID_SETTINGS");
      return `${detail} ${hint}`;
    };
    assert.match(await refused({ fields: { colour: {} } }), /fields\.colour/);
    assert.match(await refused({ fields: { sku: { weight: 2 } } }), /sku.*no weight/);
    const key = "sk-4f9a8b7c6d5e4f3a";
    const encoder = { kind: "endpoint", baseUrl: "https://x.example", model: "m", width: 4 };
    const said = await refused({ encoder: { ...encoder, keyVariable: key } });
    assert.match(said, /keyVariable/);
    assert.ok(!said.includes(key));
  });
});
