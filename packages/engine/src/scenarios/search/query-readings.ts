import type { ServingRequest } from "@magpie/domain";
import type {
  InvertedTextIndex,
  QueryAnalysis,
  QueryDictionaries,
  QueryUnderstanding,
} from "@magpie/retrieval";

/**
 * How the query of each request was read: worked out when it is first asked for, so that whoever
 * searches, ranks, marks and explains goes by the same.
 */
export class QueryReadings {
  readonly #index: InvertedTextIndex;
  readonly #understanding: QueryUnderstanding | undefined;
  readonly #readings = new WeakMap<ServingRequest, QueryAnalysis>();

  /** @param understanding  absent: words are taken as the index parses them */
  constructor(index: InvertedTextIndex, understanding?: QueryUnderstanding) {
    this.#index = index;
    this.#understanding = understanding;
  }

  of(request: ServingRequest): QueryAnalysis {
    let reading = this.#readings.get(request);
    if (reading === undefined) {
      reading = this.read(request, { correct: request.search?.correct ?? true });
      this.#readings.set(request, reading);
    }
    return reading;
  }

  /** Reads a request's query in another way than the one that counts. */
  read(
    { query = "", locale }: ServingRequest,
    options: { readonly correct?: boolean; readonly price?: boolean },
  ): QueryAnalysis {
    return (
      this.#understanding?.analyse(query, { locale, ...options }) ?? {
        query,
        text: query.trim(),
        parsed: this.#index.parse(query, locale),
        entities: [],
        categories: [],
        corrections: [],
        stages: [],
      }
    );
  }

  useDictionaries(dictionaries: QueryDictionaries): void {
    this.#understanding?.useDictionaries(dictionaries);
  }

  /** What counts from now on, because the first reading found nothing. */
  replace(request: ServingRequest, reading: QueryAnalysis): void {
    this.#readings.set(request, reading);
  }
}
