import { DataError, type EventInput, feedbackWeight } from "@magpie/domain";
import type { HeldOut, Sequences } from "../../sequences.ts";
import { historyOf } from "../../sequences.ts";
import { type DatasetLine, datasetLines, numbersOf, readDatasetFile } from "./dataset-files.ts";

/** RetailRocket's users who bought something: what they viewed, put into the cart and bought. */
export interface RetailRocket {
  /**
   * One interaction per user and item, at the time of the first act, with the weight of the
   * strongest.
   */
  readonly train: Sequences;
  /** One purchase held out per user. */
  readonly test: HeldOut;
  /** All training acts, one event each, by user and then by time. Ids are the file's numbers. */
  events(): Generator<EventInput>;
}

interface Act {
  readonly user: number;
  readonly item: number;
  readonly timestampMs: number;
  readonly type: "view" | "add_to_cart" | "purchase";
}

const files = [
  ["view", "train_view.tsv"],
  ["add_to_cart", "train_cart.tsv"],
  ["purchase", "train_buy.tsv"],
] as const;

/**
 * Reads RetailRocket's three behaviours: `user item unix_time` a line in `train_view.tsv`,
 * `train_cart.tsv`, `train_buy.tsv`, and `user item 1` in `test.tsv`. Ids from 0; item rows are the
 * file's ids plus 1.
 *
 * Times were written with six digits (1.43322e+09), so they are exact to about three hours only.
 * Acts of one moment are ordered view, cart, purchase. Only users with a purchase are in the data:
 * its conversion rates are not those of a shop.
 *
 * @throws {DataError} `DATASET_FILE_MISSING`, `NOT_A_NUMBER`, or `BAD_LINE`
 */
export async function readRetailRocket(folder: string): Promise<RetailRocket> {
  const acts: Act[] = [];
  for (const [type, file] of files) {
    for (const line of datasetLines(file, await readDatasetFile(folder, file))) {
      const [user, item, seconds] = fieldsOf(line);
      acts.push({ user, item, timestampMs: seconds * 1_000, type });
    }
  }
  const testFile = "test.tsv";
  const held: { user: number; item: number }[] = [];
  for (const line of datasetLines(testFile, await readDatasetFile(folder, testFile))) {
    const [user, item] = fieldsOf(line);
    held.push({ user, item });
  }
  // The sort is stable: what stands first among acts of one moment stays first.
  acts.sort((a, b) => a.user - b.user || a.timestampMs - b.timestampMs);
  const train = sequencesOf(acts, held);
  return {
    train,
    test: {
      pasts: held.map(({ user }) => historyOf(train, user)),
      targetOffsets: Int32Array.from({ length: held.length + 1 }, (_, i) => i),
      targets: Int32Array.from(held, ({ item }) => item + 1),
    },
    *events() {
      for (const { user, item, timestampMs, type } of acts) {
        yield {
          eventId: `retailrocket:${type}:${user}:${item}`,
          type,
          timestamp: new Date(timestampMs).toISOString(),
          userId: String(user),
          items: [{ itemId: String(item) }],
        };
      }
    },
  };
}

function sequencesOf(
  acts: readonly Act[],
  held: readonly { user: number; item: number }[],
): Sequences {
  let userCount = 0;
  let itemCount = 0;
  for (const list of [acts, held]) {
    for (const { user, item } of list) {
      userCount = Math.max(userCount, user + 1);
      itemCount = Math.max(itemCount, item + 1);
    }
  }
  const offsets = new Int32Array(userCount + 1);
  const items: number[] = [];
  const times: number[] = [];
  const weights: number[] = [];
  /** Where the present user's interaction with an item stands. */
  let places = new Map<number, number>();
  let present = -1;
  for (const { user, item, timestampMs, type } of acts) {
    while (present < user) {
      offsets[++present] = items.length;
      places = new Map();
    }
    const place = places.get(item) ?? items.length;
    if (place === items.length) {
      places.set(item, place);
      items.push(item + 1);
      times.push(timestampMs);
      weights.push(0);
    }
    weights[place] = Math.max(weights[place]!, feedbackWeight(type));
  }
  while (present < userCount) offsets[++present] = items.length;
  return {
    userCount,
    itemCount,
    offsets,
    items: Int32Array.from(items),
    timestampsMs: Float64Array.from(times),
    weights: Float32Array.from(weights),
  };
}

function fieldsOf(line: DatasetLine): [user: number, item: number, third: number] {
  const numbers = numbersOf(line);
  if (numbers.length === 3) return numbers as [number, number, number];
  throw new DataError(
    "BAD_LINE",
    `${line.file}, line ${line.number}: ${numbers.length} fields instead of 3.`,
    "Each line is user, item and Unix time (in the test file: 1).",
  );
}
