/** What a numeric encoder needs to be opened again. */
export interface NumericCard {
  readonly kind: "numeric";
  readonly low: number;
  readonly high: number;
  readonly isLogarithmic: boolean;
  readonly mean: number;
  readonly deviation: number;
}

export interface NumericOptions {
  /** Values outside these quantiles of the training data are drawn in (defaults 0.01 and 0.99). */
  readonly lowQuantile?: number;
  readonly highQuantile?: number;
  /** For prices and counts, whose ratios matter: log(1 + x) is standardised, for x ≥ 0. */
  readonly isLogarithmic?: boolean;
}

/**
 * Clips a number to quantiles of the training data and standardises it:
 *
 *     z = (g(clip(x, low, high)) − mean) / deviation,   g(x) = x or log(1 + x)
 *
 * Absent and non-finite values, and all values of a feature that never varied, give 0: the mean.
 */
export class NumericEncoder {
  readonly #card: NumericCard;

  private constructor(card: NumericCard) {
    this.#card = card;
  }

  /** Learns quantiles, mean and standard deviation from training data. */
  static fit(
    values: Iterable<number | undefined>,
    { lowQuantile = 0.01, highQuantile = 0.99, isLogarithmic = false }: NumericOptions = {},
  ): NumericEncoder {
    const finite = [...values].filter((value) => value !== undefined && Number.isFinite(value));
    const sorted = Float64Array.from(finite as number[]).sort();
    const low = quantile(sorted, lowQuantile);
    const high = quantile(sorted, highQuantile);
    const transformed = sorted.map((value) => transform(value, low, high, isLogarithmic));
    const count = Math.max(1, transformed.length);
    const mean = transformed.reduce((sum, value) => sum + value, 0) / count;
    const variance = transformed.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
    return new NumericEncoder({
      kind: "numeric",
      low,
      high,
      isLogarithmic,
      mean,
      deviation: Math.sqrt(variance),
    });
  }

  encode(value: number | undefined): number {
    const { low, high, isLogarithmic, mean, deviation } = this.#card;
    if (value === undefined || !Number.isFinite(value) || deviation === 0) return 0;
    return (transform(value, low, high, isLogarithmic) - mean) / deviation;
  }

  save(): NumericCard {
    return this.#card;
  }

  static load(card: NumericCard): NumericEncoder {
    return new NumericEncoder(card);
  }
}

function transform(value: number, low: number, high: number, isLogarithmic: boolean): number {
  const clipped = Math.min(Math.max(value, low), high);
  return isLogarithmic ? Math.log1p(Math.max(0, clipped)) : clipped;
}

/** Linear between the two nearest ranks; 0 of nothing. */
function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return 0;
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}
