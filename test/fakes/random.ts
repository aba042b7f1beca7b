import type { Random } from '../../src/base/random.ts';

/** Randomness that is the same for the same seed; good enough for tests and for nothing else. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;

  /** 32 bits: a counter scrambled by multiplication and shifts. */
  function word(): number {
    state = (state + 0x9e3779b9) | 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return (x ^ (x >>> 15)) >>> 0;
  }

  return {
    bytes(length: number): Uint8Array {
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i++) bytes[i] = word() & 0xff;
      return bytes;
    },
    fraction: () => word() / 0x1_0000_0000,
  };
}
