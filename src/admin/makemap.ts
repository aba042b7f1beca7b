/**
 * Sendmail's makemap: a text of keys and values checked line by line, with its words and its exit codes, and made into a
 * compiled map. The relay reads the text as well, so nobody needs the result; it is for Makefiles and for habits.
 */
import { TableBuilder } from '../relay/table/builder.ts';
import { isBlank } from '../relay/table/lines.ts';
import { openTable } from '../relay/table/table.ts';

export interface MakemapOptions {
  /** -d: keys may be there several times. */
  readonly duplicates: boolean;
  /** -e: values may be empty. */
  readonly empty: boolean;
  /** -f: upper case stays. */
  readonly keepCase: boolean;
  /** -r: of two lines with one key the last counts. */
  readonly replace: boolean;
  /** -v */
  readonly verbose: boolean;
  /** -D */
  readonly comment: string;
  /** -t: what stands between key and value; undefined: blanks. */
  readonly separator: string | undefined;
}

export interface Makemap {
  readonly table: SharedArrayBuffer;
  /** What is said, in its order: `error` belongs to standard error, `said` (each entry, with -v) to standard output. */
  readonly lines: readonly MakemapLine[];
  /** Of sysexits.h: 0, or 65 (EX_DATAERR) when lines are missing in the map. */
  readonly exit: 0 | 65;
}

export interface MakemapLine {
  readonly kind: 'error' | 'said';
  /** With its line end. */
  readonly text: string;
}

/** makemap reads so many octets of a line, its end included. */
const LINE = 1_024;
const NEWLINE = 0x0a;

/** The map of a text; `before`: a map that the lines are added to (-o). `name` as it was given, for the messages. */
export function makemap(text: Uint8Array, name: string, options: MakemapOptions, before?: ArrayBufferLike): Makemap {
  const repeated = options.duplicates ? 'both' : options.replace ? 'last' : 'first';
  const maker = new Maker(name, options, new TableBuilder(text.length, repeated, !options.keepCase));
  if (before !== undefined) maker.take(before);
  let start = 0;
  for (let line = 1; start < text.length; line++) start = maker.line(text, start, line);
  return maker.made();
}

/** What is in a map, as `makemap -u` prints it. */
export function unmakemap(table: ArrayBufferLike, separator = '\t'): Buffer {
  const parts: Uint8Array[] = [];
  for (const { key, value } of openTable(table).entries())
    parts.push(Buffer.from(key), Buffer.from(`${separator}${value}\n`));
  return Buffer.concat(parts);
}

class Maker {
  readonly #name: string;
  readonly #options: MakemapOptions;
  readonly #builder: TableBuilder;
  readonly #lines: MakemapLine[] = [];
  #exit: 0 | 65 = 0;

  constructor(name: string, options: MakemapOptions, builder: TableBuilder) {
    this.#name = name;
    this.#options = options;
    this.#builder = builder;
  }

  take(before: ArrayBufferLike): void {
    for (const { key, value, line } of openTable(before).entries()) {
      const entry = Buffer.concat([key, Buffer.from(value)]);
      this.#builder.add(entry, [0, key.length], [key.length, entry.length], line);
    }
  }

  made(): Makemap {
    return { table: this.#builder.finish(), lines: this.#lines, exit: this.#exit };
  }

  /** Reads a line from `start`; gives where the next one begins. What is too long is the beginning of the next (fgets). */
  line(text: Uint8Array, start: number, line: number): number {
    const limit = Math.min(start + LINE - 1, text.length);
    const newline = text.subarray(start, limit).indexOf(NEWLINE);
    const next = newline < 0 ? limit : start + newline + 1;
    const read = text.subarray(start, newline < 0 ? limit : next - 1);
    // To makemap a NUL ends what it has read, so the end of the line is never found.
    const nul = read.indexOf(0);
    if ((nul >= 0 || newline < 0) && !(next === text.length && newline < 0)) {
      this.#error(line, `line too long (${LINE} bytes max)`);
      return next;
    }
    this.#entry(nul < 0 ? read : read.subarray(0, nul), line);
    return next;
  }

  #entry(read: Uint8Array, line: number): void {
    const { comment, separator, empty, keepCase, verbose, duplicates, replace } = this.#options;
    if (read.length === 0 || read[0] === comment.charCodeAt(0)) return;
    if (separator === undefined && isSpace(read[0]!)) return this.#error(line, 'syntax error (leading space)');
    const cuts = (octet: number): boolean =>
      separator === undefined ? isSpace(octet) : octet === separator.charCodeAt(0);
    let end = 0;
    while (end < read.length && !cuts(read[end]!)) end += 1;
    let value = end;
    while (value < read.length && cuts(read[value]!)) value += 1;
    const key = keepCase ? read.subarray(0, end) : folded(read.subarray(0, end));
    if (value === read.length && !empty) return this.#error(line, `no RHS for LHS ${textOf(key)}`);
    if (verbose)
      this.#lines.push({ kind: 'said', text: `key=\`${textOf(key)}', val=\`${textOf(read.subarray(value))}'\n` });
    const earlier = this.#builder.add(read, [0, end], [value, trimmed(read, value)], line);
    if (earlier !== undefined && !duplicates && !replace) this.#error(line, `key ${textOf(key)}: duplicate key`);
  }

  #error(line: number, words: string): void {
    this.#exit = 65;
    this.#lines.push({ kind: 'error', text: `makemap: ${this.#name}: line ${line}: ${words}\n` });
  }
}

/** isspace() of C. */
function isSpace(octet: number): boolean {
  return octet === NEWLINE || isBlank(octet);
}

/** The end of a value without blanks behind it, which mean nothing in a map. */
function trimmed(read: Uint8Array, from: number): number {
  let end = read.length;
  while (end > from && isSpace(read[end - 1]!)) end -= 1;
  return end;
}

function folded(key: Uint8Array): Uint8Array {
  return key.map((octet) => (octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet));
}

function textOf(octets: Uint8Array): string {
  return Buffer.from(octets).toString('utf8');
}
