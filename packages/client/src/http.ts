import { errorOf, MagpieClientError } from "./errors.ts";

/** How calls reach the server. */
export interface Transport {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly retries: number;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
}

/** One call. */
export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE" | undefined;
  readonly path: string;
  /** Lists repeat their parameter; absent values are left out. */
  readonly query?: object | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Outlive the page, as far as the browser allows. */
  readonly keepalive?: boolean | undefined;
  /** Doing it twice is the same as doing it once. */
  readonly mayRepeat?: boolean | undefined;
}

/** First pause before a repetition; each further one is twice as long, up to the longest. */
const firstPauseMs = 200;
const longestPauseMs = 5_000;

/** A server that asks for more patience than this is not waited for. */
const longestRetryAfterMs = 30_000;

/**
 * Sends a call and gives its answer, or throws what the server said.
 *
 * Repeats after 429, 5xx and silence when that is harmless, after pauses that grow and are random in
 * [0, pause], so that clients who failed together do not come back together. `Retry-After` is obeyed.
 *
 * @throws {MagpieClientError}; the signal's own reason when the caller aborted
 */
export async function send(transport: Transport, call: Call): Promise<Response> {
  const repetitions = call.mayRepeat === false ? 0 : transport.retries;
  for (let attempt = 0; ; attempt++) {
    const outcome = await sendOnce(transport, call);
    if (outcome instanceof Response) return outcome;
    const { error, retryAfterMs } = outcome;
    const isPassing = error.status === undefined || error.status === 429 || error.status >= 500;
    const pause =
      retryAfterMs ?? Math.random() * Math.min(longestPauseMs, firstPauseMs * 2 ** attempt);
    if (!isPassing || attempt >= repetitions || pause > longestRetryAfterMs) throw error;
    await sleep(pause, call.signal);
  }
}

/** Sends a call and parses its JSON. */
export async function sendForJson<T>(transport: Transport, call: Call): Promise<T> {
  const response = await send(transport, call);
  try {
    return (await response.json()) as T;
  } catch (cause) {
    call.signal?.throwIfAborted();
    const facts = {
      code: "NOT_MAGPIE",
      message: `The answer to ${call.path} broke off or is not JSON.`,
      hint: "Check baseUrl; a proxy may have answered in the server's place.",
      status: response.status,
    };
    throw new MagpieClientError(facts, cause);
  }
}

async function sendOnce(
  { baseUrl, apiKey, timeoutMs, fetch }: Transport,
  { method, path, query, body, headers, signal, keepalive }: Call,
): Promise<Response | { error: MagpieClientError; retryAfterMs?: number }> {
  signal?.throwIfAborted();
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  try {
    const response = await fetch(baseUrl + path + toQuery(query), {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(keepalive && { keepalive }),
      signal: signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]),
    });
    if (response.ok) return response;
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    const error = await errorOf(response);
    return seconds >= 0 ? { error, retryAfterMs: seconds * 1_000 } : { error };
  } catch (cause) {
    signal?.throwIfAborted();
    const facts = timeout.signal.aborted
      ? {
          code: "TIMEOUT",
          message: `No answer to ${path} within ${timeoutMs} ms.`,
          hint: "Ask again later, or allow more time with timeoutMs.",
        }
      : {
          code: "NETWORK",
          message: `${baseUrl} could not be reached.`,
          hint: "Check the connection and baseUrl; in a browser also that the server allows this page's origin.",
        };
    return { error: new MagpieClientError(facts, cause) };
  } finally {
    // Time counts until the answer begins: exports and task streams may go on for hours.
    clearTimeout(timer);
  }
}

function toQuery(query: object = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) parameters.append(name, String(one));
    }
  }
  const text = parameters.toString();
  return text && `?${text}`;
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
