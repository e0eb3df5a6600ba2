import {
  itemIndex,
  RequestError,
  type Candidate,
  type Retriever,
  type ServingRequest,
} from "@magpie/domain";
import type { ItemFilterIndex } from "@magpie/retrieval";
import type { MeaningIndex } from "./meaning-index.ts";

/** The stage that nearness in meaning is signed with. */
export const meaningStage = "meaning";

/** Proposes the items whose texts are nearest in meaning to the query. */
export class MeaningRetriever implements Retriever {
  readonly name = meaningStage;
  readonly #index: MeaningIndex;
  readonly #filters: ItemFilterIndex;
  readonly #textOf: (request: ServingRequest) => Promise<string>;
  readonly #maxQueryMs: number;

  /**
   * @param textOf      what a request asks for, in words: as it is understood
   * @param maxQueryMs  a search does not wait longer for the encoder: it goes on by words alone
   */
  constructor(
    index: MeaningIndex,
    filters: ItemFilterIndex,
    textOf: (request: ServingRequest) => Promise<string>,
    maxQueryMs = 300,
  ) {
    this.#index = index;
    this.#filters = filters;
    this.#textOf = textOf;
    this.#maxQueryMs = maxQueryMs;
  }

  /** @throws {RequestError} `ENCODER_TOO_SLOW`; or what the encoder throws */
  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    const { query = "", filter } = request;
    if (query.trim() === "") return [];
    const text = await this.#textOf(request);
    const vector = await this.#inTime(this.#index.encodeQuery(text));
    if (vector.every((value) => value === 0)) return [];
    const { items, scores } = this.#index.search(vector, limit, this.#filters.compile(filter));
    return Array.from(items, (row, place): Candidate => ({
      itemIndex: itemIndex(row),
      score: scores[place]!,
      contributions: [
        { stage: meaningStage, amount: scores[place]!, reason: { kind: "similar-meaning" } },
      ],
    }));
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new RequestError(
            "ENCODER_TOO_SLOW",
            `The encoder did not answer within ${this.#maxQueryMs} ms.`,
            "Searches are answered by words alone meanwhile; check the service it runs on.",
            { kind: "unavailable" },
          ),
        );
      }, this.#maxQueryMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
