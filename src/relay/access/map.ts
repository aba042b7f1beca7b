/**
 * The access map: its text compiled into a table that all threads share, and what its author should know about the
 * lines. How lines are read is in relay/table; which keys are asked for, and what an answer means, in lookup.ts and rule.ts.
 */
import { TableBuilder } from '../table/builder.ts';
import { compileTable, spanText } from '../table/compile.ts';
import { readLines } from '../table/lines.ts';
import { openTable, type TableEntry } from '../table/table.ts';
import { reviewLine } from './tags/registry.ts';
import { MAX_KEY } from './tags/tag.ts';

/** What a line of the map says. `line` counts from 1. */
export type AccessEntry = TableEntry;

export interface AccessMap {
  /** Name of the file as trails show it: `access` gives `access:12`. */
  readonly file: string;
  /** Number of keys. */
  readonly size: number;
  /** The entry of a key, tag included; case does not matter (ASCII), and only the first 256 octets count. */
  find(key: string): AccessEntry | undefined;
}

/** Something about a line: `error` lines are not in the map, `warning` lines are and will hardly do what they look like. */
export interface AccessProblem {
  readonly severity: 'error' | 'warning';
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly text: string;
  /** What to do. */
  readonly hint: string;
}

export interface ParsedAccessMap {
  readonly map: AccessMap;
  readonly problems: readonly AccessProblem[];
}

export interface CompiledAccessMap {
  readonly table: SharedArrayBuffer;
  /** Lines that are not in it. */
  readonly errors: readonly AccessProblem[];
}

/** A file that is no access map at all should not fill the screen. */
const MAX_PROBLEMS = 1000;

/** The map in `text`; `file` is its name in trails. Lines with errors are reported and left out, the others count. Reports at most 1,000 problems. */
export function parseAccessMap(text: string | Uint8Array, file: string): ParsedAccessMap {
  const octets = typeof text === 'string' ? Buffer.from(text) : text;
  const { table, errors } = compileAccessMap(octets);
  const problems = [...errors, ...reviewAccessMap(octets)].sort((a, b) => a.line - b.line).slice(0, MAX_PROBLEMS);
  return { map: openAccessMap(table, file), problems };
}

/** The map in a text, for all threads. Lines with errors are left out; at most 1,000 of them are told. */
export function compileAccessMap(text: Uint8Array): CompiledAccessMap {
  const { table, problems } = compileTable(text);
  return { table, errors: problems };
}

/** Lines that count and will hardly do what they look like; at most 1,000. */
export function reviewAccessMap(text: Uint8Array): readonly AccessProblem[] {
  const warnings: AccessProblem[] = [];
  const seen = new TableBuilder(text.length);
  readLines(text, {
    entry(line, { start, key, value }) {
      if (warnings.length >= MAX_PROBLEMS || seen.add(text, key, value, line) !== undefined) return;
      const review = reviewLine(spanText(text, key), spanText(text, value));
      if (review === undefined) return;
      const column = review.about === 'key' ? 1 : value[0] - start + 1;
      warnings.push({ severity: 'warning', line, column, text: review.text, hint: review.hint });
    },
    fault: () => {},
  });
  return warnings;
}

/** A compiled map, opened; costs nothing. Throws a RangeError when the buffer holds none. */
export function openAccessMap(buffer: ArrayBufferLike, file: string): AccessMap {
  const table = openTable(buffer);
  return { file, size: table.size, find: (key) => table.find(key, MAX_KEY) };
}
