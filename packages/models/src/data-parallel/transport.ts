/**
 * How the members of one training meet. What stands behind it may be pipes between processes of one machine
 * (`HelperProcesses`) or a broker between machines: nothing here knows.
 */
export interface Transport {
  /** Waits for the next epoch, and says where this member stands in it; undefined: the training is over. */
  join(): Promise<EpochStart | undefined>;
  /**
   * Adds this member's part to the present round and waits for the mean of all parts. A member that is lost
   * meanwhile is not waited for.
   */
  average(part: Contribution): Promise<Mean>;
  /** Says goodbye: others do not wait for this member any more. */
  leave(): Promise<void>;
}

/** Where a member stands in an epoch, and what it starts from. */
export interface EpochStart {
  readonly epoch: number;
  /** Of this member, from 0. */
  readonly rank: number;
  readonly members: number;
  /** Steps that the optimiser has made. */
  readonly steps: number;
  /** Weights and the optimiser's moments, as `SequenceTrainer.arrays` lists them. */
  readonly arrays: readonly Float32Array[];
  /** Momentum of the outer steps, where members meet after several steps of their own. */
  readonly velocity: readonly Float32Array[];
}

/** What one member brings to a round. */
export interface Contribution {
  /** How much it counts: the examples behind it. 0: it takes what the others bring and adds nothing. */
  readonly weight: number;
  /** Vectors that all members have; none where the weight is 0. */
  readonly dense: readonly Float32Array[];
  /** For each table the rows that this member has; rows that it lacks count as zeros. */
  readonly sparse: readonly SparseRows[];
}

/** Some rows of a table. */
export interface SparseRows {
  /** Each once. */
  readonly ids: Int32Array;
  /** [ids, width] */
  readonly rows: Float32Array;
}

/** What a round gives back to all. */
export interface Mean extends Contribution {
  /** Of all parts together; 0 when nobody had any: the epoch is over. */
  readonly weight: number;
}

/** A part without weight: of a member whose own examples are used up. */
export const nothing: Contribution = { weight: 0, dense: [], sparse: [] };

/**
 * The weighted mean of parts:
 *
 *     mean = Σ weight · part / Σ weight
 *
 * @returns  `nothing` when no part has weight
 */
export function meanOf(parts: readonly Contribution[]): Mean {
  const weighty = parts.filter(({ weight }) => weight > 0);
  const [first] = weighty;
  if (first === undefined) return nothing;
  if (weighty.length === 1) return first;
  const weight = weighty.reduce((sum, part) => sum + part.weight, 0);
  return {
    weight,
    dense: first.dense.map((values, i) => {
      const sum = new Float32Array(values.length);
      for (const part of weighty) addScaled(sum, part.dense[i]!, part.weight / weight, 0);
      return sum;
    }),
    sparse: first.sparse.map((_, i) =>
      meanRows(weighty.map((part) => ({ ...part.sparse[i]!, share: part.weight / weight }))),
    ),
  };
}

function addScaled(sum: Float32Array, values: Float32Array, scale: number, at: number): void {
  for (let d = 0; d < values.length; d++) sum[at + d]! += scale * values[d]!;
}

/** Rows by id, those of equal id added up. */
function meanRows(parts: readonly (SparseRows & { readonly share: number })[]): SparseRows {
  const full = parts.find(({ ids }) => ids.length > 0);
  if (full === undefined) return { ids: new Int32Array(), rows: new Float32Array() };
  const width = full.rows.length / full.ids.length;
  const placeOf = new Map<number, number>();
  for (const { ids } of parts) {
    for (const id of ids) if (!placeOf.has(id)) placeOf.set(id, placeOf.size);
  }
  const rows = new Float32Array(placeOf.size * width);
  for (const part of parts) {
    part.ids.forEach((id, i) => {
      const row = part.rows.subarray(i * width, (i + 1) * width);
      addScaled(rows, row, part.share, placeOf.get(id)! * width);
    });
  }
  return { ids: Int32Array.from(placeOf.keys()), rows };
}

/** Bytes of the numbers of a part, one way. */
export function bytesOf({ dense, sparse }: Contribution): number {
  return (
    dense.reduce((sum, { byteLength }) => sum + byteLength, 0) +
    sparse.reduce((sum, { ids, rows }) => sum + ids.byteLength + rows.byteLength, 0)
  );
}
