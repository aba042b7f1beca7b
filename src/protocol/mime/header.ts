/**
 * The header section as it lies in the bytes: where fields begin and end, so that a field can be read, taken out or
 * put in while all others stay byte for byte as they are. A line ends with CRLF and with nothing else.
 */
import { fromUtf8, latin1 } from '../../base/bytes.ts';

/** One field; offsets count from the start of the bytes that were split. */
export interface HeaderField {
  /** In lower case; '' for a line that is no field (no colon, or a name that RFC 5322 §3.6.8 forbids). */
  readonly name: string;
  /** First byte of the field. */
  readonly start: number;
  /** First byte after the colon; `start` for a line that is no field. */
  readonly value: number;
  /** First byte after the CRLF of its last line. */
  readonly end: number;
}

/** Where a header section ends. `end` is after its last line, `body` after the empty line that follows. */
export interface HeaderEnd {
  readonly end: number;
  readonly body: number;
}

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;

/**
 * Finds the empty line after the header section; undefined when it is not there (yet). With content that grows, give
 * the former length as `from`.
 */
export function findHeaderEnd(bytes: Uint8Array, from = 0): HeaderEnd | undefined {
  if (bytes[0] === CR && bytes[1] === LF) return { end: 0, body: 2 };
  const at = asBuffer(bytes).indexOf('\r\n\r\n', Math.max(0, from - 3), 'latin1');
  return at < 0 ? undefined : { end: at + 2, body: at + 4 };
}

/** The fields of a header section that ends at `end` (see `findHeaderEnd`), in their order and without a gap. */
export function splitHeader(bytes: Uint8Array, end: number = bytes.length): HeaderField[] {
  const buffer = asBuffer(bytes);
  const fields: HeaderField[] = [];
  let start = 0;
  while (start < end) {
    let stop = start;
    do {
      const at = buffer.indexOf('\r\n', stop, 'latin1');
      stop = at < 0 || at + 2 > end ? end : at + 2;
    } while (stop < end && (bytes[stop] === SPACE || bytes[stop] === TAB)); // a folded line (RFC 5322 §2.2.3)
    fields.push(fieldAt(buffer, start, stop));
    start = stop;
  }
  return fields;
}

/** The first field of this name (lower case). */
export function findField(fields: readonly HeaderField[], name: string): HeaderField | undefined {
  return fields.find((field) => field.name === name);
}

/** The field's text with its folding undone and blanks at both ends removed; as Latin-1 where it is not UTF-8. */
export function fieldText(bytes: Uint8Array, field: HeaderField): string {
  const raw = bytes.subarray(field.value, field.end);
  return unfold(fromUtf8(raw) ?? latin1(raw));
}

/** Undoes folding: each CRLF before a blank goes away (RFC 5322 §2.2.3). */
export function unfold(text: string): string {
  return text.replace(/\r\n(?=[ \t])/g, '').trim();
}

/** RFC 5322 §3.6.8; blanks before the colon are the obsolete syntax of §4.5. */
function fieldAt(buffer: Buffer, start: number, end: number): HeaderField {
  const colon = buffer.indexOf(COLON, start);
  if (colon <= start || colon >= end) return { name: '', start, value: start, end };
  let stop = colon;
  while (stop > start && (buffer[stop - 1] === SPACE || buffer[stop - 1] === TAB)) stop--;
  if (stop === start) return { name: '', start, value: start, end };
  for (let i = start; i < stop; i++) {
    const c = buffer[i] as number;
    if (c <= SPACE || c > 0x7e) return { name: '', start, value: start, end };
  }
  return { name: buffer.toString('latin1', start, stop).toLowerCase(), start, value: colon + 1, end };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
