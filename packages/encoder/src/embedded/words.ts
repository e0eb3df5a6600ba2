import { Converter } from "opencc-js/t2cn";
import type { WordRows } from "./word-rows.ts";

/** A part of a text that has a vector: a word of the table, or the n-grams of an unknown one. */
export type Reading =
  | { readonly row: number; readonly share: number }
  | { readonly grams: readonly number[] };

/** Parts of a text that are read; what follows is passed over. */
const mostReadings = 256;
/** Longest word that is looked up in text without spaces. */
const longestHanWord = 6;
/** Cost of a character that the table does not have: above that of any word in it. */
const unknownCost = 20;
/** Shortest part of a word that is written together from two. */
const shortestPart = 3;

const runs = /\p{Script=Han}+|[a-z]+/gu;

const isHan = /\p{Script=Han}/u;
let simplified: ((text: string) => string) | undefined;

/** Words of the table are in simplified characters. The converter is made when first needed. */
function toSimplified(text: string): string {
  const convert = (simplified ??= Converter({ from: "twp", to: "cn" }));
  return convert(text);
}

/** What a text is read as, from its beginning. */
export function readingsOf(text: string, table: WordRows): Reading[] {
  const folded = foldText(isHan.test(text) ? toSimplified(text) : text);
  return readWords(folded, table).slice(0, mostReadings);
}

/** Lower case, width and accents settled: what words are looked up as. */
export function foldText(text: string): string {
  return text
    .normalize("NFKD")
    .replaceAll(/\p{Mn}/gu, "")
    .toLowerCase();
}

/**
 * Reads a folded text word by word. Han runs are cut into the words that are most likely together;
 * Latin words are looked up as they are, without an ending, as two written together, and last by
 * their letters. Numbers say little of what a thing is, and are passed over.
 */
export function readWords(text: string, table: WordRows): Reading[] {
  const readings: Reading[] = [];
  for (const [run] of text.matchAll(runs)) {
    if (/^[a-z]/.test(run)) readings.push(...readLatin(run, table));
    else for (const row of cutHan(run, table)) readings.push({ row, share: 1 });
  }
  return readings;
}

/**
 * The cut of a Han run whose words' costs sum to the least: Viterbi over ends.
 *
 *     best[end] = min over start of best[start] + cost(run[start..end])
 */
function cutHan(run: string, table: WordRows): number[] {
  const characters = [...run];
  const best = [0];
  const starts = [0];
  const rows = [-1];
  for (let end = 1; end <= characters.length; end++) {
    let cost = best[end - 1]! + unknownCost;
    let from = end - 1;
    let found = -1;
    let word = "";
    for (let start = end - 1; start >= Math.max(0, end - longestHanWord); start--) {
      word = characters[start]! + word;
      const row = table.rowOf(word);
      if (row === undefined) continue;
      const total = best[start]! + table.costOf(row);
      if (total < cost) [cost, from, found] = [total, start, row];
    }
    best.push(cost);
    starts.push(from);
    rows.push(found);
  }
  const cut: number[] = [];
  for (let end = characters.length; end > 0; end = starts[end]!) {
    if (rows[end]! >= 0) cut.push(rows[end]!);
  }
  return cut.reverse();
}

function readLatin(word: string, table: WordRows): Reading[] {
  const row = table.rowOf(word) ?? rowWithoutEnding(word, table);
  if (row !== undefined) return [{ row, share: 1 }];
  const parts = partsOf(word, table);
  if (parts !== undefined) return parts.map((part) => ({ row: part, share: 1 }));
  if (table.buckets === 0 || word.length < shortestPart) return [];
  return [{ grams: lettersOf(word).map((gram) => table.bucketOf(gram)) }];
}

function rowWithoutEnding(word: string, table: WordRows): number | undefined {
  for (const [ending, put] of [
    ["ies", "y"],
    ["es", ""],
    ["s", ""],
    ["ing", ""],
    ["ing", "e"],
    ["ed", ""],
    ["ed", "e"],
  ] as const) {
    if (word.length - ending.length < shortestPart || !word.endsWith(ending)) continue;
    const row = table.rowOf(word.slice(0, -ending.length) + put);
    if (row !== undefined) return row;
  }
  return undefined;
}

/** The two known words that a word is most likely written together from. */
function partsOf(word: string, table: WordRows): [number, number] | undefined {
  let parts: [number, number] | undefined;
  let least = Infinity;
  for (let at = shortestPart; at <= word.length - shortestPart; at++) {
    const [left, right] = [table.rowOf(word.slice(0, at)), table.rowOf(word.slice(at))];
    if (left === undefined || right === undefined) continue;
    const cost = table.costOf(left) + table.costOf(right);
    if (cost < least) [parts, least] = [[left, right], cost];
  }
  return parts;
}

/** Letter n-grams of a word between marks of its ends: three, four and five letters long. */
function lettersOf(word: string): string[] {
  const marked = `<${word}>`;
  const grams: string[] = [];
  for (const length of [3, 4, 5]) {
    for (let at = 0; at + length <= marked.length; at++) {
      grams.push(marked.slice(at, at + length));
    }
  }
  return grams;
}
