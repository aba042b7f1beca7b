/** Sendmail's aliases: continuation lines, quoted names, targets parted by commas, and `:include:` files. */
import { note } from './note.ts';
import type { AliasRow, Finding, Place } from './site.ts';

export interface ReadAliases {
  readonly aliases: readonly AliasRow[];
  readonly findings: readonly Finding[];
}

/** The text of an `:include:` file, and where it was found; undefined: it is not there. */
export type ReadList = (path: string) => { readonly text: string; readonly file: string } | undefined;

/** How deep `:include:` files may name others. */
const DEEPEST = 10;
/** How many targets one alias may have with all its files. */
const MOST_TARGETS = 100_000;

export function readAliases(text: string, file: string, readList: ReadList): ReadAliases {
  const reader = new Reader(readList);
  for (const line of logicalLines(text, file)) reader.line(line);
  return { aliases: reader.aliases, findings: reader.findings };
}

interface LogicalLine extends Place {
  readonly text: string;
}

/** Lines with those that go on with them: they begin with a blank. */
function logicalLines(text: string, file: string): LogicalLine[] {
  const lines: { text: string; line: number; file: string }[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.replace(/\r$/, '');
    if (content === '' || content.startsWith('#')) continue;
    const last = lines.at(-1);
    if (/^[ \t]/.test(content) && last !== undefined) last.text += ` ${content.trim()}`;
    else if (content.trim() !== '') lines.push({ text: content, line: index + 1, file });
  }
  return lines;
}

class Reader {
  readonly aliases: AliasRow[] = [];
  readonly findings: Finding[] = [];
  readonly #readList: ReadList;
  readonly #lines = new Map<string, LogicalLine>();

  constructor(readList: ReadList) {
    this.#readList = readList;
  }

  line(line: LogicalLine): void {
    const at = endOfName(line.text);
    const written = at === undefined ? '' : line.text.slice(0, at).trim();
    const name = written.replaceAll(/^"(.*)"$/g, '$1').toLowerCase();
    if (at === undefined || name === '') {
      this.#find('dropped', line, note('sendmail.badLine', { what: line.text.slice(0, 60) }));
      return;
    }
    const before = this.#lines.get(name);
    if (before !== undefined) {
      this.#find('dropped', line, note('sendmail.aliasTwice', { name, place: `${before.file}:${before.line}` }));
      return;
    }
    this.#lines.set(name, line);
    const targets = this.#targets(line.text.slice(at + 1), line, []);
    this.aliases.push({ file: line.file, line: line.line, name, targets });
  }

  #targets(text: string, line: LogicalLine, within: readonly string[]): string[] {
    const targets: string[] = [];
    for (const target of splitTargets(text)) {
      const bare = target.replaceAll(/^"(.*)"$/g, '$1');
      if (bare.startsWith('|')) this.#find('dropped', line, note('sendmail.aliasCommand', { name: target }));
      else if (bare.startsWith('/')) this.#find('dropped', line, note('sendmail.aliasFile', { name: target }));
      const path = /^:include:\s*(.+)$/i.exec(bare)?.[1]?.trim();
      targets.push(...(path === undefined ? [target] : this.#included(path, line, within)));
      if (targets.length > MOST_TARGETS) return targets.slice(0, MOST_TARGETS);
    }
    return targets;
  }

  #included(path: string, line: LogicalLine, within: readonly string[]): string[] {
    const found = within.includes(path) || within.length >= DEEPEST ? undefined : this.#readList(path);
    if (found === undefined) {
      this.#find('dropped', line, note('sendmail.aliasInclude', { path }));
      return [];
    }
    const lines = found.text.split('\n').map((raw) => raw.replace(/\r$/, ''));
    return lines
      .filter((raw) => raw.trim() !== '' && !raw.startsWith('#'))
      .flatMap((raw) => this.#targets(raw, line, [...within, path]));
  }

  #find(fate: Finding['fate'], { file, line, text }: LogicalLine, why: Finding['note']): void {
    this.findings.push({ file, line, fate, text: text.slice(0, 200), note: why });
  }
}

/** The colon behind an alias's name, which may be quoted; undefined when there is none. */
function endOfName(text: string): number | undefined {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (character === ':' && !quoted) return at;
  }
  return undefined;
}

/** Parts at commas that are not within quotes, parentheses or angle brackets. */
function splitTargets(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '\\') {
      part += character + (text[++at] ?? '');
      continue;
    }
    if (character === '"') quoted = !quoted;
    else if (!quoted && '(<'.includes(character)) depth++;
    else if (!quoted && ')>'.includes(character)) depth = Math.max(0, depth - 1);
    if (character === ',' && !quoted && depth === 0) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return [...parts, part].map((target) => target.trim()).filter((target) => target !== '');
}
