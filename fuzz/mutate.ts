/** A small deterministic generator, so that a run can be repeated by its seed (mulberry32). */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Octets that tend to matter. */
const interesting = [0x00, 0x0a, 0x0d, 0x20, 0x22, 0x2e, 0x3a, 0x3c, 0x3e, 0x40, 0x5c, 0x7f, 0x80, 0xff];
const LARGEST = 16 * 1024;

/** A new input out of those there are: one of them, changed at one to eight places. */
export function mutate(corpus: readonly Uint8Array[], random: (below: number) => number): Uint8Array {
  let bytes = Array.from(pick(corpus, random) ?? []);
  for (let changes = 1 + random(8); changes > 0; changes--) bytes = change(bytes, corpus, random);
  return Uint8Array.from(bytes.slice(0, LARGEST));
}

function change(bytes: number[], corpus: readonly Uint8Array[], random: (below: number) => number): number[] {
  const at = random(bytes.length + 1);
  const length = 1 + random(random(4) === 0 ? 64 : 4);
  const head = bytes.slice(0, at);
  const tail = bytes.slice(at);
  switch (random(8)) {
    case 0: // another octet
      return [...head, random(256), ...tail.slice(1)];
    case 1: // an octet that matters
      return [...head, interesting[random(interesting.length)]!, ...tail.slice(random(2))];
    case 2: // a bit
      return tail.length === 0 ? bytes : [...head, tail[0]! ^ (1 << random(8)), ...tail.slice(1)];
    case 3: // something missing
      return [...head, ...tail.slice(length)];
    case 4: // something twice
      return [...head, ...tail.slice(0, length), ...tail];
    case 5: // one octet many times
      return [...head, ...Array.from({ length: 1 + random(600) }, () => tail[0] ?? 0x78), ...tail];
    default: {
      // a piece of another, which is most likely to make sense
      const other = pick(corpus, random) ?? [];
      const from = random(other.length + 1);
      const piece = other.slice(from, from + 1 + random(80));
      return [...head, ...piece, ...tail.slice(random(2) === 0 ? 0 : piece.length)];
    }
  }
}

function pick(corpus: readonly Uint8Array[], random: (below: number) => number): Uint8Array | undefined {
  return corpus[random(Math.max(1, corpus.length))];
}
