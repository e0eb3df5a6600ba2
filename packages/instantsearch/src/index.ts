export { createSearchClient } from "./search-client.ts";
export type * from "./search-client.ts";
