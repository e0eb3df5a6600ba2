import { setTimeout as sleep } from "node:timers/promises";
import { EncoderError, normaliseRow, type TextEncoder, type TextRole } from "../text-encoder.ts";

/** Where an embeddings service is and how it likes to be asked. */
export interface EndpointConfig {
  /** Up to and without "/embeddings": `http://127.0.0.1:11434/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  /** Values per vector, as the model gives them. */
  readonly width: number;
  /** Name of the environment variable that holds the key; none is sent when absent. */
  readonly keyVariable?: string;
  /** Texts per call. */
  readonly batchSize: number;
  /** Calls under way at once. */
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** Calls made again after a failure that may pass: no answer, 408, 429 or 5xx. */
  readonly retries: number;
  /** Wait before the first retry; doubles each time, and a `Retry-After` in seconds is kept. */
  readonly retryDelayMs: number;
  /** Longest wait between two calls. */
  readonly maxRetryDelayMs: number;
  /** Written before each query and each document, as E5 models ask for. */
  readonly prefixes: Readonly<Record<TextRole, string>>;
  /** Say another when the service changes the model behind the name. */
  readonly version: string;
}

export const endpointDefaults = {
  batchSize: 64,
  concurrency: 2,
  timeoutMs: 30_000,
  retries: 3,
  retryDelayMs: 500,
  maxRetryDelayMs: 20_000,
  prefixes: { query: "", document: "" },
  version: "1",
} as const satisfies Partial<EndpointConfig>;

type EndpointOptions = Pick<EndpointConfig, "baseUrl" | "model" | "width"> &
  Partial<EndpointConfig>;

/**
 * Any service that speaks OpenAI's embeddings call (`POST /embeddings`): Ollama, vLLM, llama-server,
 * hosted ones. Texts leave the machine when the service is elsewhere.
 */
export class EndpointEncoder implements TextEncoder {
  readonly name: string;
  readonly version: string;
  readonly width: number;
  readonly #config: EndpointConfig;
  readonly #key: string | undefined;

  /**
   * @param environment  where the key is looked up
   * @throws {EncoderError} `BAD_ENDPOINT` for an address that is none, `NO_ENDPOINT_KEY` when the
   *   variable is named and empty
   */
  constructor(
    options: EndpointOptions,
    environment: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    this.#config = { ...endpointDefaults, ...options };
    const { baseUrl, model, version, width, keyVariable } = this.#config;
    if (!/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? "")) {
      throw new EncoderError(
        "BAD_ENDPOINT",
        `"${baseUrl}" is not the address of a service.`,
        'Give its base address, like "http://127.0.0.1:11434/v1".',
      );
    }
    this.#key = keyVariable === undefined ? undefined : environment[keyVariable];
    if (keyVariable !== undefined && !this.#key) {
      throw new EncoderError(
        "NO_ENDPOINT_KEY",
        `The environment variable ${keyVariable}, which should hold the key of ${baseUrl}, is empty.`,
        `Set ${keyVariable} before starting, or leave keyVariable out if the service needs no key.`,
      );
    }
    this.name = `endpoint/${model}`;
    this.version = version;
    this.width = width;
  }

  async encode(texts: readonly string[], role: TextRole = "document"): Promise<Float32Array> {
    const { batchSize, concurrency, prefixes } = this.#config;
    const vectors = new Float32Array(texts.length * this.width);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < texts.length) {
        const from = next;
        next += batchSize;
        // Services refuse empty texts; a blank one gets the zeros that stand for "nothing known".
        const asked = texts
          .slice(from, from + batchSize)
          .map((text, i) => ({ text, row: from + i }))
          .filter(({ text }) => text.trim() !== "");
        if (asked.length === 0) continue;
        const answers = await this.#call(asked.map(({ text }) => prefixes[role] + text));
        answers.forEach((answer, i) => {
          const row = vectors.subarray(asked[i]!.row * this.width).subarray(0, this.width);
          row.set(answer);
          normaliseRow(row);
        });
      }
    };
    try {
      await Promise.all(Array.from({ length: concurrency }, work));
    } catch (error) {
      next = texts.length; // the others stop at their next batch
      throw error;
    }
    return vectors;
  }

  async #call(input: readonly string[]): Promise<readonly (readonly number[])[]> {
    const { retries, retryDelayMs, maxRetryDelayMs } = this.#config;
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#callOnce(input);
      if ("vectors" in outcome) return outcome.vectors;
      if (!outcome.mayPass || attempt >= retries) throw outcome.error;
      const wait = outcome.retryAfterMs ?? retryDelayMs * 2 ** attempt;
      await sleep(Math.min(wait, maxRetryDelayMs));
    }
  }

  async #callOnce(input: readonly string[]): Promise<Outcome> {
    const { baseUrl, model, timeoutMs } = this.#config;
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(`${baseUrl.replace(/\/+$/, "")}/embeddings`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(this.#key !== undefined && { authorization: `Bearer ${this.#key}` }),
        },
        body: JSON.stringify({ model, input, encoding_format: "float" }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      body = await response.json().catch(() => undefined);
    } catch (error) {
      const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
      const what = isTimeout ? `did not answer within ${timeoutMs} ms` : "could not be reached";
      return { mayPass: true, error: this.#error(what, error) };
    }
    if (!response.ok) {
      const seconds = Number(response.headers.get("retry-after") ?? NaN);
      return {
        mayPass: response.status >= 500 || response.status === 429 || response.status === 408,
        error: this.#error(`answered with status ${response.status}`),
        ...(seconds >= 0 && { retryAfterMs: 1000 * seconds }),
      };
    }
    const vectors = vectorsOf(body, input.length);
    if (vectors === undefined) {
      const error = this.#error(`did not answer with ${input.length} embeddings`);
      return { mayPass: false, error };
    }
    const wrong = vectors.find(({ length }) => length !== this.width);
    if (wrong !== undefined) {
      const error = this.#error(`gave ${wrong.length} values a text instead of ${this.width}`);
      return { mayPass: false, error };
    }
    return { vectors };
  }

  #error(what: string, cause?: unknown): EncoderError {
    const { baseUrl, model } = this.#config;
    return new EncoderError(
      "ENDPOINT_FAILED",
      `The embeddings service at ${baseUrl} ${what} (model "${model}").`,
      "Check the address, the model's name and width, and the key; then try again.",
      { kind: "unavailable", cause },
    );
  }
}

type Outcome =
  | { readonly vectors: readonly (readonly number[])[] }
  | { readonly mayPass: boolean; readonly error: EncoderError; readonly retryAfterMs?: number };

/** The answer's vectors in the order of the texts; undefined when it is not such an answer. */
function vectorsOf(body: unknown, count: number): number[][] | undefined {
  const data = (body as { data?: unknown } | undefined)?.data;
  if (!Array.isArray(data) || data.length !== count) return undefined;
  const vectors: number[][] = [];
  for (const [place, entry] of (data as { index?: unknown; embedding?: unknown }[]).entries()) {
    const index = typeof entry?.index === "number" ? entry.index : place;
    const { embedding } = entry ?? {};
    if (!Array.isArray(embedding) || !embedding.every((value) => Number.isFinite(value))) {
      return undefined;
    }
    vectors[index] = embedding as number[];
  }
  return vectors.length === count && vectors.every(Boolean) ? vectors : undefined;
}
