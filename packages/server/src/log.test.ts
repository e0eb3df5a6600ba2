import assert from "node:assert/strict";
import { test } from "vitest";
import { withoutSecrets } from "./log.ts";

test("keys are struck from addresses, wherever they stand", () => {
  assert.equal(withoutSecrets("/v1/events?key=mgp_abc&x=1"), "/v1/events?key=[removed]&x=1");
  assert.equal(withoutSecrets("/v1/events?x=1&KEY=other"), "/v1/events?x=1&KEY=[removed]");
  assert.equal(withoutSecrets("/v1/keys/mgp_abc-1_2/x"), "/v1/keys/[removed]/x");
  assert.equal(withoutSecrets("/v1/items?ids=monkey=1"), "/v1/items?ids=monkey=1");
});
