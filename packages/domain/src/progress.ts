/** What long work tells while it runs, and how it is asked to stop. */
export interface Progress {
  /** A short stable name: "import", "sasrec/train". */
  readonly stage: string;
  readonly done: number;
  /** Absent when the end is not known. */
  readonly total?: number;
  /** What `done` counts: "rows", "steps", "bytes". */
  readonly unit: string;
  readonly message?: string;
  /** Measured so far, e.g. { loss: 3.2, ndcgAt10: 0.048 }. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** Passed into long work. Work checks `signal` at least once a second. */
export interface WorkContext {
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** A context that says nothing and never stops. */
export function silentWork(): WorkContext {
  return { onProgress: () => {}, signal: new AbortController().signal };
}
