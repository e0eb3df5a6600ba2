import type { PackableArray } from "../packed/packed-arrays.ts";

/** A run of neighbouring keys, `from` included and `to` not. */
export interface KeyRange {
  readonly from: number;
  readonly to: number;
}

/** Keys that begin almost as typed. */
export interface NearRange extends KeyRange {
  readonly edits: number;
  /** Letters of the beginning that the keys share. */
  readonly length: number;
}

/** Texts in UTF-16, one after another: text `t` is `units[starts[t]]` to `units[starts[t + 1]]`. */
export interface PackedTexts {
  readonly units: Uint16Array;
  readonly starts: Uint32Array;
}

/** Packs texts as `PrefixTable` reads them. */
export function packTexts(texts: readonly string[]): PackedTexts {
  const starts = new Uint32Array(texts.length + 1);
  texts.forEach((text, i) => (starts[i + 1] = starts[i]! + text.length));
  const units = new Uint16Array(starts[texts.length]!);
  texts.forEach((text, t) => {
    for (let i = 0; i < text.length; i++) units[starts[t]! + i] = text.charCodeAt(i);
  });
  return { units, starts };
}

/** Steps that one search for misspelt beginnings may take, so that no input makes it slow. */
const maxSteps = 2_500;
const maxNearRanges = 64;

/**
 * Every beginning of many texts, each with the heaviest texts below it, in flat arrays.
 *
 * A key is a place in a text (its start, or the start of a later word), so that keys take 8 bytes
 * whatever their length. Keys stand in the order of what they read; a beginning is a run of them,
 * found by binary search, and the heaviest of a run come from a tree of maxima:
 *
 *     places  │ 0 │ 12 │ 3 │ 7 │     sorted by the text from there to its end
 *     targets │ 0 │  2 │ 0 │ 1 │     which text
 *     maxima  │ 2 │ 0 │ 2 │ … │      per pair, per four, per eight keys: the one of most weight
 *
 * `top` splits the run at its heaviest key again and again: k log n steps, whether the run has ten
 * keys or a million. Any prefix is answered exactly; no node has a list that was cut in advance.
 */
export class PrefixTable {
  readonly #texts: PackedTexts;
  readonly #targets: Uint32Array;
  readonly #places: Uint32Array;
  readonly #weights: Float32Array;
  readonly #maxima: Int32Array;
  readonly #leaves: number;

  private constructor(
    texts: PackedTexts,
    targets: Uint32Array,
    places: Uint32Array,
    weights: Float32Array,
  ) {
    this.#texts = texts;
    this.#targets = targets;
    this.#places = places;
    this.#weights = weights;
    this.#leaves = targets.length;
    this.#maxima = maximaOf(targets, weights);
  }

  /**
   * @param weights  of each text
   * @param startsOf  where in a text its keys begin; only at its start when absent
   */
  static build(
    texts: readonly string[],
    packed: PackedTexts,
    weights: Float32Array,
    startsOf: (text: string) => readonly number[] = () => [0],
  ): PrefixTable {
    const keys: { readonly key: string; readonly target: number; readonly place: number }[] = [];
    texts.forEach((text, target) => {
      for (const at of startsOf(text)) {
        if (at < text.length) {
          keys.push({ key: text.slice(at), target, place: packed.starts[target]! + at });
        }
      }
    });
    keys.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.target - b.target));
    return new PrefixTable(
      packed,
      Uint32Array.from(keys, ({ target }) => target),
      Uint32Array.from(keys, ({ place }) => place),
      weights,
    );
  }

  /** Opens what `arrays` gave. */
  static open(
    packed: PackedTexts,
    weights: Float32Array,
    arrays: { readonly targets: Uint32Array; readonly places: Uint32Array },
  ): PrefixTable {
    return new PrefixTable(packed, arrays.targets, arrays.places, weights);
  }

  /** What a snapshot keeps; the tree of maxima is made again when it is opened. */
  arrays(): Readonly<Record<"targets" | "places", PackableArray>> {
    return { targets: this.#targets, places: this.#places };
  }

  /** Keys. */
  get size(): number {
    return this.#leaves;
  }

  /** The keys that begin with `prefix`. */
  range(prefix: string): KeyRange {
    let run: KeyRange = { from: 0, to: this.#leaves };
    for (let depth = 0; depth < prefix.length && run.from < run.to; depth++) {
      run = this.#step(run, depth, prefix.charCodeAt(depth));
    }
    return run;
  }

  /** The keys that are `text`, to the end. */
  exactly(text: string): KeyRange {
    const { from, to } = this.range(text);
    return { from, to: this.#pastEnded(from, to, text.length) };
  }

  /**
   * Runs of keys whose beginning is within `maxEdits` typing errors of `prefix` (a letter left out,
   * put in, replaced, two swapped), those with fewer errors first. The first letter is taken as
   * typed, except that it may be swapped with the second. The run of the prefix itself is left out.
   *
   * Only beginnings that some key has are tried: where the keys branch into five letters, five are.
   */
  nearRanges(prefix: string, maxEdits: number): NearRange[] {
    return this.#near(prefix, maxEdits, false);
  }

  /**
   * The same for whole keys: runs of those that are within `maxEdits` typing errors of a text.
   *
   * @param accepts  asked for the first key of each run; others count as though they were not there
   */
  nearExactly(
    text: string,
    maxEdits: number,
    accepts: (key: number) => boolean = () => true,
  ): NearRange[] {
    return this.#near(text, maxEdits, true, accepts);
  }

  #near(
    typedText: string,
    maxEdits: number,
    areWhole: boolean,
    accepts: (key: number) => boolean = () => true,
  ): NearRange[] {
    const found = new Map<number, NearRange>();
    let [steps, most] = [0, 1];
    const take = (run: KeyRange, depth: number, edits: number): void => {
      if (edits === 0 || run.from >= run.to || !accepts(run.from)) return;
      const known = found.get(run.from);
      if (known === undefined || known.to < run.to || known.edits > edits) {
        found.set(run.from, { from: run.from, to: run.to, edits, length: depth });
      }
    };
    const walk = (run: KeyRange, depth: number, at: number, edits: number): void => {
      if (run.from >= run.to || ++steps > maxSteps || found.size >= maxNearRanges) return;
      if (at >= typedText.length) {
        if (!areWhole) return take(run, depth, edits);
        take({ from: run.from, to: this.#pastEnded(run.from, run.to, depth) }, depth, edits);
        if (edits >= most) return;
        for (const child of this.#children(run, depth)) walk(child, depth + 1, at, edits + 1);
        return;
      }
      const typed = typedText.charCodeAt(at);
      walk(this.#step(run, depth, typed), depth + 1, at + 1, edits);
      if (edits >= most) return;
      const next = at + 1 < typedText.length ? typedText.charCodeAt(at + 1) : -1;
      if (next >= 0 && next !== typed) {
        const first = this.#step(run, depth, next);
        walk(this.#step(first, depth + 1, typed), depth + 2, at + 2, edits + 1);
      }
      if (depth === 0) return;
      walk(run, depth, at + 1, edits + 1); // a letter too many was typed
      for (const child of this.#children(run, depth)) {
        if (child.unit !== typed) walk(child, depth + 1, at + 1, edits + 1); // another one
        walk(child, depth + 1, at, edits + 1); // one was left out
      }
    };
    for (; most <= maxEdits && found.size === 0; most++) {
      steps = 0;
      walk({ from: 0, to: this.#leaves }, 0, 0, 0);
    }
    return [...found.values()].sort((a, b) => a.edits - b.edits || a.from - b.from);
  }

  /**
   * The heaviest texts of a run, heaviest first, each once; equal weights in the order of texts.
   *
   * @param accepts  asked for each text; at most `limit` · 8 + 64 keys are looked at
   */
  top(run: KeyRange, limit: number, accepts: (target: number) => boolean = () => true): number[] {
    const taken = new Set<number>();
    const heap: { from: number; to: number; best: number }[] = [];
    const push = (from: number, to: number): void => {
      if (from < to) heapPush(heap, { from, to, best: this.#heaviest(from, to) }, this.#before);
    };
    push(run.from, run.to);
    for (let looked = limit * 8 + 64; looked > 0 && taken.size < limit; looked--) {
      const part = heapPop(heap, this.#before);
      if (part === undefined) break;
      const target = this.#targets[part.best]!;
      if (!taken.has(target) && accepts(target)) taken.add(target);
      push(part.from, part.best);
      push(part.best + 1, part.to);
    }
    return [...taken];
  }

  readonly #before = (a: { best: number }, b: { best: number }): boolean =>
    isHeavier(this.#targets, this.#weights, a.best, b.best);

  /** The key of most weight in a run that is not empty. */
  #heaviest(from: number, to: number): number {
    let best = -1;
    let low = from + this.#leaves;
    let high = to + this.#leaves;
    const take = (node: number): void => {
      const key = node >= this.#leaves ? node - this.#leaves : this.#maxima[node]!;
      if (best < 0 || isHeavier(this.#targets, this.#weights, key, best)) best = key;
    };
    while (low < high) {
      if ((low & 1) === 1) take(low++);
      if ((high & 1) === 1) take(--high);
      low >>= 1;
      high >>= 1;
    }
    return best;
  }

  /** UTF-16 unit of a key at a depth; -1 past its end. */
  #unit(key: number, depth: number): number {
    const at = this.#places[key]! + depth;
    return at < this.#texts.starts[this.#targets[key]! + 1]! ? this.#texts.units[at]! : -1;
  }

  /** First key of the run whose unit at `depth` is `least` or more. */
  #lower(from: number, to: number, depth: number, least: number): number {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#unit(middle, depth) < least) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #pastEnded(from: number, to: number, depth: number): number {
    return this.#lower(from, to, depth, 0);
  }

  #step({ from, to }: KeyRange, depth: number, unit: number): KeyRange {
    if (from >= to) return { from, to: from };
    const low = this.#lower(from, to, depth, unit);
    return { from: low, to: this.#lower(low, to, depth, unit + 1) };
  }

  *#children(run: KeyRange, depth: number): Generator<KeyRange & { readonly unit: number }> {
    let from = this.#pastEnded(run.from, run.to, depth);
    while (from < run.to) {
      const unit = this.#unit(from, depth);
      const to = this.#lower(from, run.to, depth, unit + 1);
      yield { from, to, unit };
      from = to;
    }
  }
}

function isHeavier(targets: Uint32Array, weights: Float32Array, a: number, b: number): boolean {
  const [first, second] = [targets[a]!, targets[b]!];
  const difference = weights[first]! - weights[second]!;
  return difference > 0 || (difference === 0 && (first < second || (first === second && a < b)));
}

/** Node i covers nodes 2i and 2i + 1; nodes from `targets.length` on are the keys themselves. */
function maximaOf(targets: Uint32Array, weights: Float32Array): Int32Array {
  const leaves = targets.length;
  const maxima = new Int32Array(Math.max(1, leaves));
  for (let node = leaves - 1; node > 0; node--) {
    const child = 2 * node;
    const left = child >= leaves ? child - leaves : maxima[child]!;
    const right = child + 1 >= leaves ? child + 1 - leaves : maxima[child + 1]!;
    maxima[node] = isHeavier(targets, weights, left, right) ? left : right;
  }
  return maxima;
}

function heapPush<T>(heap: T[], value: T, before: (a: T, b: T) => boolean): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(value, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = value;
}

function heapPop<T>(heap: T[], before: (a: T, b: T) => boolean): T | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return first;
}
