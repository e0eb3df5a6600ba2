import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { EncoderError } from "../../text-encoder.ts";
import { Tokenizer } from "./tokenizer.ts";

const bert = {
  normalizer: { type: "BertNormalizer", lowercase: true },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "[CLS]", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "[SEP]", type_id: 0 } },
    ],
    special_tokens: { "[CLS]": { ids: [1] }, "[SEP]": { ids: [2] } },
  },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    vocab: {
      "[UNK]": 0,
      "[CLS]": 1,
      "[SEP]": 2,
      shoe: 3,
      "##s": 4,
      run: 5,
      "##ning": 6,
      "!": 7,
      鞋: 8,
    },
  },
};

describe("WordPiece", () => {
  const tokenizer = new Tokenizer(bert);

  test("takes the longest piece first, between the special tokens", () => {
    assert.deepEqual(tokenizer.encode("Running shoes!", 20), [1, 5, 6, 3, 4, 7, 2]);
  });

  test("folds case and accents, and parts Han letters", () => {
    assert.deepEqual(tokenizer.encode("SHOÉ鞋鞋", 20), [1, 3, 8, 8, 2]);
  });

  test("makes one unknown token of a word that pieces do not cover", () => {
    assert.deepEqual(tokenizer.encode("shoex", 20), [1, 0, 2]);
  });

  test("cuts what is too long and keeps the special tokens", () => {
    assert.deepEqual(tokenizer.encode("run run run run", 4), [1, 5, 5, 2]);
    assert.deepEqual(tokenizer.encode("", 4), [1, 2]);
  });
});

describe("Unigram", () => {
  const tokenizer = new Tokenizer({
    normalizer: { type: "Precompiled" },
    pre_tokenizer: { type: "Metaspace" },
    post_processor: { type: "RobertaProcessing", cls: ["<s>", 0], sep: ["</s>", 2] },
    model: {
      type: "Unigram",
      unk_id: 3,
      vocab: [
        ["<s>", 0],
        ["<pad>", 0],
        ["</s>", 0],
        ["<unk>", 0],
        ["▁run", -4],
        ["ning", -4],
        ["▁running", -9],
        ["▁", -3],
        ["鞋", -5],
        ["r", -6],
      ],
    },
  });

  test("takes the pieces whose scores sum to the most", () => {
    // ▁run + ning is -8, ▁running -9.
    assert.deepEqual(tokenizer.encode("running", 9), [0, 4, 5, 2]);
  });

  test("marks each word's space, and reads wide letters as usual ones", () => {
    assert.deepEqual(tokenizer.encode("ｒun  鞋", 9), [0, 4, 7, 8, 2]);
  });

  test("makes neighbouring unknown letters one token", () => {
    assert.deepEqual(tokenizer.encode("xyz", 9), [0, 7, 3, 2]);
  });
});

describe("byte-level BPE", () => {
  const vocab = {
    l: 0,
    o: 1,
    w: 2,
    e: 3,
    r: 4,
    lo: 5,
    low: 6,
    er: 7,
    Ġ: 8,
    Ġlow: 9,
    é: 10,
    Ã: 11,
    "©": 12,
  };
  const tokenizer = new Tokenizer({
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false },
    model: { type: "BPE", vocab, merges: ["l o", "lo w", "e r", ["Ġ", "low"]] },
  });

  test("joins pairs in the order they were learnt, with the space before a word", () => {
    assert.deepEqual(tokenizer.encode("lower low", 9), [6, 7, 9]);
  });

  test("reads letters beyond ASCII byte by byte", () => {
    assert.deepEqual(tokenizer.encode("é", 9), [11, 12]);
  });
});

test("another kind of tokenizer is refused with its name", () => {
  const refused: [unknown, RegExp][] = [
    [{ model: { type: "WordLevel", vocab: {} } }, /WordLevel/],
    [{ model: { type: "BPE", vocab: {}, merges: [] } }, /byte-level/],
    [{}, /no model/],
  ];
  for (const [file, message] of refused) {
    assert.throws(
      () => new Tokenizer(file),
      (error) =>
        error instanceof EncoderError &&
        error.code === "BAD_TOKENIZER" &&
        message.test(error.message),
    );
  }
});
