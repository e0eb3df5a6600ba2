import { openEngine, type Engine } from "@magpie/engine";
import { giveHeapRoom, startServer, type ServerOptions } from "@magpie/server";
import { Option } from "commander";
import type { Shell } from "../shell.ts";
import { ensureStorefront } from "../storefront-build.ts";
import { examples, wholeNumber, type Verb } from "./verb.ts";

interface Given {
  readonly host: string;
  readonly port: number;
  readonly open?: boolean;
  readonly storefront: boolean | string;
  readonly cors?: string[];
  readonly trustProxy?: boolean;
  readonly log?: "debug" | "info" | "warn" | "error";
}

/**
 * Serves until Ctrl-C; then lets open requests finish and closes what it opened.
 *
 * @param meanwhile  work that begins once requests are answered; Ctrl-C is for it to hear
 */
export async function serveUntilStopped(
  engine: Engine,
  options: Omit<ServerOptions, "engine">,
  shell: Shell,
  welcome: (url: string) => { value: unknown; text: string },
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const server = await startServer({ engine, ...options });
  giveHeapRoom();
  try {
    const { value, text } = welcome(server.url);
    shell.result(value, text);
    await Promise.all([meanwhile(), shell.untilStopped()]);
    shell.note("\nStopping; open requests finish first.");
  } finally {
    await server.close();
  }
}

/** The addresses that a person wants to open. */
export function addresses(url: string, storefront: boolean) {
  return {
    ...(storefront && { storefront: `${url}/` }),
    api: `${url}/v1`,
    documentation: `${url}/docs`,
    openapi: `${url}/v1/openapi.json`,
    metrics: `${url}/v1/metrics`,
  };
}

export const serve: Verb = (program, shellOf) => {
  program
    .command("serve")
    .description("answer requests: the API, its documentation, and the storefront")
    .option("--host <address>", "where to listen", "127.0.0.1")
    .option("--port <n>", "0 takes any free one", wholeNumber(0), 7700)
    .option("--open", "no keys, on this machine only: to try things out")
    .option("--storefront <folder>", "serve this built storefront instead of the shipped one")
    .option("--no-storefront", "API only")
    .option("--cors <origin...>", "origins whose pages may call the API")
    .option("--trust-proxy", "believe X-Forwarded-* headers of the proxy in front")
    .addOption(
      new Option("--log <level>", "log requests as JSON lines on standard error").choices([
        "debug",
        "info",
        "warn",
        "error",
      ]),
    )
    .addHelpText(
      "after",
      examples(
        "magpie serve --open\nmagpie serve --host 0.0.0.0 --cors https://shop.example --log info",
      ),
    )
    .action(async (given: Given) => {
      const shell = shellOf(program.opts());
      const engine = await openEngine(shell.dataFolder);
      try {
        const storefrontDir =
          given.storefront === false
            ? undefined
            : typeof given.storefront === "string"
              ? given.storefront
              : await ensureStorefront((text) => shell.note(text));
        const hasKeys = (await engine.listKeys()).length > 0;
        const { status, notes, snapshot } = await engine.health();
        await serveUntilStopped(
          engine,
          {
            host: given.host,
            port: given.port,
            openMode: given.open ?? false,
            corsOrigins: given.cors ?? [],
            trustProxy: given.trustProxy ?? false,
            ...(storefrontDir !== undefined && { storefrontDir }),
            ...(given.log && { log: { level: given.log, stream: process.stderr } }),
          },
          shell,
          (url) => {
            const where = addresses(url, storefrontDir !== undefined);
            return {
              value: { ...where, snapshot: snapshot ?? null, status, notes },
              text: [
                ...Object.entries(where).map(([name, address]) => `${name.padEnd(14)} ${address}`),
                `snapshot       ${snapshot ?? "none yet: magpie train"}`,
                ...notes.map((note) => `Note: ${note}`),
                ...(given.open
                  ? ["Open mode: everybody on this machine may do everything."]
                  : hasKeys
                    ? []
                    : ["There is no key yet, so nobody may call: magpie keys create NAME"]),
                "Ctrl-C stops.",
              ].join("\n"),
            };
          },
        );
      } finally {
        await engine.close();
      }
    });
};
