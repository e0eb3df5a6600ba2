import { readFile } from "node:fs/promises";
import { DataError, devices, type Device, type Rule, type RuleCondition } from "@magpie/domain";
import {
  openEngine,
  type Engine,
  type ExplainedRules,
  type ServedRanking,
  type ShopRules,
} from "@magpie/engine";
import { RulesError, type RuleConflict } from "@magpie/ranking";
import { Option } from "commander";
import { rankingText } from "../ranking-text.ts";
import type { Shell } from "../shell.ts";
import { table } from "../tables.ts";
import { examples, wholeNumber, type Verb } from "./verb.ts";

export const rules: Verb = (program, shellOf) => {
  const group = program
    .command("rules")
    .description("merchandisers' rules: work on the draft, try it, publish it, go back");

  /** Runs with the shop's rules, and tells every problem of rules that cannot be taken. */
  const withRules = async (
    work: (shell: Shell, shopRules: ShopRules, engine: Engine) => Promise<void>,
  ): Promise<void> => {
    const shell = shellOf(program.opts());
    const engine = await openEngine(shell.dataFolder, { verify: "never" });
    try {
      await work(shell, engine.rules, engine);
    } catch (error) {
      if (error instanceof RulesError) {
        for (const { field, message, hint } of error.problems) {
          shell.note(`${field}: ${message}. ${hint}`);
        }
      }
      throw error;
    } finally {
      await engine.close();
    }
  };

  group
    .command("list")
    .description("the rules of the draft, or those in force")
    .option("--published", "those in force")
    .addHelpText("after", examples("magpie rules list\nmagpie rules list --json > rules.json"))
    .action((given: { readonly published?: boolean }) =>
      withRules(async (shell, shopRules) => {
        const listed = given.published ? await shopRules.active() : await shopRules.draft();
        const all = listed?.rules ?? [];
        shell.result(
          listed ?? { rules: [] },
          all.length === 0
            ? "There are no rules. Put some in: magpie rules put rules.json"
            : table(["id", "name", "when", "does"], all.map(rowOf)),
        );
      }),
    );

  group
    .command("put")
    .description("put rules of a JSON file into the draft: one rule, a list, or { rules: […] }")
    .argument("<file>")
    .option("--replace", "the draft becomes these rules alone, in this order")
    .addHelpText(
      "after",
      examples("magpie rules put spring.json\nmagpie rules put all.json --replace"),
    )
    .action((file: string, { replace }: { readonly replace?: boolean }) =>
      withRules(async (shell, shopRules) => {
        const given = rulesIn(file, await readFile(file, "utf8"));
        const before = await shopRules.draft();
        const merged = replace ? given : mergedInto(before.rules, given);
        const { revision, rules: all } = await shopRules.saveDraft(merged, {
          author: "magpie rules put",
          ifRevision: before.revision,
        });
        shell.result(
          { revision, size: all.length },
          `The draft has ${all.length} rules. See what they do: magpie rules try WORDS; then: magpie rules publish`,
        );
      }),
    );

  group
    .command("delete")
    .description("take rules out of the draft")
    .argument("<ids...>")
    .addHelpText("after", examples("magpie rules delete spring-mugs"))
    .action((ids: string[]) =>
      withRules(async (shell, shopRules) => {
        for (const id of ids) await shopRules.rule(id); // all of them or none
        for (const id of ids) await shopRules.delete(id, { author: "magpie rules delete" });
        const { revision, rules: all } = await shopRules.draft();
        shell.result({ revision, size: all.length }, `The draft has ${all.length} rules.`);
      }),
    );

  group
    .command("check")
    .description("what in the draft, or in a file, cannot all come true")
    .argument("[file]", "rules that are checked in place of the draft; nothing is changed")
    .addHelpText("after", examples("magpie rules check\nmagpie rules check spring.json"))
    .action((file: string | undefined) =>
      withRules(async (shell, shopRules) => {
        const given = file === undefined ? undefined : rulesIn(file, await readFile(file, "utf8"));
        const conflicts = await shopRules.check(given);
        shell.result({ conflicts }, conflictText(conflicts));
      }),
    );

  group
    .command("publish")
    .description("bring the draft into force")
    .option("--note <text>", "what it is about, for the history")
    .addHelpText("after", examples('magpie rules publish --note "Mugs for spring"'))
    .action((given: { readonly note?: string }) =>
      withRules(async (shell, shopRules) => {
        const conflicts = await shopRules.check();
        const { rules: all, ...published } = await shopRules.publish({
          author: "magpie rules publish",
          ...given,
        });
        if (conflicts.length > 0) shell.note(conflictText(conflicts));
        shell.result(
          { ...published, conflicts },
          `Version ${published.version} is in force, ${all.length} rules. Back: magpie rules rollback VERSION`,
        );
      }),
    );

  group
    .command("history")
    .description("every publication, newest first; ▶ is in force")
    .addHelpText("after", examples("magpie rules history"))
    .action(() =>
      withRules(async (shell, shopRules) => {
        const versions = await shopRules.versions();
        shell.result(
          { versions },
          versions.length === 0
            ? "Nothing was published yet. Publish the draft: magpie rules publish"
            : table(
                ["", "version", "published (UTC)", "by", "rules", "brings back", "note"],
                versions.map(({ version, publishedMs, author, size, restores, note }, i) => [
                  i === 0 ? "▶" : "",
                  version,
                  new Date(publishedMs).toISOString().slice(0, 16).replace("T", " "),
                  author,
                  size,
                  restores ?? "",
                  note ?? "",
                ]),
                [1, 4, 5],
              ),
        );
      }),
    );

  group
    .command("rollback")
    .description("bring the rules of a former version back into force")
    .argument("<version>", "see: magpie rules history", wholeNumber(1))
    .option("--note <text>", "why, for the history")
    .addHelpText("after", examples("magpie rules rollback 3"))
    .action((former: number, given: { readonly note?: string }) =>
      withRules(async (shell, shopRules) => {
        const { rules: all, ...published } = await shopRules.rollBack(former, {
          author: "magpie rules rollback",
          ...given,
        });
        shell.result(
          published,
          `Version ${published.version} is in force with the ${all.length} rules of version ${former}.`,
        );
      }),
    );

  group
    .command("try")
    .description("a search as the draft would have it answered, and why each rule applies or not")
    .argument("[words...]", "what a shopper would type; nothing: the listing")
    .option("--published", "by the rules in force")
    .option("--context <tags...>", "of the page")
    .option("--segment <tags...>", "of the shopper")
    .addOption(new Option("--device <kind>", "what the shopper holds").choices(devices))
    .option("--locale <tag>", "language of the reader", "en")
    .option("--limit <n>", "how many", wholeNumber(1), 10)
    .addHelpText(
      "after",
      examples(
        "magpie rules try blue mug\nmagpie rules try mug --context landing-spring --device app",
      ),
    )
    .action((words: string[], given: TryOptions) =>
      withRules(async (shell, _, engine) => {
        const { context, segment, device, locale, limit, published } = given;
        const asked = {
          query: words.join(" "),
          locale,
          limit,
          rules: published ? "published" : "draft",
          ...(context && { contexts: context }),
          ...(segment && { segments: segment }),
          ...(device && { device }),
        } as const;
        const ranking = await engine.search({ ...asked, explain: true, isShown: false });
        const explained = (await engine.explainSearch({ ...asked, itemIds: [] })).rules;
        shell.result(
          { ranking, rules: explained },
          [verdictText(explained), ...outcomeLines(ranking), rankingText(ranking, locale)].join(
            "\n\n",
          ),
        );
      }),
    );
};

interface TryOptions {
  readonly published?: boolean;
  readonly context?: readonly string[];
  readonly segment?: readonly string[];
  readonly device?: Device;
  readonly locale: string;
  readonly limit: number;
}

/** @throws {DataError} `NOT_JSON`, `NO_RULES` */
function rulesIn(file: string, text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DataError(
      "NOT_JSON",
      `${file} is not JSON: ${(error as Error).message}.`,
      "magpie rules list --json writes a file that can be changed and put back.",
      { cause: error },
    );
  }
  if (Array.isArray(value)) return value;
  if (typeof value === "object" && value !== null) {
    if (!("rules" in value)) return [value];
    if (Array.isArray(value.rules)) return value.rules;
  }
  throw new DataError(
    "NO_RULES",
    `${file} holds no rules.`,
    'Give one rule, a list of rules, or { "rules": […] }.',
  );
}

/** Rules of known ids at their places, others behind. What is no rule is left for the check. */
function mergedInto(before: readonly Rule[], given: readonly unknown[]): readonly unknown[] {
  const merged: unknown[] = [...before];
  for (const one of given) {
    const { id } = (one ?? {}) as { readonly id?: unknown };
    const place = before.findIndex((rule) => rule.id === id);
    if (place === -1) merged.push(one);
    else merged[place] = one;
  }
  return merged;
}

function rowOf({ id, name, enabled, conditions, schedule, actions }: Rule): string[] {
  const when = [
    ...(enabled === false ? ["off"] : []),
    conditions?.map(conditionText).join(" or ") ?? "always",
    ...(schedule?.from === undefined ? [] : [`from ${schedule.from}`]),
    ...(schedule?.until === undefined ? [] : [`until ${schedule.until}`]),
  ];
  return [id, name, when.join(", "), Object.keys(actions).join(", ")];
}

function conditionText({
  query,
  contexts,
  segments,
  locales,
  devices: kinds,
}: RuleCondition): string {
  return [
    ...(query ? [`${query.match} "${query.text}"`] : []),
    ...(contexts ? [`page ${contexts.join("/")}`] : []),
    ...(segments ? [`shopper ${segments.join("/")}`] : []),
    ...(locales ? [locales.join("/")] : []),
    ...(kinds ? [kinds.join("/")] : []),
  ].join(" and ");
}

function conflictText(conflicts: readonly RuleConflict[]): string {
  if (conflicts.length === 0) return "No rule is in another's way.";
  return table(
    ["conflict", "rules", "what"],
    conflicts.map(({ kind, ruleIds, message }) => [kind, ruleIds.join(", "), message]),
  );
}

function verdictText(explained: ExplainedRules | undefined): string {
  if (explained === undefined) return "There are no rules.";
  return table(
    ["rule", "", "why"],
    explained.rules.map(({ id, state, effects, obstacles }) => [
      id,
      state,
      state === "applied"
        ? effects.join(", ")
        : state === "held"
          ? "nothing left for it to do"
          : `not met: ${obstacles.join(", ")}`,
    ]),
  );
}

/** What rules did beside the items. */
function outcomeLines({ rules: outcome }: ServedRanking): string[] {
  if (outcome === undefined) return [];
  const { query, redirect, banners, data } = outcome;
  const lines = [
    ...(query === undefined ? [] : [`searched for: ${query}`]),
    ...(redirect === undefined ? [] : [`leads to: ${redirect.url}`]),
    ...banners.map(({ id, title, ruleId }) => `banner ${id} of ${ruleId}: ${title ?? ""}`),
    ...data.map((own) => `data of ${own.ruleId}: ${JSON.stringify(own.data)}`),
  ];
  return lines.length === 0 ? [] : [lines.join("\n")];
}
