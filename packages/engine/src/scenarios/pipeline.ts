import type {
  Candidate,
  ItemIndex,
  Ranker,
  Reranker,
  RetrievedList,
  Retriever,
  ServingRequest,
} from "@magpie/domain";
import type { Stopwatch } from "./stopwatch.ts";

/** How one scenario answers: who proposes, who ranks, who rearranges. */
export interface Pipeline {
  /** Stands in the decision log and in answers: "home-feed/1". */
  readonly name: string;
  readonly retrievers: readonly Retriever[];
  /** Candidates asked of each retriever. Fixed, so that pages of one list fit together. */
  readonly depth: number;
  /** By retriever, where it differs. */
  readonly depths?: Readonly<Record<string, number>>;
  readonly ranker: Ranker;
  /** In this order. */
  readonly rerankers: readonly Reranker[];
}

export interface PipelineRun {
  /** The whole candidate window, best first. */
  readonly ranking: readonly Candidate[];
  /** What each retriever proposed. */
  readonly lists: readonly RetrievedList[];
}

/**
 * Retrieve (all at once) → rank → rerank, each stage timed.
 *
 * A retriever that fails costs its candidates, not the answer: `onFailure` hears of it, and only
 * when every retriever failed does the request fail.
 */
export async function runPipeline(
  pipeline: Pipeline,
  request: ServingRequest,
  watch: Stopwatch,
  onFailure: (retriever: string, error: unknown) => void,
): Promise<PipelineRun> {
  let failures = 0;
  let lastFailure: unknown;
  const lists = await Promise.all(
    pipeline.retrievers.map(async (retriever): Promise<RetrievedList> => {
      const started = performance.now();
      try {
        const candidates = await retriever.retrieve(
          request,
          pipeline.depths?.[retriever.name] ?? pipeline.depth,
        );
        return { retriever: retriever.name, candidates };
      } catch (error) {
        failures++;
        lastFailure = error;
        onFailure(retriever.name, error);
        return { retriever: retriever.name, candidates: [] };
      } finally {
        watch.add(`retrieve/${retriever.name}`, performance.now() - started);
      }
    }),
  );
  watch.lap("retrieve");
  if (failures > 0 && failures === pipeline.retrievers.length) throw lastFailure;

  let ranking: readonly Candidate[] = await pipeline.ranker.rank(request, lists);
  watch.lap("rank");
  for (const reranker of pipeline.rerankers) ranking = reranker.rerank(request, ranking);
  watch.lap("rerank");
  return { ranking, lists };
}

/** Names of the retrievers that proposed an item. */
export function proposersOf(lists: readonly RetrievedList[], item: ItemIndex): readonly string[] {
  return lists
    .filter(({ candidates }) => candidates.some(({ itemIndex }) => itemIndex === item))
    .map(({ retriever }) => retriever);
}
