import { openStore } from "@magpie/data";
import { examples, type Verb } from "./verb.ts";

export const init: Verb = (program, shellOf) => {
  program
    .command("init")
    .description("make a data folder, and its first key")
    .addHelpText("after", examples("magpie init\nmagpie --data /srv/shop init --json"))
    .action(async () => {
      const shell = shellOf(program.opts());
      const store = await openStore(shell.dataFolder);
      try {
        const isNew = (await store.keys.list()).length === 0;
        const key = isNew ? await store.keys.create("first", ["admin"]) : undefined;
        const told = {
          data: shell.dataFolder,
          items: await store.catalog.count(),
          events: await store.events.count(),
          ...(key && { key: { id: key.id, scopes: key.scopes, secret: key.secret } }),
        };
        shell.result(
          told,
          [
            `Data folder: ${told.data} (${told.items} items, ${told.events} events)`,
            ...(key
              ? [
                  `Key with all rights, shown only now: ${key.secret}`,
                  "Make keys for pages and jobs with `magpie keys create`.",
                ]
              : []),
            "Next: magpie import catalog FILE",
          ].join("\n"),
        );
      } finally {
        await store.close();
      }
    });
};
