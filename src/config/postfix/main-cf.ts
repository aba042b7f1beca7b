/** Postfix's main.cf: parameters with their lines, and the values of `$name` in them (postconf(5)). */

export interface MainParameter {
  readonly name: string;
  /** As written, continued lines joined by a blank. */
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

/** The last setting of a name counts, as Postfix has it; the others come back too, in the order of the file. */
export function parseMainCf(text: string): MainParameter[] {
  return logicalLines(text).flatMap(({ text: row, line }) => {
    const [, name, value] = /^([A-Za-z0-9_]+)\s*=\s*(.*)$/s.exec(row) ?? [];
    return name === undefined ? [] : [{ name, value: (value ?? '').trim(), line }];
  });
}

export interface LogicalLine {
  readonly text: string;
  readonly line: number;
}

/** Lines that begin with a blank go on with the one before; comments and empty lines between them do not count. */
export function logicalLines(text: string): LogicalLine[] {
  const found: { text: string; line: number }[] = [];
  for (const [index, row] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(row)) continue;
    const last = found.at(-1);
    if (/^\s/.test(row) && last !== undefined) last.text += ` ${row.trim()}`;
    else found.push({ text: row.trimEnd(), line: index + 1 });
  }
  return found;
}

/** What a value may name at most: one that names itself has no end. */
const DEEPEST = 20;

/** Values with `$name`, `${name}`, `${name?text}`, `${name:text}` and `${name?{text}:{text}}` filled in. */
export class MainCf {
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  /** '' for a name that has no value. */
  get(name: string): string {
    return this.expand(this.#values.get(name) ?? '');
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Parts between commas or blanks; `{ … }` is one part. */
  list(name: string): string[] {
    return splitList(this.get(name));
  }

  expand(text: string, depth = 0): string {
    if (depth > DEEPEST) return '';
    let result = '';
    for (let at = 0; at < text.length;) {
      const read = text[at] === '$' ? readReference(text, at) : undefined;
      if (read === undefined) {
        result += text[at] as string;
        at += 1;
        continue;
      }
      result += read.literal ?? this.#value(read.body, depth);
      at = read.end;
    }
    return result;
  }

  #value(body: string, depth: number): string {
    const [, name = '', operator, rest = ''] = /^\s*([A-Za-z0-9_]+)\s*([?:]?)(.*)$/s.exec(body) ?? [];
    const value = this.#values.get(name);
    if (operator === '') return value === undefined ? '' : this.expand(value, depth + 1);
    const isSet = value !== undefined && this.expand(value, depth + 1) !== '';
    const [yes, no] = branches(rest);
    const chosen = operator === '?' ? (isSet ? yes : no) : isSet ? '' : yes;
    return this.expand(chosen, depth + 1);
  }
}

interface Reference {
  readonly body: string;
  readonly end: number;
  /** `$$` is a dollar sign. */
  readonly literal: string | undefined;
}

function readReference(text: string, at: number): Reference | undefined {
  const next = text[at + 1] ?? '';
  if (next === '$') return { body: '', end: at + 2, literal: '$' };
  if (next === '{' || next === '(') {
    const end = closing(text, at + 1);
    return end === undefined ? undefined : { body: text.slice(at + 2, end), end: end + 1, literal: undefined };
  }
  const [name] = /^[A-Za-z0-9_]+/.exec(text.slice(at + 1)) ?? [];
  return name === undefined ? undefined : { body: name, end: at + 1 + name.length, literal: undefined };
}

/** Where the bracket at `at` is closed. */
function closing(text: string, at: number): number | undefined {
  const [open, close] = text[at] === '(' ? ['(', ')'] : ['{', '}'];
  let depth = 0;
  for (let index = at; index < text.length; index++) {
    if (text[index] === open) depth += 1;
    else if (text[index] === close && (depth -= 1) === 0) return index;
  }
  return undefined;
}

/** `{yes}:{no}`, or one text. */
function branches(text: string): readonly [yes: string, no: string] {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{')) return [trimmed, ''];
  const end = closing(trimmed, 0);
  if (end === undefined) return [trimmed, ''];
  const rest = trimmed.slice(end + 1).trim();
  const other = rest.startsWith(':') ? rest.slice(1).trim() : '';
  const no = other.startsWith('{') && other.endsWith('}') ? other.slice(1, -1).trim() : other;
  return [trimmed.slice(1, end).trim(), no];
}

export function splitList(text: string): string[] {
  return text.match(/\{[^}]*\}|[^\s,]+/g) ?? [];
}
