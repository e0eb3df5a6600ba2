import { csrFromEntries, type CsrMatrix } from "@magpie/numerics";

/** Users, then items (with the padding row), as nodes of one graph. */
export interface UserItemGraph {
  readonly userCount: number;
  readonly itemCount: number;
  /** [nodes, nodes]: what each node takes from its neighbours, degrees already divided out. */
  readonly adjacency: CsrMatrix;
  /** [userCount, itemCount + 1]: R̃, interactions alone, degrees divided out. */
  readonly taste: CsrMatrix;
  /** [itemCount + 1] √degree; 0 for items without users. */
  readonly itemRoots: Float32Array;
  /** [userCount] share of a user's neighbourhood that is items: 1 without friends. */
  readonly itemShares: Float32Array;
}

/**
 * The graph that vectors are passed along:
 *
 *     user u  takes  (1 - w) · r_ui / √(d_u d_i)  of item i   and   w / √(f_u f_v)  of friend v
 *     item i  takes            r_ui / √(d_u d_i)  of user u
 *
 * Users without friends take from items alone, with share 1.
 *
 * @param interactions  [userCount, itemCount + 1]
 * @param friends       [userCount, userCount], or absent: nothing is known of friends
 * @param friendWeight  w, in [0, 1)
 */
export function userItemGraph(
  interactions: CsrMatrix,
  friends: CsrMatrix | undefined,
  friendWeight: number,
): UserItemGraph {
  const { rows: userCount, columns } = interactions;
  const itemShares = new Float32Array(userCount).fill(1);
  const used = friendWeight > 0 ? friends : undefined;
  if (used !== undefined) {
    for (let user = 0; user < userCount; user++) {
      if (used.offsets[user + 1]! > used.offsets[user]!) itemShares[user] = 1 - friendWeight;
    }
  }
  const taste = entriesOf(interactions);
  const social = used === undefined ? undefined : entriesOf(used);
  const [pairs, ties] = [taste.rows.length, social?.rows.length ?? 0];
  const takers = new Int32Array(2 * pairs + ties);
  const givers = new Int32Array(2 * pairs + ties);
  const shares = new Float32Array(2 * pairs + ties);
  for (let p = 0; p < pairs; p++) {
    const [user, item] = [taste.rows[p]!, userCount + taste.columns[p]!];
    takers[p] = user;
    givers[p] = item;
    shares[p] = itemShares[user]! * taste.values[p]!;
    takers[pairs + p] = item;
    givers[pairs + p] = user;
    shares[pairs + p] = taste.values[p]!;
  }
  if (social !== undefined) {
    takers.set(social.rows, 2 * pairs);
    givers.set(social.columns, 2 * pairs);
    for (let p = 0; p < ties; p++) shares[2 * pairs + p] = friendWeight * social.values[p]!;
  }
  const nodes = userCount + columns;
  const adjacency = csrFromEntries(nodes, nodes, takers, givers, shares);
  return {
    userCount,
    itemCount: columns - 1,
    adjacency,
    taste: { ...interactions, values: taste.values },
    itemRoots: taste.columnRoots,
    itemShares,
  };
}

/** Entries divided by the roots of their row's and their column's sum. */
function entriesOf({ rows, columns, offsets, indices, values }: CsrMatrix) {
  const rowOf = new Int32Array(indices.length);
  const rowRoots = new Float32Array(rows);
  const columnRoots = new Float32Array(columns);
  for (let row = 0; row < rows; row++) {
    for (let p = offsets[row]!; p < offsets[row + 1]!; p++) {
      rowOf[p] = row;
      rowRoots[row]! += values[p]!;
      columnRoots[indices[p]!]! += values[p]!;
    }
  }
  for (let row = 0; row < rows; row++) rowRoots[row] = Math.sqrt(rowRoots[row]!);
  for (let c = 0; c < columns; c++) columnRoots[c] = Math.sqrt(columnRoots[c]!);
  const shares = values.map(
    (value, p) => value / (rowRoots[rowOf[p]!]! * columnRoots[indices[p]!]!),
  );
  return { rows: rowOf, columns: indices, values: shares, columnRoots };
}
