import { routes } from "@magpie/contract";
import { userId } from "@magpie/domain";
import { Readable } from "node:stream";
import { bind, type App, type Services } from "../bind.ts";
import { eventToWire, exportLineToWire, userToWire } from "../wire.ts";

/** What is recorded of people: lists, export, erasure. */
export function userRoutes(app: App, { engine }: Services): void {
  app.route({
    ...bind(routes.users),
    handler: async (request) => ({
      users: (await engine.users(request.query.limit ?? 50)).map(userToWire),
    }),
  });

  app.route({
    ...bind(routes.userEvents),
    handler: async (request) => {
      const user = userId(request.params.userId);
      const events = await engine.userEvents(user, request.query.limit ?? 50);
      return { events: events.map(eventToWire) };
    },
  });

  app.route({
    ...bind(routes.exportUser),
    handlerTimeout: 3_600_000,
    handler: async (request, reply) => {
      const lines = engine.exportUser(userId(request.params.userId));
      reply.type("application/x-ndjson");
      reply.header("content-disposition", 'attachment; filename="export.ndjson"');
      reply.header("cache-control", "no-store");
      return reply.send(
        Readable.from(
          (async function* () {
            for await (const line of lines) yield `${JSON.stringify(exportLineToWire(line))}\n`;
          })(),
        ),
      );
    },
  });

  app.route({
    ...bind(routes.eraseUser),
    // Packed history is rewritten: minutes in a large shop.
    handlerTimeout: 3_600_000,
    handler: async (request) => {
      const erased = await engine.eraseUser(userId(request.params.userId));
      return {
        userId: erased.user,
        status: "erased",
        events: erased.events,
        decisions: erased.decisions,
        note: erased.note,
      };
    },
  });
}
