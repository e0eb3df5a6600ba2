/**
 * A sparse matrix by compressed rows: row `r` owns the positions `offsets[r]` up to (not
 * including) `offsets[r + 1]` of `indices` (columns, ascending, each once) and `values`.
 *
 *     [ 5 . 2 ]      offsets  0 2 2 3
 *     [ . . . ]      indices  0 2 1
 *     [ . 7 . ]      values   5 2 7
 */
export interface CsrMatrix {
  readonly rows: number;
  readonly columns: number;
  /** [rows + 1] */
  readonly offsets: Int32Array;
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

/**
 * Builds a matrix from entries in any order; entries of the same place are summed.
 *
 * @param values  one per entry; absent means 1 each
 * @throws {RangeError} when an entry lies outside `rows` × `columns`
 */
export function csrFromEntries(
  rows: number,
  columns: number,
  rowOf: Int32Array,
  columnOf: Int32Array,
  values?: Float32Array,
): CsrMatrix {
  const count = rowOf.length;
  for (let e = 0; e < count; e++) {
    const row = rowOf[e]!;
    const column = columnOf[e]!;
    if (row < 0 || row >= rows || column < 0 || column >= columns) {
      throw new RangeError(
        `entry ${e} is at (${row}, ${column}), outside a ${rows} × ${columns} matrix`,
      );
    }
  }
  // Two stable counting sorts, by column and then by row, leave the columns ascending in each row.
  const byColumn = stableOrder(columnOf, columns, undefined);
  const order = stableOrder(rowOf, rows, byColumn);

  const offsets = new Int32Array(rows + 1);
  const indices = new Int32Array(count);
  const sums = new Float32Array(count);
  let end = 0;
  let row = 0;
  for (const e of order) {
    while (row < rowOf[e]!) offsets[++row] = end;
    const column = columnOf[e]!;
    const value = values === undefined ? 1 : values[e]!;
    if (end > offsets[row]! && indices[end - 1] === column) {
      sums[end - 1]! += value;
    } else {
      indices[end] = column;
      sums[end] = value;
      end++;
    }
  }
  while (row < rows) offsets[++row] = end;
  return { rows, columns, offsets, indices: indices.slice(0, end), values: sums.slice(0, end) };
}

function stableOrder(
  keys: Int32Array,
  keyCount: number,
  before: Int32Array | undefined,
): Int32Array {
  const starts = new Int32Array(keyCount + 1);
  for (const key of keys) starts[key + 1]!++;
  for (let key = 0; key < keyCount; key++) starts[key + 1]! += starts[key]!;
  const order = new Int32Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const entry = before === undefined ? i : before[i]!;
    order[starts[keys[entry]!]!++] = entry;
  }
  return order;
}

/** Rows become columns; columns stay ascending in each row. */
export function transpose(matrix: CsrMatrix): CsrMatrix {
  const { rows, columns, offsets, indices, values } = matrix;
  const starts = new Int32Array(columns + 1);
  for (const column of indices) starts[column + 1]!++;
  for (let column = 0; column < columns; column++) starts[column + 1]! += starts[column]!;
  const next = starts.slice();
  const rowOf = new Int32Array(indices.length);
  const moved = new Float32Array(indices.length);
  for (let row = 0; row < rows; row++) {
    for (let p = offsets[row]!; p < offsets[row + 1]!; p++) {
      const place = next[indices[p]!]!++;
      rowOf[place] = row;
      moved[place] = values[p]!;
    }
  }
  return { rows: columns, columns: rows, offsets: starts, indices: rowOf, values: moved };
}

/** matrix · vector → [rows], summed in double precision. */
export function timesVector(matrix: CsrMatrix, vector: Float32Array): Float32Array {
  if (vector.length !== matrix.columns) {
    throw new RangeError(`a vector of ${vector.length} against ${matrix.columns} columns`);
  }
  const out = new Float32Array(matrix.rows);
  for (let row = 0; row < matrix.rows; row++) {
    let sum = 0;
    for (let p = matrix.offsets[row]!; p < matrix.offsets[row + 1]!; p++) {
      sum += matrix.values[p]! * vector[matrix.indices[p]!]!;
    }
    out[row] = sum;
  }
  return out;
}

/** One row of a product: views that are valid only until the next row. */
export interface ProductRow {
  readonly row: number;
  /** Columns with an entry, in the order in which they were met. */
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

/**
 * Gives left · right row by row, so that a product much larger than memory can be looked at, cut
 * to its best entries and dropped (Gustavson's algorithm).
 *
 * An entry whose sum happens to be zero is still given. Order of rows: ascending.
 */
export function* productRows(left: CsrMatrix, right: CsrMatrix): Generator<ProductRow> {
  if (left.columns !== right.rows) {
    throw new RangeError(`${left.columns} columns against ${right.rows} rows`);
  }
  const sums = new Float64Array(right.columns);
  const lastRow = new Int32Array(right.columns).fill(-1);
  const indices = new Int32Array(right.columns);
  const values = new Float32Array(right.columns);
  for (let row = 0; row < left.rows; row++) {
    let count = 0;
    for (let p = left.offsets[row]!; p < left.offsets[row + 1]!; p++) {
      const inner = left.indices[p]!;
      const factor = left.values[p]!;
      for (let q = right.offsets[inner]!; q < right.offsets[inner + 1]!; q++) {
        const column = right.indices[q]!;
        if (lastRow[column] !== row) {
          lastRow[column] = row;
          indices[count++] = column;
          sums[column] = 0;
        }
        sums[column]! += factor * right.values[q]!;
      }
    }
    for (let i = 0; i < count; i++) values[i] = sums[indices[i]!]!;
    yield { row, indices: indices.subarray(0, count), values: values.subarray(0, count) };
  }
}

/** left · right as a whole. For products that may not fit, see `productRows`. */
export function multiply(left: CsrMatrix, right: CsrMatrix): CsrMatrix {
  const rowParts: { indices: Int32Array; values: Float32Array }[] = [];
  const offsets = new Int32Array(left.rows + 1);
  for (const { row, indices, values } of productRows(left, right)) {
    const order = Int32Array.from(indices.keys()).sort((a, b) => indices[a]! - indices[b]!);
    rowParts.push({
      indices: order.map((i) => indices[i]!),
      values: Float32Array.from(order, (i) => values[i]!),
    });
    offsets[row + 1] = offsets[row]! + order.length;
  }
  const total = offsets[left.rows]!;
  const product = {
    rows: left.rows,
    columns: right.columns,
    offsets,
    indices: new Int32Array(total),
    values: new Float32Array(total),
  };
  rowParts.forEach((part, row) => {
    product.indices.set(part.indices, offsets[row]!);
    product.values.set(part.values, offsets[row]!);
  });
  return product;
}
