/** Words of a hashed text: 96 bits. */
export interface TextHash {
  a: number;
  b: number;
  c: number;
}

const rotl = (x: number, r: number) => (x << r) | (x >>> (32 - r));

function mix(h: number): number {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/**
 * Hashes an id to 96 bits: MurmurHash3 x86-128 over UTF-16 code units, seeded per store, its first
 * three words. Two of n different ids share a hash with probability n² / 2^97: 6e-12 for a
 * thousand million, so equal hashes are taken as equal ids. Word `c` is never 0, which leaves 0 to
 * mark empty places in tables.
 *
 * @param out  filled and returned; one object serves a whole import
 * @see Appleby (2011), MurmurHash3 (public domain)
 */
export function hashText(text: string, seed: number, out: TextHash): TextHash {
  const c1 = 0x239b961b;
  const c2 = 0xab0e9789;
  const c3 = 0x38b34ae5;
  const c4 = 0xa1e38b93;
  let h1 = seed;
  let h2 = seed;
  let h3 = seed;
  let h4 = seed;
  const length = text.length;
  // Blocks of 16 bytes: eight UTF-16 units, two to a word.
  const blocks = length & ~7;
  let i = 0;
  for (; i < blocks; i += 8) {
    let k1 = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16);
    let k2 = text.charCodeAt(i + 2) | (text.charCodeAt(i + 3) << 16);
    let k3 = text.charCodeAt(i + 4) | (text.charCodeAt(i + 5) << 16);
    let k4 = text.charCodeAt(i + 6) | (text.charCodeAt(i + 7) << 16);
    k1 = Math.imul(rotl(Math.imul(k1, c1), 15), c2);
    h1 = (Math.imul(rotl(h1 ^ k1, 19) + h2, 5) + 0x561ccd1b) | 0;
    k2 = Math.imul(rotl(Math.imul(k2, c2), 16), c3);
    h2 = (Math.imul(rotl(h2 ^ k2, 17) + h3, 5) + 0x0bcaa747) | 0;
    k3 = Math.imul(rotl(Math.imul(k3, c3), 17), c4);
    h3 = (Math.imul(rotl(h3 ^ k3, 15) + h4, 5) + 0x96cd1c35) | 0;
    k4 = Math.imul(rotl(Math.imul(k4, c4), 18), c1);
    h4 = (Math.imul(rotl(h4 ^ k4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  // The tail, padded with zeros; the length, mixed in below, tells it from an id with zeros.
  if (i < length) {
    const unit = (at: number) => (at < length ? text.charCodeAt(at) : 0);
    const k1 = unit(i) | (unit(i + 1) << 16);
    const k2 = unit(i + 2) | (unit(i + 3) << 16);
    const k3 = unit(i + 4) | (unit(i + 5) << 16);
    const k4 = unit(i + 6);
    h4 ^= Math.imul(rotl(Math.imul(k4, c4), 18), c1);
    h3 ^= Math.imul(rotl(Math.imul(k3, c3), 17), c4);
    h2 ^= Math.imul(rotl(Math.imul(k2, c2), 16), c3);
    h1 ^= Math.imul(rotl(Math.imul(k1, c1), 15), c2);
  }
  h1 ^= length * 2;
  h2 ^= length * 2;
  h3 ^= length * 2;
  h4 ^= length * 2;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = mix(h1);
  h2 = mix(h2);
  h3 = mix(h3);
  h4 = mix(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  out.a = h1 >>> 0;
  out.b = h2 >>> 0;
  out.c = h3 === 0 ? 1 : h3 >>> 0;
  return out;
}
