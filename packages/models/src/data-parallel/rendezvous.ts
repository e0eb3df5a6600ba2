import { meanOf, type Contribution, type Mean } from "./transport.ts";

interface Waiting {
  readonly part: Contribution;
  readonly resolve: (mean: Mean) => void;
}

/**
 * Rounds of a known set of members: a round ends when every member that is still there has brought its part,
 * and all of them get the mean. It knows neither processes nor networks; whoever carries the parts calls it.
 *
 *     lead    ─ part ─▶ ┐                 ┌─▶ mean
 *     helper  ─ part ─▶ ├─ all are there ─┤
 *     helper  ─ part ─▶ ┘                 └─▶ mean       lost: drop(member), and the round goes on without
 */
export class Rendezvous {
  readonly #members: Set<string>;
  readonly #waiting = new Map<string, Waiting>();

  constructor(members: Iterable<string>) {
    this.#members = new Set(members);
  }

  get members(): readonly string[] {
    return [...this.#members];
  }

  /** Members that the present round waits for. */
  get missing(): readonly string[] {
    return this.members.filter((member) => !this.#waiting.has(member));
  }

  /**
   * Brings a member's part to the present round.
   *
   * @returns  the mean, once all are there; never for a member that is not one, or that is dropped meanwhile
   */
  contribute(member: string, part: Contribution): Promise<Mean> {
    return new Promise((resolve) => {
      if (!this.#members.has(member)) return;
      this.#waiting.set(member, { part, resolve });
      this.#endRound();
    });
  }

  /** Takes a member out for good; its part of the present round does not count. */
  drop(member: string): void {
    this.#members.delete(member);
    this.#waiting.delete(member);
    this.#endRound();
  }

  #endRound(): void {
    if (this.#members.size === 0 || this.#waiting.size < this.#members.size) return;
    // In the members' order, so that sums do not depend on who came first.
    const parts = this.members.map((member) => this.#waiting.get(member)!);
    this.#waiting.clear();
    const mean = meanOf(parts.map(({ part }) => part));
    for (const { resolve } of parts) resolve(mean);
  }
}
