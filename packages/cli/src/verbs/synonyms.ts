import type { Synonym } from "@magpie/domain";
import { openEngine, type Engine } from "@magpie/engine";
import { table } from "../tables.ts";
import type { Shell } from "../shell.ts";
import { InvalidArgumentError } from "commander";
import { examples, type Verb } from "./verb.ts";

const textsIn = (list: string): string[] =>
  list
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "");

function shareIn(text: string): number {
  const share = Number(text);
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError(`It must be above 0 and at most 1, not "${text}".`);
}

const row = ({ id, from, to, weight }: Synonym): string[] => [
  id,
  to === undefined ? from.join(" = ") : `${from.join(", ")} → ${to.join(", ")}`,
  weight === undefined ? "0.8" : String(weight),
];

export const synonyms: Verb = (program, shellOf) => {
  const group = program
    .command("synonyms")
    .description("words of which one finds what another finds: list, put, delete, decide");
  const withEngine = async (work: (engine: Engine, shell: Shell) => Promise<void> | void) => {
    const shell = shellOf(program.opts());
    const engine = await openEngine(shell.dataFolder);
    try {
      await work(engine, shell);
    } finally {
      await engine.close();
    }
  };

  group
    .command("list", { isDefault: true })
    .description("all synonyms")
    .addHelpText("after", examples("magpie synonyms list"))
    .action(() =>
      withEngine(({ dictionaries }, shell) => {
        const all = dictionaries.synonyms();
        shell.result(
          { synonyms: all },
          all.length === 0
            ? "There are no synonyms. Put one: magpie synonyms put sneakers sneakers,trainers"
            : table(["id", "means", "weight"], all.map(row)),
        );
      }),
    );

  group
    .command("put")
    .description("a new synonym, or in place of the one of its id")
    .argument("<id>", "its name")
    .argument("<from>", "texts, comma-separated: what a query says", textsIn)
    .argument(
      "[to]",
      "what is searched for as well; without it each text finds every other",
      textsIn,
    )
    .option("--weight <share>", "of the score that a match by it gets", shareIn)
    .addHelpText(
      "after",
      examples(
        "magpie synonyms put sneakers sneakers,trainers\nmagpie synonyms put laptop laptop 笔记本电脑,notebook --weight 0.6",
      ),
    )
    .action(
      (id: string, from: string[], to: string[] | undefined, given: { readonly weight?: number }) =>
        withEngine(async ({ dictionaries }, shell) => {
          const synonym: Synonym = {
            id,
            from,
            ...(to !== undefined && { to }),
            ...(given.weight !== undefined && { weight: given.weight }),
          };
          const { isNew } = await dictionaries.putSynonym(synonym);
          shell.result(synonym, `${isNew ? "Added" : "Replaced"} ${row(synonym)[1]}.`);
        }),
    );

  group
    .command("delete")
    .argument("<id>")
    .description("the next search goes without it")
    .addHelpText("after", examples("magpie synonyms delete sneakers"))
    .action((id: string) =>
      withEngine(async ({ dictionaries }, shell) => {
        await dictionaries.deleteSynonym(id);
        shell.result({ id, deleted: true }, `Synonym ${id} is deleted.`);
      }),
    );

  group
    .command("candidates")
    .description("what people typed in place of a query that led to nothing, to be decided about")
    .addHelpText("after", examples("magpie synonyms candidates"))
    .action(() =>
      withEngine(({ dictionaries }, shell) => {
        const candidates = dictionaries.candidates();
        shell.result(
          { candidates },
          candidates.length === 0
            ? "Nothing is to be decided. Candidates are mined when a snapshot is trained."
            : table(
                ["from", "to", "people", "share"],
                candidates.map(({ from, to, users, share }) => [
                  from,
                  to,
                  String(users),
                  `${Math.round(100 * share)} %`,
                ]),
              ),
        );
      }),
    );

  for (const decision of ["approve", "refuse"] as const) {
    group
      .command(decision)
      .description(
        decision === "approve"
          ? "take a candidate: who types the first finds what the second finds"
          : "never offer a candidate again",
      )
      .argument("<from>")
      .argument("<to>")
      .addHelpText("after", examples(`magpie synonyms ${decision} sneakers trainers`))
      .action((from: string, to: string) =>
        withEngine(async ({ dictionaries }, shell) => {
          const synonym = await dictionaries.decide({ from, to }, decision);
          shell.result(
            { decision, ...(synonym && { synonym }) },
            synonym === undefined
              ? `${from} → ${to} is not offered again.`
              : `Added ${row(synonym)[1]}.`,
          );
        }),
      );
  }
};
