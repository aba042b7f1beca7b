/**
 * The issuance log: what was asked of the CA, refused, issued, withdrawn, exported; who did it and why. Each entry has
 * the hash of the one before it in its own, so that none can be changed, taken out, put in or moved without its place
 * being found. What chaining alone cannot show, a tail that was cut off, shows against a head that was kept elsewhere.
 * Pure: the ledger's engines append (in the transaction of the change that the entry tells of), and read.
 */
import { createHash } from 'node:crypto';
import { hex } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';

export type AuditAction =
  /** A database older than the log: what was in it is listed by the `kept` entries that follow. */
  | 'began'
  | 'kept'
  | 'requested'
  | 'refused'
  /** Signing did not end: nobody knows whether there is a certificate. */
  | 'failed'
  /** The serial number of a signing that did not end was withdrawn. */
  | 'abandoned'
  | 'issued'
  | 'renewed'
  | 'revoked'
  | 'crl'
  | 'exported'
  | 'imported'
  | 'root-exported'
  | 'root-forgotten'
  /** The issuing certificate was renewed. */
  | 'ca-renewed'
  /** The CA's keys were put under a passphrase, or another one. */
  | 'locked'
  | 'unlocked'
  | 'trusted'
  | 'token'
  /** A password was made or withdrawn, or by what a holder logs in was changed. */
  | 'password';

/** What is to be written down. */
export interface AuditNote {
  readonly action: AuditAction;
  /** Who: `cli:root`, `est:alice@example.net`, `acme:<account>`; `relay` for what it does by itself. */
  readonly by: string;
  readonly holder?: string | undefined;
  readonly serial?: string | undefined;
  /** SHA-256 of the certificate that the entry puts into the ledger, lower-case hexadecimal; the ledger fills it in. */
  readonly fingerprint?: string | undefined;
  /** Why, or what; plain text without secrets. */
  readonly detail: string;
}

export interface AuditEntry extends AuditNote {
  /** From 1, without a gap. */
  readonly number: number;
  /** Never earlier than the entry before, whatever the clock said. */
  readonly at: Ms;
  /** Hash of the entry before; that of the first is `NOTHING_BEFORE`. */
  readonly previous: string;
  /** SHA-256, lower-case hexadecimal. */
  readonly hash: string;
}

export const NOTHING_BEFORE: string = '0'.repeat(64);

/** Entries by which a certificate came into the ledger. */
export function bringsCertificate(action: AuditAction): boolean {
  return action === 'issued' || action === 'renewed' || action === 'imported' || action === 'kept';
}

/** Two processes that write at once may differ by this much; a clock that differs by more was set back, and that is told. */
const TOLERANCE: Ms = 60_000;
/** Longest text in an entry, characters. */
const LONGEST = 1_000;

/** The entry that follows `last`. */
export function chain(last: AuditEntry | undefined, note: AuditNote, at: Ms): AuditEntry {
  const behind = last === undefined ? 0 : last.at - at;
  const clock = behind > TOLERANCE ? ` (the clock is ${Math.round(behind / 1000)} s behind the entry before)` : '';
  const entry = {
    number: (last?.number ?? 0) + 1,
    at: behind > 0 ? (last?.at ?? at) : at,
    previous: last?.hash ?? NOTHING_BEFORE,
    action: note.action,
    by: plain(note.by),
    holder: note.holder === undefined ? undefined : plain(note.holder),
    serial: note.serial,
    fingerprint: note.fingerprint,
    detail: plain(note.detail) + clock,
  };
  return { ...entry, hash: hashOf(entry) };
}

/** Text that any storage gives back as it was, and no terminal obeys: a peer's words may be in it. */
function plain(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return cut.toWellFormed().replace(/\p{Cc}/gu, '\ufffd');
}

/**
 * SHA-256 of the entry as a JSON array without blanks, UTF-8:
 * `[number,at,previous,action,by,holder|null,serial|null,fingerprint|null,detail]`. Any language can write it again.
 */
export function hashOf(entry: Omit<AuditEntry, 'hash'>): string {
  const { number, at, previous, action, by, holder, serial, fingerprint, detail } = entry;
  const fields = [number, at, previous, action, by, holder ?? null, serial ?? null, fingerprint ?? null, detail];
  return hex(createHash('sha256').update(JSON.stringify(fields)).digest());
}

/** What is wrong with the log, and at which entry it shows first. */
export interface AuditFinding {
  readonly number: number;
  readonly what: string;
}

/** What is wrong with `entry` as the one after `last` (undefined: as the first one); undefined when nothing is. */
export function faultIn(entry: AuditEntry, last: AuditEntry | undefined): AuditFinding | undefined {
  const expected = (last?.number ?? 0) + 1;
  if (entry.number !== expected) {
    if (entry.number < expected)
      return { number: entry.number, what: `there is an entry ${entry.number} where entry ${expected} should be` };
    const missing =
      entry.number - 1 === expected ? `entry ${expected} is` : `entries ${expected} to ${entry.number - 1} are`;
    return { number: expected, what: `${missing} missing` };
  }
  if (hashOf(entry) !== entry.hash)
    return { number: entry.number, what: `entry ${entry.number} was changed: its hash is not that of its content` };
  if (entry.previous !== (last?.hash ?? NOTHING_BEFORE)) {
    const what =
      last === undefined
        ? `entry ${entry.number} does not begin the log: entries before it were taken out`
        : `entry ${entry.number} does not follow entry ${last.number}: one of the two was replaced, or they were moved`;
    return { number: entry.number, what };
  }
  if (last !== undefined && entry.at < last.at)
    return { number: entry.number, what: `entry ${entry.number} is earlier than the one before it` };
  return undefined;
}

/** Number and hash of an entry, as they are kept elsewhere: `NUMBER:HASH`. */
export interface AuditHead {
  readonly number: number;
  readonly hash: string;
}

export function formatHead({ number, hash }: AuditHead): string {
  return `${number}:${hash}`;
}

/** Undefined when the text is no head. */
export function parseHead(text: string): AuditHead | undefined {
  const [, number, hash] = /^\s*(\d{1,15}):([0-9a-fA-F]{64})\s*$/.exec(text) ?? [];
  return number === undefined || hash === undefined || Number(number) < 1
    ? undefined
    : { number: Number(number), hash: hash.toLowerCase() };
}
