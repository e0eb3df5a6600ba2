import { userId } from "@magpie/domain";
import { openEngine } from "@magpie/engine";
import { rankingText } from "../ranking-text.ts";
import { examples, wholeNumber, type Verb } from "./verb.ts";

export const search: Verb = (program, shellOf) => {
  program
    .command("search")
    .description("find products by their words, English or Chinese")
    .argument("<words...>", "what a shopper would type")
    .option("--user <id>", "for whom the results are ordered")
    .option("--limit <n>", "how many", wholeNumber(1), 10)
    .option("--locale <tag>", "language of titles", "en")
    .option("--as-typed", "correct no word")
    .addHelpText(
      "after",
      examples("magpie search running shoes\nmagpie search 跑步鞋 --locale zh --user u-17"),
    )
    .action(
      async (
        words: string[],
        given: {
          readonly user?: string;
          readonly limit: number;
          readonly locale: string;
          readonly asTyped?: boolean;
        },
      ) => {
        const shell = shellOf(program.opts());
        const engine = await openEngine(shell.dataFolder);
        try {
          const ranking = await engine.search({
            query: words.join(" "),
            limit: given.limit,
            locale: given.locale,
            explain: true,
            ...(given.asTyped === true && { correct: false }),
            ...(given.user !== undefined && { user: userId(given.user) }),
          });
          shell.result(ranking, rankingText(ranking, given.locale));
        } finally {
          await engine.close();
        }
      },
    );
};
