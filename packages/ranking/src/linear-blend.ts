import type { Candidate, Ranker, RetrievedList, ServingRequest } from "@magpie/domain";
import { fuseByScore, type FusionInput } from "@magpie/retrieval";

/** Weight and normalisation per retriever name; fitted on validation data, never on test. */
export type BlendInputs = Readonly<Record<string, FusionInput>>;

/**
 * The first ranker: a weighted sum of what each retriever gave, brought to one scale.
 *
 *     score(item) = Σ_retrievers weight · normalise(score), 0 where a retriever has not found it
 *
 * Contributions keep each retriever's reasons and sum to the score.
 */
export class LinearBlend implements Ranker {
  readonly name: string;
  readonly #inputs: BlendInputs;

  /** @throws {RangeError} when a weight is negative or not finite, or a scale is not positive */
  constructor(inputs: BlendInputs, name = "linear-blend") {
    this.name = name;
    this.#inputs = inputs;
    for (const [retriever, { weight, normalisation }] of Object.entries(inputs)) {
      const span =
        normalisation.kind === "logistic"
          ? normalisation.scale
          : normalisation.kind === "rank"
            ? normalisation.halfLife
            : 1;
      if (!(weight >= 0 && weight < Infinity) || !(span > 0 && span < Infinity)) {
        throw new RangeError(
          `Blend input "${retriever}" has weight ${weight} and scale ${span}; ` +
            `weights must be 0 or more, scales above 0.`,
        );
      }
    }
  }

  async rank(_request: ServingRequest, lists: readonly RetrievedList[]): Promise<Candidate[]> {
    return fuseByScore(lists, (retriever) => {
      const input = this.#inputs[retriever];
      if (input === undefined) {
        const known = Object.keys(this.#inputs).join(", ");
        throw new Error(`internal: retriever "${retriever}" has no weight among ${known}`);
      }
      return input;
    });
  }
}
