import { civil, dayNumber } from './calendar.ts';
import type { Clock, Ms } from './clock.ts';

/** A time-ordered integer below 2^53, minted by the node that makes the row. */
export type Id = number;

/** Milliseconds of 2026-01-01 UTC: ids count from here, so that 41 bits of time last until 2095. */
const EPOCH: Ms = 1_767_225_600_000;
const DAY: Ms = 86_400_000;
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

/** Sendmail's digits: it counts to 60 with them. */
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx';

/**
 * The same id in the form of Sendmail's, for programs that read its replies and logs: year, month, day, hour, minute and
 * second (UTC) by a letter each, two letters that count, and where Sendmail has the number of a process, the writer and
 * the millisecond. Nothing is lost: parseQueueId reads it back.
 */
export function sendmailQueueId(id: Id): string {
  const counter = id % PER_MS;
  const writer = Math.floor(id / PER_MS) % WRITERS;
  const at = EPOCH + Math.floor(id / (PER_MS * WRITERS));
  const days = Math.floor(at / DAY);
  const ms = at - days * DAY;
  const { year, month, day } = civil(days);
  const parts = [
    year % 60,
    month - 1,
    day,
    Math.floor(ms / 3_600_000),
    Math.floor(ms / 60_000) % 60,
    Math.floor(ms / 1_000) % 60,
    Math.floor(counter / 60),
    counter % 60,
  ];
  const number = writer * 1_000 + (ms % 1_000);
  return parts.map((part) => DIGITS[part]).join('') + String(number).padStart(6, '0');
}

function parseSendmailId(text: string): Id | undefined {
  const digit = (at: number): number => DIGITS.indexOf(text.charAt(at));
  const number = Number(text.slice(8));
  // Sendmail's years are counted from 1900 and repeat after 60; ours begin in 2026.
  const year = 2026 + ((digit(0) - (2026 % 60) + 60) % 60);
  const ms = ((digit(3) * 60 + digit(4)) * 60 + digit(5)) * 1_000 + (number % 1_000);
  const at = dayNumber(year, digit(1) + 1, digit(2)) * DAY + ms;
  const id = ((at - EPOCH) * WRITERS + Math.floor(number / 1_000)) * PER_MS + digit(6) * 60 + digit(7);
  // What is no date, or too large a number, comes out as another id.
  return Number.isSafeInteger(id) && id >= 0 && sendmailQueueId(id) === text ? id : undefined;
}

/** The id of a printed queue id, in either form; undefined when it is none. Case matters in Sendmail's alone. */
export function parseQueueId(text: string): Id | undefined {
  if (/^[0-9A-Za-x]{8}\d{6}$/.test(text)) return parseSendmailId(text);
  if (!/^[0-9A-Za-z]{1,11}$/.test(text)) return undefined;
  const id = Number.parseInt(text, 36);
  return Number.isSafeInteger(id) ? id : undefined;
}
