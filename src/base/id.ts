import type { Clock, Ms } from './clock.ts';

/** A time-ordered integer below 2^53, minted by the node that makes the row. */
export type Id = number;

/** Milliseconds of 2026-01-01 UTC: ids count from here, so that 41 bits of time last until 2095. */
const EPOCH: Ms = 1_767_225_600_000;
const WRITERS = 32;
const PER_MS = 128;

/**
 * Mints ids: 41 bits of milliseconds, 5 bits of writer, 7 bits of counter.
 * Each thread that mints has its own `writer` (0 to 31). More than 128 ids in one millisecond borrow from
 * the next; a clock that steps back is waited out in the same way, so ids of one minter never repeat or fall. All are
 * above `after`: the last id of an earlier run, whose clock may have been ahead.
 */
export function idMinter(clock: Clock, writer: number, after: Id = 0): () => Id {
  if (!Number.isInteger(writer) || writer < 0 || writer >= WRITERS)
    throw new RangeError(`writer ${writer} is not 0 to ${WRITERS - 1}`);
  let tick = Math.floor(after / (WRITERS * PER_MS)) + 1;
  let counter = 0;
  return () => {
    const now = clock.now() - EPOCH;
    if (now > tick) {
      tick = now;
      counter = 0;
    } else if (++counter === PER_MS) {
      tick += 1;
      counter = 0;
    }
    return (tick * WRITERS + writer) * PER_MS + counter;
  };
}

/** The smallest id that a minter makes at `at`: ids below it were made before. */
export function firstIdAt(at: Ms): Id {
  return Math.max(0, at - EPOCH) * WRITERS * PER_MS;
}

/** The id as a queue id: upper-case base 36, 11 characters, as printed in replies, headers and logs. */
export function queueId(id: Id): string {
  return id.toString(36).toUpperCase().padStart(11, '0');
}

/** The id of a printed queue id; undefined when it is none. Case does not matter. */
export function parseQueueId(text: string): Id | undefined {
  if (!/^[0-9A-Za-z]{1,11}$/.test(text)) return undefined;
  const id = Number.parseInt(text, 36);
  return Number.isSafeInteger(id) ? id : undefined;
}
