import { intentsOf, queryKey, type LoggedSearch } from "../suggest/query-log.ts";

/** A search with what came of it. */
export interface SearchWithOutcome extends LoggedSearch {
  /** Whether something was clicked or bought from it. */
  readonly succeeded: boolean;
}

/** Two ways to say one thing, for a merchandiser to approve. */
export interface SynonymCandidate {
  /** What was typed first, and led to nothing. */
  readonly from: string;
  /** What was typed instead, and led to a click or a purchase. */
  readonly to: string;
  readonly users: number;
  /** Share of the people who gave `from` up for another query, who took `to`; in (0, 1]. */
  readonly share: number;
}

/** Later, it is another wish. */
const retypeGapMs = 5 * 60_000;

/**
 * Queries that people typed in place of another one that led to nothing, and found what they wanted:
 * sneakers → trainers. Only what at least `minUsers` different people did so, most of them first.
 * Candidates, not synonyms: people also give up one wish for another.
 */
export function synonymCandidates(
  searches: readonly SearchWithOutcome[],
  minUsers: number,
): SynonymCandidate[] {
  const succeeded = new Set(searches.filter((one) => one.succeeded).map(keyOf));
  const byVisit = Map.groupBy(intentsOf(searches), ({ actor, session }) =>
    JSON.stringify([actor, session]),
  );
  const retyped = new Map<string, Map<string, Set<string>>>();
  for (const visit of byVisit.values()) {
    const ordered = visit.toSorted((a, b) => a.timestampMs - b.timestampMs);
    for (const [i, second] of ordered.entries()) {
      const first = ordered[i - 1];
      if (first === undefined || second.timestampMs - first.timestampMs > retypeGapMs) continue;
      if (succeeded.has(keyOf(first)) || !succeeded.has(keyOf(second))) continue;
      const [from, to] = [queryKey(first.query), queryKey(second.query)];
      // One inside the other narrows or widens; it says nothing else.
      if (from.includes(to) || to.includes(from)) continue;
      const targets = retyped.get(from) ?? new Map<string, Set<string>>();
      retyped.set(from, targets);
      targets.set(to, (targets.get(to) ?? new Set()).add(second.actor));
    }
  }
  return [...retyped]
    .flatMap(([from, targets]) => {
      const everybody = new Set([...targets.values()].flatMap((actors) => [...actors])).size;
      return Array.from(targets, ([to, actors]): SynonymCandidate => ({
        from,
        to,
        users: actors.size,
        share: actors.size / everybody,
      }));
    })
    .filter(({ users }) => users >= Math.max(1, minUsers))
    .sort((a, b) => b.users - a.users || b.share - a.share || (a.from < b.from ? -1 : 1));
}

const keyOf = ({ actor, session, query }: LoggedSearch): string =>
  JSON.stringify([actor, session, queryKey(query)]);
