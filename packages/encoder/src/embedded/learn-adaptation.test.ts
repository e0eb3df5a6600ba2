import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { EncoderError } from "../text-encoder.ts";
import { EmbeddedEncoder } from "./embedded-encoder.ts";
import type { ShopExamples } from "./learn-adaptation.ts";
import { tableBytes } from "./small-table.suite.ts";
import { WordTable } from "./word-table.ts";

const colours = ["red", "blue", "green", "black", "white", "brown"];
/** What shoppers call them; the table thinks that they are something else. */
const nicknames = ["crimson", "azure", "emerald", "ebony", "ivory", "chestnut"];
const things = (
  "shoe lamp chair table mug bowl shirt dress belt scarf glove hat bag ring watch pen book towel rug " +
  "vase plate spoon knife pan pot kettle clock mirror box tray"
).split(" ");

const random = seededRandom(5, "small-table");
const row = () => Array.from({ length: 16 }, () => Math.round(40 * random.normal()));
const words = [...colours, ...nicknames, ...things].map((word) => ({ word, cost: 8, row: row() }));
const table = WordTable.open(tableBytes(words, Array.from({ length: 64 }, row)));
const encoder = new EmbeddedEncoder(table);

const texts = colours.flatMap((colour) => things.map((thing) => `${colour} ${thing} of our shop`));
const asked = (names: readonly string[]): ShopExamples["pairs"] =>
  names.flatMap((name, c) =>
    things.map((thing, t) => ({
      query: `${name} ${thing}`,
      text: c * things.length + t,
    })),
  );
const small = { seed: 1, minQueries: 50, batchSize: 32, learningRate: 0.02, epochs: 12 };

describe("learning a shop's words", () => {
  test("finds what shoppers mean by theirs, also in searches that it has not seen", async () => {
    const { bytes, heldOut, queries, why } = encoder.learn(
      { texts, pairs: asked(nicknames) },
      small,
    );
    assert.equal(why, undefined);
    assert.equal(queries.train + queries.validation + queries.heldOut, 180);
    assert.ok(heldOut!.after > heldOut!.before + 0.2, JSON.stringify(heldOut));
    const adapted = encoder.adaptedBy(bytes!);
    const nearness = async (by: EmbeddedEncoder, a: string, b: string): Promise<number> => {
      const both = await by.encode([a, b]);
      return both.subarray(0, 16).reduce((sum, value, d) => sum + value * both[16 + d]!, 0);
    };
    for (const [c, name] of nicknames.entries()) {
      const [before, after] = [encoder, adapted].map((by) => nearness(by, name, colours[c]!));
      assert.ok((await after!) > (await before!), name);
    }
  });

  test("learns words that the table does not have from their letters on", () => {
    const unknown = ["zorvex", "quilmo", "brantz", "ydlewi", "fjolmu", "wexpra"];
    const branded = texts.map((text, i) => `${text} ${unknown[Math.floor(i / things.length)]}`);
    const { bytes, heldOut } = encoder.learn({ texts: branded, pairs: asked(unknown) }, small);
    assert.ok(heldOut!.after > heldOut!.before);
    assert.ok(new TextDecoder().decode(bytes!.slice(0, 400)).includes("zorvex"));
  });

  test("gives the same for the same seed", () => {
    const learn = () => encoder.learn({ texts, pairs: asked(nicknames) }, small).bytes!;
    assert.deepEqual(learn(), learn());
  });

  test("is not used where it helps nobody: chance, or nothing left to learn", () => {
    const shuffled = random.shuffle(texts.map((_, i) => i));
    const byChance = asked(nicknames).map((pair, i) => ({ ...pair, text: shuffled[i]! }));
    for (const pairs of [byChance, asked(colours)]) {
      const { bytes, why, heldOut } = encoder.learn({ texts, pairs }, small);
      assert.equal(bytes, undefined);
      assert.match(why!, /no better/);
      assert.ok(!(heldOut!.difference.low > 0));
    }
  });

  test("needs enough searches", () => {
    const { bytes, why, queries } = encoder.learn({ texts, pairs: [] }, { seed: 1 });
    assert.equal(bytes, undefined);
    assert.match(why!, /fewer than 200 queries/);
    assert.deepEqual(queries, { train: 0, validation: 0, heldOut: 0 });
    const few = encoder.learn(
      { texts, pairs: asked(nicknames).slice(0, 60) },
      { ...small, batchSize: 64 },
    );
    assert.equal(few.bytes, undefined);
  });

  test("leaves the table and words that nobody used as they are", async () => {
    const before = await encoder.encode(["crimson shoe"]);
    const { bytes } = encoder.learn(
      { texts: texts.slice(0, 150), pairs: asked(nicknames.slice(0, 5)) },
      small,
    );
    assert.deepEqual(await encoder.encode(["crimson shoe"]), before);
    const adapted = encoder.adaptedBy(bytes!);
    assert.deepEqual(await adapted.encode(["chestnut"]), await encoder.encode(["chestnut"]));
  });

  test("has a version of its own, and is refused where it does not belong", () => {
    const { bytes } = encoder.learn({ texts, pairs: asked(nicknames) }, small);
    const adapted = encoder.adaptedBy(bytes!);
    assert.equal(adapted.name, encoder.name);
    assert.match(adapted.version, /^7\+[0-9a-f]{12}$/);
    const otherTable = WordTable.open(tableBytes(words.map((one) => ({ ...one, row: [1, 2] }))));
    const refuse = (work: () => unknown, words: RegExp) =>
      assert.throws(
        work,
        (error) =>
          error instanceof EncoderError &&
          error.code === "BAD_ADAPTATION" &&
          words.test(error.message),
      );
    refuse(() => encoder.adaptedBy(new Uint8Array(4)), /does not begin/);
    refuse(() => encoder.adaptedBy(bytes!.slice(0, -1)), /header promises/);
    refuse(() => new EmbeddedEncoder(otherTable).adaptedBy(bytes!), /learned on/);
  });
});
