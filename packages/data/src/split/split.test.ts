import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import type { HeldOut, Sequences } from "../sequences.ts";
import { splitByTime, timeCuts } from "./by-time.ts";
import { leaveOneOut } from "./leave-one-out.ts";

/** Sequences from one list of [item, time] pairs per user, oldest first. */
function sequencesOf(users: readonly (readonly (readonly [number, number])[])[]): Sequences {
  const flat = users.flat();
  const offsets = new Int32Array(users.length + 1);
  users.forEach((user, u) => (offsets[u + 1] = offsets[u]! + user.length));
  return {
    userCount: users.length,
    itemCount: 20,
    offsets,
    items: Int32Array.from(flat, ([item]) => item),
    timestampsMs: Float64Array.from(flat, ([, time]) => time),
    weights: Float32Array.from(flat, ([item]) => item / 2),
  };
}

const anyUsers = fc.array(
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.nat(50)), { maxLength: 8 })
    .map((events) => events.sort((a, b) => a[1] - b[1])),
  { minLength: 1, maxLength: 8 },
);

const targetsOf = (heldOut: HeldOut, i: number) => [
  ...heldOut.targets.subarray(heldOut.targetOffsets[i]!, heldOut.targetOffsets[i + 1]!),
];

describe("leave-one-out", () => {
  const split = leaveOneOut(
    sequencesOf([
      [
        [1, 10],
        [2, 11],
        [3, 12],
        [4, 13],
      ],
      [
        [5, 20],
        [6, 21],
      ],
      [
        [7, 30],
        [8, 31],
        [9, 32],
      ],
    ]),
  );

  test("holds out the last item for test and the last but one for validation", () => {
    assert.deepEqual([...split.train.items], [1, 2, 5, 6, 7]);
    assert.deepEqual([...split.train.offsets], [0, 2, 4, 5]);
    assert.deepEqual([...split.validation.targets], [3, 8]);
    assert.deepEqual([...split.test.targets], [4, 9]);
    assert.deepEqual([...split.test.targetOffsets], [0, 1, 2]);
  });

  test("asks after all that stands before, with times and weights", () => {
    assert.deepEqual([...split.validation.pasts[0]!.items], [1, 2]);
    assert.deepEqual([...split.test.pasts[0]!.items], [1, 2, 3]);
    assert.deepEqual([...split.test.pasts[0]!.timestampsMs!], [10, 11, 12]);
    assert.deepEqual([...split.test.pasts[0]!.weights!], [0.5, 1, 1.5]);
  });

  test("leaves users with fewer than three interactions in training, unasked", () => {
    assert.deepEqual(
      split.test.pasts.map((past) => past.userIndex),
      [0, 2],
    );
  });

  test("says when there is nobody to ask", () => {
    assert.throws(
      () =>
        leaveOneOut(
          sequencesOf([
            [
              [1, 1],
              [2, 2],
            ],
          ]),
        ),
      { code: "NOTHING_TO_HOLD_OUT" },
    );
  });

  test("never trains on a user's event that is later than that user's held-out one", () => {
    fc.assert(
      fc.property(anyUsers, (users) => {
        fc.pre(users.some((user) => user.length >= 3));
        const { train, validation, test } = leaveOneOut(sequencesOf(users));
        validation.pasts.forEach((past, i) => {
          const events = users[past.userIndex]!;
          const trained = train.offsets[past.userIndex + 1]! - train.offsets[past.userIndex]!;
          assert.equal(trained, events.length - 2);
          assert.deepEqual(targetsOf(validation, i), [events.at(-2)![0]]);
          assert.deepEqual(targetsOf(test, i), [events.at(-1)![0]]);
        });
        // Nothing is lost: training and the two held-out items make up all events.
        assert.equal(train.items.length + 2 * test.targets.length, users.flat().length);
      }),
    );
  });
});

describe("the global time split", () => {
  const sequences = sequencesOf([
    [
      [1, 10],
      [2, 20],
      [3, 30],
      [3, 31],
      [1, 32],
    ],
    [
      [4, 5],
      [5, 25],
    ],
    [
      [6, 29],
      [7, 33],
    ],
    [[8, 1]],
  ]);
  const cuts = { validationFromMs: 20, testFromMs: 30 };

  test("cuts all users at the same moments; an event at the cut comes after it", () => {
    const { train, validation, test } = splitByTime(sequences, cuts);
    assert.deepEqual([...train.items], [1, 4, 8]);
    assert.deepEqual([...train.offsets], [0, 1, 2, 2, 3]);
    assert.deepEqual(
      validation.pasts.map((past) => [...past.items]),
      [[1], [4]],
    );
    assert.deepEqual([targetsOf(validation, 0), targetsOf(validation, 1)], [[2], [5]]);
    assert.deepEqual(
      test.pasts.map((past) => [...past.items]),
      [[1, 2], [6]],
    );
    assert.deepEqual([targetsOf(test, 0), targetsOf(test, 1)], [[3, 1], [7]]);
  });

  test("can ask for the next item only, and about strangers", () => {
    const { validation, test } = splitByTime(sequences, cuts, {
      targets: "next",
      strangers: "keep",
    });
    assert.deepEqual(targetsOf(test, 0), [3]);
    assert.deepEqual(
      validation.pasts.map((past) => past.userIndex),
      [0, 1, 2],
    );
    assert.equal(validation.pasts[2]!.items.length, 0);
  });

  test("states its cuts in its protocol", () => {
    const day = 86_400_000;
    const { protocol } = splitByTime(
      sequencesOf([
        [
          [1, 0],
          [2, day],
          [3, 2 * day],
        ],
      ]),
      {
        validationFromMs: day,
        testFromMs: 2 * day,
      },
    );
    assert.match(protocol, /validation from 1970-01-02, test from 1970-01-03, all items/);
  });

  test("refuses data without times, and cuts that leave a part empty", () => {
    const { timestampsMs: _, ...ordered } = sequences;
    assert.throws(() => splitByTime(ordered, cuts), { code: "NO_TIMES" });
    assert.throws(() => splitByTime(sequences, { validationFromMs: 0, testFromMs: 30 }), {
      code: "EMPTY_PART",
      message: /the training part holds nothing/,
    });
  });

  test("never trains on an event that is as late as any held-out one", () => {
    fc.assert(
      fc.property(anyUsers, fc.nat(50), fc.nat(50), (users, a, b) => {
        const [validationFromMs, testFromMs] = [Math.min(a, b), Math.max(a, b)];
        let split;
        try {
          split = splitByTime(sequencesOf(users), { validationFromMs, testFromMs });
        } catch (error) {
          assert.equal((error as { code?: string }).code, "EMPTY_PART");
          return;
        }
        assert.ok(Math.max(...split.train.timestampsMs!) < validationFromMs);
        for (const past of split.validation.pasts) {
          assert.ok(past.timestampsMs!.every((time) => time < validationFromMs));
        }
        split.test.pasts.forEach((past, i) => {
          assert.ok(past.timestampsMs!.every((time) => time < testFromMs));
          const later = users[past.userIndex]!.filter(([, time]) => time >= testFromMs);
          assert.deepEqual(new Set(targetsOf(split.test, i)), new Set(later.map(([item]) => item)));
        });
      }),
    );
  });

  test("finds the moments that leave the asked shares", () => {
    const users = Array.from({ length: 10 }, (_, u) => [
      [1, u * 10] as const,
      [2, u * 10 + 5] as const,
    ]);
    // 20 times 0, 5, …, 95: the last tenth starts at 90, the tenth before it at 80.
    assert.deepEqual(timeCuts(sequencesOf(users), { validation: 0.1, test: 0.1 }), {
      validationFromMs: 80,
      testFromMs: 90,
    });
  });
});
