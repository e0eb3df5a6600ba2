import type { Event } from "@magpie/domain";

/** Writers that append at the same time. */
export const writers = 16;
/** Events that one writer has under way. */
export const pipelined = 4;
/** Small segments, so that packing goes on all the time. */
export const segmentEvents = 256;

/** Event number `sequence` of a writer. */
export function eventOf(writer: number, sequence: number): Event {
  return {
    eventId: `w${writer}-${sequence}`,
    type: "view",
    timestampMs: 1_700_000_000_000 + sequence,
    userId: `writer-${writer}`,
    sessionId: `session-${sequence >> 5}`,
    items: [{ itemId: `item-${sequence % 97}` }],
  };
}

/** Events of each of an import's two users: one is erased afterwards, the other stays. */
export const eventsPerImportedUser = 400;

/** The events of import `number`. */
export function importEvents(number: number): Event[] {
  return Array.from({ length: eventsPerImportedUser * 2 }, (_, i) => ({
    eventId: `import-${number}-${i}`,
    type: "purchase" as const,
    timestampMs: 1_700_000_000_000 + i,
    userId: i % 2 === 0 ? `erased-${number}` : `kept-${number}`,
    items: [{ itemId: `item-${i % 89}`, quantity: 1 + (i % 3) }],
  }));
}
