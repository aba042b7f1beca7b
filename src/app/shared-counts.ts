import { fnv1a } from '../base/hash.ts';
import type { AddressCounts } from '../relay/connection/admission.ts';

/** 2^18 counters of 4 octets: 1 MiB for all threads together. */
const SLOTS = 1 << 18;

/** Memory for counts that all front threads share. */
export function countsMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT);
}

/**
 * Counts over all front threads, without a message between them. An address is a slot by its hash: two addresses that
 * share a slot count together, which with a few thousand open connections is rare and only ever counts too many.
 */
export function sharedCounts(memory: SharedArrayBuffer): AddressCounts {
  const slots = new Int32Array(memory);
  return {
    enter: (key) => Atomics.add(slots, fnv1a(key) % SLOTS, 1) + 1,
    leave: (key) => void Atomics.sub(slots, fnv1a(key) % SLOTS, 1),
  };
}
