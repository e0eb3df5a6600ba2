import { openStore, type ApiKey, type KeyScope } from "@magpie/data";
import { keyScopes } from "@magpie/contract";
import { RequestError } from "@magpie/domain";
import { InvalidArgumentError } from "commander";
import { table } from "../tables.ts";
import { examples, moment, type Verb } from "./verb.ts";

function scopesIn(text: string): KeyScope[] {
  return text.split(",").map((part) => {
    const scope = keyScopes.find((known) => known === part.trim());
    if (scope !== undefined) return scope;
    throw new InvalidArgumentError(`"${part}" is none of ${keyScopes.join(", ")}.`);
  });
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const row = ({ id, name, scopes, createdMs, expiresMs }: ApiKey) => [
  id,
  name,
  scopes.join(", "),
  day(createdMs),
  expiresMs === undefined ? "never" : day(expiresMs),
];

export const keys: Verb = (program, shellOf) => {
  const group = program.command("keys").description("API keys: make, list, revoke");

  group
    .command("create")
    .description("make a key; its secret is shown once")
    .argument("<name>", "what it is for")
    .option("--scopes <list>", `comma-separated: ${keyScopes.join(", ")}`, scopesIn, [
      "events",
      "read",
    ] as KeyScope[])
    .option("--expires <moment>", "when it ends", moment)
    .addHelpText(
      "after",
      examples(
        "magpie keys create storefront\nmagpie keys create nightly-feed --scopes catalog --expires 2027-06-30",
      ),
    )
    .action(
      async (name: string, given: { readonly scopes: KeyScope[]; readonly expires?: number }) => {
        const shell = shellOf(program.opts());
        const store = await openStore(shell.dataFolder);
        try {
          const key = await store.keys.create(name, given.scopes, given.expires);
          shell.result(
            key,
            `${key.secret}\nIt may: ${key.scopes.join(", ")}. It is not shown again. Revoke it with: magpie keys revoke ${key.id}`,
          );
        } finally {
          await store.close();
        }
      },
    );

  group
    .command("list")
    .description("all keys, without their secrets")
    .addHelpText("after", examples("magpie keys list"))
    .action(async () => {
      const shell = shellOf(program.opts());
      const store = await openStore(shell.dataFolder);
      try {
        const all = await store.keys.list();
        shell.result(
          { keys: all },
          all.length === 0
            ? "There are no keys. Make one: magpie keys create NAME"
            : table(["id", "name", "scopes", "created", "expires"], all.map(row)),
        );
      } finally {
        await store.close();
      }
    });

  group
    .command("revoke")
    .description("end a key now")
    .argument("<id>")
    .addHelpText("after", examples("magpie keys revoke 3f9c"))
    .action(async (id: string) => {
      const shell = shellOf(program.opts());
      const store = await openStore(shell.dataFolder);
      try {
        if (!(await store.keys.revoke(id))) {
          throw new RequestError(
            "UNKNOWN_KEY",
            `There is no key "${id}".`,
            "See: magpie keys list",
            {
              kind: "not-found",
            },
          );
        }
        shell.result({ id, revoked: true }, `Key ${id} is revoked.`);
      } finally {
        await store.close();
      }
    });
};
