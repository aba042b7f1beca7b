/** A text of keys and values as a table, with what is wrong with its lines. */
import { TableBuilder } from './builder.ts';
import { readLines, type LineFault } from './lines.ts';

export interface TableProblem {
  readonly severity: 'error';
  readonly line: number;
  readonly column: number;
  readonly text: string;
  readonly hint: string;
}

const MAX_PROBLEMS = 1_000;

export const lineWords: Readonly<Record<LineFault, readonly [text: string, hint: string]>> = {
  blank: ['the line has only blanks', 'remove the blanks, or start a comment with #'],
  leading: [
    'the line starts with a blank',
    'start the key in the first column; an entry cannot go on in a second line',
  ],
  'no-value': ['the key {key} has no value', 'write a value after the key'],
  'no-text': ['the line has a NUL octet, so this is no text', 'write the file as plain text (UTF-8, not UTF-16)'],
};

/** The table of a text. Lines with errors are left out; at most 1,000 of them are told. */
export function compileTable(text: Uint8Array): {
  readonly table: SharedArrayBuffer;
  readonly problems: readonly TableProblem[];
} {
  const problems: TableProblem[] = [];
  const report = (line: number, column: number, what: string, hint: string): void => {
    if (problems.length < MAX_PROBLEMS) problems.push({ severity: 'error', line, column, text: what, hint });
  };
  const builder = new TableBuilder(text.length);
  readLines(text, {
    entry(line, { key, value }) {
      const earlier = builder.add(text, key, value, line);
      if (earlier === undefined) return;
      const where = `line ${earlier}`;
      report(
        line,
        1,
        `the key ${shownKey(text, key)} is there already, in ${where}; the first one counts`,
        `remove this line or ${where}`,
      );
    },
    fault(line, column, fault, key) {
      const [what, hint] = lineWords[fault];
      report(line, column, key === undefined ? what : what.replace('{key}', () => shownKey(text, key)), hint);
    },
  });
  return { table: builder.finish(), problems };
}

export function spanText(text: Uint8Array, [from, to]: readonly [number, number]): string {
  return Buffer.from(text.buffer as ArrayBuffer, text.byteOffset + from, to - from).toString('utf8');
}

function shownKey(text: Uint8Array, key: readonly [number, number]): string {
  const whole = spanText(text, key);
  return whole.length <= 80 ? `"${whole}"` : `"${whole.slice(0, 77)}..."`;
}
