import { userId } from "@magpie/domain";
import { openEngine, type RecommendOptions } from "@magpie/engine";
import { rankingText } from "../ranking-text.ts";
import { examples, wholeNumber, type Verb } from "./verb.ts";

export const recommend: Verb = (program, shellOf) => {
  program
    .command("recommend")
    .description("what a user would be shown now, and why")
    .argument("[user]", "user or visitor id; without it, what a stranger sees")
    .option("--scenario <name>", "page slot: home-feed, popular, cart", "home-feed")
    .option("--limit <n>", "how many", wholeNumber(1), 10)
    .option("--category <path>", "only below this category")
    .option("--locale <tag>", "language of titles", "en")
    .addHelpText(
      "after",
      examples(
        'magpie recommend u-17\nmagpie recommend u-17 --category "Shoes > Running" --json\nmagpie recommend --scenario popular --locale zh',
      ),
    )
    .action(
      async (
        user: string | undefined,
        given: {
          readonly scenario: string;
          readonly limit: number;
          readonly category?: string;
          readonly locale: string;
        },
      ) => {
        const shell = shellOf(program.opts());
        const engine = await openEngine(shell.dataFolder);
        try {
          const options: RecommendOptions = {
            limit: given.limit,
            locale: given.locale,
            explain: true,
            ...(user !== undefined && { user: userId(user) }),
            ...(given.category !== undefined && { filter: { categories: [given.category] } }),
          };
          const ranking = await engine.recommend(given.scenario, options);
          shell.result(ranking, rankingText(ranking, given.locale));
        } finally {
          await engine.close();
        }
      },
    );
};
