/**
 * The part of the WebAssembly JavaScript interface that kernels use. TypeScript declares it in its
 * `dom` library only, which our server-side code does without.
 *
 * @see WebAssembly JavaScript Interface, W3C
 */
declare namespace WebAssembly {
  class Memory {
    /** Sizes are in pages of 64 KiB. */
    constructor(descriptor: { initial: number; maximum?: number });
    /** Replaced by `grow`: take views anew after it. */
    readonly buffer: ArrayBuffer;
    /** @returns the number of pages before */
    grow(pages: number): number;
  }
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
    static exports(module: Module): { name: string; kind: string }[];
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, Memory>>);
    readonly exports: Record<string, unknown>;
  }
  class CompileError extends Error {}
  class RuntimeError extends Error {}
}
