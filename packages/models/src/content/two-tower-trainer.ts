import { setImmediate } from "node:timers/promises";
import type { HeldOut } from "@magpie/data";
import { TrainingError } from "@magpie/domain";
import {
  csrFromEntries,
  KernelMemory,
  seededRandom,
  type CsrMatrix,
  type MaskKey,
} from "@magpie/numerics";
import {
  Adam,
  adamDefaults,
  DenseParameters,
  LOSS,
  openSession,
  rowGradient,
  sizeOf,
  type AdamConfig,
  type Session,
  type Step,
  type TrainingGraph,
  type Values,
} from "@magpie/tensor";
import { likenessWithin, unitRows } from "./feature-likeness.ts";
import { FeatureSums } from "./feature-sums.ts";
import { learnInEpochs, ndcgOnValidation } from "../epoch-loop.ts";
import type { CurvePoint, TrainingContext, TrainingData } from "../model.ts";
import {
  emptyBatch,
  packedBatches,
  spansOf,
  type SequenceBatch,
  type Span,
} from "../sequence/sequence-batches.ts";
import { TowerEncoder, TowerScorer, type TowerWeights } from "./two-tower-encoder.ts";
import { initialiseTowers, twoTowerTraining, type TwoTowerConfig } from "./two-tower.ts";

const kind = "two-tower";

/** The features of the data, or none for every item. */
export function featuresOf({ train, itemFeatures }: TrainingData): CsrMatrix {
  const none = new Int32Array(0);
  const features = itemFeatures ?? csrFromEntries(train.itemCount + 1, 0, none, none);
  if (features.rows === train.itemCount + 1) return features;
  throw new TrainingError(
    "BAD_ITEM_FEATURES",
    `Item features have ${features.rows} rows for ${train.itemCount} items.`,
    "Give a row for every item, and an empty one for row 0.",
  );
}

/** All that a step reads and writes, and the step. */
export class TwoTowerTrainer {
  readonly #data: TrainingData;
  readonly #config: TwoTowerConfig;
  readonly #context: TrainingContext;
  readonly #features: CsrMatrix;
  readonly #adam: AdamConfig;
  readonly #kernels: KernelMemory;
  readonly #dense: DenseParameters;
  readonly #optimizer: Adam;
  readonly #sums: FeatureSums;
  readonly #batch: SequenceBatch;
  /** [all] items of the batch: pasts, targets, drawn ones. */
  readonly #items: Int32Array;
  readonly #useOwn: Uint8Array;
  readonly #sumValues: Float32Array;
  readonly #sumGradient: Float32Array;
  readonly #content: Float32Array | undefined;
  /** Likeness of the batch's past items (by their place) with its negatives, and with its targets. */
  readonly #likeness: Float32Array;
  readonly #targetLikeness: Float32Array;
  readonly #offsets: Float32Array;
  readonly #excluded: Uint8Array;
  readonly #noise: readonly { readonly mask: Float32Array; readonly rate: number }[];
  readonly #loss = new Float32Array(1);
  readonly #session: Session;
  readonly #step: Step;
  /** What was measured last, and the best of it. */
  #looked: TowerWeights | undefined;
  #best: TowerWeights | undefined;
  /** λ that was best at the last look. */
  #share = 2;
  /** Items with interactions in training: only they can be negatives. */
  readonly #known: Int32Array;
  /** [itemCount + 1] share of all interactions. */
  readonly #frequency: Float64Array;

  private constructor(
    data: TrainingData,
    config: TwoTowerConfig,
    context: TrainingContext,
    graph: TrainingGraph,
    session: Session,
  ) {
    const { train, content } = data;
    const { width, batchRows: rows, historyLimit: length, negatives } = config;
    const n = rows * length;
    const all = 2 * n + negatives;
    this.#data = data;
    this.#config = config;
    this.#context = context;
    this.#features = unitRows(featuresOf(data));
    this.#session = session;
    this.#adam = {
      ...adamDefaults,
      learningRate: config.learningRate,
      weightDecay: config.weightDecay,
    };
    const noise = graph.inputs.filter(({ role }) => role === "noise");
    this.#kernels = new KernelMemory(
      DenseParameters.bytesFor(graph.parameterCount) +
        FeatureSums.bytesFor(this.#features, width) +
        noise.reduce((sum, { shape }) => sum + KernelMemory.bytesFor(sizeOf(shape)), 0),
    );
    this.#dense = new DenseParameters(graph, this.#kernels);
    this.#optimizer = new Adam(this.#dense, this.#adam);
    this.#sums = new FeatureSums(this.#kernels, this.#features, width, this.#adam);
    this.#batch = emptyBatch(rows, length);
    this.#items = new Int32Array(all);
    this.#useOwn = new Uint8Array(all);
    this.#sumValues = new Float32Array(all * width);
    this.#sumGradient = new Float32Array(all * width);
    this.#content = content && new Float32Array(all * content.width);
    const likened = this.#features.columns > 0 ? n : 0;
    this.#likeness = new Float32Array(likened * (n + negatives));
    this.#targetLikeness = new Float32Array(likened * length);
    this.#offsets = new Float32Array(n + negatives);
    this.#excluded = new Uint8Array(n * (n + negatives));

    const counts = new Float64Array(train.itemCount + 1);
    for (const item of train.items) counts[item]!++;
    this.#frequency = counts.map((count) => count / Math.max(1, train.items.length));
    this.#known = Int32Array.from(counts.keys()).filter((item) => counts[item]! > 0);

    const inputs: Record<string, Values> = {
      sums: this.#sumValues,
      segments: this.#batch.segments,
      offsets: this.#offsets,
      excluded: this.#excluded,
      weights: this.#batch.weights,
      ...(this.#content && { content: this.#content }),
      ...(likened > 0 && { likeness: this.#likeness, targetLikeness: this.#targetLikeness }),
      ...this.#dense.inputs,
    };
    this.#noise = noise.map((input) => {
      const mask = this.#kernels.float32(sizeOf(input.shape));
      inputs[input.name] = mask;
      return { mask, rate: input.role === "noise" ? input.rate : 0 };
    });
    this.#step = session.bind(inputs, {
      [LOSS]: this.#loss,
      [rowGradient("sums")]: this.#sumGradient,
      ...this.#dense.outputs,
    });
    const shape = { contentWidth: content?.width ?? 0, hasFeatures: likened > 0 };
    initialiseTowers(config, shape, context.seed, this.#dense.weights);
    const random = seededRandom(context.seed, `${kind}/embeddings`);
    const deviation = 1 / Math.sqrt(width);
    const { weights } = this.#sums.table;
    const ownFrom = (this.#features.columns + 1) * width;
    // Features start as a random projection, which keeps cosines; the items' own small beside them, and
    // as large where an item has nothing else.
    for (let i = width; i < ownFrom; i++) weights[i] = deviation * random.normal();
    for (let item = 1; item <= train.itemCount; item++) {
      const scale = this.#isDescribed(item) ? 0.1 * deviation : deviation;
      const from = ownFrom - width + item * width;
      for (let i = from; i < from + width; i++) weights[i] = scale * random.normal();
    }
  }

  /** Compiles the step and takes all memory. */
  static async open(
    data: TrainingData,
    config: TwoTowerConfig,
    context: TrainingContext,
  ): Promise<TwoTowerTrainer> {
    const graph = twoTowerTraining(config, {
      rows: config.batchRows,
      length: config.historyLimit,
      contentWidth: data.content?.width ?? 0,
      hasFeatures: featuresOf(data).columns > 0,
    });
    const session = await openSession(graph, { threads: context.threads ?? 1 });
    return new TwoTowerTrainer(data, config, context, graph, session);
  }

  /**
   * Trains until validation stops improving, or the epochs or the time are used up.
   *
   * @throws {TrainingError} `NO_TRAINING_EXAMPLES` when no user has two items
   */
  async run(): Promise<{ weights: TowerWeights; curve: readonly CurvePoint[] }> {
    const { train, validation } = this.#data;
    const spans = spansOf(train, this.#config.historyLimit);
    if (spans.length === 0) {
      throw new TrainingError(
        "NO_TRAINING_EXAMPLES",
        `None of the ${train.userCount} users has two items in a row to learn from.`,
        "Import more events, or train a model that needs no order, such as popularity.",
      );
    }
    const curve = await learnInEpochs(
      {
        learn: (epoch) => this.#runEpoch(epoch, spans),
        look: validation && (() => this.#look(validation)),
        keep: () => (this.#best = this.#looked),
        onEpoch: ({ epoch }, metrics) =>
          this.#context.onProgress({
            stage: `${kind}/train`,
            done: epoch,
            total: this.#config.epochs,
            unit: "epochs",
            metrics,
          }),
      },
      this.#config,
      this.#context,
    );
    await this.#session.dispose();
    return { weights: this.#best ?? this.#weights(), curve };
  }

  async #runEpoch(
    epoch: number,
    spans: readonly Span[],
  ): Promise<{ readonly loss: number; readonly step: number }> {
    const { signal, seed } = this.#context;
    const random = seededRandom(seed, `${kind}/epoch/${epoch}`);
    let [loss, steps] = [0, 0];
    for (const targets of packedBatches(this.#data.train, spans, this.#batch, random)) {
      this.#fill(random.next, random.int, targets);
      for (const { mask, rate } of this.#noise) {
        const key: MaskKey = [random.uint32(), random.uint32()];
        this.#kernels.dropoutMask(mask, key, rate);
      }
      await this.#step.run();
      this.#optimizer.step();
      this.#sums.accumulate(this.#sumGradient);
      this.#sums.table.step();
      loss += this.#loss[0]!;
      steps++;
      await setImmediate();
      signal.throwIfAborted();
    }
    this.#sums.table.catchUp();
    return { loss: loss / steps, step: this.#optimizer.steps };
  }

  /** Fills what depends on the batch's items. */
  #fill(next: () => number, int: (bound: number) => number, targets: number): void {
    const { negatives, idDropout, featureDropout, logQ, batchRows, historyLimit } = this.#config;
    const n = batchRows * historyLimit;
    const { items: past, targets: own } = this.#batch;
    this.#items.set(past);
    this.#items.set(own, n);
    const known = this.#known;
    for (let k = 0; k < negatives; k++) this.#items[2 * n + k] = known[int(known.length)]!;
    this.#items.forEach((item, i) => {
      this.#useOwn[i] = next() < idDropout && this.#isDescribed(item) ? 0 : 1;
    });
    const isHeard = () => next() >= featureDropout;
    this.#sums.read(this.#items, this.#useOwn, this.#sumValues, isHeard);
    if (this.#features.columns > 0) this.#liken(n);
    const { content } = this.#data;
    if (content !== undefined) {
      this.#items.forEach((item, i) => {
        const from = item * content.width;
        this.#content!.set(content.vectors.subarray(from, from + content.width), i * content.width);
      });
    }
    // How often an item is expected among the batch's negatives.
    for (let k = 0; k < n + negatives; k++) {
      const expected = targets * this.#frequency[this.#items[n + k]!]! + negatives / known.length;
      this.#offsets[k] = expected > 0 ? -logQ * Math.log(expected) : 0;
    }
    const width = n + negatives;
    for (let i = 0; i < n; i++) {
      const target = own[i]!;
      for (let k = 0; k < width; k++) {
        const other = this.#items[n + k]!;
        this.#excluded[i * width + k] = other === target || other === 0 ? 1 : 0;
      }
    }
  }

  /** Fills the likeness of the batch's items. */
  #liken(n: number): void {
    const T = this.#config.historyLimit;
    const right = this.#items.subarray(n);
    likenessWithin(this.#features, this.#items.subarray(0, n), right, this.#likeness);
    // A row's targets are among its batch's negatives: question q's is in column r · T + q.
    for (let place = 0; place < n; place++) {
      const row = Math.floor(place / T);
      for (let q = 0; q < T; q++) {
        const at = (row * T + q) * T + (place % T);
        this.#targetLikeness[at] = this.#likeness[place * right.length + row * T + q]!;
      }
    }
  }

  /** Whether features or content say something of an item. */
  #isDescribed(item: number): boolean {
    const { offsets } = this.#features;
    if (offsets[item + 1]! > offsets[item]!) return true;
    const { content } = this.#data;
    if (content === undefined) return false;
    const from = item * content.width;
    return content.vectors.subarray(from, from + content.width).some((value) => value !== 0);
  }

  /** A copy of what was learnt. Items that training did not see have nothing of their own. */
  #weights(): TowerWeights {
    const { width } = this.#config;
    const embeddings = this.#sums.table.weights.slice();
    for (let item = 1; item <= this.#data.train.itemCount; item++) {
      const isOwnLearnt = this.#config.idDropout < 1 || !this.#isDescribed(item);
      if (this.#frequency[item]! > 0 && isOwnLearnt) continue;
      const from = (this.#features.columns + item) * width;
      embeddings.fill(0, from, from + width);
    }
    return {
      dense: this.#dense.weights.slice(),
      embeddings,
      features: this.#features,
      likenessShare: this.#config.likeness ?? undefined,
    };
  }

  /**
   * Measures the present weights on validation, with λ as it was best at the last look, half of it and
   * twice of it: training itself learns a λ for items that it knows by heart, which is far too small for
   * others (amazon-beauty: .23 where 4 is best for cold items).
   */
  async #look(validation: HeldOut): Promise<number> {
    const weights = this.#weights();
    this.#looked = weights;
    if (this.#features.columns === 0 || this.#config.likeness !== null) {
      return this.#validate(weights, validation);
    }
    let best = -Infinity;
    for (const share of [this.#share, this.#share / 2, this.#share * 2]) {
      const tried = { ...weights, likenessShare: share };
      const ndcgAt10 = await this.#validate(tried, validation);
      if (ndcgAt10 <= best) continue;
      best = ndcgAt10;
      this.#looked = tried;
    }
    this.#share = this.#looked.likenessShare ?? this.#share;
    return best;
  }

  async #validate(weights: TowerWeights, validation: HeldOut): Promise<number> {
    const { content } = this.#data;
    const encoder = new TowerEncoder(this.#config, weights, content?.width ?? 0);
    const scorer = new TowerScorer(encoder, await encoder.items(content));
    const ndcg = await ndcgOnValidation(scorer, validation, this.#config, {
      seenItems: "remove",
      signal: this.#context.signal,
    });
    await encoder.dispose();
    return ndcg;
  }
}
