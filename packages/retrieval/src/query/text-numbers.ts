import type { PackableArray } from "../packed/packed-arrays.ts";

/** Full slots of a table, as a share of all. */
const load = 0.7;

/**
 * A number by a text, for texts that need not be read back: 64 bits of a hash stand for each, so that
 * an entry takes 8 bytes whatever its length (11.4 with the empty slots). A text that is not among a
 * million others is taken for one of them about once in 10⁹ questions.
 *
 *     checks  │ · │ 9f3c… │ 07a1… │ · │     second half of the hash; the first says where to look
 *     numbers │ 0 │   7   │   2   │ 0 │     number + 1; 0: empty
 */
export class TextNumbers {
  readonly #checks: Uint32Array;
  readonly #numbers: Uint32Array;

  private constructor(checks: Uint32Array, numbers: Uint32Array) {
    this.#checks = checks;
    this.#numbers = numbers;
  }

  /** Of equal texts, the first keeps its number. */
  static build(texts: TextNumberList): TextNumbers {
    const slots = Math.max(1, Math.ceil(texts.size / load));
    const table = new TextNumbers(new Uint32Array(slots), new Uint32Array(slots));
    texts.forEach((first, second, number) => table.#add(first, second, number));
    return table;
  }

  /** Opens what `arrays` gave. */
  static open(arrays: {
    readonly checks: Uint32Array;
    readonly numbers: Uint32Array;
  }): TextNumbers {
    return new TextNumbers(arrays.checks, arrays.numbers);
  }

  /** What a snapshot keeps. */
  arrays(): Readonly<Record<"checks" | "numbers", PackableArray>> {
    return { checks: this.#checks, numbers: this.#numbers };
  }

  /** Number of a text, or -1. */
  find(text: string): number {
    return this.#numbers[this.#slotOf(firstHashOf(text), secondHashOf(text))]! - 1;
  }

  #add(first: number, check: number, number: number): void {
    const slot = this.#slotOf(first, check);
    if (this.#numbers[slot] !== 0) return;
    this.#checks[slot] = check;
    this.#numbers[slot] = number + 1;
  }

  /** The slot of a hash, or the empty one where it would stand. */
  #slotOf(first: number, check: number): number {
    const slots = this.#numbers.length;
    let slot = first % slots;
    while (this.#numbers[slot] !== 0 && this.#checks[slot] !== check) slot = (slot + 1) % slots;
    return slot;
  }
}

/** Texts with their numbers, as hashes, to build a table of. */
export class TextNumberList {
  #hashes = new Uint32Array(3 * 64);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param number  0 or more */
  add(text: string, number: number): void {
    const at = 3 * this.#size++;
    if (at === this.#hashes.length) {
      const larger = new Uint32Array(2 * at);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[at] = firstHashOf(text);
    this.#hashes[at + 1] = secondHashOf(text);
    this.#hashes[at + 2] = number;
  }

  forEach(visit: (first: number, second: number, number: number) => void): void {
    for (let at = 0; at < 3 * this.#size; at += 3) {
      visit(this.#hashes[at]!, this.#hashes[at + 1]!, this.#hashes[at + 2]!);
    }
  }
}

/** The first 32 bits of the hash that stands for a text. */
export const firstHashOf = (text: string): number => hashOf(text, 0x811c9dc5);

/** The other 32 bits. */
export const secondHashOf = (text: string): number => hashOf(text, 0x2545f491);

/** FNV-1a over UTF-16 units, its bits mixed once more (Murmur's last step). */
function hashOf(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
