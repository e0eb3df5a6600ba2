export type { ServerLimits } from "./limits.ts";
export type { LogOptions } from "./log.ts";
export { giveHeapRoom } from "./heap-room.ts";
export { startServer, type RunningServer, type ServerOptions } from "./server.ts";
