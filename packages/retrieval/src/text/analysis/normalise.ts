import { Converter } from "opencc-js/t2cn";

/** Taiwanese words become mainland ones too (滑鼠 → 鼠标), not only their characters. */
const toSimplified = Converter({ from: "twp", to: "cn" });

const han = /\p{Script=Han}/u;
const combiningMarks = /[\u0300-\u036f]/g;

/**
 * The form in which texts and queries meet: compatibility forms resolved (Ｎｉｋｅ → nike, ﬁ → fi),
 * lower case, accents off (é → e), traditional characters simplified (連衣裙 → 连衣裙).
 */
export function normaliseText(text: string): string {
  const folded = text.normalize("NFKC").toLowerCase();
  // Marks of other scripts, such as が = か + ゙, carry meaning and stay.
  const plain = /^[\p{ASCII}]*$/u.test(folded)
    ? folded
    : folded.normalize("NFD").replace(combiningMarks, "").normalize("NFC");
  return han.test(plain) ? toSimplified(plain) : plain;
}
