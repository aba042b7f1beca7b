/** The text files beside sendmail.mc, as makemap and Sendmail's classes read them. */
import { note } from './note.ts';
import type { Finding, TableRow } from './site.ts';

export interface ReadRows {
  readonly rows: readonly TableRow[];
  readonly findings: readonly Finding[];
}

/** Lines of a table are looked at as far as this. */
const LONGEST = 4096;

/** A map's text: `key value`, as makemap takes it; the first of two lines with one key counts. */
export function readMap(text: string, file: string): ReadRows {
  const rows: TableRow[] = [];
  const findings: Finding[] = [];
  const lines = new Map<string, number>();
  const drop = (line: number, shown: string, why: Finding['note']): void =>
    void findings.push({ file, line, fate: 'dropped', text: shown.slice(0, 200), note: why });
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const content = raw.slice(0, LONGEST).trimEnd();
    if (raw === '' || content.startsWith('#') || (content === '' && !/^\s/.test(raw))) continue;
    const [, key, value] = /^(\S+)\s+(\S.*)$/.exec(content) ?? [];
    if (key === undefined || value === undefined) {
      if (content !== '') drop(line, content, note('sendmail.badLine', { what: content.slice(0, 60) }));
      continue;
    }
    const before = lines.get(key.toLowerCase());
    if (before !== undefined) {
      drop(line, content, note('sendmail.keyTwice', { name: key, line: before }));
      continue;
    }
    lines.set(key.toLowerCase(), line);
    rows.push({ file, line, key, value });
  }
  return { rows, findings };
}

/** A class file: the first word of each line, or with a format such as `%[^#]` all words before the `#`. */
export function readWords(text: string, file: string, whole: boolean): TableRow[] {
  const rows: TableRow[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    if (raw.startsWith('#')) continue;
    const words = (whole ? (raw.split('#', 1)[0] ?? '') : raw).split(/\s+/).filter(Boolean);
    for (const key of whole ? words : words.slice(0, 1)) rows.push({ file, line: index + 1, key, value: '' });
  }
  return rows;
}
