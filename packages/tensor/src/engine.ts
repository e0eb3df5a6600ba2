import type * as Ort from "onnxruntime-node";
import type { CompiledGraph } from "./compile.ts";
import type { ElementType, Port } from "./onnx.ts";
import { sizeOf } from "./shape.ts";

/** Numbers of a tensor: the array type that goes with its element type. */
export type Values = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

export interface EngineOptions {
  /** Threads inside one operation. 1, the default, repeats bit for bit. */
  readonly threads?: number;
  /** Use this engine only. Default: native, else WebAssembly with one notice. */
  readonly engine?: EngineName;
}

export type EngineName = "native" | "wasm";

/** A graph opened in a numeric engine. `run` blocks its thread: long work belongs in a worker. */
export interface Session {
  readonly engine: EngineName;
  /** Ties arrays to the graph's inputs and outputs once; each `run` then reads and fills them. */
  bind(inputs: Readonly<Record<string, Values>>, outputs: Readonly<Record<string, Values>>): Step;
  dispose(): Promise<void>;
}

/** A session with its arrays. */
export interface Step {
  run(): Promise<void>;
}

interface Engine {
  readonly name: EngineName;
  readonly ort: typeof Ort;
}

const engines = new Map<EngineName, Promise<Engine>>();

/** The engines' modules are large: they are loaded when first used, one time. */
function load(name: EngineName): Promise<Engine> {
  let loading = engines.get(name);
  if (loading === undefined) {
    loading = name === "native" ? loadNative() : loadWasm();
    engines.set(name, loading);
  }
  return loading;
}

async function loadNative(): Promise<Engine> {
  return { name: "native", ort: await import("onnxruntime-node") };
}

async function loadWasm(): Promise<Engine> {
  const ort = await import("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  return { name: "wasm", ort: ort as unknown as typeof Ort };
}

let preferred: Promise<Engine> | undefined;

/** The native engine, or WebAssembly where it cannot be loaded, with one notice. */
function loadPreferred(): Promise<Engine> {
  preferred ??= load("native").catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    process.emitWarning(
      `The native numeric engine (onnxruntime-node) cannot be loaded here, so training and encoding run on WebAssembly, about 3 times slower. Reason: ${reason}`,
      { type: "SlowEngine", code: "NATIVE_ENGINE_ABSENT" },
    );
    return load("wasm");
  });
  return preferred;
}

/** Opens a compiled graph. */
export async function openSession(
  graph: CompiledGraph,
  { threads = 1, engine }: EngineOptions = {},
): Promise<Session> {
  const { name, ort } = await (engine === undefined ? loadPreferred() : load(engine));
  const session = await ort.InferenceSession.create(graph.model, {
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    ...(name === "native" && { intraOpNumThreads: threads, interOpNumThreads: 1 }),
  });
  return {
    engine: name,
    bind(inputs, outputs) {
      const feeds = boundTensors(ort, graph.inputs, inputs);
      const fetches = boundTensors(ort, graph.outputs, outputs);
      if (name === "native") {
        return { run: async () => void (await session.run(feeds, fetches)) };
      }
      // The WebAssembly engine does not fill given arrays, so its own are copied.
      const names = Object.keys(fetches);
      return {
        async run() {
          const results = await session.run(feeds, names);
          for (const output of names) {
            (outputs[output] as Float32Array).set(results[output]!.data as Float32Array);
          }
        },
      };
    },
    dispose: () => session.release(),
  };
}

/** Numbers for a model's input, with their shape. */
export interface ModelInput {
  readonly values: BigInt64Array | Float32Array;
  readonly shape: readonly number[];
}

/** A model file that came from elsewhere, opened. */
export interface ModelFile {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** One output for inputs of any batch. */
  run(
    inputs: Readonly<Record<string, ModelInput>>,
    output: string,
  ): Promise<{ readonly values: Float32Array; readonly shape: readonly number[] }>;
  dispose(): Promise<void>;
}

/** Opens an ONNX file, with what lies beside it as external data. */
export async function openModelFile(
  path: string,
  { threads = 1, engine }: EngineOptions = {},
): Promise<ModelFile> {
  const { name, ort } = await (engine === undefined ? loadPreferred() : load(engine));
  const session = await ort.InferenceSession.create(path, {
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    ...(name === "native" && { intraOpNumThreads: threads, interOpNumThreads: 1 }),
  });
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(inputs, output) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([input, { values, shape }]) => [
          input,
          values instanceof Float32Array
            ? new ort.Tensor("float32", values, [...shape])
            : new ort.Tensor("int64", values, [...shape]),
        ]),
      );
      const results = await session.run(feeds, [output]);
      const { data, dims } = results[output]!;
      return { values: data as Float32Array, shape: dims };
    },
    dispose: () => session.release(),
  };
}

function boundTensors(
  ort: typeof Ort,
  ports: readonly Port[],
  arrays: Readonly<Record<string, Values>>,
): Record<string, Ort.Tensor> {
  return Object.fromEntries(
    ports.map((port) => {
      const values = arrays[port.name];
      if (values === undefined) throw new Error(`internal: no array is bound to "${port.name}"`);
      const size = sizeOf(port.shape);
      if (values.length !== size || elementTypeOf(values) !== port.type) {
        throw new Error(
          `internal: "${port.name}" is ${port.type}[${port.shape.join()}], ${size} values; bound is ${elementTypeOf(values)}[${values.length}]`,
        );
      }
      const tensor = new ort.Tensor(port.type as "float32", values as Float32Array, port.shape);
      return [port.name, tensor];
    }),
  );
}

function elementTypeOf(values: Values): ElementType {
  if (values instanceof Float32Array) return "float32";
  if (values instanceof Float64Array) return "float64";
  if (values instanceof Int32Array) return "int32";
  if (values instanceof BigInt64Array) return "int64";
  return "bool";
}
