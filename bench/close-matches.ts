/**
 * What items that lack one word are worth behind few that have all, on judged queries, through the
 * engine as a shop gets it on its first day.
 *
 *     node bench/close-matches.ts          (MAGPIE_DATASETS: folder of data sets, ../shared/data unless told)
 *
 * Three settings: never, for three words and more (served), for two words and more. Which one is best
 * is also chosen by cross-validation over queries (5 folds by position, all sets together, each
 * counting alike): per fold the best of the other four. Writes bench/results/close-matches.md.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { compareSearch, evaluateSearch, type SearchEvaluation } from "@magpie/evaluation";
import { mean } from "@magpie/numerics";
import { judgedSets } from "./judged-sets.ts";
import { openServedSearch } from "./served-search.ts";
import { writeSection } from "./write-section.ts";

const datasets =
  process.env["MAGPIE_DATASETS"] ?? join(import.meta.dirname, "..", "..", "shared", "data");
const folds = 5;

/** Each setting with what a request says to get it. */
const settings = [
  { name: "never", asked: { closeMatches: false } },
  { name: "from three words (served)", asked: {} },
  { name: "from two words", asked: { closeMatches: true } },
] as const;

const sets: { readonly name: string; readonly evaluations: readonly SearchEvaluation[] }[] = [];
for (const { name, items, judgements, locale } of judgedSets(datasets)) {
  const shop = await openServedSearch(items);
  const evaluations: SearchEvaluation[] = [];
  for (const setting of settings) {
    evaluations.push(
      await evaluateSearch(setting.name, judgements, (query, limit) =>
        shop.search(query, limit, { ...setting.asked, locale }),
      ),
    );
  }
  await shop.close();
  sets.push({ name, evaluations });
}

const ndcgOf = (evaluation: SearchEvaluation): readonly number[] =>
  Array.from(evaluation.perQuery.trecNdcgAt10);
/** Mean over sets of one setting on some queries of each. */
const over = (setting: number, isTaken: (query: number) => boolean): number =>
  mean(
    sets.map(({ evaluations }) =>
      mean(ndcgOf(evaluations[setting]!).filter((_, query) => isTaken(query))),
    ),
  );
const chosen = Array.from({ length: folds }, (_, fold) => {
  const training = settings.map((_setting, s) => over(s, (query) => query % folds !== fold));
  return training.indexOf(Math.max(...training));
});
const heldOut = mean(chosen.map((setting, fold) => over(setting, (q) => q % folds === fold)));
const whole = settings.map((_, s) => over(s, () => true));

const three = (value: number): string => value.toFixed(3);
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, c) => (c < 2 ? "---" : "---:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");
const rows = sets.flatMap(({ name, evaluations }) =>
  evaluations.map((evaluation, s) => {
    const { difference, wins, losses, ties } = compareSearch(
      evaluations[0]!,
      evaluation,
      "trecNdcgAt10",
    );
    return [
      name,
      settings[s]!.name,
      three(mean(ndcgOf(evaluation))),
      ...(s === 0
        ? ["", ""]
        : [
            `${three(difference.mean)} [${three(difference.low)}, ${three(difference.high)}]`,
            `${wins.length} / ${ties} / ${losses.length}`,
          ]),
    ];
  }),
);
const section = `### Close matches: trec nDCG@10 on judged queries

${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()} · Node ${process.version}

    node bench/close-matches.ts

Items that lack one word of a query (though no number), behind those that have all, where fewer than 20 have all.
The engine with every other default, on a catalogue that nobody has visited. Differences are paired, against never, with
their 95 % interval.

${table(["set", "close matches", "nDCG@10", "against never", "wins / ties / losses"], rows)}

Mean of the sets: ${settings.map(({ name }, s) => `${name} ${three(whole[s]!)}`).join(", ")}. Chosen on four fifths of the queries:
${chosen.map((setting) => settings[setting]!.name).join(", ")}; on the fifth that is held out ${three(heldOut)}.
The default is the one from three words all the same: of two words, an item that lacks one has half of what was asked, and
the acceptance set wants none of it (\`packages/retrieval/src/text/fixtures/acceptance.json\`).
`;
await writeSection(
  join(import.meta.dirname, "results", "close-matches.md"),
  "Close matches, measured",
  section,
);
process.stdout.write(section);
