import type { FieldConditions, FieldTest } from "@magpie/domain";
import { parameterError } from "./errors.ts";
import { fieldOf } from "./fields.ts";

/**
 * The dialect's four ways to restrict a search, all as our conditions: clauses that must hold, each
 * by one of its tests.
 *
 *     filters         "(brand:Acme OR brand:Zoom) AND NOT tags:sale AND price:10 TO 50"
 *     facetFilters    [["brand:Acme", "brand:Zoom"], "tags:-sale"]
 *     numericFilters  ["price>=10", "price<=50"]
 *     tagFilters      [["new", "sale"]]
 */

type Test = FieldTest;

const maxDepth = 2;

/** `facetFilters`: outer list all, inner lists any; `attribute:-value` is an exclusion. */
export function facetFilters(given: unknown): FieldConditions {
  return nested("facetFilters", given, (text) => facetTest("facetFilters", text));
}

/** `tagFilters`: like `facetFilters` of the tags. */
export function tagFilters(given: unknown): FieldConditions {
  return nested("tagFilters", given, (text) => facetTest("tagFilters", `_tags:${text}`));
}

/** `numericFilters`: "price>=10", "price:10 TO 50". */
export function numericFilters(given: unknown): FieldConditions {
  return nested("numericFilters", given, (text) => {
    const test = numericTest(text);
    if (test !== undefined) return test;
    throw parameterError(
      "numericFilters",
      `"${shorten(text)}" is no comparison`,
      'Write them like "price >= 10" or "price:10 TO 50".',
    );
  });
}

function nested(name: string, given: unknown, testOf: (text: string) => Test): FieldConditions {
  const outer = listOf(name, given);
  return outer.map((clause) => {
    const inner = Array.isArray(clause) ? clause : [clause];
    if (inner.length === 0) throw wrongList(name);
    return inner.map((text) => {
      if (typeof text === "string") return testOf(text);
      throw wrongList(name);
    });
  });
}

/** A list, JSON of one, or one text that stands alone. */
function listOf(name: string, given: unknown): readonly unknown[] {
  if (given === undefined || given === null || given === "") return [];
  if (Array.isArray(given)) return given;
  if (typeof given !== "string") throw wrongList(name);
  if (!given.trimStart().startsWith("[")) return [given];
  try {
    const parsed: unknown = JSON.parse(given);
    if (Array.isArray(parsed)) return parsed;
  } catch {
    // said below
  }
  throw wrongList(name);
}

function wrongList(name: string) {
  return parameterError(
    name,
    "must be a list of texts, or of lists of texts",
    `Write ["a:b", ["c:d", "c:e"]]: outer entries all hold, of an inner list one does.`,
  );
}

function facetTest(name: string, text: string): Test {
  const colon = text.indexOf(":");
  if (colon < 1 || colon === text.length - 1) {
    throw parameterError(name, `"${shorten(text)}" has no value`, 'Write "attribute:value".');
  }
  const attribute = unquote(text.slice(0, colon));
  const value = unquote(text.slice(colon + 1));
  const excluded = value.startsWith("-");
  // A leading minus that belongs to the value is escaped.
  const own = value.replace(/^(-|\\(?=-))/, "");
  return valueTest(attribute, own, excluded);
}

function valueTest(attribute: string, value: string, not: boolean): Test {
  const { field } = fieldOf(attribute);
  return { field, anyOf: [value], ...(not && { not }) };
}

const comparison = /^\s*("[^"]+"|'[^']+'|[^\s<>=!:"']+)\s*(<=|>=|!=|=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$/;
const range =
  /^\s*("[^"]+"|'[^']+'|[^\s<>=!:"']+)\s*:\s*(-?\d+(?:\.\d+)?)\s+TO\s+(-?\d+(?:\.\d+)?)\s*$/i;

/** undefined where the text is no comparison of a number. */
function numericTest(text: string): Test | undefined {
  if (text.length > 500) return undefined;
  const between = range.exec(text);
  if (between !== null) {
    const { field } = fieldOf(unquote(between[1]!));
    return { field, min: Number(between[2]), max: Number(between[3]) };
  }
  const parts = comparison.exec(text);
  if (parts === null) return undefined;
  const { field } = fieldOf(unquote(parts[1]!));
  const value = Number(parts[3]);
  switch (parts[2]) {
    case "<=":
      return { field, max: value };
    case ">=":
      return { field, min: value };
    case "<":
      return { field, max: neighbour(value, -1) };
    case ">":
      return { field, min: neighbour(value, 1) };
    case "!=":
      return { field, min: value, max: value, not: true };
    default:
      return { field, min: value, max: value };
  }
}

/** The nearest number above or below: bounds of ours are inclusive. */
function neighbour(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * Number.MIN_VALUE;
  const bits = new BigInt64Array(1);
  const number = new Float64Array(bits.buffer);
  number[0] = value;
  bits[0]! += BigInt(value > 0 ? direction : -direction);
  return number[0];
}

interface Token {
  readonly kind: "(" | ")" | "AND" | "OR" | "NOT" | "test";
  readonly text: string;
  /** Place in the string, from 0. */
  readonly at: number;
}

/** `filters`: tests joined by AND, OR and NOT; a group in parentheses joins by OR. */
export function parseFilters(text: string): FieldConditions {
  const tokens = tokensOf(text);
  if (tokens.length === 0) return [];
  let next = 0;
  const peek = (): Token | undefined => tokens[next];
  const wrong = (token: Token | undefined, what: string) =>
    parameterError(
      "filters",
      token === undefined ? `ends where ${what}` : `at ${token.at + 1}, ${what}`,
      "Join tests like brand:Acme or price > 10 by AND; join alternatives by OR within parentheses.",
    );

  /** One test, perhaps negated, or a group. */
  const term = (depth: number): Test[][] => {
    const token = peek();
    if (token?.kind === "NOT") {
      next++;
      const negated = peek();
      if (negated?.kind !== "test") throw wrong(negated, "NOT needs a single test after it");
      next++;
      const test = testOf(negated);
      return [[{ ...test, not: test.not !== true }]];
    }
    if (token?.kind === "(") {
      if (depth === maxDepth) throw wrong(token, "groups are nested too deeply");
      next++;
      const inner = expression(depth + 1);
      if (peek()?.kind !== ")") throw wrong(peek(), 'a ")" is missing');
      next++;
      return inner;
    }
    if (token?.kind !== "test") throw wrong(token, "a test is missing");
    next++;
    return [[testOf(token)]];
  };

  const expression = (depth: number): Test[][] => {
    const clauses = term(depth);
    let joined: "AND" | "OR" | undefined;
    for (let token = peek(); token?.kind === "AND" || token?.kind === "OR"; token = peek()) {
      if (joined !== undefined && joined !== token.kind) {
        throw wrong(token, "AND and OR are mixed without parentheses");
      }
      joined = token.kind;
      next++;
      const right = term(depth);
      if (joined === "AND") clauses.push(...right);
      else if (clauses.length === 1 && right.length === 1) clauses[0]!.push(...right[0]!);
      else throw wrong(token, "OR cannot join groups of ANDs");
    }
    return clauses;
  };

  const clauses = expression(0);
  if (next < tokens.length) throw wrong(peek(), "AND or OR is missing");
  return clauses;

  function testOf({ text: own, at }: Token): Test {
    const numeric = numericTest(own);
    if (numeric !== undefined) return numeric;
    const whole = /^"([^"]*)"$/.exec(own)?.[1] ?? /^'([^']*)'$/.exec(own)?.[1];
    // "attribute:value" may stand in quotes as a whole; a word alone is a tag.
    const test = whole !== undefined && whole.includes(":") ? whole : own;
    const colon = colonOf(test);
    if (colon === -1) {
      if (/[<>=!]/.test(test)) {
        throw parameterError(
          "filters",
          `at ${at + 1}, "${shorten(own)}" compares with what is no number`,
          "Compare words with attribute:value, numbers with attribute > 10.",
        );
      }
      return valueTest("_tags", unquote(test), false);
    }
    return facetTest(
      "filters",
      `${unquote(test.slice(0, colon))}:${unquote(test.slice(colon + 1))}`,
    );
  }
}

/** The colon between attribute and value: the first that does not stand in quotes. */
function colonOf(test: string): number {
  let quote = "";
  for (let i = 0; i < test.length; i++) {
    const letter = test[i]!;
    if (quote !== "") quote = letter === quote ? "" : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === ":") return i;
  }
  return -1;
}

/** Words up to AND, OR, NOT or a parenthesis are one test; quoted stretches are taken whole. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let start = -1;
  let end = -1;
  const flush = (): void => {
    if (start !== -1) tokens.push({ kind: "test", text: text.slice(start, end), at: start });
    start = -1;
  };
  let i = 0;
  while (i < text.length) {
    const letter = text[i]!;
    if (/\s/.test(letter)) {
      i++;
      continue;
    }
    if (letter === "(" || letter === ")") {
      flush();
      tokens.push({ kind: letter, text: letter, at: i });
      i++;
      continue;
    }
    const from = i;
    // A word, in which quotes may stand: brand:"Black & Decker"
    while (i < text.length && !/[\s()]/.test(text[i]!)) {
      const quote = text[i]!;
      const opens = (quote === '"' || quote === "'") && (i === from || /[:<>=]/.test(text[i - 1]!));
      i++;
      if (!opens) continue;
      const close = text.indexOf(quote, i);
      if (close === -1) {
        throw parameterError(
          "filters",
          `at ${i}, the quotation mark is never closed`,
          "Close it, or leave it out of words without spaces.",
        );
      }
      i = close + 1;
    }
    const word = text.slice(from, i);
    if (word === "AND" || word === "OR" || word === "NOT") {
      flush();
      tokens.push({ kind: word, text: word, at: from });
      continue;
    }
    if (start === -1) start = from;
    end = i;
  }
  flush();
  return tokens;
}

function unquote(text: string): string {
  const trimmed = text.trim();
  return /^"(.*)"$/s.exec(trimmed)?.[1] ?? /^'(.*)'$/s.exec(trimmed)?.[1] ?? trimmed;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
