export * from "./csr.ts";
export * from "./kernels/training-kernels.ts";
export * from "./random.ts";
export * from "./scan/quantise.ts";
export * from "./scan/vector-scan.ts";
export * from "./statistics.ts";
export * from "./top-k.ts";
export * from "./wasm.ts";
