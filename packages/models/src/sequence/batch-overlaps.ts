import type { SequenceBatch } from "./sequence-batches.ts";

/**
 * Which items of a batch coincide: negatives with targets or with the past, targets with the past. A
 * softmax that counts the past item by item and the rest by sampling needs to know, or it would count
 * an item twice.
 */
export interface BatchOverlaps {
  /**
   * [R · T, K], to be added to logits: the correction of each negative, -1e9 where it is the position's
   * target or stands in its past.
   */
  readonly mask: Float32Array;
  /** [R · T]: 1 where the target stands in the past. */
  readonly repeats: Float32Array;
  /** [R · T] bool: the item stands earlier in the same past, too. */
  readonly duplicates: Uint8Array;
}

/** What leaves a pair out of a softmax. */
const left = -1e9;

/** Finds overlaps through lists of the places where an item occurs; made once, filled for each batch. */
export class OverlapFinder implements BatchOverlaps {
  readonly mask: Float32Array;
  readonly repeats: Float32Array;
  readonly duplicates: Uint8Array;
  /** Corrections that the mask holds now, and the pairs of it that are left out. */
  readonly #corrections: Float32Array;
  #excluded = new Int32Array(1_024);
  #excludedCount = 0;
  readonly #batch: SequenceBatch;
  readonly #negatives: Int32Array;
  /** Whether negatives in the past are excluded, besides the target. */
  readonly #pastToo: boolean;
  /** Per item: its last place as input and as target, + 1; 0 is none. Each place names the one before. */
  readonly #lastInput: Int32Array;
  readonly #lastTarget: Int32Array;
  readonly #inputBefore: Int32Array;
  readonly #targetBefore: Int32Array;

  constructor(batch: SequenceBatch, negatives: Int32Array, itemCount: number, pastToo: boolean) {
    const n = batch.items.length;
    this.#batch = batch;
    this.#negatives = negatives;
    this.#pastToo = pastToo;
    this.mask = new Float32Array(n * negatives.length);
    this.#corrections = new Float32Array(negatives.length);
    this.repeats = new Float32Array(n);
    this.duplicates = new Uint8Array(n);
    this.#lastInput = new Int32Array(itemCount + 1);
    this.#lastTarget = new Int32Array(itemCount + 1);
    this.#inputBefore = new Int32Array(n);
    this.#targetBefore = new Int32Array(n);
  }

  /**
   * Looks at what batch and negatives hold now.
   *
   * @param corrections  [K] added to the logits of each negative; default: 0
   */
  find(corrections?: Float32Array): void {
    const { items, targets } = this.#batch;
    this.#clear(corrections);
    for (let place = 0; place < items.length; place++) {
      const [item, target] = [items[place]!, targets[place]!];
      // Padding stands at the end of a row, with targets 0.
      if (target === 0) {
        this.duplicates[place] = 0;
        this.repeats[place] = 0;
        continue;
      }
      const before = this.#lastInput[item]!;
      this.duplicates[place] = before > 0 && this.#isPast(before - 1, place) ? 1 : 0;
      this.#inputBefore[place] = before;
      this.#lastInput[item] = place + 1;
      // The last place where the target was an input is in this past, or no place is.
      const seen = this.#lastInput[target]!;
      this.repeats[place] = seen > 0 && this.#isPast(seen - 1, place) ? 1 : 0;
      this.#targetBefore[place] = this.#lastTarget[target]!;
      this.#lastTarget[target] = place + 1;
    }
    const K = this.#negatives.length;
    this.#negatives.forEach((id, k) => {
      for (let at = this.#lastTarget[id]!; at > 0; at = this.#targetBefore[at - 1]!) {
        this.#exclude((at - 1) * K + k);
      }
      for (
        let at = this.#pastToo ? this.#lastInput[id]! : 0;
        at > 0;
        at = this.#inputBefore[at - 1]!
      ) {
        for (let place = at - 1; this.#isPast(at - 1, place); place++) {
          this.#exclude(place * K + k);
        }
      }
    });
    for (const id of items) this.#lastInput[id] = 0;
    for (const id of targets) this.#lastTarget[id] = 0;
  }

  #exclude(pair: number): void {
    this.mask[pair] = left;
    if (this.#excludedCount === this.#excluded.length) {
      const grown = new Int32Array(2 * this.#excludedCount);
      grown.set(this.#excluded);
      this.#excluded = grown;
    }
    this.#excluded[this.#excludedCount++] = pair;
  }

  /** Few pairs are left out, and corrections often stay the same: most of the mask need not be written. */
  #clear(corrections: Float32Array | undefined): void {
    const K = this.#negatives.length;
    if (corrections?.some((value, k) => value !== this.#corrections[k]) === true) {
      this.#corrections.set(corrections);
      for (let at = 0; at < this.mask.length; at += K) this.mask.set(corrections, at);
    } else {
      for (let i = 0; i < this.#excludedCount; i++) {
        const pair = this.#excluded[i]!;
        this.mask[pair] = this.#corrections[pair % K]!;
      }
    }
    this.#excludedCount = 0;
  }

  /** Whether `place` looks back at `past`: same row and segment, not before it. */
  #isPast(past: number, place: number): boolean {
    const { length, segments } = this.#batch;
    return (
      place < segments.length &&
      Math.floor(past / length) === Math.floor(place / length) &&
      segments[past] === segments[place]
    );
  }
}
