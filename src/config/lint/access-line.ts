/**
 * The lines of an access file as their author meant them: an entry that was wrapped, or whose name has blanks in it, is one
 * entry here, although makemap leaves it out or cuts it. Comments and empty lines are no entries.
 */

export interface AccessLine {
  /** From 1. */
  readonly line: number;
  /** The same, but for an entry that was wrapped. */
  readonly last: number;
  /** Where the key begins; makemap takes none that is not in the first column. */
  readonly column: number;
  /** Tag as written, without colon; '' without one. */
  readonly tag: string;
  /** Key without tag, as it is meant: with its blanks. */
  readonly name: string;
  readonly value: string;
  /** Column of the value in `last`. */
  readonly valueColumn: number;
  /** Why the line is not what it was meant to be, or `none`. */
  readonly defect: 'none' | 'wrapped' | 'indented' | 'blank-in-name' | 'no-value';
  /** The line in which the same key stands before, so that this one does not count. */
  readonly duplicateOf: number | undefined;
  /** Tag and key as makemap has them; undefined: the line is not in the map. */
  readonly key: string | undefined;
}

const TAGS = /^(CERTISSUER|CERTSUBJECT)$/i;
/** The last word of a line whose name has blanks in it. */
const WORD = /^(.*\S)\s+(RELAY|SUBJECT|OK|REJECT|DISCARD|SKIP)$/is;
/** A value that is a reply of its own, or has a comment in it, and no rest of a name. */
const REPLY = /^(?:ERROR:|QUARANTINE:|\d{3}\s|"|[A-Z]+\s*#)/i;
const NAMED = /^\s*(?:CERTISSUER|CERTSUBJECT):/i;
/** A tag is a word before a colon; an IPv6 address has IPv6: before it and no tag. */
const TAG = /^([A-Za-z_][A-Za-z_0-9]*):(?!:)/;

export function readAccessLines(text: string): AccessLine[] {
  const rows = text.replace(/^\uFEFF/, '').split('\n');
  const found: AccessLine[] = [];
  const first = new Map<string, number>();
  for (let index = 0; index < rows.length; index++) {
    const row = trimEnd(rows[index] as string);
    if (row === '' || row.startsWith('#')) continue;
    let last = index;
    let whole = row;
    // A key with nothing behind it and an indented line below: the author went on in a second line.
    while (!isComplete(whole) && /^\s+\S/.test(rows[last + 1] ?? '')) {
      last += 1;
      whole = join(whole, trimEnd(rows[last] as string).trimStart());
    }
    const line = readLine(whole, index + 1, last + 1, row);
    const key = line.key?.toLowerCase();
    const before = key === undefined ? undefined : first.get(key);
    if (key !== undefined && before === undefined) first.set(key, line.line);
    found.push(before === undefined ? line : { ...line, key: undefined, duplicateOf: before });
    index = last;
  }
  return found;
}

/** Whether a key with its value is there. A name may have blanks in it, so only a word that fits ends one. */
function isComplete(text: string): boolean {
  return NAMED.test(text) ? /\s(?:RELAY|SUBJECT|OK|REJECT|DISCARD|SKIP)$/i.test(text) : /\S\s+\S/.test(text);
}

/** Lines are broken between attributes, or at a blank of a value. */
function join(text: string, next: string): string {
  return `${text}${text.endsWith('/') || next.startsWith('/') ? '' : ' '}${next}`;
}

function readLine(whole: string, line: number, last: number, row: string): AccessLine {
  const text = whole.trimStart();
  const indent = whole.length - text.length;
  const [, written = '', gap = '', rest = ''] = /^(\S+)(\s*)(.*)$/s.exec(text) ?? [];
  const tag = TAG.exec(written)?.[1] ?? '';
  const known = tag.toLowerCase() === 'ipv6' ? '' : tag;
  const skip = known === '' ? 0 : known.length + 1;
  const base = { line, last, column: indent + 1, tag: known, duplicateOf: undefined };
  const blank = TAGS.test(known) && !REPLY.test(rest) ? WORD.exec(text.slice(skip)) : null;
  if (blank !== null && /\s/.test(blank[1] as string)) {
    const [, name = '', value = ''] = blank;
    const defect = last > line ? 'wrapped' : 'blank-in-name';
    // makemap cuts the key at the blank; what is left can match nothing that was meant.
    return { ...base, name, value, valueColumn: row.length - value.length + 1, defect, key: undefined };
  }
  const defect = last > line ? 'wrapped' : indent > 0 ? 'indented' : rest === '' ? 'no-value' : 'none';
  const valueColumn = last > line ? 1 : indent + written.length + gap.length + 1;
  const name = written.slice(skip);
  return { ...base, name, value: rest, valueColumn, defect, key: defect === 'none' ? written : undefined };
}

function trimEnd(text: string): string {
  return text.replace(/\s+$/, '');
}

/** Whether a tag is this one, in any case. */
export function isTag(line: AccessLine, tag: string): boolean {
  return line.tag.toLowerCase() === tag.toLowerCase();
}

/** The entry as one line of the file. */
export function writeLine(line: AccessLine, name: string = line.name, value: string = line.value): string {
  return `${line.tag === '' ? '' : `${line.tag}:`}${name}\t${value}`;
}
