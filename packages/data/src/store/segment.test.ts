import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Event } from "@magpie/domain";
import { afterEach, beforeEach, describe, test } from "vitest";
import { Segment, SegmentBuilder } from "./segment.ts";

describe("a segment", () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "magpie-segment-"));
    path = join(folder, "1.seg");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const items: string[] = [];
  const itemIndex = (id: string) => {
    if (!items.includes(id)) items.push(id);
    return items.indexOf(id);
  };
  const itemAt = (index: number) => items[index]!;
  const userAt = (index: number) => `user-${index}`;

  /** Users 0 … 999 in turn by a stride, several blocks and fences. */
  const events = Array.from({ length: 3_000 }, (_, i): Event => ({
    eventId: `e${i}`,
    type: i % 7 === 0 ? "purchase" : "view",
    timestampMs: 1_000_000 - i,
    userId: userAt((i * 387) % 1_000),
    ...(i % 3 > 0 && {
      items: Array.from({ length: i % 3 }, (_, k) => ({ itemId: `i${(i + k) % 20}` })),
    }),
  }));
  const userOf = ({ userId }: Event) => Number(userId!.slice("user-".length));

  const build = (): Segment => {
    const builder = new SegmentBuilder(events.length);
    for (const event of events) builder.add(userOf(event), event, itemIndex);
    const { bytes, summary } = builder.finish();
    assert.deepEqual(summary, {
      events: 3_000,
      itemLines: 3_000,
      minMs: 997_001,
      maxMs: 1_000_000,
      countByType: { view: 2_571, purchase: 429 },
    });
    writeFileSync(path, bytes);
    return new Segment(path);
  };

  test("gives its events back in order of arrival", () => {
    const segment = build();
    assert.deepEqual(segment.events(userAt, itemAt), events);
    segment.close();
  });

  test("finds each user's events and no stranger's", () => {
    const segment = build();
    for (let user = 0; user < 1_000; user++) {
      const range = segment.findUser(user);
      assert.ok(range !== undefined, `user ${user} is not found`);
      assert.deepEqual(
        segment.userEvents(range, userAt(user), itemAt),
        events.filter((event) => userOf(event) === user),
      );
    }
    assert.equal(segment.findUser(1_000), undefined);
    assert.equal(segment.findUser(2 ** 31 - 1), undefined);
    segment.close();
  });

  test("without some events is the segment of the others", () => {
    const segment = build();
    const ids = segment.eventIds();
    const dropped = new Set(ids.filter((_, i) => i < 300 || i % 11 === 0 || i > 2_900));
    const next = segment.without((row) => dropped.has(ids[row]!));
    segment.close();
    writeFileSync(path, next!.bytes);
    const thinned = new Segment(path);
    const kept = events.filter(({ eventId }) => !dropped.has(eventId));
    assert.deepEqual(thinned.events(userAt, itemAt), kept);
    assert.equal(next!.summary.events, kept.length);
    for (const user of [0, 1, 500, 999]) {
      const range = thinned.findUser(user);
      assert.deepEqual(
        range === undefined ? [] : thinned.userEvents(range, userAt(user), itemAt),
        kept.filter((event) => userOf(event) === user),
      );
    }
    thinned.close();
  });

  test("without any of its events is nothing", () => {
    const segment = build();
    assert.equal(
      segment.without(() => true),
      undefined,
    );
    segment.close();
  });

  test("notices a changed byte wherever it is", () => {
    build();
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at += 101) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x40;
      writeFileSync(path, damaged);
      const segment = new Segment(path);
      assert.throws(
        () => segment.events(userAt, itemAt),
        { code: "SEGMENT_DAMAGED" },
        `byte ${at}`,
      );
      segment.close();
    }
  });

  test("notices a file that was cut short", () => {
    build();
    const bytes = readFileSync(path);
    for (const length of [0, 10, 100, 5_000, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, length));
      const segment = new Segment(path);
      assert.throws(() => segment.events(userAt, itemAt), { code: "SEGMENT_DAMAGED" });
      segment.close();
    }
  });
});
