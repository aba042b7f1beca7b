/**
 * The m4 that sendmail.mc files are written in: a subset of GNU m4 with the same output, which knows where each macro was
 * called. Pure: `read` hands it the files. What would run a command is refused, and no input makes it go on for ever.
 *
 * m4 works on octets. Texts are UTF-8 outside and one character per octet within, so `len` and `substr` count as GNU m4.
 */
import { builtins } from './m4-builtins.ts';
import { type BuiltinValue, M4Input, type Origin } from './m4-input.ts';
import {
  type Argument,
  type Builtin,
  type Definition,
  type M4Limits,
  type M4Options,
  type M4Problem,
  M4Fault,
  type Machine,
  type MacroCall,
  characters,
  defaultLimits,
  octets,
} from './m4-machine.ts';
import { type M4Line, M4Output } from './m4-output.ts';
import type { Place } from './site.ts';

type Token =
  | { readonly kind: 'word' | 'quoted' | 'comment' | 'plain'; readonly text: string; readonly origin: Origin }
  | { readonly kind: 'builtin'; readonly value: BuiltinValue }
  | { readonly kind: 'end' };

/** Where expanded text goes: an argument being collected, or the output. */
interface Sink {
  text(text: string, origin: Origin, quoted: boolean): void;
  builtin(value: BuiltinValue): void;
}

export class M4 implements Machine {
  readonly input: M4Input;
  readonly output: M4Output = new M4Output();
  readonly problems: M4Problem[] = [];
  /** What `errprint` said. */
  readonly complaints: { readonly text: string; readonly place: Place }[] = [];
  readonly options: M4Options;
  quotes: readonly [open: string, close: string] = ['`', "'"];
  comments: readonly [open: string, close: string] = ['#', '\n'];
  readonly #definitions = new Map<string, Definition[]>();
  readonly #wrapped: { text: string; place: Place }[] = [];
  readonly #limits: M4Limits;
  #calls = 0;
  #written = 0;
  #nesting = 0;
  #ended = false;

  constructor(options: M4Options, file = '') {
    this.options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.input = new M4Input(file);
    for (const name of builtins.keys()) this.#definitions.set(name, [{ kind: 'builtin', name }]);
    for (const name of options.macros?.keys() ?? []) this.#definitions.set(name, [{ kind: 'builtin', name }]);
  }

  /** Reads a whole file, and at the end what `m4wrap` kept. Throws an M4Fault when it cannot go on. */
  run(text: string, file: string): void {
    this.input.pushFile(octets(text), file);
    this.#read();
    while (this.#wrapped.length > 0 && !this.#ended) {
      for (const { text: kept, place } of this.#wrapped.splice(0)) this.input.pushText(kept, place);
      this.#read();
    }
  }

  /** What `text` expands to, once all is read; its output goes nowhere else. */
  expand(text: string, place: Place): string {
    const parts: string[] = [];
    const sink: Sink = { text: (part) => void parts.push(part), builtin: () => undefined };
    this.input.pushText(octets(text), place);
    for (let token = this.#next(); token.kind !== 'end'; token = this.#next()) this.#expand(token, sink);
    return characters(parts.join(''));
  }

  /** What `text` expands to in the middle of reading. It must hold no call that is not whole. */
  expandHere(text: string, place: Place): string {
    const mark: BuiltinValue = { kind: 'builtin', name: '' };
    const parts: string[] = [];
    const sink: Sink = { text: (part) => void parts.push(part), builtin: () => undefined };
    this.input.pushBuiltin(mark);
    this.input.pushText(octets(text), place);
    for (let token = this.#next(); token.kind !== 'end'; token = this.#next()) {
      if (token.kind === 'builtin' && token.value === mark) break;
      this.#expand(token, sink);
    }
    return characters(parts.join(''));
  }

  /** The body of a macro, unexpanded; undefined for a builtin and for none. */
  body(name: string): string | undefined {
    const definition = this.definition(name);
    return definition?.kind === 'text' ? characters(definition.body) : undefined;
  }

  /** The whole output as m4 prints it: diversion 0, then the others in order. */
  text(): string {
    return characters([this.output.text(0), ...this.output.waiting.map((number) => this.output.text(number))].join(''));
  }

  /** The lines that went to one diversion. */
  lines(diversion: number): M4Line[] {
    return this.output.lines(diversion).map((line) => ({ ...line, text: characters(line.text) }));
  }

  definition(name: string): Definition | undefined {
    return this.#definitions.get(name)?.at(-1);
  }

  define(name: string, definition: Definition, keep: boolean): void {
    const stack = this.#definitions.get(name);
    if (stack === undefined) this.#definitions.set(name, [definition]);
    else if (keep) stack.push(definition);
    else stack[stack.length - 1] = definition;
  }

  forget(name: string, all: boolean): void {
    const stack = this.#definitions.get(name);
    stack?.pop();
    if (all || stack?.length === 0) this.#definitions.delete(name);
  }

  include(path: string, call: MacroCall, required: boolean): void {
    const found = this.options.read(characters(path), call.place);
    if (found === undefined) {
      if (required) {
        this.problem(
          call.place,
          `include file ${characters(path)} is not there`,
          'copy it beside sendmail.mc, or take the line out',
        );
      }
      return;
    }
    if (this.input.depth >= this.#limits.includes)
      throw new M4Fault(
        call.place,
        `files include each other ${this.#limits.includes} deep`,
        'end the circle of include',
      );
    const text = octets(found.text);
    this.charge(text.length, call.place);
    this.input.pushFile(text, found.file);
  }

  complain(text: string, place: Place): void {
    if (this.complaints.length < 1000) this.complaints.push({ text: characters(text).trim(), place });
  }

  wrap(text: string, place: Place): void {
    this.charge(text.length, place);
    this.#wrapped.push({ text, place });
  }

  problem(place: Place, what: string, todo: string): void {
    if (this.problems.length < 100) this.problems.push({ file: place.file, line: place.line, what, todo });
  }

  end(): void {
    this.#ended = true;
  }

  charge(length: number, place: Place): void {
    this.#written += length;
    if (this.#written > this.#limits.text)
      throw new M4Fault(
        place,
        `the macros expand to more than ${this.#limits.text} characters`,
        'look for a macro that expands to itself',
      );
  }

  #read(): void {
    const sink: Sink = {
      text: (text, origin) => this.output.write(text, { file: origin.file, line: origin.line }),
      builtin: () => undefined,
    };
    while (!this.#ended) {
      const token = this.#next();
      if (token.kind === 'end') return;
      this.#expand(token, sink);
    }
  }

  #expand(token: Exclude<Token, { kind: 'end' }>, sink: Sink): void {
    if (token.kind === 'builtin') {
      sink.builtin(token.value);
      return;
    }
    const definition = token.kind === 'word' ? this.definition(token.text) : undefined;
    if (definition === undefined || (isBlind(definition) && this.input.peek() !== '('))
      sink.text(token.text, token.origin, token.kind === 'quoted');
    else this.#call(token.text, definition, token.origin);
  }

  #call(name: string, definition: Definition, origin: Origin): void {
    const place: Place = { file: origin.file, line: origin.line };
    if (++this.#calls > this.#limits.calls)
      throw new M4Fault(
        place,
        `more than ${this.#limits.calls} macros are called`,
        'look for a macro that calls itself',
      );
    if (++this.#nesting > this.#limits.nesting)
      throw new M4Fault(place, `macros are called ${this.#limits.nesting} deep`, 'look for a macro that calls itself');
    const given = this.input.peek() === '(' ? this.#arguments(name, place) : [];
    this.#nesting--;
    if (definition.kind === 'text') {
      this.input.pushText(this.#substitute(definition.body, name, given, place), place);
      return;
    }
    const texts = given.map(({ text }) => text);
    const written = this.input.since(origin) ?? `${name}${given.length === 0 ? '' : `(${texts.join(', ')})`}`;
    const macro = this.options.macros?.get(definition.name);
    if (macro !== undefined) {
      const call = { name, given: texts.map(characters), place, text: characters(written) };
      const text = octets(macro(call));
      this.charge(text.length, place);
      this.input.pushText(text, place);
    } else this.#builtin(builtins.get(definition.name), { name, given: texts, place, text: written }, given);
  }

  #builtin(builtin: Builtin | undefined, call: MacroCall, given: readonly Argument[]): void {
    const expansion = builtin?.run(this, call, given);
    if (expansion === undefined) return;
    const { text, at } = typeof expansion === 'string' ? { text: expansion, at: undefined } : expansion;
    this.charge(text.length, call.place);
    this.input.pushText(text, at ?? call.place, at !== undefined);
  }

  #arguments(name: string, place: Place): Argument[] {
    this.input.take();
    const collected: Argument[] = [];
    for (;;) {
      const { argument, last } = this.#argument(name, place);
      collected.push(argument);
      if (last) return collected;
    }
  }

  #argument(name: string, place: Place): { argument: Argument; last: boolean } {
    const parts: string[] = [];
    let builtin: BuiltinValue | undefined;
    let verbatim: Place | undefined;
    let depth = 0;
    const sink: Sink = {
      text: (text, origin, quoted) => {
        verbatim = quoted && parts.length === 0 && origin.source !== undefined ? origin : undefined;
        parts.push(text);
      },
      builtin: (value) => {
        if (parts.length === 0) builtin = value;
      },
    };
    let leading = true;
    for (;;) {
      const token = this.#next();
      if (token.kind === 'end')
        throw new M4Fault(
          place,
          `${name}( has no closing parenthesis`,
          "write ), and look for a quote ' that is missing",
        );
      if (token.kind === 'plain') {
        if (leading && isBlank(token.text)) continue;
        if (depth === 0 && (token.text === ',' || token.text === ')')) {
          const text = parts.join('');
          return { argument: { text, builtin: text === '' ? builtin : undefined, verbatim }, last: token.text === ')' };
        }
        if (token.text === '(') depth++;
        else if (token.text === ')') depth--;
      }
      leading = false;
      this.#expand(token, sink);
    }
  }

  #substitute(body: string, name: string, given: readonly Argument[], place: Place): string {
    if (!body.includes('$')) {
      this.charge(body.length, place);
      return body;
    }
    const [open, close] = this.quotes;
    const parts: string[] = [];
    const add = (text: string): void => {
      this.charge(text.length + 1, place);
      parts.push(text);
    };
    let from = 0;
    for (const match of body.matchAll(/\$(?:(\d+)|[#*@])/g)) {
      add(body.slice(from, match.index));
      from = match.index + match[0].length;
      if (match[1] !== undefined) add(Number(match[1]) === 0 ? name : (given[Number(match[1]) - 1]?.text ?? ''));
      else if (match[0] === '$#') add(String(given.length));
      else
        for (const [index, { text }] of given.entries())
          add(`${index > 0 ? ',' : ''}${match[0] === '$@' ? `${open}${text}${close}` : text}`);
    }
    add(body.slice(from));
    return parts.join('');
  }

  #next(): Token {
    const origin = this.input.origin();
    if (this.input.takeIf(this.comments[0])) return { kind: 'comment', text: this.#comment(origin), origin };
    const character = this.input.peek();
    if (character === undefined) {
      const value = this.input.takeBuiltin();
      return value === undefined ? { kind: 'end' } : { kind: 'builtin', value };
    }
    if (isWordStart(character)) return { kind: 'word', text: this.#word(), origin };
    if (this.input.takeIf(this.quotes[0])) {
      const inner = this.input.origin();
      return { kind: 'quoted', text: this.#quoted(origin), origin: inner };
    }
    this.input.take();
    return { kind: 'plain', text: character, origin };
  }

  #word(): string {
    let word = '';
    for (let next = this.input.peek(); next !== undefined && isWordPart(next); next = this.input.peek()) {
      word += next;
      this.input.take();
    }
    return word;
  }

  #comment(origin: Origin): string {
    const [open, close] = this.comments;
    let text = open;
    for (;;) {
      text += this.input.takeBefore(close[0] ?? '');
      if (this.input.takeIf(close)) return text + close;
      const next = this.input.take();
      if (next === undefined) throw new M4Fault(origin, 'a comment does not end', 'end the line, or look at changecom');
      text += next;
    }
  }

  #quoted(origin: Origin): string {
    const [open, close] = this.quotes;
    let text = '';
    for (let level = 1; ;) {
      if (this.input.takeIf(close)) {
        if (--level === 0) return text;
        text += close;
      } else if (this.input.takeIf(open)) {
        level++;
        text += open;
      } else {
        const next = this.input.take();
        if (next === undefined)
          throw new M4Fault(
            origin,
            `the quote ${open} is not closed`,
            `write ${close} at its end; m4 quotes are \` and ', one of each`,
          );
        text += next;
      }
    }
  }
}

function isBlind(definition: Definition): boolean {
  return definition.kind === 'builtin' && builtins.get(definition.name)?.blind === true;
}

function isWordStart(character: string): boolean {
  return /[A-Za-z_]/.test(character);
}

function isWordPart(character: string): boolean {
  return /\w/.test(character);
}

function isBlank(text: string): boolean {
  return text === ' ' || (text >= '\t' && text <= '\r');
}
