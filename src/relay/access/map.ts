/**
 * The access map as Sendmail's makemap reads the file and its map class looks it up. Which keys are asked for, and what
 * an answer means, is in lookup.ts and rule.ts.
 */
import { reviewLine } from './tags/registry.ts';
import { MAX_KEY } from './tags/tag.ts';

/** What a line of the map says. `line` counts from 1. */
export interface AccessEntry {
  readonly value: string;
  readonly line: number;
}

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

/** A file that is no access map at all should not fill the screen. */
const MAX_PROBLEMS = 1000;

/**
 * The map in `text`; `file` is its name in trails. Lines with errors are reported and left out, the others count.
 * Reports at most 1,000 problems.
 */
export function parseAccessMap(text: string, file: string): ParsedAccessMap {
  const builder = new MapBuilder(file);
  let start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  for (let line = 1; start < text.length; line++) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    builder.line(text, start, end, line);
    start = end + 1;
  }
  return { map: builder.map(), problems: builder.problems };
}

/** Lower case for ASCII alone, as makemap and the look-up fold; other letters stay, whatever Unicode says of them. */
export function foldCase(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the range is ASCII
  return /^[\u0000-\u007f]*$/.test(text)
    ? text.toLowerCase()
    : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

class MapBuilder {
  readonly problems: AccessProblem[] = [];
  readonly #file: string;
  /** Key to number of entry; line and value of the entry are in the arrays, because a map of a million objects is large. */
  readonly #keys = new Map<string, number>();
  readonly #lines: number[] = [];
  readonly #values: number[] = [];
  readonly #texts: string[] = [];
  readonly #textNumbers = new Map<string, number>();

  constructor(file: string) {
    this.#file = file;
  }

  line(text: string, start: number, end: number, line: number): void {
    let stop = end;
    while (stop > start && isBlank(text.charCodeAt(stop - 1))) stop -= 1;
    const first = text.charCodeAt(start);
    if (first === 0x23 /* # */ || end === start) return;
    if (stop === start) {
      // A line of blanks is an error to makemap too; one that only ends in CR is an empty line of a Windows file.
      if (end - start > 1 || first !== 0x0d)
        this.#report('error', line, 1, 'the line has only blanks', 'remove the blanks, or start a comment with #');
      return;
    }
    if (isBlank(first)) {
      this.#report(
        'error',
        line,
        1,
        'the line starts with a blank',
        'start the key in the first column; an entry cannot go on in a second line',
      );
      return;
    }
    let keyEnd = start + 1;
    while (keyEnd < stop && !isBlank(text.charCodeAt(keyEnd))) keyEnd += 1;
    let valueStart = keyEnd;
    while (valueStart < stop && isBlank(text.charCodeAt(valueStart))) valueStart += 1;
    const written = text.slice(start, keyEnd);
    if (valueStart >= stop) {
      this.#report(
        'error',
        line,
        keyEnd - start + 1,
        `the key ${shown(written)} has no value`,
        'write a value after the key, such as RELAY, OK or REJECT',
      );
      return;
    }
    this.#add(written, text.slice(valueStart, stop), line, valueStart - start + 1);
  }

  map(): AccessMap {
    const keys = this.#keys;
    const lines = Uint32Array.from(this.#lines);
    const values = Uint32Array.from(this.#values);
    const texts = this.#texts;
    return {
      file: this.#file,
      size: keys.size,
      find(key) {
        const number = keys.get(cut(foldCase(key)));
        return number === undefined
          ? undefined
          : { value: texts[values[number] as number] as string, line: lines[number] as number };
      },
    };
  }

  #add(written: string, value: string, line: number, column: number): void {
    const key = foldCase(written);
    const known = this.#keys.get(key);
    if (known !== undefined) {
      const where = `line ${this.#lines[known]}`;
      this.#report(
        'error',
        line,
        1,
        `the key ${shown(written)} is there already, in ${where}; the first one counts`,
        `remove this line or ${where}`,
      );
      return;
    }
    this.#keys.set(key, this.#lines.length);
    this.#lines.push(line);
    this.#values.push(this.#textNumber(value));
    const review = reviewLine(written, value);
    if (review !== undefined)
      this.#report('warning', line, review.about === 'key' ? 1 : column, review.text, review.hint);
  }

  /** Most lines have one of a few values: each is kept once. */
  #textNumber(value: string): number {
    let number = this.#textNumbers.get(value);
    if (number === undefined) {
      number = this.#texts.length;
      this.#texts.push(value);
      this.#textNumbers.set(value, number);
    }
    return number;
  }

  #report(severity: AccessProblem['severity'], line: number, column: number, text: string, hint: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ severity, line, column, text, hint });
  }
}

/** isspace() of C, without the line end. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0b || code === 0x0c;
}

function cut(key: string): string {
  // A character is at most three octets of UTF-8.
  if (key.length * 3 <= MAX_KEY) return key;
  const octets = Buffer.from(key);
  // A character cut in two becomes one that is in no key, which is as good as the half that Sendmail would ask for.
  return octets.length <= MAX_KEY ? key : octets.subarray(0, MAX_KEY).toString();
}

function shown(key: string): string {
  return key.length <= 80 ? `"${key}"` : `"${key.slice(0, 77)}..."`;
}
