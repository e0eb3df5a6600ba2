import { routes } from "@magpie/contract";
import { bind, type App, type Services } from "../bind.ts";

/** How the shop's fields are searched, and by which encoder. */
export function settingsRoutes(app: App, { engine }: Services): void {
  app.route({
    ...bind(routes.settings),
    handler: async (_request, reply) => {
      reply.header("cache-control", "no-store");
      return engine.settings();
    },
  });

  app.route({
    ...bind(routes.changeSettings),
    handler: async (request) => engine.changeSettings(request.body),
  });
}
