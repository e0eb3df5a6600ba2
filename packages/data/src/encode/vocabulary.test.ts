import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StoreError } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { itemVocabulary, userVocabulary, Vocabulary } from "./vocabulary.ts";

const anyIds = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }));

describe("Vocabulary", () => {
  test("numbers items from 1 and users from 0, repeats once", () => {
    const items = itemVocabulary(["b", "a", "b", "喜鹊"]);
    assert.deepEqual(items.ids(), ["b", "a", "喜鹊"]);
    assert.deepEqual(
      ["b", "a", "喜鹊", "x"].map((id) => items.indexOf(id)),
      [1, 2, 3, -1],
    );
    assert.equal(userVocabulary(["u"]).indexOf("u"), 0);
  });

  test("keeps every old index when it is extended", () => {
    fc.assert(
      fc.property(anyIds, anyIds, (first, second) => {
        const old = itemVocabulary(first);
        const extended = old.extend(second);
        for (const id of old.ids()) assert.equal(extended.indexOf(id), old.indexOf(id));
        for (const id of second) assert.equal(extended.idOf(extended.indexOf(id)), id);
        assert.equal(extended.size, new Set([...first, ...second]).size);
      }),
    );
  });

  test("is the same after saving and opening", () => {
    fc.assert(
      fc.property(anyIds, (ids) => {
        const saved = userVocabulary(ids);
        const opened = Vocabulary.fromBytes(saved.toBytes());
        assert.deepEqual(opened.ids(), saved.ids());
        assert.equal(opened.firstIndex, 0);
        assert.equal(opened.digest, saved.digest);
        for (const id of ids) assert.equal(opened.indexOf(id), saved.indexOf(id));
      }),
    );
  });

  test("is refused when any byte was altered or the end is missing", () => {
    const bytes = itemVocabulary(["a", "bb", "ccc"]).toBytes();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const altered = Buffer.from(bytes);
        altered[at]! ^= change;
        assert.throws(() => Vocabulary.fromBytes(altered), { code: "DAMAGED_VOCABULARY" });
      }),
    );
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => Vocabulary.fromBytes(bytes.subarray(0, length)), StoreError);
    }
  });

  test("names the damaged file", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "vocabulary-")), "items.vocabulary");
    await itemVocabulary(["a"]).save(path);
    assert.equal((await Vocabulary.load(path)).size, 1);
    const { writeFileSync } = await import("node:fs");
    writeFileSync(path, "nonsense");
    await assert.rejects(Vocabulary.load(path), (error: StoreError) =>
      error.message.includes(path),
    );
  });
});
