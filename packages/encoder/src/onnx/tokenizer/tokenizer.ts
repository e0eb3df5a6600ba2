import { EncoderError } from "../../text-encoder.ts";
import { BytePairs } from "./byte-pairs.ts";
import { Unigram } from "./unigram.ts";
import { WordPiece } from "./word-piece.ts";

/** The parts of a `tokenizer.json` that are read. */
interface TokenizerFile {
  readonly normalizer?: Part | null;
  readonly pre_tokenizer?: Part | null;
  readonly post_processor?: PostProcessor | null;
  readonly model: {
    readonly type?: string;
    readonly vocab: Readonly<Record<string, number>> | readonly (readonly [string, number])[];
    readonly unk_token?: string | null;
    readonly unk_id?: number | null;
    readonly continuing_subword_prefix?: string;
    readonly max_input_chars_per_word?: number;
    readonly merges?: readonly (string | readonly [string, string])[];
  };
}

interface Part {
  readonly type: string;
  readonly lowercase?: boolean;
  readonly strip_accents?: boolean | null;
  readonly add_prefix_space?: boolean;
  readonly prepend_scheme?: string;
  readonly normalizers?: readonly Part[];
  readonly pretokenizers?: readonly Part[];
}

interface PostProcessor {
  readonly type: string;
  readonly single?: readonly { readonly SpecialToken?: { readonly id: string } }[];
  readonly special_tokens?: Readonly<Record<string, { readonly ids: readonly number[] }>>;
  readonly cls?: readonly [string, number];
  readonly sep?: readonly [string, number];
  readonly processors?: readonly PostProcessor[];
}

/** How GPT-2's byte-level models part a text into words. */
const byteLevelWords = /'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const hanLetters = /(\p{Script=Han})/gu;
const bertWords = /[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~]+/gu;
/** Stands for a space in pieces of SentencePiece models. */
const spaceMark = "\u2581";

/** Turns texts into token ids as a Hugging Face `tokenizer.json` says. */
export class Tokenizer {
  readonly #normalise: (text: string) => string;
  readonly #words: (text: string) => readonly string[];
  readonly #idsOf: (word: string) => number[];
  readonly #before: readonly number[];
  readonly #after: readonly number[];

  /**
   * @param from  named in errors
   * @throws {EncoderError} `BAD_TOKENIZER` for another form than WordPiece, Unigram or byte-level BPE
   */
  constructor(file: unknown, from = "tokenizer.json") {
    const { normalizer, pre_tokenizer, post_processor, model } = checked(file, from);
    const parts = flat(normalizer, "normalizers");
    const kind = model.type ?? (model.merges === undefined ? "WordPiece" : "BPE");
    switch (kind) {
      case "WordPiece": {
        const ids = new Map(Object.entries(model.vocab as Record<string, number>));
        const pieces = new WordPiece(ids, ids.get(model.unk_token ?? "[UNK]") ?? 0, {
          prefix: model.continuing_subword_prefix ?? "##",
          longestWord: model.max_input_chars_per_word ?? 100,
        });
        this.#normalise = normaliserOf(parts);
        this.#words = (text) => text.replaceAll(hanLetters, " $1 ").match(bertWords) ?? [];
        this.#idsOf = (word) => pieces.idsOf(word);
        break;
      }
      case "Unigram": {
        const pieces = new Unigram(
          model.vocab as readonly (readonly [string, number])[],
          model.unk_id ?? 0,
        );
        this.#normalise = normaliserOf(parts);
        // One word per space, each with the mark of the space before it.
        this.#words = (text) =>
          text
            .split(/\s+/)
            .filter((word) => word !== "")
            .map((word) => spaceMark + word);
        this.#idsOf = (word) => pieces.idsOf(word);
        break;
      }
      case "BPE": {
        const before = flat(pre_tokenizer, "pretokenizers");
        const byteLevel = before.find(({ type }) => type === "ByteLevel");
        if (byteLevel === undefined) throw bad(from, "its BPE is not byte-level");
        const pairs = new BytePairs(
          new Map(Object.entries(model.vocab as Record<string, number>)),
          (model.merges ?? []).map((merge) =>
            typeof merge === "string" ? (merge.split(" ") as [string, string]) : merge,
          ),
        );
        this.#normalise = normaliserOf(parts);
        this.#words = (text) =>
          (byteLevel.add_prefix_space && !/^\s/.test(text) ? ` ${text}` : text).match(
            byteLevelWords,
          ) ?? [];
        this.#idsOf = (word) => pairs.idsOf(word);
        break;
      }
      default:
        throw bad(from, `its model is of type "${kind}"`);
    }
    [this.#before, this.#after] = specialTokens(post_processor ?? undefined);
  }

  /** @param maxTokens  ids at most, special ones included; what is beyond is cut off */
  encode(text: string, maxTokens: number): number[] {
    const room = maxTokens - this.#before.length - this.#after.length;
    const ids: number[] = [];
    for (const word of this.#words(this.#normalise(text))) {
      if (ids.length >= room) break;
      ids.push(...this.#idsOf(word));
    }
    return [...this.#before, ...ids.slice(0, Math.max(0, room)), ...this.#after];
  }
}

function checked(file: unknown, from: string): TokenizerFile {
  const model = (file as TokenizerFile | undefined)?.model;
  if (typeof model?.vocab !== "object" || model.vocab === null) {
    throw bad(from, "it has no model with a vocabulary");
  }
  return file as TokenizerFile;
}

/** The steps of a part, sequences opened. */
function flat(part: Part | null | undefined, key: "normalizers" | "pretokenizers"): Part[] {
  if (!part) return [];
  return part.type === "Sequence" ? (part[key] ?? []).flatMap((step) => flat(step, key)) : [part];
}

function normaliserOf(steps: readonly Part[]): (text: string) => string {
  const has = (type: string): boolean => steps.some((step) => step.type === type);
  const bert = steps.find(({ type }) => type === "BertNormalizer");
  const lower = has("Lowercase") || (bert !== undefined && bert.lowercase !== false);
  const accents = has("StripAccents") || (bert !== undefined && (bert.strip_accents ?? lower));
  // "Precompiled" is SentencePiece's own table, which is NFKC but for a few signs.
  const form = has("NFKC") || has("Precompiled") ? "NFKC" : "NFC";
  return (text) => {
    let normal = text.normalize(form);
    if (lower) normal = normal.toLowerCase();
    return accents ? normal.normalize("NFD").replaceAll(/\p{Mn}/gu, "") : normal;
  };
}

/** Ids before and after a text. */
function specialTokens(post: PostProcessor | undefined): [readonly number[], readonly number[]] {
  if (post?.type === "Sequence") {
    return specialTokens(post.processors?.find(({ type }) => type !== "ByteLevel"));
  }
  if (post?.cls !== undefined && post.sep !== undefined) return [[post.cls[1]], [post.sep[1]]];
  const single = post?.single ?? [];
  const text = single.findIndex(({ SpecialToken }) => SpecialToken === undefined);
  const idsOf = (parts: typeof single): number[] =>
    parts.flatMap(({ SpecialToken }) => post?.special_tokens?.[SpecialToken!.id]?.ids ?? []);
  return text < 0 ? [[], []] : [idsOf(single.slice(0, text)), idsOf(single.slice(text + 1))];
}

function bad(from: string, what: string): EncoderError {
  return new EncoderError(
    "BAD_TOKENIZER",
    `${from} cannot be used: ${what}.`,
    "Use a model with a WordPiece, Unigram or byte-level BPE tokenizer, or serve it behind an endpoint.",
  );
}
