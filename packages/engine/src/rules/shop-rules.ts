import type {
  RuleChange,
  RuleDraft,
  RuleStore,
  RuleVersion,
  RuleVersionSummary,
} from "@magpie/data";
import { RequestError, type Rule } from "@magpie/domain";
import { conflictsOf, maxRules, readRules, RulesError, type RuleConflict } from "@magpie/ranking";
import type { Serving } from "../snapshot/serving.ts";
import { CompiledRules } from "./compiled-rules.ts";

/** Who changes rules, and what they had seen. */
export type RuleAuthor = Omit<RuleChange, "nowMs">;

/** Which rules an answer follows: those in force, those being worked on, or none. */
export type RulesChoice = "published" | "draft" | "off";

/**
 * Merchandisers' rules of a shop: a draft that is worked on and tried, publications that requests are
 * answered by, and the way back.
 *
 *     put, delete, save ─▶ draft ─▶ publish ─▶ version 3, in force      roll back to 2
 *                            ╰─▶ try: searches that ask for it                ╰─▶ version 4 = 2
 *
 * The rules in force are held compiled, and another set takes their place between two requests: no
 * answer follows half of each.
 *
 * Changes with `ifRevision` throw `RULES_CHANGED` when the draft is another one by now; rules that
 * cannot be taken throw `INVALID_RULES` with every place and reason.
 */
export class ShopRules {
  readonly #store: RuleStore;
  readonly #now: () => number;
  /** The snapshot that is served. */
  readonly #serving: () => Serving | undefined;
  #published: CompiledRules | undefined;
  #draft: Promise<CompiledRules> | undefined;
  /** Changes one after another. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(parts: {
    readonly store: RuleStore;
    readonly now: () => number;
    readonly serving: () => Serving | undefined;
  }) {
    this.#store = parts.store;
    this.#now = parts.now;
    this.#serving = parts.serving;
  }

  /** Takes up the rules that were in force when the shop was closed. */
  async open(): Promise<void> {
    const active = await this.#store.active();
    if (active !== undefined) this.#published = compiled(active);
  }

  /** Makes a snapshot ready for the rules in force, before it is served. */
  prepare(serving: Pick<Serving, "words">): void {
    serving.words.prepare(this.#published?.placeholders ?? []);
  }

  /** The rules that an answer follows; undefined: none. */
  async compiledFor(choice: RulesChoice): Promise<CompiledRules | undefined> {
    if (choice === "off") return undefined;
    const rules = choice === "published" ? this.#published : await this.#compiledDraft();
    return rules === undefined || rules.size === 0 ? undefined : rules;
  }

  draft(): Promise<RuleDraft> {
    return this.#store.draft();
  }

  /** @throws {RequestError} `UNKNOWN_RULE` */
  async rule(id: string): Promise<Rule> {
    const { rules } = await this.#store.draft();
    return rules.find((rule) => rule.id === id) ?? unknownRule(id);
  }

  /** The draft becomes these rules, in this order. */
  async saveDraft(given: readonly unknown[], author: RuleAuthor): Promise<RuleDraft> {
    const rules = readRules(given);
    return this.#change(() => this.#store.saveDraft(rules, this.#changeBy(author)));
  }

  /** Puts one rule into the draft: at its place when there is one of its id, else behind the others. */
  async put(
    given: unknown,
    author: RuleAuthor,
  ): Promise<{ readonly draft: RuleDraft; readonly isNew: boolean }> {
    const [rule] = readRules([given]) as [Rule];
    return this.#change(async () => {
      const before = (await this.#store.draft()).rules;
      const place = before.findIndex(({ id }) => id === rule.id);
      const isNew = place === -1;
      const rules = isNew ? [...before, rule] : before.with(place, rule);
      if (rules.length > maxRules) throw tooMany(rules.length);
      return { draft: await this.#store.saveDraft(rules, this.#changeBy(author)), isNew };
    });
  }

  /** @throws {RequestError} `UNKNOWN_RULE` */
  delete(id: string, author: RuleAuthor): Promise<RuleDraft> {
    return this.#change(async () => {
      const { rules } = await this.#store.draft();
      const kept = rules.filter((rule) => rule.id !== id);
      if (kept.length === rules.length) unknownRule(id);
      return this.#store.saveDraft(kept, this.#changeBy(author));
    });
  }

  /** What in these rules, or in the draft, cannot all come true. Nothing is changed. */
  async check(given?: readonly unknown[]): Promise<readonly RuleConflict[]> {
    const rules = given === undefined ? (await this.#store.draft()).rules : readRules(given);
    const catalog = this.#serving()?.catalog;
    if (catalog === undefined) return conflictsOf(rules, this.#now());
    const present = catalog.filter.compile({});
    return conflictsOf(rules, this.#now(), {
      hasItem(id) {
        const row = catalog.indexOf(id);
        return row !== -1 && present.has(row);
      },
      hasField: (field) => catalog.facets.knows(field),
    });
  }

  /** The draft comes into force. */
  publish(change: RuleAuthor & { readonly note?: string }): Promise<RuleVersion> {
    return this.#change(() =>
      this.#store.publish({ ...this.#changeBy(change), ...noteOf(change) }).then(this.#bringIn),
    );
  }

  /**
   * The rules of a former version come into force again, and are the draft from now on.
   *
   * @throws {StoreError} `UNKNOWN_RULES_VERSION`
   */
  rollBack(version: number, change: RuleAuthor & { readonly note?: string }): Promise<RuleVersion> {
    return this.#change(() =>
      this.#store
        .rollBack(version, { ...this.#changeBy(change), ...noteOf(change) })
        .then(this.#bringIn),
    );
  }

  /** The version in force. */
  active(): Promise<RuleVersion | undefined> {
    return this.#store.active();
  }

  version(version: number): Promise<RuleVersion | undefined> {
    return this.#store.version(version);
  }

  /** Every publication, newest first. */
  versions(): Promise<RuleVersionSummary[]> {
    return this.#store.versions();
  }

  readonly #bringIn = (version: RuleVersion): RuleVersion => {
    const rules = compiled(version);
    this.#serving()?.words.prepare(rules.placeholders);
    this.#published = rules;
    return version;
  };

  /** Compiled when it is first asked for, and kept until the next change. */
  #compiledDraft(): Promise<CompiledRules> {
    this.#draft ??= this.#store
      .draft()
      .then(({ rules, revision }) => new CompiledRules(rules, { state: "draft", revision }));
    return this.#draft;
  }

  #changeBy({ author, ifRevision }: RuleAuthor): RuleChange {
    return { author, nowMs: this.#now(), ...(ifRevision !== undefined && { ifRevision }) };
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(work).finally(() => (this.#draft = undefined));
    this.#changes = result.catch(() => {});
    return result;
  }
}

const compiled = ({ rules, version }: RuleVersion): CompiledRules =>
  new CompiledRules(rules, { state: "published", version });

const noteOf = ({ note }: { readonly note?: string }) => (note === undefined ? {} : { note });

function unknownRule(id: string): never {
  throw new RequestError(
    "UNKNOWN_RULE",
    `The draft has no rule "${id}".`,
    "List the draft to see which rules there are.",
    { kind: "not-found" },
  );
}

function tooMany(rules: number): RulesError {
  return new RulesError(
    [
      {
        field: "rules",
        message: `the draft would have ${rules} rules, and at most ${maxRules} can be held`,
        hint: "Join rules that do the same: a rule has up to 100 conditions, of which one is enough.",
      },
    ],
    rules,
  );
}
