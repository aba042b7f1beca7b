/** Files of aliases as Sendmail's newaliases reads them, made into one table: name to targets, one target in a line. */
import { TableBuilder } from '../table/builder.ts';
import { parseTarget, splitTargets } from './target.ts';

/** A problem of a line; `file` is the one it is in, which may be an included one. */
export interface AliasProblem {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
  readonly hint: string;
}

export interface AliasText {
  readonly file: string;
  readonly text: Uint8Array;
}

export interface CompiledAliases {
  readonly table: SharedArrayBuffer;
  readonly problems: readonly AliasProblem[];
}

export type ReadIncluded = (file: string, nested: boolean) => Uint8Array;

const MAX_PROBLEMS = 1_000;
/** Lists that include lists. */
const DEPTH = 10;
const LISTS = 100;

/** The aliases of several files; of two with one name in different files the first counts. `read` gives an included file, and throws when it cannot; `nested`: it is included by one that is. */
export function compileAliases(texts: readonly AliasText[], read: ReadIncluded): CompiledAliases {
  const compiler = new Compiler(texts, read);
  for (const { file, text } of texts) compiler.file(file, Buffer.from(text).toString('utf8'));
  return { table: compiler.builder.finish(), problems: compiler.problems };
}

class Compiler {
  readonly builder: TableBuilder;
  readonly problems: AliasProblem[] = [];
  readonly #read: ReadIncluded;
  /** Lists that the alias includes: each counts once, however often others name it. */
  #lists = new Set<string>();

  constructor(texts: readonly AliasText[], read: ReadIncluded) {
    this.#read = read;
    this.builder = new TableBuilder(texts.reduce((sum, { text }) => sum + text.length, 0));
  }

  file(file: string, text: string): void {
    const here = new Map<string, number>();
    for (const { line, text: entry } of logicalLines(text)) {
      if (/^\s/.test(entry)) {
        this.#report(
          'error',
          file,
          line,
          'the line starts with a blank and goes on with no alias',
          'start the name in the first column',
        );
        continue;
      }
      const colon = colonOf(entry);
      const name =
        colon < 0
          ? ''
          : entry
              .slice(0, colon)
              .trim()
              .replace(/^"(.*)"$/, '$1');
      const targets = colon < 0 ? [] : splitTargets(entry.slice(colon + 1));
      if (colon < 0 || name === '')
        this.#report('error', file, line, 'this is no alias', 'write name: address, address');
      else if (targets.length === 0)
        this.#report(
          'error',
          file,
          line,
          `the alias ${name} goes nowhere`,
          'write an address after the colon, or /dev/null',
        );
      else {
        const known = here.get(name.toLowerCase());
        if (known !== undefined)
          this.#report(
            'error',
            file,
            line,
            `the alias ${name} is there already, in line ${known}; the first one counts`,
            `remove this line or line ${known}`,
          );
        else {
          here.set(name.toLowerCase(), line);
          this.#lists = new Set();
          this.#add(
            name,
            targets.flatMap((target) => this.#resolved(target, file, line, [])),
            line,
          );
        }
      }
    }
  }

  #add(name: string, targets: readonly string[], line: number): void {
    const key = Buffer.from(name);
    const entry = Buffer.concat([key, Buffer.from([...new Set(targets)].join('\n'))]);
    this.builder.add(entry, [0, key.length], [key.length, entry.length], line);
  }

  /** The target itself, or what is in the file it includes. */
  #resolved(text: string, file: string, line: number, within: readonly string[]): readonly string[] {
    const target = parseTarget(text);
    if (target.kind === 'program')
      this.#report(
        'warning',
        file,
        line,
        `|${target.text} is not run: this relay starts no programs`,
        'deliver to an address whose server runs it, and name that here',
      );
    else if (target.kind === 'file' && target.text !== '/dev/null')
      this.#report(
        'warning',
        file,
        line,
        `${target.text} is not written: this relay has no mailboxes`,
        'deliver to an address, and name that here',
      );
    else if (target.kind === 'unreadable') {
      // Whoever keeps a list must not be able to keep the rest of the configuration from being read.
      const isOurs = within.length === 0;
      this.#report(
        isOurs ? 'error' : 'warning',
        file,
        line,
        `"${target.text}" is no address`,
        'write it as user@example.net, or as a name of this file',
      );
      if (!isOurs) return [];
    } else if (target.kind === 'include') return this.#included(target.text, text, file, line, within);
    return [text];
  }

  #included(path: string, text: string, file: string, line: number, within: readonly string[]): readonly string[] {
    const severity = within.length === 0 ? 'error' : 'warning';
    if (within.includes(path) || within.length >= DEPTH) {
      this.#report(severity, file, line, `${path} includes itself`, 'take one of the lists out');
      return [];
    }
    if (this.#lists.has(path)) return [];
    if (this.#lists.size >= LISTS) {
      this.#report(severity, file, line, `${path} is one list too many for an alias`, `include no more than ${LISTS}`);
      return [];
    }
    this.#lists.add(path);
    let octets: Uint8Array;
    try {
      octets = this.#read(path, within.length > 0);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#report(
        'warning',
        file,
        line,
        `cannot read the list ${path}: ${why}`,
        'create it, or take it out of the alias',
      );
      return [text];
    }
    const lines = Buffer.from(octets).toString('utf8').split('\n');
    return lines.flatMap((one, index) => {
      const written = one.trim();
      if (written === '' || written.startsWith('#')) return [];
      return splitTargets(written).flatMap((target) => this.#resolved(target, path, index + 1, [...within, path]));
    });
  }

  #report(severity: AliasProblem['severity'], file: string, line: number, text: string, hint: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ severity, file, line, column: 1, text, hint });
  }
}

/** Lines with those that continue them: a line that begins with a blank belongs to the one before. */
function logicalLines(text: string): { readonly line: number; readonly text: string }[] {
  const lines: { line: number; text: string }[] = [];
  text.split('\n').forEach((written, index) => {
    const one = written.replace(/\r$/, '');
    const last = lines.at(-1);
    if (one.startsWith('#') || one.trim() === '') return;
    if (/^[ \t]/.test(one) && last !== undefined) last.text += one;
    else lines.push({ line: index + 1, text: one });
  });
  return lines;
}

/** The colon behind the name; not one in quotes. */
function colonOf(text: string): number {
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') quoted = !quoted;
    else if (text[i] === '\\') i += 1;
    else if (text[i] === ':' && !quoted) return i;
  }
  return -1;
}
