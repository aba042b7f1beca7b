import { randomBytes } from 'node:crypto';
import type { Random } from '../../base/random.ts';

/** The machine's randomness. */
export function systemRandom(): Random {
  return {
    bytes: (length) => new Uint8Array(randomBytes(length)), // plain octets: a Buffer is another type once it crossed to a process
    fraction: () => Math.random(), // jitter needs no secret
  };
}
