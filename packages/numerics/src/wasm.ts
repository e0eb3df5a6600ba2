/**
 * A small WebAssembly assembler: kernels are written as nested expressions in TypeScript, as in
 * the text format, and become a module when the program starts. No build step, no binary blobs.
 *
 *     const dot = wasmFunction("dot", ["i32", "i32", "i32"], "f32", (fn, [a, b, end]) => {
 *       const sum = fn.local("v128");
 *       return [
 *         repeatWhile(i32.ltU(a.get, end.get), [
 *           sum.set(f32x4.add(sum.get, f32x4.mul(v128.load(a.get), v128.load(b.get)))),
 *           a.set(i32.add(a.get, i32.const(16))),
 *           b.set(i32.add(b.get, i32.const(16))),
 *         ]),
 *         f32.add(
 *           f32.add(f32x4.extractLane(0, sum.get), f32x4.extractLane(1, sum.get)),
 *           f32.add(f32x4.extractLane(2, sum.get), f32x4.extractLane(3, sum.get)),
 *         ),
 *       ];
 *     });
 *     const { dot: run } = instantiate([dot], memory);
 *
 * All addresses are byte addresses into the one imported memory. Nothing is checked beyond what
 * WebAssembly validation checks: a kernel has a plain TypeScript reference that tests hold it to.
 *
 * @see WebAssembly core specification 2.0, "Binary format"
 */

export type WasmType = "i32" | "f32" | "f64" | "v128";

/** The bytes of an instruction with its operands before it, as the stack machine wants them. */
export type Code = readonly number[];

const typeCode = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

/** LEB128, unsigned. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** LEB128, signed 32 bit. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
      bytes.push(low);
      return bytes;
    }
    bytes.push(low | 0x80);
  }
}

const unary =
  (opcode: Code) =>
  (a: Code): Code => [...a, ...opcode];
const binary =
  (opcode: Code) =>
  (a: Code, b: Code): Code => [...a, ...b, ...opcode];
/** Alignment hints are left at one byte: every engine of today ignores them. */
const load =
  (opcode: Code) =>
  (address: Code, offset = 0): Code => [...address, ...opcode, 0, ...unsigned(offset)];
const store =
  (opcode: Code) =>
  (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    ...opcode,
    0,
    ...unsigned(offset),
  ];
const simd = (code: number): Code => [0xfd, ...unsigned(code)];
const lane =
  (code: number) =>
  (index: number, a: Code): Code => [...a, ...simd(code), index];

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: binary([0x6a]),
  sub: binary([0x6b]),
  mul: binary([0x6c]),
  shl: binary([0x74]),
  and: binary([0x71]),
  eqz: unary([0x45]),
  ltS: binary([0x48]),
  ltU: binary([0x49]),
  load: load([0x28]),
  load8S: load([0x2c]),
  store: store([0x36]),
} as const;

export const f32 = {
  const: (value: number): Code => [
    0x43,
    ...new Uint8Array(new Float32Array([value]).buffer), // both are little-endian
  ],
  add: binary([0x92]),
  sub: binary([0x93]),
  mul: binary([0x94]),
  div: binary([0x95]),
  sqrt: unary([0x91]),
  convertI32S: unary([0xb2]),
  load: load([0x2a]),
  store: store([0x38]),
} as const;

export const v128 = {
  load: load(simd(0x00)),
  /** Eight signed bytes, widened to 16 bits each. */
  load8x8S: load(simd(0x01)),
  /** One 32-bit number in all four lanes. */
  load32Splat: load(simd(0x09)),
  store: store(simd(0x0b)),
  and: binary(simd(0x4e)),
  xor: binary(simd(0x51)),
} as const;

export const f32x4 = {
  splat: unary(simd(0x13)),
  extractLane: lane(0x1f),
  sqrt: unary(simd(0xe3)),
  add: binary(simd(0xe4)),
  sub: binary(simd(0xe5)),
  mul: binary(simd(0xe6)),
  div: binary(simd(0xe7)),
  convertI32x4S: unary(simd(0xfa)),
} as const;

export const i32x4 = {
  const: (...lanes: readonly [number, number, number, number]): Code => [
    ...simd(0x0c),
    ...new Uint8Array(Int32Array.from(lanes).buffer), // both are little-endian
  ],
  splat: unary(simd(0x11)),
  extractLane: lane(0x1b),
  /** All ones in each lane where `a >= b`, both read as unsigned. */
  geU: binary(simd(0x40)),
  /** Shifts every lane right by an i32, filling with zeros. */
  shrU: binary(simd(0xad)),
  add: binary(simd(0xae)),
  mul: binary(simd(0xb5)),
  /** Pairs of signed 16-bit products, summed: eight multiplications an instruction. */
  dotI16x8S: binary(simd(0xba)),
} as const;

export const i16x8 = {
  extendLowI8x16S: unary(simd(0x87)),
  extendHighI8x16S: unary(simd(0x88)),
} as const;

export const lanes32x4 = {
  /** Four 32-bit lanes picked from those of `a` (0 to 3) and of `b` (4 to 7). */
  pick: (lanes: readonly [number, number, number, number], a: Code, b: Code): Code => [
    ...a,
    ...b,
    ...simd(0x0d), // i8x16.shuffle: sixteen byte numbers
    ...lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]),
  ],
} as const;

/** A parameter or local variable of a function. */
export interface Variable {
  readonly get: Code;
  set(value: Code): Code;
}

function variable(index: number): Variable {
  const i = unsigned(index);
  return { get: [0x20, ...i], set: (value) => [...value, 0x21, ...i] };
}

/** Runs `body` again and again while `condition` (an i32, not zero) holds; checked before each turn. */
export function repeatWhile(condition: Code, body: readonly Code[]): Code {
  const block = [0x02, 0x40]; // `br 1` leaves to its end
  const loop = [0x03, 0x40]; // `br 0` returns to its start
  const leave = [0x0d, 1];
  const again = [0x0c, 0];
  return [...block, ...loop, ...i32.eqz(condition), ...leave, ...body.flat(), ...again, 0x0b, 0x0b];
}

/** Runs `body` at least once, and again while `condition` holds after it: one jump a turn. */
export function repeatUntilFalse(condition: Code, body: readonly Code[]): Code {
  return [0x03, 0x40, ...body.flat(), ...condition, 0x0d, 0, 0x0b];
}

/** Runs `body` when `condition` is not zero. */
export function when(condition: Code, body: readonly Code[]): Code {
  return [...condition, 0x04, 0x40, ...body.flat(), 0x0b];
}

/** One function, ready to be put into a module. */
export interface WasmFunction<Name extends string = string> {
  readonly name: Name;
  readonly parameters: readonly WasmType[];
  readonly result: WasmType | null;
  readonly locals: readonly WasmType[];
  readonly body: Code;
}

/** A tuple of as many variables as there are parameters. */
type Variables<P extends readonly WasmType[]> = { readonly [K in keyof P]: Variable };

/**
 * Assembles one function.
 *
 * @param build  gives the statements, in order; the last leaves the result on the stack, if any.
 *               `fn.local` declares a variable that starts at zero.
 */
export function wasmFunction<const Name extends string, const P extends readonly WasmType[]>(
  name: Name,
  parameters: P,
  result: WasmType | null,
  build: (fn: { local(type: WasmType): Variable }, args: Variables<P>) => readonly Code[],
): WasmFunction<Name> {
  const locals: WasmType[] = [];
  const fn = {
    local(type: WasmType): Variable {
      locals.push(type);
      return variable(parameters.length + locals.length - 1);
    },
  };
  const args = parameters.map((_, index) => variable(index)) as unknown as Variables<P>;
  const body = build(fn, args).flat();
  return { name, parameters, result, locals, body };
}

/**
 * Compiles the functions into one module over `memory` and gives them by name.
 *
 * @throws {WebAssembly.CompileError} when a body is not valid, which is an error of its writer
 */
export function instantiate<const F extends readonly WasmFunction[]>(
  functions: F,
  memory: WebAssembly.Memory,
): Record<F[number]["name"], (...args: number[]) => number> {
  const module = new WebAssembly.Module(assemble(functions));
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return instance.exports as Record<F[number]["name"], (...args: number[]) => number>;
}

const magicAndVersion = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]; // "\0asm", 1

function assemble(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const text = (value: string): number[] => [...unsigned(value.length), ...Buffer.from(value)];
  const vector = (entries: readonly Code[]): number[] => [
    ...unsigned(entries.length),
    ...entries.flat(),
  ];
  const section = (id: number, content: Code): number[] => [
    id,
    ...unsigned(content.length),
    ...content,
  ];
  const types = functions.map((f) => [
    0x60,
    ...vector(f.parameters.map((type) => [typeCode[type]])),
    ...vector(f.result === null ? [] : [[typeCode[f.result]]]),
  ]);
  const bodies = functions.map((f) => {
    const locals = vector(f.locals.map((type) => [1, typeCode[type]]));
    const content = [...locals, ...f.body, 0x0b];
    return [...unsigned(content.length), ...content];
  });
  return Uint8Array.from([
    ...magicAndVersion,
    ...section(1, vector(types)),
    ...section(2, vector([[...text("env"), ...text("memory"), 0x02, 0x00, 0]])), // minimum: 0 pages
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(7, vector(functions.map((f, index) => [...text(f.name), 0x00, ...unsigned(index)]))),
    ...section(10, vector(bodies)),
  ]);
}
