import {
  maxEventBytes,
  routes,
  type EventResult,
  type EventsResponse,
  type ProblemField,
} from "@magpie/contract";
import type { Engine } from "@magpie/engine";
import { bind, tellTimings, type App, type Services } from "../bind.ts";
import { HttpError } from "../problems.ts";

/** Events in, one result per event out; durable when answered. */
export function eventRoutes(app: App, { engine, metrics, now }: Services): void {
  app.route({
    ...bind(routes.postEvents),
    bodyLimit: maxEventBytes,
    handler: async (request, reply) => {
      const began = performance.now();
      const outcomes = await engine.ingest(request.body.events, now());
      tellTimings(reply, [{ stage: "ingest", ms: performance.now() - began }]);
      const answer = summarize(outcomes);
      metrics.eventsReceived("stored", answer.stored);
      metrics.eventsReceived("duplicate", answer.duplicates);
      metrics.eventsReceived("dropped", answer.dropped);
      metrics.eventsReceived("refused", answer.refused);
      if (answer.refused === answer.results.length) throw allRefused(answer.results);
      reply.code(202);
      return answer;
    },
  });
}

function summarize(outcomes: Awaited<ReturnType<Engine["ingest"]>>): EventsResponse {
  const counts = { stored: 0, duplicate: 0, dropped: 0, refused: 0 };
  const results = outcomes.map((outcome): EventResult => {
    if (outcome.ok) {
      counts[outcome.status] += 1;
      return { status: outcome.status, eventId: outcome.id };
    }
    counts.refused += 1;
    const { code, field, message, hint } = outcome;
    return { status: "refused", code, field, message, hint };
  });
  return {
    stored: counts.stored,
    duplicates: counts.duplicate,
    dropped: counts.dropped,
    refused: counts.refused,
    results,
  };
}

function allRefused(results: readonly EventResult[]): HttpError {
  const fields = results.flatMap((result, i): ProblemField[] =>
    result.status === "refused"
      ? [
          {
            field: [`events[${i}]`, result.field].filter(Boolean).join("."),
            message: result.message,
          },
        ]
      : [],
  );
  const first = results[0] as Extract<EventResult, { status: "refused" }>;
  return new HttpError(
    "EVENTS_REFUSED",
    `None of ${results.length} ${results.length === 1 ? "event" : "events"} was accepted; the first (${first.code}): ${fields[0]!.field}: ${fields[0]!.message}.`,
    first.hint,
    { fields },
  );
}
