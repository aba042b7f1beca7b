/** The lines of a text of keys and values, as Sendmail's makemap reads them. Octets, whatever their encoding. */

/** Where key and value of a line are in the text. `start` is the first octet of the line. */
export interface LineParts {
  readonly start: number;
  readonly key: readonly [number, number];
  /** Without blanks around it. */
  readonly value: readonly [number, number];
}

/** Why a line is no entry. */
export type LineFault = 'blank' | 'leading' | 'no-value' | 'no-text';

export interface LineReader {
  entry(line: number, parts: LineParts): void;
  /** `column` from 1. `key`: that of a line without a value. */
  fault(line: number, column: number, fault: LineFault, key?: readonly [number, number]): void;
}

const CR = 0x0d;
const COMMENT = 0x23;

/** Reads the lines in order. A line of CR alone is an empty line of a Windows file; a byte order mark is skipped. */
export function readLines(text: Uint8Array, reader: LineReader): void {
  const clean = !text.includes(0);
  let start = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0;
  for (let line = 1; start < text.length; line++) {
    let end = text.indexOf(0x0a, start);
    if (end < 0) end = text.length;
    readLine(text, start, end, line, reader, clean);
    start = end + 1;
  }
}

function readLine(
  text: Uint8Array,
  start: number,
  end: number,
  line: number,
  reader: LineReader,
  clean: boolean,
): void {
  if (start === end || text[start] === COMMENT) return;
  let stop = end;
  while (stop > start && isBlank(text[stop - 1]!)) stop -= 1;
  if (stop === start) {
    if (end - start > 1 || text[start] !== CR) reader.fault(line, 1, 'blank');
    return;
  }
  if (isBlank(text[start]!)) return reader.fault(line, 1, 'leading');
  let keyEnd = start + 1;
  while (keyEnd < stop && !isBlank(text[keyEnd]!)) keyEnd += 1;
  let valueStart = keyEnd;
  while (valueStart < stop && isBlank(text[valueStart]!)) valueStart += 1;
  const nul = clean ? -1 : text.subarray(start, stop).indexOf(0);
  if (nul >= 0) return reader.fault(line, nul + 1, 'no-text');
  if (valueStart >= stop) return reader.fault(line, keyEnd - start + 1, 'no-value', [start, keyEnd]);
  reader.entry(line, { start, key: [start, keyEnd], value: [valueStart, stop] });
}

/** isspace() of C, without the line end. */
export function isBlank(octet: number): boolean {
  return octet === 0x20 || (octet >= 0x09 && octet <= 0x0d && octet !== 0x0a);
}
