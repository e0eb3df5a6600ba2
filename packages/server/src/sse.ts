import type { FastifyReply } from "fastify";

const heartbeatMs = 15_000;

/**
 * Server-sent events over one reply: ids that go on after a reconnection, a heartbeat so that
 * silence means a broken connection, and for a slow reader the newest event rather than a queue.
 */
export class EventStream {
  readonly #raw: FastifyReply["raw"];
  readonly #heartbeat: NodeJS.Timeout;
  #id: number;
  #latest: string | undefined;
  #isEnding = false;

  constructor(reply: FastifyReply, lastId: number) {
    this.#raw = reply.raw;
    this.#id = lastId;
    reply.hijack();
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no", // nginx would hold events back
    });
    this.#raw.write("retry: 3000\n\n");
    this.#raw.on("drain", () => this.#flush());
    this.#heartbeat = setInterval(() => {
      if (!this.#raw.writableNeedDrain) this.#raw.write(": still here\n\n");
    }, heartbeatMs);
    this.#raw.on("close", () => clearInterval(this.#heartbeat));
  }

  send(event: string, data: unknown): void {
    if (this.#isEnding) return;
    this.#id += 1;
    this.#latest = `id: ${this.#id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#flush();
  }

  /** Closes after what was sent. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (this.#latest !== undefined) this.#raw.write(this.#latest);
    this.#raw.end();
  }

  /** Calls `listener` once the connection is gone, whoever closed it. */
  onClose(listener: () => void): void {
    if (this.#raw.closed) listener();
    else this.#raw.once("close", listener);
  }

  #flush(): void {
    if (this.#latest === undefined || this.#raw.writableNeedDrain || this.#isEnding) return;
    this.#raw.write(this.#latest);
    this.#latest = undefined;
  }
}
