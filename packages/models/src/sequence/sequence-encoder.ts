import type { History } from "@magpie/domain";
import { openSession, sizeOf, type Session, type Step, type Values } from "@magpie/tensor";
import { FloatItems, type ItemTable } from "./item-table.ts";
import { itemsOfPast } from "./score-by-scan.ts";
import { learnsRepeats, type SequenceConfig } from "./sequence-config.ts";
import {
  countingGraph,
  encodingGraph,
  parametersOf,
  repeatBiasOf,
  scoringGraph,
  readsTimes,
} from "./sequence-graphs.ts";
import { fillTimeGaps } from "./sequence-times.ts";

/** Weights that encoding reads. They may change between calls: arrays are bound, not copied. */
export interface SequenceWeights {
  /** Dense weights, as `parametersOf` lays them out. */
  readonly dense: Float32Array;
  /** [items + 1, D]: items as input. */
  readonly inputItems: Float32Array;
  /** [items + 1, D]: items as output; the same array when tied. */
  readonly outputItems: Float32Array;
}

/** How an encoder computes, where it is not in single precision from a table of floats. */
export interface EncoderOptions {
  readonly threads?: number;
  /** Multiply with the network's matrices in 8 bits. The weights are then read once, when a graph opens. */
  readonly int8?: boolean;
  /** Items as input, in place of `SequenceWeights.inputItems`. */
  readonly inputs?: ItemTable;
}

interface Encoding {
  readonly step: Step;
  readonly session: Session;
  readonly rows: Float32Array;
  readonly positions: Int32Array;
  /** [batch, length, length]; empty where the network does not ask for times. */
  readonly timeGaps: Int32Array;
  readonly last: Int32Array;
  readonly user: Float32Array;
}

/** The graph that counts, and its arrays: see `countingGraph`. */
interface Counting {
  readonly step: Step;
  readonly session: Session;
  readonly users: Float32Array;
  readonly targets: Int32Array;
  readonly bonus: Float32Array;
  readonly pasts: Int32Array;
  readonly score: Float32Array;
  readonly above: Float32Array;
  readonly alike: Float32Array;
  readonly pastScores: Float32Array;
}

/** Users whose places are counted at once. */
const countingBatch = 64;

/** Batch sizes that graphs are compiled for. */
const batchSizes = [64, 16, 4, 1] as const;

/**
 * Turns pasts into user vectors. Graphs have static shapes, so there is one per batch size and length
 * (powers of two up to the limit), opened when first needed: short pasts, which most are, cost little.
 */
export class SequenceEncoder {
  readonly #config: SequenceConfig;
  readonly #weights: SequenceWeights;
  readonly #threads: number;
  readonly #int8: boolean;
  readonly #inputs: ItemTable;
  readonly #encodings = new Map<string, Promise<Encoding>>();
  readonly #scorings = new Map<number, Promise<Session>>();
  #counting: Promise<Counting> | undefined;
  /** Runs one call after the other: graphs share their arrays between calls. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(config: SequenceConfig, weights: SequenceWeights, options: EncoderOptions = {}) {
    const { threads = 1, int8 = false } = options;
    this.#config = config;
    this.#weights = weights;
    this.#threads = threads;
    this.#int8 = int8;
    this.#inputs = options.inputs ?? new FloatItems(weights.inputItems, config.width);
  }

  /** Opens the graphs of requests and explanations, about 15 ms each, so that none waits for them. */
  async warmUp(): Promise<void> {
    for (const batch of [1, 4, 16]) {
      for (const length of this.#lengths()) await this.#encoding(batch, length);
    }
  }

  /** Encodes B pasts → [B, D]. Items that came after the training are left out; no items give zeros. */
  encode(histories: readonly History[], out: Float32Array): Promise<void> {
    return this.#inTurn(() => this.#encode(histories, out));
  }

  /**
   * Scores all items for B pasts → [B, items + 1]: inner products, and the repeat bias on items of the past.
   * Column 0 is -Infinity.
   */
  async score(histories: readonly History[], out: Float32Array): Promise<void> {
    const { width, historyLimit } = this.#config;
    const users = new Float32Array(histories.length * width);
    await this.encode(histories, users);
    await this.#multiply(users, out);
    const rows = this.#weights.outputItems.length / width;
    const bias = repeatBiasOf(this.#config, this.#weights.dense);
    histories.forEach((history, user) => {
      for (const item of itemsOfPast(history, historyLimit, rows - 1)) {
        out[user * rows + item]! += bias;
      }
      out[user * rows] = -Infinity;
    });
  }

  /**
   * What `score` would place above one item of each past, and beside it: see `Scorer.countAbove`.
   *
   * The graph counts by inner products. Items of the past are set right afterwards, as their repeat bias
   * may lift them over the target or below it.
   */
  async countAbove(
    histories: readonly History[],
    items: Int32Array,
    above: Int32Array,
    alike: Int32Array,
  ): Promise<void> {
    const { width, historyLimit } = this.#config;
    const vectors = new Float32Array(histories.length * width);
    await this.encode(histories, vectors);
    const bias = repeatBiasOf(this.#config, this.#weights.dense);
    const rows = this.#weights.outputItems.length / width;
    await this.#inTurn(async () => {
      this.#counting ??= this.#openCounting(rows);
      const { step, users, targets, bonus, pasts, score, pastScores, ...counts } =
        await this.#counting;
      const length = pasts.length / countingBatch;
      for (let at = 0; at < histories.length; at += countingBatch) {
        const count = Math.min(countingBatch, histories.length - at);
        users.set(vectors.subarray(at * width, (at + count) * width));
        const known: number[][] = [];
        for (let i = 0; i < count; i++) {
          const target = items[at + i]!;
          targets[i] = target - 1;
          if (length === 0) continue;
          const own = itemsOfPast(histories[at + i]!, historyLimit, rows - 1);
          known.push(own);
          bonus[i] = own.includes(target) ? bias : 0;
          own.forEach((item, place) => (pasts[i * length + place] = item - 1));
        }
        await step.run();
        for (let i = 0; i < count; i++) {
          above[at + i] = counts.above[i]!;
          alike[at + i] = counts.alike[i]!;
          known[i]?.forEach((_, place) => {
            const plain = pastScores[i * length + place]!;
            const lifted = Math.fround(plain + bias);
            above[at + i]! += Number(lifted > score[i]!) - Number(plain > score[i]!);
            alike[at + i]! += Number(lifted === score[i]!) - Number(plain === score[i]!);
          });
        }
      }
    });
  }

  /** [B, D] users → [B, items + 1] inner products. */
  #multiply(users: Float32Array, out: Float32Array): Promise<void> {
    return this.#inTurn(async () => {
      const { width } = this.#config;
      const rows = this.#weights.outputItems.length / width;
      const count = users.length / width;
      for (let at = 0; at < count;) {
        const batch = batchSizes.find((size) => size <= count - at)!;
        const session = await this.#scoring(batch, rows);
        const bound = session.bind(
          {
            users: users.subarray(at * width, (at + batch) * width),
            items: this.#weights.outputItems,
          },
          { scores: out.subarray(at * rows, (at + batch) * rows) },
        );
        await bound.run();
        at += batch;
      }
    });
  }

  async dispose(): Promise<void> {
    const opened = [...this.#encodings.values()].map(async (encoding) => (await encoding).session);
    for (const session of [...opened, ...this.#scorings.values()]) await (await session).dispose();
    await (await this.#counting)?.session.dispose();
    this.#encodings.clear();
    this.#scorings.clear();
    this.#counting = undefined;
  }

  async #encode(histories: readonly History[], out: Float32Array): Promise<void> {
    const { width, historyLimit } = this.#config;
    const isKnown = (item: number): boolean => item > 0 && item < this.#inputs.rows;
    // Pasts of like length go together: sorted by length, cut into batches.
    const order = histories
      .map(({ items, timestampsMs }, user) => {
        const isWhole = items.every(isKnown);
        const known = isWhole ? items : items.filter(isKnown);
        const times = isWhole ? timestampsMs : timestampsMs?.filter((_, i) => isKnown(items[i]!));
        return {
          user,
          items: known.subarray(-historyLimit),
          timesMs: times?.subarray(-historyLimit),
        };
      })
      .sort((a, b) => b.items.length - a.items.length);
    const filled = order.filter(({ items }) => items.length > 0);
    for (const { user } of order.slice(filled.length)) {
      out.fill(0, user * width, (user + 1) * width);
    }
    for (let at = 0; at < filled.length;) {
      // The largest batch that is more than half full; rows beyond the pasts hold what they held.
      const left = filled.length - at;
      const batch = batchSizes.find((size) => size < 2 * left)!;
      const count = Math.min(batch, left);
      const length = this.#lengths().find((limit) => limit >= filled[at]!.items.length)!;
      const { step, rows, positions, timeGaps, last, user } = await this.#encoding(batch, length);
      for (let i = 0; i < count; i++) {
        const { items, timesMs } = filled[at + i]!;
        items.forEach((item, place) => {
          this.#inputs.copyRow(item, rows, (i * length + place) * width);
          positions[i * length + place] = items.length - 1 - place;
        });
        if (timeGaps.length > 0) {
          const own = timeGaps.subarray(i * length * length, (i + 1) * length * length);
          // Without times all items count as of one moment.
          if (timesMs === undefined) own.fill(0);
          else fillTimeGaps(timesMs, own, length);
        }
        last[i] = i * length + items.length - 1;
      }
      await step.run();
      for (let i = 0; i < count; i++) {
        const vector = user.subarray(i * width, (i + 1) * width);
        out.set(vector, filled[at + i]!.user * width);
      }
      at += count;
    }
  }

  /** 4, 8, 16, … up to the limit itself. */
  #lengths(): number[] {
    const { historyLimit } = this.#config;
    const lengths: number[] = [];
    for (let length = 4; length < historyLimit; length *= 2) lengths.push(length);
    return [...lengths, historyLimit];
  }

  #encoding(batch: number, length: number): Promise<Encoding> {
    const key = `${batch}x${length}`;
    let opening = this.#encodings.get(key);
    if (opening === undefined) {
      opening = this.#open(batch, length);
      this.#encodings.set(key, opening);
    }
    return opening;
  }

  async #open(batch: number, length: number): Promise<Encoding> {
    const { width } = this.#config;
    const network: Record<string, Float32Array> = {};
    for (const { name, shape, offset } of parametersOf(this.#config)) {
      network[name] = this.#weights.dense.subarray(offset, offset + sizeOf(shape));
    }
    const graph = encodingGraph(
      this.#config,
      batch,
      length,
      this.#int8 ? { int8: true, weights: network } : {},
    );
    const session = await openSession(graph, { threads: this.#threads });
    const rows = new Float32Array(batch * length * width);
    const positions = new Int32Array(batch * length);
    const gaps = readsTimes(this.#config) ? batch * length * length : 0;
    const timeGaps = new Int32Array(gaps);
    const last = new Int32Array(batch);
    const user = new Float32Array(batch * width);
    const inputs: Record<string, Values> = {
      items: rows,
      positions,
      timeGaps,
      last,
      ...(!this.#int8 && network),
    };
    return { session, step: session.bind(inputs, { user }), rows, positions, timeGaps, last, user };
  }

  #scoring(batch: number, rows: number): Promise<Session> {
    let opening = this.#scorings.get(batch);
    if (opening === undefined) {
      const graph = scoringGraph(this.#config.width, batch, rows);
      opening = openSession(graph, { threads: this.#threads });
      this.#scorings.set(batch, opening);
    }
    return opening;
  }

  /** @param rows  of the table of items, that of the padding included */
  async #openCounting(rows: number): Promise<Counting> {
    const { width, historyLimit } = this.#config;
    const length = learnsRepeats(this.#config) ? historyLimit : 0;
    const graph = countingGraph(width, countingBatch, rows - 1, length);
    const session = await openSession(graph, { threads: this.#threads });
    const floats = (columns: number) => new Float32Array(countingBatch * columns);
    const given = {
      users: floats(width),
      targets: new Int32Array(countingBatch),
      bonus: floats(1),
      pasts: new Int32Array(countingBatch * length),
    };
    const found = {
      score: floats(1),
      above: floats(1),
      alike: floats(1),
      pastScores: floats(length),
    };
    const items = this.#weights.outputItems.subarray(width);
    return { session, step: session.bind({ ...given, items }, found), ...given, ...found };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }
}
