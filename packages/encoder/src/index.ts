export * from "./embedded/embedded-encoder.ts";
export * from "./endpoint/endpoint-encoder.ts";
export * from "./text-encoder.ts";
