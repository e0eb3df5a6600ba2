import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { itemVocabulary, type Sequences } from "@magpie/data";
import { chooseModels } from "./choose-models.ts";

/** `users` users with `length` interactions each. */
const sequencesOf = (users: number, length: number): Sequences => ({
  userCount: users,
  itemCount: 9,
  offsets: Int32Array.from({ length: users + 1 }, (_, u) => u * length),
  items: Int32Array.from({ length: users * length }, (_, i) => 1 + (i % 9)),
});

function choose(sequences: Sequences, options: { quick?: boolean; recipe?: object } = {}) {
  const notes: string[] = [];
  const { quick = false, recipe = {} } = options;
  const vocabulary = itemVocabulary();
  const kinds = chooseModels({ sequences, vocabulary, quick, recipe: { ...recipe } }, notes);
  return { kinds: kinds.map(({ kind }) => kind), notes };
}

const counting = ["popularity", "popularity-recent", "item-knn"];

describe("choosing models", () => {
  test("takes all that the data carries", () => {
    const { kinds, notes } = choose(sequencesOf(100, 5));
    assert.deepEqual(kinds, [...counting, "ease", "sasrec", "two-tower"]);
    assert.deepEqual(notes, []);
  });

  test("leaves out what needs more data, and says how much more", () => {
    const { kinds, notes } = choose(sequencesOf(99, 5));
    assert.deepEqual(kinds, [...counting, "ease"]);
    assert.match(
      notes[0]!,
      /^no sasrec: it takes 500 interactions to learn from, and there are 495/,
    );
    assert.deepEqual(choose(sequencesOf(9, 1)).kinds, ["popularity", "popularity-recent"]);
    assert.deepEqual(choose(sequencesOf(0, 0)).kinds, []);
  });

  test("by counting alone takes what takes seconds, and says so of the rest", () => {
    const { kinds, notes } = choose(sequencesOf(100, 5), { quick: true });
    assert.deepEqual(kinds, counting);
    assert.equal(notes.length, 3);
    for (const note of notes) assert.match(note, /a quick training learns by counting alone$/);
  });

  test("leaves out what the recipe leaves out", () => {
    const { kinds, notes } = choose(sequencesOf(100, 5), { recipe: { ease: false } });
    assert.ok(!kinds.includes("ease"));
    assert.deepEqual(notes, ["no ease: the recipe leaves it out"]);
  });
});
