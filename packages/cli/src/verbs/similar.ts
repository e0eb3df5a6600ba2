import { openEngine } from "@magpie/engine";
import { rankingText } from "../ranking-text.ts";
import { examples, wholeNumber, type Verb } from "./verb.ts";

export const similar: Verb = (program, shellOf) => {
  program
    .command("similar")
    .description("items like one item, by behaviour and by content")
    .argument("<item>", "item id")
    .option("--limit <n>", "how many", wholeNumber(1), 10)
    .option("--locale <tag>", "language of titles", "en")
    .addHelpText("after", examples("magpie similar p-100\nmagpie similar p-100 --limit 5 --json"))
    .action(async (item: string, given: { readonly limit: number; readonly locale: string }) => {
      const shell = shellOf(program.opts());
      const engine = await openEngine(shell.dataFolder);
      try {
        const ranking = await engine.recommend("similar-items", {
          contextItemId: item,
          limit: given.limit,
          locale: given.locale,
          explain: true,
        });
        shell.result(ranking, rankingText(ranking, given.locale));
      } finally {
        await engine.close();
      }
    });
};
