import { leaveOneOut, type Sequences, type Split } from "@magpie/data";
import { seededRandom } from "@magpie/numerics";

/** Shoppers who walk in steps of 1 or of 3 through a ring of 40 items: two last items tell which. */
export function ringWalks(): Split {
  const random = seededRandom(4, "walks");
  const offsets = [0];
  const items: number[] = [];
  for (let user = 0; user < 240; user++) {
    const step = user % 2 === 0 ? 1 : 3;
    const start = random.int(40);
    const length = 4 + random.int(8);
    for (let i = 0; i < length; i++) items.push(1 + ((start + i * step) % 40));
    offsets.push(items.length);
  }
  const sequences: Sequences = {
    userCount: 240,
    itemCount: 40,
    offsets: Int32Array.from(offsets),
    items: Int32Array.from(items),
  };
  return leaveOneOut(sequences);
}
