/** m4's own macros. */
import { evaluate, inRadix } from './m4-eval.ts';
import {
  type Argument,
  type Builtin,
  type Expansion,
  M4Fault,
  type Machine,
  type MacroCall,
  characters,
} from './m4-machine.ts';

type Run = (m4: Machine, call: MacroCall, given: readonly Argument[]) => Expansion | undefined | void;

const blind = (run: Run): Builtin => ({ blind: true, run: (m4, call, given) => run(m4, call, given) ?? undefined });
const bare = (run: Run): Builtin => ({ ...blind(run), blind: false });

/** A call as the outside sees it. */
function readable(call: MacroCall): MacroCall {
  return { ...call, given: call.given.map(characters), text: characters(call.text) };
}

function define(keep: boolean): Run {
  return (m4, call, [name, value]) => {
    if (name === undefined || name.text === '') return;
    m4.define(name.text, value?.builtin ?? { kind: 'text', body: value?.text ?? '' }, keep);
    if (value?.builtin === undefined)
      m4.options.defined?.(characters(name.text), characters(value?.text ?? ''), readable(call));
  };
}

function forget(all: boolean): Run {
  return (m4, call, given) => {
    for (const { text } of given) {
      m4.forget(text, all);
      if (all) m4.options.defined?.(characters(text), undefined, readable(call));
    }
  };
}

/** An argument that the caller of `ifdef` or `ifelse` chose: where it stands in the file is known. */
function chosen(argument: Argument | undefined): Expansion | undefined {
  return argument === undefined ? undefined : { text: argument.text, at: argument.verbatim };
}

function ifelse(given: readonly Argument[]): Expansion | undefined {
  if (given.length < 3) return undefined;
  for (let at = 0; ; at += 3) {
    if ((given[at]?.text ?? '') === (given[at + 1]?.text ?? '')) return chosen(given[at + 2]);
    const rest = given.length - at;
    if (rest === 3) return undefined;
    if (rest <= 5) return chosen(given[at + 3]);
  }
}

/** GNU m4 takes an empty text for 0, and what is no number for a mistake without effect. */
function number(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return 0;
  return /^\s*[+-]?\d+$/.test(text) ? Number(text) | 0 : undefined;
}

function step(by: number): Run {
  return (_, { given }) => {
    const value = number(given[0]);
    return value === undefined ? '' : String((value + by) | 0);
  };
}

function substr({ given: [text = '', from, length] }: MacroCall): string {
  const start = number(from);
  const count = length === undefined ? text.length : number(length);
  if (from === undefined) return text;
  if (start === undefined || count === undefined || start < 0 || start >= text.length || count <= 0) return '';
  return text.slice(start, start + count);
}

/** `a-e` written out, in either direction. */
function ranges(text: string): string {
  return text.replaceAll(/([^])-([^])/g, (_, first: string, last: string) => {
    const [a, b] = [first.charCodeAt(0), last.charCodeAt(0)];
    const codes = Array.from({ length: Math.abs(b - a) + 1 }, (_unused, index) => a + (b > a ? index : -index));
    return String.fromCharCode(...codes);
  });
}

function translit({ given: [text = '', from = '', to = ''] }: MacroCall): string {
  const [sources, targets] = [ranges(from), ranges(to)];
  const table = new Map<string, string>();
  for (const [index, source] of sources.split('').entries()) {
    if (!table.has(source)) table.set(source, targets[index] ?? '');
  }
  return text
    .split('')
    .map((character) => table.get(character) ?? character)
    .join('');
}

function evaluateCall({ given: [text = '', radixText, widthText] }: MacroCall): string {
  const radix = radixText === undefined || radixText === '' ? 10 : number(radixText);
  const width = number(widthText);
  const value = text === '' ? 0 : evaluate(text);
  if (value === undefined || radix === undefined || radix < 1 || radix > 36 || width === undefined || width < 0)
    return '';
  return inRadix(value, radix, width);
}

function divert(m4: Machine, { given }: MacroCall): void {
  const target = number(given[0]);
  if (target !== undefined) m4.output.current = target;
}

function undivert(m4: Machine, { given, place }: MacroCall): void {
  for (const which of given.length === 0 ? m4.output.waiting : given.map(number)) {
    if (which !== undefined) m4.charge(m4.output.undivert(which), place);
  }
}

/** GNU m4: a left quote without a right one gets the usual one; an empty left one means there are none. */
function changequote(m4: Machine, { given: [open, close] }: MacroCall): void {
  if (open === undefined) m4.quotes = ['`', "'"];
  else m4.quotes = [open, close === undefined || (open !== '' && close === '') ? "'" : close];
}

function changecom(m4: Machine, { given: [open, close] }: MacroCall): void {
  if (open === undefined) m4.comments = ['', ''];
  else m4.comments = [open, close === undefined || (open !== '' && close === '') ? '\n' : close];
}

function dnl(m4: Machine): void {
  for (let next = m4.input.take(); next !== undefined && next !== '\n';) next = m4.input.take();
}

function defn(m4: Machine, { given }: MacroCall): string {
  const [open, close] = m4.quotes;
  const texts: string[] = [];
  for (const name of given) {
    const definition = m4.definition(name);
    if (definition?.kind === 'text') texts.push(`${open}${definition.body}${close}`);
    else if (definition !== undefined && given.length === 1) m4.input.pushBuiltin(definition);
  }
  return texts.join('');
}

function refuse(reason: string, todo: string): Builtin {
  return blind((_, { name, place }) => {
    throw new M4Fault(place, `${name} ${reason}`, todo);
  });
}

const commands = refuse(
  'runs a command of the shell, which no configuration may do here',
  'run it yourself and write its output into the file, or take the line out',
);
const missing = refuse('is a macro of GNU m4 that is not known here', 'write what it expands to');

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ['define', blind(define(false))],
  ['pushdef', blind(define(true))],
  ['undefine', blind(forget(true))],
  ['popdef', blind(forget(false))],
  ['defn', blind(defn)],
  ['ifdef', blind((m4, _, [name, yes, no]) => chosen(m4.definition(name?.text ?? '') === undefined ? no : yes))],
  ['ifelse', blind((_m4, _call, given) => ifelse(given))],
  [
    'shift',
    blind(({ quotes: [open, close] }, { given }) =>
      given
        .slice(1)
        .map((text) => `${open}${text}${close}`)
        .join(','),
    ),
  ],
  ['include', blind((m4, call) => m4.include(call.given[0] ?? '', call, true))],
  ['sinclude', blind((m4, call) => m4.include(call.given[0] ?? '', call, false))],
  ['divert', bare(divert)],
  ['undivert', bare(undivert)],
  ['divnum', bare((m4) => String(m4.output.current))],
  ['dnl', bare(dnl)],
  ['changequote', bare(changequote)],
  ['changecom', bare(changecom)],
  ['len', blind((_, { given: [text = ''] }) => String(text.length))],
  ['index', blind((_, { given: [text = '', part = ''] }) => String(text.indexOf(part)))],
  ['substr', blind((_, call) => substr(call))],
  ['translit', blind((_, call) => translit(call))],
  ['incr', blind(step(1))],
  ['decr', blind(step(-1))],
  ['eval', blind((_, call) => evaluateCall(call))],
  ['m4wrap', blind((m4, { given, place }) => m4.wrap(given.join(' '), place))],
  ['m4exit', bare((m4) => m4.end())],
  ['errprint', blind((m4, { given, place }) => m4.complain(given.join(' '), place))],
  ['__file__', bare((m4, { place }) => `${m4.quotes[0]}${place.file}${m4.quotes[1]}`)],
  ['__line__', bare((_, { place }) => String(place.line))],
  ['__gnu__', bare(() => '')],
  ['__unix__', bare(() => '')],
  // What is only for the debugging of macros prints nothing here.
  ['dumpdef', bare(() => undefined)],
  ['traceon', bare(() => undefined)],
  ['traceoff', bare(() => undefined)],
  ['syscmd', commands],
  ['esyscmd', commands],
  ['maketemp', refuse('makes a file, which no configuration may do here', 'take the line out')],
  ['mkstemp', refuse('makes a file, which no configuration may do here', 'take the line out')],
  ['format', missing],
  ['regexp', missing],
  ['patsubst', missing],
  ['indir', missing],
  ['builtin', missing],
]);
