import { oneOf } from "@magpie/domain";
import { Type, type Static } from "typebox";
import { keyScopes } from "./scopes.ts";

const time = Type.String({ format: "date-time" });
const id = Type.String({ minLength: 1, maxLength: 256 });

/** A published state of models, vectors and text index. */
export const snapshotSchema = Type.Object(
  {
    version: Type.String(),
    createdAt: time,
    status: oneOf(["ready", "active", "retired"]),
    summary: Type.Record(Type.String(), Type.Unknown(), {
      description: "Facts for lists: items, metrics, cost",
    }),
  },
  { additionalProperties: false, title: "Snapshot" },
);

export const snapshotsResponseSchema = Type.Object(
  { snapshots: Type.Array(snapshotSchema, { description: "Newest first" }) },
  { additionalProperties: false, title: "SnapshotsResponse" },
);

export const snapshotPathSchema = Type.Object({ version: id }, { additionalProperties: false });

/** Body of POST /v1/train; all of it optional. */
export const trainRequestSchema = Type.Object(
  {
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })),
    budgetSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 7 * 24 * 3_600,
        description: "Stop training after about this long; what is best by then is published",
      }),
    ),
    workers: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 64,
        description:
          "Processes that train the sequence model together (default 1). One for each core is the most " +
          "that helps, and each takes the memory that one takes",
      }),
    ),
    int8: Type.Optional(
      Type.Boolean({
        description:
          "Serve the sequence model in 8 bits (default false). The task fails with INT8_LOSES_TOO_MUCH when " +
          "that costs more than 1 % of its NDCG@10 on validation (5 % where cases are few)",
      }),
    ),
    activate: Type.Optional(
      Type.Boolean({ description: "Serve the new snapshot as soon as it is ready (default true)" }),
    ),
    catalogOnly: Type.Optional(
      Type.Boolean({
        description:
          "Make only what follows from the catalogue and the settings anew, and keep the models and all " +
          "else that was learned from people (default false)",
      }),
    ),
  },
  { additionalProperties: false, title: "TrainRequest" },
);

/** What a task tells while it runs. */
export const progressSchema = Type.Object(
  {
    stage: Type.String(),
    done: Type.Number({ minimum: 0 }),
    total: Type.Optional(Type.Number({ minimum: 0 })),
    unit: Type.String(),
    message: Type.Optional(Type.String()),
    metrics: Type.Optional(Type.Record(Type.String(), Type.Number())),
  },
  { additionalProperties: false, title: "Progress" },
);

export const taskStatuses = ["queued", "running", "succeeded", "failed", "cancelled"] as const;

/** Long work: started by one request, watched and cancelled by others. */
export const taskSchema = Type.Object(
  {
    id: Type.String(),
    kind: oneOf(["train", "import", "export"]),
    status: oneOf(taskStatuses),
    createdAt: time,
    finishedAt: Type.Optional(time),
    progress: Type.Optional(progressSchema),
    result: Type.Optional(Type.Unknown()),
    error: Type.Optional(
      Type.Object(
        { code: Type.String(), message: Type.String(), hint: Type.String() },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false, title: "Task" },
);

export const tasksResponseSchema = Type.Object(
  { tasks: Type.Array(taskSchema, { description: "Newest first" }) },
  { additionalProperties: false, title: "TasksResponse" },
);

export const taskPathSchema = Type.Object({ taskId: id }, { additionalProperties: false });

/** An API key without its secret. */
export const keySchema = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    scopes: Type.Array(oneOf(keyScopes)),
    createdAt: time,
    expiresAt: Type.Optional(time),
  },
  { additionalProperties: false, title: "Key" },
);

export const keysResponseSchema = Type.Object(
  { keys: Type.Array(keySchema) },
  { additionalProperties: false, title: "KeysResponse" },
);

export const createKeyRequestSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    scopes: Type.Array(oneOf(keyScopes), { minItems: 1, uniqueItems: true }),
    expiresAt: Type.Optional(
      Type.String({ format: "date-time", description: "Refused from then on; absent: never" }),
    ),
  },
  { additionalProperties: false, title: "CreateKeyRequest" },
);

/** A new key; the only answer that ever holds a secret. */
export const createdKeySchema = Type.Object(
  {
    ...keySchema.properties,
    secret: Type.String({ description: "Shown once; only its hash is kept" }),
  },
  { additionalProperties: false, title: "CreatedKey" },
);

export const keyPathSchema = Type.Object({ keyId: id }, { additionalProperties: false });

export const revokedKeySchema = Type.Object(
  { keyId: Type.String(), status: oneOf(["revoked"]) },
  { additionalProperties: false, title: "RevokedKey" },
);

/** Answer of GET /v1/health. Counts and memory are told to keys with the scope `admin` only. */
export const healthSchema = Type.Object(
  {
    status: oneOf(["ok", "degraded"]),
    notes: Type.Array(Type.String(), { description: "Why it is degraded; empty when it is not" }),
    version: Type.String({ description: "Of the server" }),
    snapshot: Type.Optional(
      Type.String({ description: "Active version; absent before the first" }),
    ),
    uptimeSeconds: Type.Number({ minimum: 0 }),
    items: Type.Optional(Type.Integer({ minimum: 0 })),
    events: Type.Optional(Type.Integer({ minimum: 0 })),
    rssBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false, title: "Health" },
);

/** Answer of the two probes. */
export const probeSchema = Type.Object(
  { status: oneOf(["ok", "no-snapshot", "shutting-down"]) },
  { additionalProperties: false, title: "Probe" },
);

/** One error code with its meaning. */
export const errorFactsSchema = Type.Object(
  { code: Type.String(), status: Type.Integer(), title: Type.String(), doc: Type.String() },
  { additionalProperties: false, title: "ErrorFacts" },
);

export const errorsResponseSchema = Type.Object(
  { errors: Type.Array(errorFactsSchema) },
  { additionalProperties: false, title: "ErrorsResponse" },
);

export const errorPathSchema = Type.Object({ code: id }, { additionalProperties: false });

export type Snapshot = Static<typeof snapshotSchema>;
export type SnapshotsResponse = Static<typeof snapshotsResponseSchema>;
export type TrainRequest = Static<typeof trainRequestSchema>;
export type TaskRecord = Static<typeof taskSchema>;
export type TasksResponse = Static<typeof tasksResponseSchema>;
export type KeyRecord = Static<typeof keySchema>;
export type KeysResponse = Static<typeof keysResponseSchema>;
export type CreateKeyRequest = Static<typeof createKeyRequestSchema>;
export type CreatedKey = Static<typeof createdKeySchema>;
export type RevokedKey = Static<typeof revokedKeySchema>;
export type HealthResponse = Static<typeof healthSchema>;
export type Probe = Static<typeof probeSchema>;
