import { routes } from "@magpie/contract";
import type { Task } from "@magpie/engine";
import { bind, type App, type Services } from "../bind.ts";
import { HttpError, invalidRequest } from "../problems.ts";
import { EventStream } from "../sse.ts";
import { snapshotToWire, taskToWire } from "../wire.ts";

/** Snapshots and long work. */
export function taskRoutes(app: App, { engine }: Services): void {
  app.route({
    ...bind(routes.snapshots),
    handler: async () => ({
      snapshots: (await engine.snapshots())
        .toSorted((a, b) => b.createdMs - a.createdMs)
        .map(snapshotToWire),
    }),
  });

  app.route({
    ...bind(routes.activateSnapshot),
    handler: async (request) => {
      const { version } = request.params;
      const known = (await engine.snapshots()).some((snapshot) => snapshot.version === version);
      if (!known) {
        throw new HttpError(
          "UNKNOWN_SNAPSHOT",
          `There is no snapshot ${JSON.stringify(version)}.`,
          "GET /v1/snapshots lists the versions.",
        );
      }
      await engine.activateSnapshot(version);
      const active = (await engine.snapshots()).find((snapshot) => snapshot.version === version);
      return snapshotToWire(active!);
    },
  });

  app.route({
    ...bind(routes.rollBack),
    handler: async () => snapshotToWire(await engine.rollBack()),
  });

  app.route({
    ...bind(routes.train),
    handler: async (request, reply) => {
      const task = engine.train(request.body);
      reply.code(202).header("location", `/v1/tasks/${encodeURIComponent(task.id)}`);
      return taskToWire(task);
    },
  });

  app.route({
    ...bind(routes.tasks),
    handler: async () => ({
      tasks: engine
        .tasks()
        .toSorted((a, b) => b.createdMs - a.createdMs)
        .map(taskToWire),
    }),
  });

  const taskOf = (id: string): Task => {
    const task = engine.task(id);
    if (task !== undefined) return task;
    throw new HttpError(
      "UNKNOWN_TASK",
      `There is no task ${JSON.stringify(id)}.`,
      "GET /v1/tasks lists the tasks since the server started.",
    );
  };

  app.route({
    ...bind(routes.task),
    handler: async (request) => taskToWire(taskOf(request.params.taskId)),
  });

  app.route({
    ...bind(routes.cancelTask),
    handler: async (request, reply) => {
      const { id, status } = taskOf(request.params.taskId);
      if (!engine.cancelTask(id)) {
        throw new HttpError(
          "TASK_FINISHED",
          `The task ${id} has ${status}; only a queued or running task can be cancelled.`,
          "Nothing is left to do.",
        );
      }
      reply.code(202);
      return taskToWire(engine.task(id)!);
    },
  });

  const streams = new Set<EventStream>();
  app.addHook("preClose", async () => {
    for (const stream of streams) stream.end();
  });

  app.route({
    ...bind(routes.taskEvents),
    exposeHeadRoute: false, // a stream without a body would never end
    handler: (request, reply) => {
      const { id } = taskOf(request.params.taskId);
      const after = lastEventId(request.headers["last-event-id"]);
      const stream = new EventStream(reply, after);
      streams.add(stream);
      const unwatch = engine.watchTask(id, show);
      stream.onClose(() => {
        streams.delete(stream);
        unwatch();
      });

      function show(task: Task): void {
        const isOver = task.finishedMs !== undefined;
        stream.send(isOver ? "end" : "task", taskToWire(task));
        if (isOver) stream.end();
      }
      return reply;
    },
  });
}

/** Our stream ids count from 1; a browser sends the last one back when it reconnects. */
function lastEventId(header: string | string[] | undefined): number {
  if (header === undefined || header === "") return 0;
  if (typeof header === "string" && /^\d{1,15}$/.test(header)) return Number(header);
  throw invalidRequest("body", [
    {
      field: "Last-Event-ID",
      message: `must be an id of this stream, found ${JSON.stringify(String(header).slice(0, 80))}`,
    },
  ]);
}
