import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HeldOut, Sequences } from "@magpie/data";
import { TrainingError, type WorkContext } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { seededRandom } from "@magpie/numerics";
import type { Model, TrainingData } from "./model.ts";
import { checkSpace, drawRecipe, type SearchSpace } from "./search-space.ts";

/** What a search is asked for. */
export interface TuneOptions extends WorkContext {
  /** Recipes and trainings follow from it. */
  readonly seed: number;
  /** Recipes to compare, the default one among them. */
  readonly recipes: number;
  /** No training begins after this time, and one that runs then is told to end. */
  readonly budgetSeconds: number;
  /** Results are kept here, and a search that finds some goes on from them. */
  readonly folder: string;
  readonly threads?: number;
}

/** One recipe, trained with one effort and measured on validation. */
export interface Trial {
  /** Its number; 0 is the default recipe. */
  readonly recipe: number;
  /** What differs from the defaults. */
  readonly changes: Readonly<Record<string, number | string | boolean>>;
  /** Value of the space's effort field; absent where there is none. */
  readonly effort?: number;
  readonly ndcgAt10: number;
  readonly recallAt10: number;
  /** Of this training, beyond what it went on from. */
  readonly seconds: number;
  /** The search's time ended the training. */
  readonly isCut: boolean;
}

/** All trials, best first: more effort before less, then by NDCG@10. */
export interface Tuning {
  readonly kind: string;
  readonly best: Trial;
  /** The whole recipe of the best one, as `Model.train` takes it. */
  readonly config: object;
  readonly trials: readonly Trial[];
  /** Trials taken over from an earlier search of this folder. */
  readonly resumed: number;
}

/** Of the recipes of one rung, one in so many is trained on; their effort grows as much. */
const halving = 3;
const rungs = 3;

/**
 * Searches a model's space on validation. The test part plays no role, so that what is found may be
 * measured on it once.
 *
 *     rung 1   27 recipes, 1/9 of the effort   ▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉▉
 *     rung 2    9 best ones, 1/3               ▉▉▉▉▉▉▉▉▉                    each goes on from its
 *     rung 3    3 best ones, all of it         ▉▉▉                          checkpoint
 *
 * Each rung may take an equal part of the time, what is left over included; the default recipe stays to the
 * last, so that the result is never worse than it on validation. A model without effort has one rung: random
 * search.
 *
 * @throws {TrainingError} `NOTHING_TO_SEARCH`: the model declares no space; `OTHER_SEARCH`: the folder holds
 *   results of another model, seed or data; `NO_TIME`: not one training was possible
 * @see Jamieson & Talwalkar (2016), "Non-stochastic best arm identification and hyperparameter optimization"
 */
export async function tune(
  model: Model,
  data: TrainingData & { readonly validation: HeldOut },
  options: TuneOptions,
): Promise<Tuning> {
  const space = spaceOf(model);
  const { seed, folder, budgetSeconds, signal } = options;
  const journal = await Journal.open(folder, identityOf(model, space, data, seed));
  const started = performance.now();
  const secondsLeft = (): number => budgetSeconds - (performance.now() - started) / 1_000;
  const efforts = effortsOf(model, space);
  const trials: Trial[] = [];

  let alive = Array.from({ length: options.recipes }, (_, recipe) => recipe);
  for (const [rung, effort] of efforts.entries()) {
    const reserved = secondsLeft() * (1 - 1 / (efforts.length - rung));
    const measured: Trial[] = [];
    for (const [at, recipe] of alive.entries()) {
      signal.throwIfAborted();
      const known = journal.find(recipe, effort);
      if (known === undefined && secondsLeft() <= (at === 0 ? 0 : reserved)) continue;
      options.onProgress({
        stage: `${model.kind}/tune`,
        done: at,
        total: alive.length,
        unit: "recipes",
        message: `rung ${rung + 1} of ${efforts.length}${bestSoFar(measured)}`,
      });
      const trial = known ?? (await runTrial(recipe, effort));
      if (known === undefined && !trial.isCut) await journal.add(trial);
      measured.push(trial);
    }
    trials.unshift(...measured.toSorted(byQuality));
    alive = survivors(measured);
    const dropped = measured.filter(({ recipe }) => !alive.includes(recipe));
    for (const { recipe } of dropped)
      await rm(checkpointOf(recipe), { recursive: true, force: true });
  }

  const best = trials[0];
  if (best === undefined) {
    throw new TrainingError(
      "NO_TIME",
      `In ${budgetSeconds} seconds not one recipe of "${model.kind}" was trained.`,
      "Give the search more time.",
    );
  }
  const config = { ...model.defaults, ...best.changes };
  return { kind: model.kind, best, config, trials, resumed: journal.resumed };

  function checkpointOf(recipe: number): string {
    return join(folder, "checkpoints", String(recipe));
  }

  async function runTrial(recipe: number, effort: number | undefined): Promise<Trial> {
    const changes =
      recipe === 0 ? {} : drawRecipe(space, seededRandom(seed, `tune/${model.kind}/${recipe}`));
    const budget = Math.max(1, secondsLeft());
    const begun = performance.now();
    const trained = await model.train(
      data,
      {
        ...model.defaults,
        ...changes,
        ...(space.effort !== undefined && { [space.effort]: effort }),
      },
      {
        seed,
        signal,
        onProgress: options.onProgress,
        budgetSeconds: budget,
        ...(space.effort !== undefined && { checkpointDir: checkpointOf(recipe) }),
        ...(options.threads !== undefined && { threads: options.threads }),
      },
    );
    try {
      const seconds = (performance.now() - begun) / 1_000;
      const { metrics } = await evaluate(trained, data.validation, {
        cutoffs: [10],
        metrics: ["ndcg", "recall"],
      });
      return {
        recipe,
        changes,
        ...(effort !== undefined && { effort }),
        ndcgAt10: metrics["ndcgAt10"]!,
        recallAt10: metrics["recallAt10"]!,
        seconds,
        // A training without epochs does not look at the time: it came to its end.
        isCut: space.effort !== undefined && seconds >= budget,
      };
    } finally {
      await trained.dispose();
    }
  }
}

function spaceOf({ kind, space, defaults }: Model): SearchSpace {
  if (space === undefined) {
    throw new TrainingError(
      "NOTHING_TO_SEARCH",
      `The model "${kind}" declares no settings to search.`,
      "Choose another model; `magpie tune --help` lists those that do.",
    );
  }
  checkSpace(kind, space, defaults);
  return space;
}

/** What each rung gives its recipes: 1/9, 1/3 and all of the default effort. */
function effortsOf({ defaults }: Model, { effort }: SearchSpace): (number | undefined)[] {
  if (effort === undefined) return [undefined];
  const whole = (defaults as Record<string, number>)[effort]!;
  const shares = Array.from({ length: rungs }, (_, rung) => halving ** (rung + 1 - rungs));
  return [...new Set(shares.map((share) => Math.max(1, Math.round(whole * share))))];
}

const byQuality = (a: Trial, b: Trial): number => b.ndcgAt10 - a.ndcgAt10 || a.recipe - b.recipe;

/** Recipes of the best third, and the default one, which goes first. */
function survivors(measured: readonly Trial[]): number[] {
  const kept = measured.toSorted(byQuality).slice(0, Math.ceil(measured.length / halving));
  const recipes = kept.map(({ recipe }) => recipe);
  return measured.some(({ recipe }) => recipe === 0)
    ? [0, ...recipes.filter((recipe) => recipe !== 0)]
    : recipes;
}

function bestSoFar(measured: readonly Trial[]): string {
  const [best] = measured.toSorted(byQuality);
  return best === undefined ? "" : `, best validation NDCG@10 ${best.ndcgAt10.toFixed(4)}`;
}

/** Equal for searches whose trials may be taken over. */
function identityOf(
  model: Model,
  space: SearchSpace,
  { train, validation }: { readonly train: Sequences; readonly validation: HeldOut },
  seed: number,
): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify({ kind: model.kind, defaults: model.defaults, space, seed }));
  for (const part of [train.offsets, train.items, validation.targetOffsets, validation.targets]) {
    hash.update(part);
  }
  return hash.digest("hex");
}

/** Trials of a search on disk, a JSON line each after a line that says which search it is. */
class Journal {
  readonly #path: string;
  readonly #trials: Trial[];
  readonly resumed: number;

  private constructor(path: string, trials: Trial[]) {
    this.#path = path;
    this.#trials = trials;
    this.resumed = trials.length;
  }

  static async open(folder: string, identity: string): Promise<Journal> {
    const path = join(folder, "trials.jsonl");
    await mkdir(folder, { recursive: true });
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    // A line without its end was being written when the process stopped; its trial is run again.
    const lines = text === undefined ? [] : text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
    const [head, ...rest] = lines.filter((line) => line !== "");
    if (head === undefined) {
      await writeFile(path, `${JSON.stringify({ search: identity })}\n`);
      return new Journal(path, []);
    }
    if ((JSON.parse(head) as { readonly search?: string }).search !== identity) {
      throw new TrainingError(
        "OTHER_SEARCH",
        `The trials in ${folder} are of another model, recipe, seed or data.`,
        "Name another folder, or delete this one.",
        { kind: "conflict" },
      );
    }
    await writeFile(path, `${[head, ...rest].join("\n")}\n`);
    return new Journal(
      path,
      rest.map((line) => JSON.parse(line) as Trial),
    );
  }

  find(recipe: number, effort: number | undefined): Trial | undefined {
    return this.#trials.find((trial) => trial.recipe === recipe && trial.effort === effort);
  }

  async add(trial: Trial): Promise<void> {
    await appendFile(this.#path, `${JSON.stringify(trial)}\n`);
    this.#trials.push(trial);
  }
}
