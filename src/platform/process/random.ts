import { randomBytes } from 'node:crypto';
import type { Random } from '../../base/random.ts';

/** The machine's randomness. */
export function systemRandom(): Random {
  return {
    bytes: (length) => randomBytes(length),
    fraction: () => Math.random(), // jitter needs no secret
  };
}
