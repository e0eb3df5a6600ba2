import { compile } from "@magpie/domain";
import { RequestError, StoreError } from "@magpie/domain";
import { problemSchema } from "@magpie/contract";
import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { HttpError, invalidRequest, toProblem } from "./problems.ts";

const isProblem = compile(problemSchema);

describe("toProblem", () => {
  test("gives a code of the API its own status and title, and the places that are wrong", () => {
    const error = invalidRequest("query", [
      { field: "limit", message: "must be <= 100, found 101" },
    ]);
    const { problem, unexpected } = toProblem(error, "r1");
    assert.equal(unexpected, false);
    assert.deepEqual(problem, {
      type: "/v1/errors/INVALID_REQUEST",
      title: "A field of the request is wrong",
      status: 400,
      detail: "query.limit: must be <= 100, found 101.",
      code: "INVALID_REQUEST",
      hint: "Correct query.limit and send the request again; /docs shows the form of every field.",
      requestId: "r1",
      errors: [{ field: "query.limit", message: "must be <= 100, found 101" }],
    });
  });

  test("gives a code of a deeper layer the status of its kind and a title from its words", () => {
    const error = new StoreError("STORE_LOCKED", "Another process owns it.", "Stop that one.", {
      kind: "conflict",
    });
    const { problem } = toProblem(error, "r2");
    assert.equal(problem.status, 409);
    assert.equal(problem.title, "Store locked");
    assert.equal(problem.hint, "Stop that one.");
  });

  test("keeps a known code's status, whatever kind the thrower thought of", () => {
    const error = new RequestError("UNKNOWN_ITEM", "No item.", "Check the id.");
    assert.equal(toProblem(error, "r3").problem.status, 404);
  });

  test("says nothing of a fault of our own but where to look", () => {
    const { problem, unexpected } = toProblem(new Error("password is hunter2"), "r4");
    assert.equal(unexpected, true);
    assert.equal(problem.status, 500);
    assert.ok(!JSON.stringify(problem).includes("hunter2"));
    assert.match(problem.hint, /r4/);
  });

  test("survives thrown things that are no errors", () => {
    for (const thrown of [undefined, null, "text", 7]) {
      assert.equal(toProblem(thrown, "r5").problem.code, "INTERNAL");
    }
  });

  test("is a problem document in every case", () => {
    for (const error of [
      new HttpError("RATE_LIMITED", "Too many.", "Wait."),
      new Error("x"),
      new RequestError("OTHER", "m", "h", { kind: "unavailable" }),
    ]) {
      const { problem } = toProblem(error, "r6");
      assert.deepEqual(isProblem(problem), { ok: true, value: problem });
    }
  });
});
