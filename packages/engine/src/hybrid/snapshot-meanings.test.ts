import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "vitest";
import type { WorkContext } from "@magpie/domain";
import { EmbeddedEncoder, identityOf } from "@magpie/encoder";
import { smallItem } from "../small-shop.suite.ts";
import type { LearnedSearches } from "../training/learn-searches.ts";
import { writeMeanings, type MeaningSources } from "./snapshot-meanings.ts";

const colours = ["red", "blue", "green", "black", "white", "brown", "yellow"];
/** Names of the shop's collections, which no dictionary has. */
const collections = ["zorvex", "quilmo", "brantz", "ydlewi", "fjolmu", "wexpra", "ubbnik"];
const things = (
  "shoe lamp chair table mug bowl shirt dress belt scarf glove hat bag ring watch pen book towel rug " +
  "vase plate spoon knife pan pot kettle clock mirror box tray"
).split(" ");
const items = colours.flatMap((colour) =>
  things.map((thing) => smallItem(`${colour}-${thing}`, { title: `${colour} ${thing}` })),
);
const texts = collections.flatMap((name) => things.map((thing) => `${name} ${thing}`));
const searches: LearnedSearches = {
  queries: texts.map((text) => ({ text, weight: 1 }) as LearnedSearches["queries"][number]),
  takes: texts.map((query, i) => ({ query, itemId: items[i]!.id, weight: 1 })),
  synonyms: [],
};
const nobody: LearnedSearches = { queries: [], takes: [], synonyms: [] };

describe("the meanings of a snapshot", () => {
  let draft: string;
  beforeEach(async () => (draft = await mkdtemp(join(tmpdir(), "magpie-meanings-"))));
  afterEach(() => rm(draft, { recursive: true, force: true }));

  const write = (more: Partial<MeaningSources>) => {
    const context: WorkContext = { signal: new AbortController().signal, onProgress: () => {} };
    return writeMeanings(
      { items, choice: { kind: "embedded" }, searches, seed: 1, ...more },
      { draft, meanings: "meanings.bin", adaptation: "adaptation.bin" },
      context,
    );
  };

  test("are those of an encoder that learned from the shop's searches, when it finds more", async () => {
    const { encoder, adaptation, notes } = await write({});
    assert.deepEqual(notes, []);
    assert.equal(adaptation!.isUsed, true, JSON.stringify(adaptation));
    assert.ok(adaptation!.heldOut!.difference.low > 0);
    const usual = await EmbeddedEncoder.open();
    const adapted = usual.adaptedBy(await readFile(join(draft, "adaptation.bin")));
    assert.deepEqual(encoder, identityOf(adapted));
    assert.notEqual(encoder!.version, usual.version);
  }, 60_000);

  test("are those of the encoder as it is, where nobody searched", async () => {
    const { encoder, adaptation } = await write({ searches: nobody });
    assert.equal(adaptation!.isUsed, false);
    assert.match(adaptation!.why!, /fewer than 200/);
    assert.deepEqual(encoder, identityOf(await EmbeddedEncoder.open()));
    assert.deepEqual(await readdir(draft), ["meanings.bin"]);
  });

  test("are none without an encoder, and a note says why one failed", async () => {
    assert.deepEqual(await write({ choice: undefined }), { notes: [] });
    const { encoder, notes } = await write({ choice: { kind: "onnx", folder: join(draft, "no") } });
    assert.equal(encoder, undefined);
    assert.match(notes.join(), /words alone/);
  });
});
