import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { EncoderError } from "../text-encoder.ts";
import { EmbeddedEncoder } from "./embedded-encoder.ts";
import { tableBytes } from "./small-table.suite.ts";
import { WordTable } from "./word-table.ts";
import { foldText, readWords } from "./words.ts";

const bytes = tableBytes(
  [
    { word: "red", cost: 5, row: [3, 0] },
    { word: "shoe", cost: 6, row: [0, 4] },
    { word: "run", cost: 6, row: [1, 1] },
    { word: "手", cost: 6, row: [1, 0] },
    { word: "机", cost: 6, row: [0, 1] },
    { word: "手机", cost: 7, row: [2, 2] },
    { word: "壳", cost: 8, row: [0, 5] },
    { word: "机壳", cost: 14, row: [9, 9] },
  ],
  [
    [1, 0],
    [0, 1],
  ],
);
const table = WordTable.open(bytes);
const encoder = new EmbeddedEncoder(table);
const read = (text: string) => readWords(foldText(text), table);
const rows = (text: string) => read(text).map((one) => ("row" in one ? one.row : "letters"));

describe("words of a text", () => {
  test("cuts Chinese where its words are most likely together", () => {
    // 手机|壳 costs 15, 手|机壳 20, 手|机|壳 20.
    assert.deepEqual(rows("手机壳"), [5, 6]);
    assert.deepEqual(rows("壳x手"), [6, 3]);
  });

  test("passes over characters that the table does not have", () => {
    assert.deepEqual(rows("的手机的"), [5]);
    assert.deepEqual(rows("的"), []);
  });

  test("folds case, width and accents", () => {
    assert.deepEqual(rows("RED Ｒed réd"), [0, 0, 0]);
  });

  test("takes an ending off, and parts two words written together", () => {
    assert.deepEqual(rows("shoes"), [1]);
    assert.deepEqual(rows("redshoe"), [0, 1]);
  });

  test("reads unknown words by their letters, and no numbers at all", () => {
    assert.deepEqual(rows("zzzz 42 15.6"), ["letters"]);
    assert.deepEqual(rows("xy"), []);
    const [letters] = read("abc");
    // <ab abc bc> <abc abc> <abc>
    assert.equal("grams" in letters! && letters.grams.length, 6);
  });
});

describe("the embedded encoder", () => {
  test("sums words to length 1", async () => {
    const vectors = await encoder.encode(["red shoe", "shoe RED red shoe"]);
    assert.deepEqual([...vectors], [0.6, 0.8, 0.6, 0.8].map(Math.fround));
  });

  test("gives zeros for a text that it knows nothing of", async () => {
    assert.deepEqual([...(await encoder.encode(["", "?!", "12"]))], [0, 0, 0, 0, 0, 0]);
    assert.equal((await encoder.encode([])).length, 0);
  });

  test("reads traditional characters as simplified ones", async () => {
    assert.deepEqual(await encoder.encode(["手機殼"]), await encoder.encode(["手机壳"]));
  });

  test("carries the identity of its table", () => {
    assert.deepEqual([encoder.name, encoder.version, encoder.width], ["small", "7", 2]);
  });

  test("opens from a Buffer that starts at any byte", async () => {
    const shifted = Buffer.alloc(bytes.length + 3);
    shifted.set(bytes, 3);
    const opened = new EmbeddedEncoder(WordTable.open(shifted.subarray(3)));
    assert.deepEqual(await opened.encode(["red shoe"]), await encoder.encode(["red shoe"]));
  });

  test("says what is wrong with a file that is not a whole table", async () => {
    const cases: [Uint8Array, RegExp][] = [
      [new Uint8Array(4), /does not begin/],
      [bytes.slice(0, -1), /bytes where its header promises/],
      [Uint8Array.from(bytes, (byte, i) => (i === 12 ? 0x78 : byte)), /not JSON/],
    ];
    for (const [broken, message] of cases) {
      assert.throws(
        () => WordTable.open(broken, "weights.bin"),
        (error) =>
          error instanceof EncoderError &&
          error.code === "BAD_WORD_TABLE" &&
          error.message.startsWith("weights.bin") &&
          message.test(error.message),
      );
    }
  });
});

describe("the table that comes with Magpie", () => {
  test("puts what means the same nearer than what does not, within and across languages", async () => {
    const embedded = await EmbeddedEncoder.open();
    const nearness = async (a: string, b: string): Promise<number> => {
      const { width } = embedded;
      const both = await embedded.encode([a, b]);
      return both.subarray(0, width).reduce((sum, value, d) => sum + value * both[width + d]!, 0);
    };
    const triples: [string, string, string][] = [
      ["running shoes", "sneakers for jogging", "frying pan"],
      ["cheap laptop", "affordable notebook computer", "red dress"],
      ["运动鞋", "跑步鞋", "平底锅"],
      ["手机壳", "手机保护套", "连衣裙"],
      ["shoes", "鞋", "锅"],
      ["冰箱", "refrigerator", "lipstick"],
    ];
    for (const [query, near, far] of triples) {
      const [a, b] = [await nearness(query, near), await nearness(query, far)];
      assert.ok(a > b + 0.1, `${query}: ${near} ${a.toFixed(2)}, ${far} ${b.toFixed(2)}`);
    }
  });
});
