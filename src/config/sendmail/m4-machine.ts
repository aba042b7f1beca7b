/** What m4 and its builtins share: calls, definitions, limits, and what a builtin may do with the machine it runs in. */
import { fromLatin1, latin1, utf8 } from '../../base/bytes.ts';
import type { BuiltinValue, M4Input } from './m4-input.ts';
import type { M4Output } from './m4-output.ts';
import type { Place } from './site.ts';

/** Something in the files that m4 cannot go on with, or that is not m4 as we have it. */
export interface M4Problem extends Place {
  readonly what: string;
  readonly todo: string;
}

/** Ends the expansion. */
export class M4Fault extends Error {
  override readonly name = 'M4Fault';
  readonly problem: M4Problem;

  constructor(place: Place, what: string, todo: string) {
    super(`${place.file}:${place.line}: ${what}; ${todo}`);
    this.problem = { file: place.file, line: place.line, what, todo };
  }
}

/** One call of a macro. */
export interface MacroCall {
  readonly name: string;
  /** As m4 gives them: expanded, one layer of quotes gone. */
  readonly given: readonly string[];
  readonly place: Place;
  /** The call as written; for one that an expansion made, as it would be written. */
  readonly text: string;
}

/** A macro of the caller's: what it returns is read in its place. */
export type Macro = (call: MacroCall) => string;

export interface M4Limits {
  /** Macro calls. */
  readonly calls: number;
  /** Characters of expansions. */
  readonly text: number;
  /** Calls within the arguments of calls. */
  readonly nesting: number;
  /** Files within files. */
  readonly includes: number;
}

export interface M4Options {
  /** The text of a file that `include` names, and the name by which it is reported. */
  read(path: string, place: Place): { readonly text: string; readonly file: string } | undefined;
  readonly macros?: ReadonlyMap<string, Macro>;
  /** Told of each `define`, `pushdef` and `undefine` (value undefined) that the files make. */
  readonly defined?: (name: string, value: string | undefined, call: MacroCall) => void;
  readonly limits?: Partial<M4Limits>;
}

export const defaultLimits: M4Limits = { calls: 100_000, text: 4_000_000, nesting: 400, includes: 40 };

/** An argument: text, or a builtin when nothing stands beside it. */
export interface Argument {
  readonly text: string;
  readonly builtin: BuiltinValue | undefined;
  /** Where its text begins, when it stands in the file just so. */
  readonly verbatim: Place | undefined;
}

export type Definition = { readonly kind: 'text'; readonly body: string } | BuiltinValue;

/** Text that is read next; with `at` it stands at that place in a file as it is. */
export type Expansion = string | { readonly text: string; readonly at: Place | undefined };

export interface Builtin {
  /** A word like any other unless a parenthesis follows. */
  readonly blind: boolean;
  run(machine: Machine, call: MacroCall, given: readonly Argument[]): Expansion | undefined;
}

export interface Machine {
  readonly input: M4Input;
  readonly output: M4Output;
  readonly options: M4Options;
  quotes: readonly [open: string, close: string];
  comments: readonly [open: string, close: string];
  definition(name: string): Definition | undefined;
  define(name: string, definition: Definition, keep: boolean): void;
  /** `all`: undefine; else popdef. */
  forget(name: string, all: boolean): void;
  /** Puts a file in front of what is read next. */
  include(path: string, call: MacroCall, required: boolean): void;
  /** Keeps text until all else is read. */
  wrap(text: string, place: Place): void;
  complain(text: string, place: Place): void;
  /** Counts text that has been made. */
  charge(length: number, place: Place): void;
  /** Nothing more is read. */
  end(): void;
}

/** UTF-8 as one character for each octet. */
export function octets(text: string): string {
  return latin1(utf8(text));
}

/** Text again of what `octets` made, cut anywhere. */
export function characters(octetText: string): string {
  return decoder.decode(fromLatin1(octetText));
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
