import { MagpieClientError } from "./errors.ts";
import { send, type Call, type Transport } from "./http.ts";

/** The lines of an answer as they arrive; blank ones too, as they end a server-sent event. */
async function* allLines(response: Response): AsyncGenerator<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
    if (rest !== "") yield rest;
  } finally {
    await reader.cancel().catch(() => {}); // stops the download when the caller has seen enough
  }
}

/** The lines of an NDJSON answer as they arrive. */
export async function* readLines(response: Response): AsyncGenerator<string> {
  for await (const line of allLines(response)) if (line.trim() !== "") yield line;
}

/**
 * The data of server-sent events up to and including `end`. When the line breaks before, it connects
 * again and goes on; the newest state comes first then, so nothing is missed.
 *
 * @throws {MagpieClientError} when it cannot connect; `NETWORK` when the line breaks for the third time
 *         without an event between
 */
export async function* readServerEvents<T>(transport: Transport, call: Call): AsyncGenerator<T> {
  let id = "";
  for (let breaks = 0; breaks < 3; breaks++) {
    const headers = { accept: "text/event-stream", ...(id && { "last-event-id": id }) };
    const response = await send(transport, { ...call, headers });
    let name = "";
    try {
      for await (const line of allLines(response)) {
        const [field, ...value] = line.split(": ");
        if (field === "id") id = value.join(": ");
        else if (field === "event") name = value.join(": ");
        else if (field === "data") {
          breaks = 0;
          yield JSON.parse(value.join(": ")) as T;
          if (name === "end") return;
        }
      }
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof SyntaxError) throw error;
    }
  }
  throw new MagpieClientError({
    code: "NETWORK",
    message: `The stream ${call.path} keeps breaking off.`,
    hint: "Look at the proxy between: it may not let long answers through.",
  });
}
