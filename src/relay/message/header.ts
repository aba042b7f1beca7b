/** One look at the header section of a message that comes in: only what the relay has to know, nothing parsed. */
import { fromUtf8, latin1 } from '../../base/bytes.ts';

export interface ByteRange {
  readonly from: number;
  /** Past the last byte. */
  readonly to: number;
}

export interface HeaderScan {
  /** Received: fields. */
  readonly received: number;
  /** A Date: field is there. */
  readonly date: boolean;
  /** Value of the first Message-ID: field that has one, unfolded. */
  readonly messageId: string | undefined;
  /** Bcc: and Resent-Bcc: fields, with their line ends. */
  readonly blind: readonly ByteRange[];
  /** Where the fields end: at the empty line, or at the first line that is no field. */
  readonly end: number;
  /** The content does not begin with a field: what follows is all body, and no empty line stands before it. */
  readonly headless: boolean;
  /** The last field has no line end (content without a final CRLF, by BDAT). */
  readonly openEnd: boolean;
  /** Values of fields that hold addresses, where they were asked for. */
  readonly addresses: readonly AddressField[];
}

/** A field of addresses: of those who sent a message, or of those who get it. */
export interface AddressField extends ByteRange {
  readonly kind: 'sender' | 'recipient';
}

/** RFC 5322 §3.6, RFC 8098 §2.1, and what older programs write. */
const ADDRESS_FIELDS: ReadonlyMap<string, AddressField['kind']> = new Map([
  ...['from', 'sender', 'reply-to', 'errors-to', 'disposition-notification-to'].map(
    (name) => [name, 'sender'] as const,
  ),
  ...['resent-from', 'resent-sender', 'resent-reply-to'].map((name) => [name, 'sender'] as const),
  ...['to', 'cc', 'bcc', 'apparently-to', 'resent-to', 'resent-cc', 'resent-bcc'].map(
    (name) => [name, 'recipient'] as const,
  ),
]);

const LONGEST_NAME = 'disposition-notification-to'.length;

const LF = 10;
const BLANK = 32;
const TAB = 9;
const COLON = 58;

/**
 * Scans `bytes` from `from` to `to`, which is where the empty line begins or the content ends. Lines that are no
 * fields are stepped over: a malformed header must not hide the Received: lines behind it.
 */
export function scanHeader(bytes: Buffer, from: number, to: number, wantsAddresses = false): HeaderScan {
  let received = 0;
  let date = false;
  let messageId: string | undefined;
  const blind: { from: number; to: number }[] = [];
  const addresses: AddressField[] = [];
  let end = -1;
  let headless = false;

  let at = from;
  while (at < to) {
    const next = fieldEnd(bytes, at, to);
    const colon = nameEnd(bytes, at, next);
    if (colon < 0) {
      if (end < 0) end = at;
      if (at === from && !isMailboxLine(bytes, at, next)) {
        headless = true;
        break;
      }
    } else {
      if (wantsAddresses) {
        const kind = ADDRESS_FIELDS.get(nameText(bytes, at, colon, LONGEST_NAME));
        if (kind !== undefined) addresses.push({ kind, from: colon + 1, to: next });
      }
      switch (fieldName(bytes, at, colon)) {
        case 'received':
          received += 1;
          break;
        case 'date':
          date = true;
          break;
        case 'message-id':
          messageId ??= fieldValue(bytes, colon + 1, next);
          break;
        case 'bcc':
        case 'resent-bcc':
          blind.push({ from: at, to: next });
          break;
      }
    }
    at = next;
  }
  if (end < 0) end = to;
  return { received, date, messageId, blind, end, headless, openEnd: end > from && bytes[end - 1] !== LF, addresses };
}

/** Whether the content begins with a line that is no field; undefined until the whole first line is there. */
export function beginsHeadless(bytes: Buffer, from: number, to: number): boolean | undefined {
  const lf = bytes.indexOf(LF, from);
  if (lf < 0 || lf >= to) return undefined;
  return nameEnd(bytes, from, lf) < 0 && !isMailboxLine(bytes, from, lf);
}

/** Past the last line of the field at `at`, continuation lines included (RFC 5322 §2.2.3). */
function fieldEnd(bytes: Buffer, at: number, to: number): number {
  let next = at;
  do {
    const lf = bytes.indexOf(LF, next);
    if (lf < 0 || lf >= to) return to;
    next = lf + 1;
  } while (next < to && (bytes[next] === BLANK || bytes[next] === TAB));
  return next;
}

/** Position of the colon when the line begins with a field name (RFC 5322 §2.2, blanks before the colon: §4.5), else -1. */
function nameEnd(bytes: Buffer, at: number, to: number): number {
  let i = at;
  while (i < to && (bytes[i] as number) > BLANK && (bytes[i] as number) < 127 && bytes[i] !== COLON) i += 1;
  if (i === at) return -1;
  while (i < to && (bytes[i] === BLANK || bytes[i] === TAB)) i += 1;
  return bytes[i] === COLON && i < to ? i : -1;
}

/** The field name in lower case when it may be one that matters, else ''. */
function fieldName(bytes: Buffer, at: number, colon: number): string {
  switch ((bytes[at] as number) | 0x20) {
    case 0x62: // b
    case 0x64: // d
    case 0x6d: // m
    case 0x72: // r
      return nameText(bytes, at, colon, 16);
    default:
      return '';
  }
}

function nameText(bytes: Buffer, at: number, colon: number, longest: number): string {
  return colon - at > longest ? '' : bytes.toString('latin1', at, colon).trimEnd().toLowerCase();
}

/** Unfolded and trimmed; undefined when nothing is left. At most 998 characters, the longest line (RFC 5322 §2.1.1). */
function fieldValue(bytes: Buffer, from: number, to: number): string | undefined {
  const raw = bytes.subarray(from, to);
  const text = (fromUtf8(raw) ?? latin1(raw))
    .replace(/\r?\n[ \t]*/g, ' ')
    .trim()
    .slice(0, 998);
  return text === '' ? undefined : text;
}

/** The separator line of a mailbox file, which some programs leave at the top. */
function isMailboxLine(bytes: Buffer, at: number, to: number): boolean {
  const start = bytes.toString('latin1', at, Math.min(to, at + 6));
  return start.startsWith('From ') || start === '>From ';
}
