/**
 * The database of `openssl ca`: one line a certificate, six fields between tabs (openssl-ca(1)): state, end, withdrawal
 * with reason, serial number, file name, subject.
 */
import type { Ms } from '../base/clock.ts';
import type { RevocationReason } from './ledger.ts';

export interface IndexEntry {
  /** From 1. */
  readonly line: number;
  /** Lower-case hexadecimal, as `serialText` writes it. */
  readonly serial: string;
  readonly notAfter: Ms;
  /** Undefined: valid, or only expired. */
  readonly withdrawn:
    | { readonly at: Ms; readonly reason: RevocationReason; /** Taken back one day, maybe. */ readonly held: boolean }
    | undefined;
  readonly subject: string;
}

/** A line that is none; `message` begins with `LINE: `. */
export class IndexFault extends Error {
  override readonly name = 'IndexFault';
}

/** Entries in the order of the file. Throws IndexFault at the first line that is no entry, or has a serial number that another has. */
export function parseIndex(text: string): IndexEntry[] {
  const entries: IndexEntry[] = [];
  const lines = new Map<string, number>();
  for (const [index, written] of text.split('\n').entries()) {
    const line = index + 1;
    const row = written.replace(/\r$/, '');
    if (row.trim() === '') continue;
    const entry = parseLine(row, line);
    const first = lines.get(entry.serial);
    if (first !== undefined)
      throw new IndexFault(`${line}: serial number ${entry.serial} is that of line ${first}, too`);
    lines.set(entry.serial, line);
    entries.push(entry);
  }
  return entries;
}

function parseLine(row: string, line: number): IndexEntry {
  const fail = (what: string): never => {
    throw new IndexFault(`${line}: ${what}`);
  };
  const fields = row.split('\t');
  if (fields.length !== 6) fail(`has ${fields.length} fields between tabs, not 6`);
  const [state = '', end = '', withdrawal = '', serial = '', , subject = ''] = fields;
  if (!/^[VER]$/.test(state)) fail(`begins with "${state}", not V, R or E`);
  const notAfter = parseTime(end) ?? fail(`"${end}" is no time YYMMDDHHMMSSZ`);
  if (!/^[0-9A-Fa-f]{1,40}$/.test(serial)) fail(`"${serial}" is no serial number`);
  const digits = serial.toLowerCase().replace(/^0+(?=.)/, '');
  const [at = '', reason] = withdrawal.split(',');
  const withdrawn =
    state === 'R'
      ? { at: parseTime(at) ?? fail(`"${at}" is no time of withdrawal`), ...readReason(reason) }
      : undefined;
  return { line, serial: digits.length % 2 === 0 ? digits : `0${digits}`, notAfter, withdrawn, subject };
}

const reasons: Readonly<Record<string, RevocationReason>> = {
  unspecified: 'unspecified',
  keyCompromise: 'keyCompromise',
  // The key of a CA is not what our holders have.
  CACompromise: 'keyCompromise',
  affiliationChanged: 'affiliationChanged',
  superseded: 'superseded',
  cessationOfOperation: 'cessationOfOperation',
  privilegeWithdrawn: 'privilegeWithdrawn',
};

/** openssl-ca(1) writes holdInstruction, keyTime and CAkeyTime with values of their own behind a comma. */
function readReason(written: string | undefined): { readonly reason: RevocationReason; readonly held: boolean } {
  const held = written === 'holdInstruction' || written === 'certificateHold';
  const named = written === 'keyTime' || written === 'CAkeyTime' ? 'keyCompromise' : reasons[written ?? ''];
  return { reason: named ?? 'unspecified', held };
}

const DAY: Ms = 86_400_000;

/** UTCTime or GeneralizedTime as text (RFC 5280 §4.1.2.5). */
function parseTime(text: string): Ms | undefined {
  const [, written = '', month, day, hour, minute, second] =
    /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text) ?? [];
  if (written === '') return undefined;
  const short = Number(written);
  const year = written.length === 4 ? short : short < 50 ? 2000 + short : 1900 + short;
  const clock = (Number(hour) * 60 + Number(minute)) * 60 + Number(second);
  const days = daysSince1970(year, Number(month), Number(day));
  return days === undefined || clock >= 86_400 ? undefined : days * DAY + clock * 1000;
}

/** This layer has no Date. Undefined for a day that no month has. */
function daysSince1970(year: number, month: number, day: number): number | undefined {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  if (month < 1 || month > 12 || day < 1 || day > (lengths[month - 1] ?? 0)) return undefined;
  const before = year - 1;
  const years = before * 365 + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const months = lengths.slice(0, month - 1).reduce((sum, length) => sum + length, 0);
  return years + months + day - 1 - 719_162;
}

export interface IndexRow {
  readonly serial: string;
  /** As certificates have it, `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`. */
  readonly notAfter: string;
  readonly ended: boolean;
  readonly withdrawn: { readonly at: string; readonly reason: RevocationReason | 'certificateHold' } | undefined;
  /** `/CN=…`; a tab or line end in it would be one of the file. */
  readonly subject: string;
}

/** The file, with a line for each row. */
export function writeIndex(rows: readonly IndexRow[]): string {
  return rows.map((row) => `${writeLine(row)}\n`).join('');
}

function writeLine({ serial, notAfter, ended, withdrawn, subject }: IndexRow): string {
  const state = withdrawn === undefined ? (ended ? 'E' : 'V') : 'R';
  const reason =
    withdrawn === undefined || withdrawn.reason === 'unspecified'
      ? ''
      : withdrawn.reason === 'certificateHold'
        ? ',holdInstruction,holdInstructionCallIssuer'
        : withdrawn.reason === 'privilegeWithdrawn'
          ? // `openssl ca` knows no such word, and would refuse the whole file.
            ',cessationOfOperation'
          : `,${withdrawn.reason}`;
  const name = subject.replace(
    /[\t\n\r]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  );
  return [
    state,
    notAfter,
    withdrawn === undefined ? '' : withdrawn.at + reason,
    serial.toUpperCase(),
    'unknown',
    name,
  ].join('\t');
}
