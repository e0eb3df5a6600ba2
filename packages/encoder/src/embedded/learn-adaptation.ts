import { mean, meanInterval, seededRandom, type Interval, type Random } from "@magpie/numerics";
import { ShopAdaptation } from "./shop-adaptation.ts";
import type { WordRows } from "./word-rows.ts";
import type { WordTable } from "./word-table.ts";
import { foldText, readingsOf, readWords } from "./words.ts";

/** What a shop's words are learned from. */
export interface ShopExamples {
  /** What the encoder reads of each item. */
  readonly texts: readonly string[];
  /** Searches with what was taken after them, each once; `text` is a place in `texts`. */
  readonly pairs: readonly { readonly query: string; readonly text: number }[];
}

/** How the words are learned. */
export interface LearningConfig {
  readonly epochs: number;
  /** B: pairs per step; the texts of all others are what a query is not. */
  readonly batchSize: number;
  /** In parts of the mean squared length of the rows that are learned. */
  readonly learningRate: number;
  /** τ of InfoNCE. */
  readonly temperature: number;
  /** Share of the way back to the table's vector that a row goes with each step it takes. */
  readonly pull: number;
  /** Pairs of a part of a text and the whole of it, for each pair of a query and a text. */
  readonly ownTexts: number;
  /** Fewer queries than these teach nothing that can be measured. */
  readonly minQueries: number;
  /** An epoch looks at so many pairs at most. */
  readonly maxPairsPerEpoch: number;
}

/** Chosen on the validation queries of one simulated shop; see bench/encoder-adaptation.ts. */
export const learningDefaults: LearningConfig = {
  epochs: 6,
  batchSize: 128,
  learningRate: 0.005,
  temperature: 0.1,
  pull: 0.0005,
  ownTexts: 0.5,
  minQueries: 200,
  maxPairsPerEpoch: 20_000,
};

export interface LearningOptions extends Partial<LearningConfig> {
  readonly seed: number;
  /** Hears of each epoch; may throw to stop. */
  readonly onEpoch?: (epoch: number, epochs: number) => void;
}

/** What became of learning. */
export interface LearnedAdaptation {
  /** Absent when it is no better than the table as it is, or there was too little to learn from. */
  readonly bytes?: Uint8Array;
  /** Queries that were learned from, chosen by and measured on; none in two of them. */
  readonly queries: {
    readonly train: number;
    readonly validation: number;
    readonly heldOut: number;
  };
  /** MRR of the held-out queries among all texts; absent when there were too few queries. */
  readonly heldOut?: {
    readonly before: number;
    readonly after: number;
    readonly difference: Interval;
  };
  /** Why it is not used, where it is not. */
  readonly why?: string;
}

const shortestOwnWord = 3;
/** A word is a shop's own when it stands in so many texts. */
const leastOwnTexts = 3;
const maxOwnWords = 20_000;
/** Queries that are measured; more would cost time and hardly narrow the numbers. */
const maxMeasured = 500;
/** Texts that a query is ranked among, the right ones included. */
const maxRankedTexts = 20_000;

/**
 * Learns what words mean in a shop, as other vectors for rows of the table: contrastive, from searches
 * and the items taken after them, and from the shop's own texts.
 *
 *     s(text) = Σ_w share_w · E_w      v = s / ‖s‖      logit_ij = v(query_i) · v(text_j) / τ
 *     L = −1/B Σ_i ln softmax_j(logit_ij)[i]            over the B texts of a step
 *
 * Each row is drawn back to the table's vector with every step that it takes, so that words of few
 * examples stay nearly as they are. Words that the table lacks (brands, mostly) begin as what their
 * letters say. Queries are split by themselves, 70 : 15 : 15: the epoch is chosen on the second part, and
 * the third, which nothing has seen, decides whether the result is used: only when the 95 %
 * interval of the difference in MRR lies above 0.
 *
 * @see van den Oord et al. (2018), "Representation learning with contrastive predictive coding"
 */
export function learnAdaptation(
  table: WordTable,
  { texts, pairs }: ShopExamples,
  { seed, onEpoch = () => {}, ...given }: LearningOptions,
): LearnedAdaptation {
  const config = { ...learningDefaults, ...given };
  const split = splitQueries(pairs);
  const queries = {
    train: countQueries(split.train),
    validation: countQueries(split.validation),
    heldOut: countQueries(split.heldOut),
  };
  if (queries.train + queries.validation + queries.heldOut < config.minQueries) {
    return { queries, why: `fewer than ${config.minQueries} queries to learn from` };
  }
  const rows = new LearningRows(table, texts);
  const documents = texts.map((text) => rows.read(text));
  const readPairs = (part: ShopExamples["pairs"]): ReadPair[] =>
    part
      .map(({ query, text }) => ({ query: rows.read(query), text, key: query }))
      .filter(({ query, text }) => query.rows.length > 0 && documents[text]!.rows.length > 0);
  const train = readPairs(split.train);
  const random = seededRandom(seed, "encoder-adaptation");
  const measured = [split.validation, split.heldOut].map((part) =>
    measurementOf(readPairs(part), documents, random),
  );
  const [validation, heldOut] = [measured[0]!, measured[1]!];
  if (train.length < config.batchSize || heldOut.length < 2 || validation.length < 2) {
    return { queries, why: "too few searches whose words are known" };
  }
  const before = reciprocalRanks(heldOut, documents, rows);
  let best = { mrr: mean(reciprocalRanks(validation, documents, rows)), vectors: rows.copy() };
  const first = best;
  for (let epoch = 1; epoch <= config.epochs; epoch++) {
    onEpoch(epoch, config.epochs);
    trainEpoch(rows, train, documents, config, random);
    const mrr = mean(reciprocalRanks(validation, documents, rows));
    if (mrr > best.mrr) best = { mrr, vectors: rows.copy() };
    else if (mrr < first.mrr) break;
  }
  rows.restore(best.vectors);
  const after = reciprocalRanks(heldOut, documents, rows);
  const difference = meanInterval(after.map((value, i) => value - before[i]!));
  const report = { before: mean(before), after: mean(after), difference };
  if (!(difference.low > 0)) {
    return { queries, heldOut: report, why: "it finds held-out searches' items no better" };
  }
  return { queries, heldOut: report, bytes: rows.toBytes() };
}

/** Rows of a text, with how much of each. */
interface ReadText {
  readonly rows: Int32Array;
  readonly shares: Float32Array;
}

interface ReadPair {
  readonly query: ReadText;
  readonly text: number;
  readonly key: string;
}

/** A query that is measured, with the places of its right texts among those it is ranked with. */
interface MeasuredQuery {
  readonly query: ReadText;
  readonly right: ReadonlySet<number>;
  readonly among: Int32Array;
}

/** The vectors that are learned: of all rows that the shop's texts and queries may read. */
class LearningRows implements WordRows {
  readonly width: number;
  readonly buckets: number;
  readonly #table: WordTable;
  readonly #ownWords: readonly string[];
  readonly #ownRows: ReadonlyMap<string, number>;
  /** By row: place of its vector. */
  readonly #places = new Map<number, number>();
  readonly #rowsOfPlaces: number[] = [];
  #vectors = new Float32Array(0);
  #usual = new Float32Array(0);

  constructor(table: WordTable, texts: readonly string[]) {
    this.width = table.width;
    this.buckets = table.buckets;
    this.#table = table;
    this.#ownWords = ownWordsOf(texts, table);
    this.#ownRows = new Map(this.#ownWords.map((word, i) => [word, table.rows + i]));
  }

  get vectors(): Float32Array {
    return this.#vectors;
  }

  get usual(): Float32Array {
    return this.#usual;
  }

  get count(): number {
    return this.#rowsOfPlaces.length;
  }

  rowOf(word: string): number | undefined {
    return this.#table.rowOf(word) ?? this.#ownRows.get(word);
  }

  costOf(row: number): number {
    return row < this.#table.facts.words ? this.#table.costOf(row) : Infinity;
  }

  bucketOf(gram: string): number {
    return this.#table.bucketOf(gram);
  }

  addTo(sum: Float32Array, row: number, share = 1): void {
    const from = this.#places.get(row)! * this.width;
    for (let d = 0; d < sum.length; d++) sum[d]! += this.#vectors[from + d]! * share;
  }

  /** Reads a text, and makes room for rows that were not met before. */
  read(text: string): ReadText {
    const rows: number[] = [];
    const shares: number[] = [];
    for (const reading of readingsOf(text, this)) {
      if ("row" in reading) {
        rows.push(this.#placeOf(reading.row));
        shares.push(reading.share);
      } else {
        for (const row of reading.grams) {
          rows.push(this.#placeOf(row));
          shares.push(1 / reading.grams.length);
        }
      }
    }
    return { rows: Int32Array.from(rows), shares: Float32Array.from(shares) };
  }

  #placeOf(row: number): number {
    let place = this.#places.get(row);
    if (place === undefined) {
      place = this.#rowsOfPlaces.push(row) - 1;
      this.#places.set(row, place);
      const needed = (place + 1) * this.width;
      if (needed > this.#vectors.length) {
        this.#vectors = grown(this.#vectors, needed);
        this.#usual = grown(this.#usual, needed);
      }
      const vector = this.#usual.subarray(place * this.width, needed);
      if (row < this.#table.rows) this.#table.addTo(vector, row);
      else this.#addLetters(vector, this.#ownWords[row - this.#table.rows]!);
      this.#vectors.set(vector, place * this.width);
    }
    return place;
  }

  /** What the table reads a word of the shop as. */
  #addLetters(vector: Float32Array, word: string): void {
    for (const reading of readWords(word, this.#table)) {
      if ("row" in reading) this.#table.addTo(vector, reading.row, reading.share);
      else {
        const share = 1 / reading.grams.length;
        for (const row of reading.grams) this.#table.addTo(vector, row, share);
      }
    }
  }

  copy(): Float32Array {
    return this.#vectors.slice(0, this.count * this.width);
  }

  restore(vectors: Float32Array): void {
    this.#vectors.set(vectors);
  }

  toBytes(): Uint8Array {
    const changed: number[] = [];
    const own = new Map<string, number>();
    for (const [place, row] of this.#rowsOfPlaces.entries()) {
      if (row >= this.#table.rows) own.set(this.#ownWords[row - this.#table.rows]!, place);
      else if (this.#differs(place)) changed.push(place);
    }
    const places = [...changed, ...own.values()];
    const vectors = new Float32Array(places.length * this.width);
    for (const [i, place] of places.entries()) {
      const from = place * this.width;
      vectors.set(this.#vectors.subarray(from, from + this.width), i * this.width);
    }
    const rows = Int32Array.from(changed, (place) => this.#rowsOfPlaces[place]!);
    return ShopAdaptation.toBytes(this.#table, rows, [...own.keys()], vectors);
  }

  #differs(place: number): boolean {
    const from = place * this.width;
    for (let d = from; d < from + this.width; d++) {
      if (this.#vectors[d] !== this.#usual[d]) return true;
    }
    return false;
  }
}

/** Latin words of the texts that the table reads by their letters alone, the most frequent ones. */
function ownWordsOf(texts: readonly string[], table: WordTable): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of new Set(foldText(text).match(/[a-z]+/g))) {
      if (word.length < shortestOwnWord || table.rowOf(word) !== undefined) continue;
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return [...counts]
    .filter(([word, count]) => {
      const [reading] = count >= leastOwnTexts ? readWords(word, table) : [];
      return reading !== undefined && "grams" in reading;
    })
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, maxOwnWords)
    .map(([word]) => word);
}

/** One pass over the pairs, each with a text's own part now and then. */
function trainEpoch(
  rows: LearningRows,
  train: readonly ReadPair[],
  documents: readonly ReadText[],
  config: LearningConfig,
  random: Random,
): void {
  const { batchSize, ownTexts, maxPairsPerEpoch } = config;
  const order = random.shuffle(train.map((_, i) => i)).slice(0, maxPairsPerEpoch);
  const step = new ContrastiveStep(rows, config);
  const fromQueries = Math.max(1, Math.round(batchSize / (1 + ownTexts)));
  for (let from = 0; from + fromQueries <= order.length; from += fromQueries) {
    const used = new Set<number>();
    const batch: { query: ReadText; text: ReadText }[] = [];
    for (const i of order.slice(from, from + fromQueries)) {
      const { query, text } = train[i]!;
      if (used.has(text)) continue; // its own text would be among what a query is not
      used.add(text);
      batch.push({ query, text: documents[text]! });
    }
    for (let tries = 0; batch.length < batchSize && tries < batchSize; tries++) {
      const text = random.int(documents.length);
      if (used.has(text) || documents[text]!.rows.length < 4) continue;
      used.add(text);
      batch.push({ query: partOf(documents[text]!, random), text: documents[text]! });
    }
    if (batch.length > 1) step.take(batch);
  }
}

/** Two to four words that stand side by side in a text. */
function partOf({ rows, shares }: ReadText, random: Random): ReadText {
  const length = Math.min(rows.length, 2 + random.int(3));
  const from = random.int(rows.length - length + 1);
  return {
    rows: rows.subarray(from, from + length),
    shares: shares.subarray(from, from + length),
  };
}

/** Steps of gradient descent on InfoNCE, with the buffers that they share. */
class ContrastiveStep {
  readonly #rows: LearningRows;
  readonly #config: LearningConfig;
  readonly #gradients: Float32Array;
  readonly #isTouched: Uint8Array;
  /** Mean ‖row‖², so that a rate means the same for a table of longer vectors. */
  readonly #square: number;

  constructor(rows: LearningRows, config: LearningConfig) {
    this.#rows = rows;
    this.#config = config;
    this.#gradients = new Float32Array(rows.count * rows.width);
    this.#isTouched = new Uint8Array(rows.count);
    this.#square = dot(rows.usual, 0, rows.usual, 0, rows.count * rows.width) / rows.count;
  }

  take(batch: readonly { readonly query: ReadText; readonly text: ReadText }[]): void {
    const B = batch.length;
    const D = this.#rows.width;
    const { temperature } = this.#config;
    const queries = this.#encode(batch.map(({ query }) => query)); // [B, D]
    const texts = this.#encode(batch.map(({ text }) => text)); // [B, D]
    const toQueries = new Float32Array(B * D);
    const toTexts = new Float32Array(B * D);
    const logits = new Float64Array(B);
    for (let i = 0; i < B; i++) {
      let most = -Infinity;
      for (let j = 0; j < B; j++) {
        logits[j] = dot(queries.vectors, i * D, texts.vectors, j * D, D) / temperature;
        if (logits[j]! > most) most = logits[j]!;
      }
      let sum = 0;
      for (let j = 0; j < B; j++) sum += logits[j] = Math.exp(logits[j]! - most);
      for (let j = 0; j < B; j++) {
        // dL/dlogit = p − y
        const slope = (logits[j]! / sum - Number(i === j)) / (B * temperature);
        if (Math.abs(slope) < 1e-7) continue;
        for (let d = 0; d < D; d++) {
          toQueries[i * D + d]! += slope * texts.vectors[j * D + d]!;
          toTexts[j * D + d]! += slope * queries.vectors[i * D + d]!;
        }
      }
    }
    const touched: number[] = [];
    batch.forEach(({ query, text }, i) => {
      this.#back(query, queries, toQueries, i, touched);
      this.#back(text, texts, toTexts, i, touched);
    });
    this.#descend(touched, B);
  }

  #encode(texts: readonly ReadText[]): { vectors: Float32Array; lengths: Float64Array } {
    const D = this.#rows.width;
    const { vectors: from } = this.#rows;
    const vectors = new Float32Array(texts.length * D);
    const lengths = new Float64Array(texts.length);
    texts.forEach(({ rows, shares }, i) => {
      for (let k = 0; k < rows.length; k++) {
        const at = rows[k]! * D;
        for (let d = 0; d < D; d++) vectors[i * D + d]! += shares[k]! * from[at + d]!;
      }
      const length = Math.sqrt(dot(vectors, i * D, vectors, i * D, D)) || 1;
      lengths[i] = length;
      for (let d = 0; d < D; d++) vectors[i * D + d]! /= length;
    });
    return { vectors, lengths };
  }

  /** Adds what a text's slope says to the gradients of its rows: ds = (dv − (dv · v) v) / ‖s‖. */
  #back(
    { rows, shares }: ReadText,
    { vectors, lengths }: { readonly vectors: Float32Array; readonly lengths: Float64Array },
    slopes: Float32Array,
    i: number,
    touched: number[],
  ): void {
    const D = this.#rows.width;
    const along = dot(slopes, i * D, vectors, i * D, D);
    for (let d = 0; d < D; d++) {
      slopes[i * D + d] = (slopes[i * D + d]! - along * vectors[i * D + d]!) / lengths[i]!;
    }
    for (let k = 0; k < rows.length; k++) {
      const row = rows[k]!;
      if (this.#isTouched[row] === 0) {
        this.#isTouched[row] = 1;
        touched.push(row);
      }
      for (let d = 0; d < D; d++) {
        this.#gradients[row * D + d]! += shares[k]! * slopes[i * D + d]!;
      }
    }
  }

  #descend(touched: readonly number[], batch: number): void {
    const D = this.#rows.width;
    const { vectors, usual } = this.#rows;
    // Slopes are means over the batch; a word's own step is that of its own examples.
    const rate = this.#config.learningRate * this.#square * batch;
    const { pull } = this.#config;
    for (const row of touched) {
      this.#isTouched[row] = 0;
      for (let d = row * D; d < (row + 1) * D; d++) {
        const value = vectors[d]! - rate * this.#gradients[d]!;
        vectors[d] = value + pull * (usual[d]! - value);
        this.#gradients[d] = 0;
      }
    }
  }
}

/** Pairs by their query: which part a query is in depends on its words alone. */
function splitQueries(
  pairs: ShopExamples["pairs"],
): Record<"train" | "validation" | "heldOut", ShopExamples["pairs"][number][]> {
  const parts = { train: [], validation: [], heldOut: [] } as ReturnType<typeof splitQueries>;
  for (const pair of pairs) {
    let hash = 0x811c9dc5; // FNV-1a
    for (let i = 0; i < pair.query.length; i++) {
      hash = Math.imul(hash ^ pair.query.charCodeAt(i), 0x01000193);
    }
    const share = ((Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) % 100) / 100;
    parts[share < 0.7 ? "train" : share < 0.85 ? "validation" : "heldOut"].push(pair);
  }
  return parts;
}

const countQueries = (pairs: ShopExamples["pairs"]): number =>
  new Set(pairs.map(({ query }) => query)).size;

function measurementOf(
  pairs: readonly ReadPair[],
  documents: readonly ReadText[],
  random: Random,
): MeasuredQuery[] {
  const byQuery = Map.groupBy(pairs, ({ key }) => key);
  const keys = random.shuffle([...byQuery.keys()]).slice(0, maxMeasured);
  const right = new Set(keys.flatMap((key) => byQuery.get(key)!.map(({ text }) => text)));
  const others = documents.flatMap((_, text) => (right.has(text) ? [] : [text]));
  const room = Math.max(0, maxRankedTexts - right.size);
  const among = Int32Array.from([...right, ...random.shuffle(others).slice(0, room)]);
  return keys.map((key) => {
    const own = byQuery.get(key)!;
    return { query: own[0]!.query, right: new Set(own.map(({ text }) => text)), among };
  });
}

/** 1 / rank of the first right text of each query. */
function reciprocalRanks(
  measured: readonly MeasuredQuery[],
  documents: readonly ReadText[],
  rows: LearningRows,
): number[] {
  const D = rows.width;
  const among = measured[0]?.among ?? new Int32Array(0);
  const vectors = new Float32Array(among.length * D);
  among.forEach((text, place) => encodeInto(vectors, place * D, documents[text]!, rows));
  const query = new Float32Array(D);
  return measured.map((one) => {
    query.fill(0);
    encodeInto(query, 0, one.query, rows);
    let best = -Infinity;
    const scores = Float64Array.from(among, (text, place) => {
      const score = dot(query, 0, vectors, place * D, D);
      if (one.right.has(text) && score > best) best = score;
      return score;
    });
    let above = 0;
    let equal = 0;
    for (const score of scores) {
      if (score > best) above++;
      else if (score === best) equal++;
    }
    return 1 / (above + (equal + 1) / 2); // among equals, in the middle
  });
}

function encodeInto(
  into: Float32Array,
  at: number,
  { rows, shares }: ReadText,
  learned: LearningRows,
): void {
  const D = learned.width;
  for (let k = 0; k < rows.length; k++) {
    const from = rows[k]! * D;
    for (let d = 0; d < D; d++) into[at + d]! += shares[k]! * learned.vectors[from + d]!;
  }
  const length = Math.sqrt(dot(into, at, into, at, D)) || 1;
  for (let d = 0; d < D; d++) into[at + d]! /= length;
}

function dot(a: Float32Array, from: number, b: Float32Array, at: number, length: number): number {
  let sum = 0;
  for (let d = 0; d < length; d++) sum += a[from + d]! * b[at + d]!;
  return sum;
}

function grown(values: Float32Array<ArrayBuffer>, needed: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(Math.max(needed, 2 * values.length));
  larger.set(values);
  return larger;
}
