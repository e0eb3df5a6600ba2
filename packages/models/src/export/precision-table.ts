import type { HeldOut } from "@magpie/data";
import type { History, Scorer, VectorScorer, WorkContext } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { pairedDifference, type PairedDifference } from "@magpie/numerics";
import type { PrecisionLoss } from "../model-files.ts";
import type { TrainedModel } from "../model.ts";
import type { Int8SequenceModel } from "../sequence/int8-sequence-model.ts";
import { QuantisedScorer, type Precision } from "./quantised-scorer.ts";
import { SequenceModel } from "../sequence/sequence-model.ts";

/** One way to serve a model: what it takes and what it gives. */
export interface PrecisionRow {
  readonly precision: Precision;
  readonly bytes: number;
  /** Median milliseconds: one past to its vector. */
  readonly encodeMs: number;
  /** Median milliseconds: a vector's products with all items. */
  readonly scanMs: number;
  readonly ndcgAt10: number;
  /** Of the cases' NDCG@10, this row minus single precision; absent for that itself. */
  readonly change?: PairedDifference;
  /** True where no other row is as small, as fast and as good, and better in one of them. */
  readonly isOnFront: boolean;
}

/**
 * Measures a model in single precision and in 8 bits on held-out cases: the choice between size, time and
 * quality. Times are those of this machine as it is now.
 *
 * @param maxCases  asks about at most so many cases, evenly spread
 */
export async function comparePrecisions(
  model: TrainedModel & VectorScorer,
  heldOut: HeldOut,
  { work, maxCases }: { readonly work: WorkContext; readonly maxCases?: number },
): Promise<PrecisionRow[]> {
  const rows: Omit<PrecisionRow, "isOnFront">[] = [];
  let whole: Float64Array | undefined;
  for (const precision of precisionsOf(model)) {
    const scorer = new QuantisedScorer(model, precision);
    const { mean, perCase: own } = await ndcgOf(scorer, heldOut, { work, maxCases });
    const times = await timesOf(scorer, model.width, heldOut.pasts);
    await scorer.dispose();
    rows.push({
      precision,
      bytes: scorer.bytes,
      ...times,
      ndcgAt10: mean,
      ...(whole && { change: pairedDifference(own, whole) }),
    });
    whole ??= own;
  }
  return rows.map((row) => ({ ...row, isOnFront: !rows.some((other) => isBetter(other, row)) }));
}

/**
 * What 8 bits cost a sequence model in quality, on held-out cases.
 *
 * @param maxCases  asks about at most so many cases, evenly spread
 */
export async function measurePrecisionLoss(
  model: SequenceModel,
  int8: Int8SequenceModel,
  heldOut: HeldOut,
  options: { readonly work: WorkContext; readonly maxCases?: number },
): Promise<PrecisionLoss> {
  const whole = await ndcgOf(model, heldOut, options);
  const coded = await ndcgOf(int8, heldOut, options);
  const { mean, low, high } = pairedDifference(coded.perCase, whole.perCase).difference;
  return {
    cases: whole.perCase.length,
    ndcgAt10: { float32: whole.mean, int8: coded.mean },
    change: { mean, low, high },
  };
}

async function ndcgOf(
  scorer: Scorer,
  heldOut: HeldOut,
  { work, maxCases }: { readonly work: WorkContext; readonly maxCases?: number | undefined },
): Promise<{ readonly mean: number; readonly perCase: Float64Array }> {
  const { metrics, perCase } = await evaluate(scorer, heldOut, {
    cutoffs: [10],
    metrics: ["ndcg"],
    work,
    ...(maxCases !== undefined && { maxCases }),
  });
  return { mean: metrics["ndcgAt10"]!, perCase: perCase["ndcgAt10"]! };
}

function precisionsOf(model: Scorer): Precision[] {
  const tables: Precision[] = [
    { network: "float32", items: "float32" },
    { network: "float32", items: "int8" },
  ];
  if (!(model instanceof SequenceModel)) return tables;
  return [...tables, { network: "int8", items: "float32" }, { network: "int8", items: "int8" }];
}

type Measured = Omit<PrecisionRow, "isOnFront">;

/** At least as small, fast and good in all, and more so in one. */
function isBetter(a: Measured, b: Measured): boolean {
  const gains = [
    b.bytes - a.bytes,
    b.encodeMs + b.scanMs - (a.encodeMs + a.scanMs),
    a.ndcgAt10 - b.ndcgAt10,
  ];
  return gains.every((gain) => gain >= 0) && gains.some((gain) => gain > 0);
}

const warmUps = 50;
const timedCalls = 400;

async function timesOf(
  scorer: QuantisedScorer,
  width: number,
  pasts: readonly History[],
): Promise<{ encodeMs: number; scanMs: number }> {
  const user = new Float32Array(width);
  const [encodes, scans]: [number[], number[]] = [[], []];
  for (let call = 0; call < warmUps + timedCalls; call++) {
    const past = pasts[(call * 7_919) % pasts.length]!;
    const started = performance.now();
    await scorer.encode([past], user);
    const encoded = performance.now();
    scorer.scan(user);
    const scanned = performance.now();
    if (call < warmUps) continue;
    encodes.push(encoded - started);
    scans.push(scanned - encoded);
  }
  return { encodeMs: median(encodes), scanMs: median(scans) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
