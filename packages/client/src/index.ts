export type * from "@magpie/contract";
export {
  createClient,
  type CallOptions,
  type Client,
  type ClientOptions,
  type RuleChangeOptions,
} from "./client.ts";
export { MagpieClientError } from "./errors.ts";
export type { EventQueueOptions, TrackedEvent } from "./events.ts";
