/** Bytes of a word table, for tests: rows are given as they are to be read back. */
export function tableBytes(
  words: readonly {
    readonly word: string;
    readonly cost: number;
    readonly row: readonly number[];
  }[],
  buckets: readonly (readonly number[])[] = [],
): Uint8Array {
  const width = (words[0]?.row ?? buckets[0]!).length;
  const list = new TextEncoder().encode(words.map(({ word }) => word).join("\n"));
  const header = new TextEncoder().encode(
    JSON.stringify({
      name: "small",
      version: "7",
      width,
      words: words.length,
      buckets: buckets.length,
      wordBytes: list.length,
    }),
  );
  const rows = [...words.map(({ row }) => row), ...buckets];
  const codes = Int8Array.from(rows.flat());
  const parts = [
    new TextEncoder().encode("MGPWORDS"),
    new Uint8Array(Uint32Array.of(header.length).buffer),
    header,
    list,
    new Uint8Array(Float32Array.from(words, ({ cost }) => cost).buffer),
    new Uint8Array(new Float32Array(rows.length).fill(1).buffer),
    new Uint8Array(codes.buffer),
  ];
  return new Uint8Array(Buffer.concat(parts));
}
