import type { SequenceConfig } from "../sequence/sequence-config.ts";
import type { SequenceTrainingData } from "../sequence/sequence-trainer.ts";
import type { ParallelSettings } from "./meetings.ts";
import type { Contribution, EpochStart, Mean } from "./transport.ts";

/** What a helper process trains. */
export interface HelperRequest {
  /** With the member's own part of the batch. */
  readonly config: SequenceConfig;
  readonly data: SequenceTrainingData;
  readonly seed: number;
  readonly settings: ParallelSettings;
}

/** What the lead tells a helper process. */
export type ToHelper =
  | { readonly type: "request"; readonly request: HelperRequest }
  | { readonly type: "epoch"; readonly start: EpochStart }
  | { readonly type: "mean"; readonly mean: Mean }
  /** The training is over, or was stopped. */
  | { readonly type: "end" };

/** What a helper process tells the lead. */
export type FromHelper =
  | { readonly type: "ready" }
  | { readonly type: "part"; readonly part: Contribution };
