import { createInterface } from "node:readline/promises";
import { RequestError, userId } from "@magpie/domain";
import { openEngine } from "@magpie/engine";
import { examples, type Verb } from "./verb.ts";

async function isConfirmed(user: string, signal: AbortSignal): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    throw new RequestError(
      "CONFIRMATION_NEEDED",
      `Everything recorded of "${user}" would be deleted for good.`,
      "Add --yes to confirm it where nobody can be asked.",
    );
  }
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = `Delete everything recorded of "${user}"? There is no way back. [y/N] `;
    return /^y(es)?$/i.test((await ask.question(question, { signal })).trim());
  } finally {
    ask.close();
  }
}

export const erase: Verb = (program, shellOf) => {
  program
    .command("erase")
    .description("delete every trace of a user, in the log, its files and the decisions")
    .argument("<user>", "user or visitor id")
    .option("--yes", "do not ask")
    .addHelpText("after", examples("magpie erase u-17\nmagpie erase u-17 --yes --json"))
    .action(async (user: string, { yes }: { readonly yes?: boolean }) => {
      const shell = shellOf(program.opts());
      if (yes !== true && !(await isConfirmed(user, shell.signal))) {
        shell.result({ erased: false }, "Nothing was deleted.");
        return;
      }
      const engine = await openEngine(shell.dataFolder);
      try {
        const erasure = await engine.eraseUser(userId(user));
        if (erasure.events === 0 && erasure.decisions === 0) {
          throw new RequestError(
            "UNKNOWN_USER",
            `Nothing was recorded of "${user}".`,
            "Check the id: it is the shop's user id, or the visitor id of somebody not signed in.",
            { kind: "not-found" },
          );
        }
        shell.result(
          { erased: true, ...erasure },
          `Deleted ${erasure.events} events and ${erasure.decisions} decisions of ${user}.\n${erasure.note}`,
        );
      } finally {
        await engine.close();
      }
    });
};
