import { Converter } from "opencc-js/t2cn";

/** Taiwanese words become mainland ones too (滑鼠 → 鼠标), not only their characters. */
const toSimplified = Converter({ from: "twp", to: "cn" });

const han = /\p{Script=Han}/u;
// eslint-disable-next-line no-control-regex
const ascii = /^[\0-\x7f]*$/;
const combiningMarks = /[\u0300-\u036f]/g;
/** Letters that keep their form when accents are taken off, and how they are written without them. */
const plainLetters: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  đ: "d",
  ð: "d",
  ł: "l",
  þ: "th",
  ı: "i",
};
const otherLetters = /[ßæœøđðłþı]/g;

/** Accents off, and letters of European alphabets in their plain form. Marks of others stay. */
const withoutAccents = (text: string): string =>
  text
    .normalize("NFD")
    .replace(combiningMarks, "")
    .normalize("NFC")
    .replace(otherLetters, (letter) => plainLetters[letter]!);

/**
 * The form in which texts and queries meet: compatibility forms resolved (Ｎｉｋｅ → nike, ﬁ → fi),
 * lower case, accents off (é → e, ß → ss), traditional characters simplified (連衣裙 → 连衣裙).
 */
export function normaliseText(text: string): string {
  if (ascii.test(text)) return text.toLowerCase();
  const folded = text.normalize("NFKC").toLowerCase();
  // Marks of other scripts, such as が = か + ゙, carry meaning and stay.
  const plain = ascii.test(folded) ? folded : withoutAccents(folded);
  return han.test(plain) ? toSimplified(plain) : plain;
}

const strayMarks = /(?<![\p{L}\p{N}\p{M}])[\u0300-\u036f]+/gu;

/** Drops accents that stand on nothing, so that they part no word: the normal form has none. */
export function withoutStrayMarks(text: string): string {
  return text.replace(strayMarks, "");
}

/** A normal form with the places in the original that its characters come from. */
export interface TracedText {
  readonly text: string;
  /** [text.length + 1]: where in the original the character at each place begins. */
  readonly origins: Int32Array;
}

const clusters = /\P{M}\p{M}*|\p{M}+/gu;

/**
 * The normal form of a text, traced back character by character: ﬁ begins where f and i of "fi" do.
 * Where words change their length between traditional and simplified, characters are converted one
 * by one, so that places stay right.
 */
export function traceText(original: string): TracedText {
  const pieces: string[] = [];
  const places: number[] = [];
  for (const { 0: cluster, index } of original.matchAll(clusters)) {
    const piece = withoutAccents(cluster.normalize("NFKC").toLowerCase());
    pieces.push(piece);
    for (let i = 0; i < piece.length; i++) places.push(index);
  }
  places.push(original.length);
  let text = pieces.join("");
  if (han.test(text)) {
    const converted = toSimplified(text);
    text =
      converted.length === text.length
        ? converted
        : Array.from(text, (character) => {
            const one = toSimplified(character);
            return one.length === character.length ? one : character;
          }).join("");
  }
  return { text, origins: Int32Array.from(places) };
}
