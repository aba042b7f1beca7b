/**
 * What m4 still has to read: files and the texts of expansions, the newest first, with the place of each character.
 * m4 reads the text of an expansion again, so a word or a quotation may begin in one and end in another.
 */
import type { Place } from './site.ts';

/** A builtin as a value, as `defn` gives it. */
export interface BuiltinValue {
  readonly kind: 'builtin';
  readonly name: string;
}

interface Text {
  readonly kind: 'text';
  readonly text: string;
  at: number;
  readonly file: string;
  line: number;
  /** Whether a newline in it is one in the file: an expansion stands where its macro was called. */
  readonly counts: boolean;
  /** How deep in `include`. */
  readonly depth: number;
}

/** Where in a file something was read, to show it as written. */
export interface Origin extends Place {
  readonly source: string | undefined;
  readonly offset: number;
}

export class M4Input {
  readonly #stack: (Text | BuiltinValue)[] = [];
  #last: Place;

  constructor(file: string) {
    this.#last = { file, line: 1 };
  }

  pushFile(text: string, file: string): void {
    this.#stack.push({ kind: 'text', text, at: 0, file, line: 1, counts: true, depth: this.depth + 1 });
  }

  /** `counts`: the text stands in the file as it is here, so its newlines are the file's. */
  pushText(text: string, place: Place, counts = false): void {
    if (text === '') return;
    const { file, line } = place;
    this.#stack.push({ kind: 'text', text, at: 0, file, line, counts, depth: this.depth });
  }

  pushBuiltin(value: BuiltinValue): void {
    this.#stack.push(value);
  }

  /** How many files deep the reading is. */
  get depth(): number {
    const top = this.#stack.findLast((source) => source.kind === 'text');
    return top?.kind === 'text' ? top.depth : 0;
  }

  /** The next character without taking it; undefined: a builtin is next, or the end. */
  peek(): string | undefined {
    const top = this.#top();
    return top?.kind === 'text' ? top.text[top.at] : undefined;
  }

  /** Takes the next character; undefined at the end and at a builtin. */
  take(): string | undefined {
    const top = this.#top();
    if (top?.kind !== 'text') return undefined;
    const character = top.text[top.at];
    top.at++;
    if (character === '\n' && top.counts) top.line++;
    return character;
  }

  /** Takes what comes before any of the characters `stops`, and what is in one text. */
  takeBefore(stops: string): string {
    const top = this.#top();
    if (top?.kind !== 'text') return '';
    const from = top.at;
    for (; top.at < top.text.length; top.at++) {
      const character = top.text[top.at] ?? '';
      if (stops.includes(character)) break;
      if (character === '\n' && top.counts) top.line++;
    }
    return top.text.slice(from, top.at);
  }

  /** A builtin that is next, taken. */
  takeBuiltin(): BuiltinValue | undefined {
    const top = this.#top();
    if (top?.kind !== 'builtin') return undefined;
    this.#stack.pop();
    return top;
  }

  /** Takes `delimiter` when it is next; the empty one never is. */
  takeIf(delimiter: string): boolean {
    if (delimiter === '' || this.peek() !== delimiter[0]) return false;
    if (delimiter.length > 1 && !this.#isNext(delimiter)) return false;
    for (let count = 0; count < delimiter.length; count++) this.take();
    return true;
  }

  #isNext(delimiter: string): boolean {
    let matched = 0;
    for (let index = this.#stack.length - 1; index >= 0; index--) {
      const source = this.#stack[index];
      if (source?.kind !== 'text') return false;
      const part = source.text.slice(source.at, source.at + delimiter.length - matched);
      if (!delimiter.startsWith(part, matched)) return false;
      matched += part.length;
      if (matched === delimiter.length) return true;
    }
    return false;
  }

  /** Where the next character is. */
  origin(): Origin {
    const top = this.#top();
    if (top?.kind !== 'text') return { ...this.#last, source: undefined, offset: 0 };
    return { file: top.file, line: top.line, source: top.counts ? top.text : undefined, offset: top.at };
  }

  /** What stands between `from` and here, when both are in one text. */
  since(from: Origin): string | undefined {
    const top = this.#stack.at(-1);
    if (from.source === undefined || top?.kind !== 'text' || top.text !== from.source) return undefined;
    return top.at < from.offset ? undefined : from.source.slice(from.offset, top.at);
  }

  #top(): Text | BuiltinValue | undefined {
    for (;;) {
      const top = this.#stack.at(-1);
      if (top === undefined || top.kind === 'builtin' || top.at < top.text.length) return top;
      this.#last = { file: top.file, line: top.line };
      this.#stack.pop();
    }
  }
}
