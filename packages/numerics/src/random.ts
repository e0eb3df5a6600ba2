/** A stream of pseudo-random numbers that a seed and a name determine. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform integer in [0, bound). */
  int(bound: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  /** Uniform in [0, 2^32). */
  uint32(): number;
  /** Fisher-Yates, in place. */
  shuffle<T extends { length: number; [index: number]: unknown }>(values: T): T;
}

/**
 * One named stream per use, so that drawing more numbers in one place moves no other place:
 * `seededRandom(config.seed, "negative-sampling")`.
 *
 * The generator is xoshiro128** (Blackman & Vigna 2018), its state filled by splitmix32 from a
 * hash of seed and name. Not for secrets.
 */
export function seededRandom(seed: number, stream: string): Random {
  let h = 0x811c9dc5 ^ (seed | 0);
  h = Math.imul(h ^ Math.floor(seed / 0x1_0000_0000), 0x01000193);
  for (let i = 0; i < stream.length; i++) h = Math.imul(h ^ stream.charCodeAt(i), 0x01000193);

  const split = (): number => {
    h = (h + 0x9e3779b9) | 0;
    let z = h;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let a = split();
  let b = split();
  let c = split();
  let d = split();
  let spare: number | undefined;

  const uint32 = (): number => {
    const x = Math.imul(b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const next = (): number => uint32() / 0x1_0000_0000;
  const int = (bound: number): number => Math.floor(next() * bound);

  return {
    next,
    int,
    uint32,
    normal() {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      const angle = 2 * Math.PI * next();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    shuffle(values) {
      for (let i = values.length - 1; i > 0; i--) {
        const j = int(i + 1);
        const swap = values[i];
        values[i] = values[j];
        values[j] = swap;
      }
      return values;
    },
  };
}
