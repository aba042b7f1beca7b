import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { M4Fault, type M4Options, type MacroCall } from './m4-machine.ts';
import { m4Pairs } from './m4.suite.ts';
import { M4 } from './m4.ts';

function machine(options: Partial<M4Options> = {}): M4 {
  return new M4({ read: () => undefined, ...options }, 'a.mc');
}

function expand(text: string, options: Partial<M4Options> = {}): string {
  const m4 = machine(options);
  m4.run(text, 'a.mc');
  return m4.text();
}

describe('m4', () => {
  for (const [text, output] of m4Pairs) test(text, () => assert.equal(expand(text), output));

  test('each call has its place, through includes, and its text as written', () => {
    const calls: MacroCall[] = [];
    const note = (call: MacroCall): string => {
      calls.push(call);
      return '';
    };
    expand(
      "\nNOTE(`one')\ninclude(`b.m4')\nifdef(`no', `', `dnl\nNOTE(`four',\n  4)')\ndefine(`own', `NOTE(in $1)')\nown(x)\n",
      {
        macros: new Map([['NOTE', note]]),
        read: (path) => (path === 'b.m4' ? { text: "NOTE(\n`two')", file: 'dir/b.m4' } : undefined),
      },
    );
    assert.deepEqual(
      calls.map(({ place: { file, line }, text }) => [file, line, text]),
      [
        ['a.mc', 2, "NOTE(`one')"],
        ['dir/b.m4', 1, "NOTE(\n`two')"],
        ['a.mc', 5, "NOTE(`four',\n  4)"],
        ['a.mc', 8, 'NOTE(in x)'],
      ],
    );
    assert.deepEqual(calls[2]?.given, ['four', '4']);
  });

  test('lines of a diversion know where they came from', () => {
    const m4 = machine();
    m4.run("first\ndefine(`x', `second\nthird')dnl\nx end\n", 'a.mc');
    assert.deepEqual(
      m4.lines(0).map(({ text, line }) => [text, line]),
      [
        ['first', 1],
        ['second', 4],
        ['third end', 4],
      ],
    );
  });

  test('what runs a command or makes a file is refused, with place and reason', () => {
    for (const name of ['syscmd', 'esyscmd', 'maketemp', 'mkstemp']) {
      assert.throws(
        () => expand(`\n${name}(\`touch x')`),
        (error) => error instanceof M4Fault && error.message.startsWith(`a.mc:2: ${name} `) && error.problem.line === 2,
      );
    }
    assert.equal(expand('syscmd and esyscmd in a text'), 'syscmd and esyscmd in a text');
    assert.throws(() => expand("patsubst(`a', `b')"), /a\.mc:1: patsubst is a macro of GNU m4 that is not known here/);
  });

  test('a file that include names and is not there is a problem with its place; sinclude keeps silent', () => {
    const m4 = machine();
    m4.run("sinclude(`x')\ninclude(`y')after", 'a.mc');
    assert.equal(m4.text(), '\nafter');
    assert.deepEqual(
      m4.problems.map(({ line, what }) => [line, what]),
      [[2, 'include file y is not there']],
    );
  });

  test('quotes and parentheses that are not closed are told where they begin', () => {
    assert.throws(() => expand('a\nb `c\nd'), /a\.mc:2: the quote ` is not closed/);
    assert.throws(() => expand("\n\ndefine(`a', `b'\n"), /a\.mc:3: define\( has no closing parenthesis/);
  });

  test('macros that call themselves end with a place and not never', () => {
    for (const text of [
      "define(`a', `a a')a",
      "define(`a', `a(a)')a",
      "define(`a', `$@$@$@$@')a(a(a(a(a(a(a(a(1,2,3))))))))define(`b', `b($@,$@)')b(1)",
      "define(`a', `m4wrap(`a')')a",
    ]) {
      assert.throws(() => expand(text), /look for a macro that/, text);
    }
    assert.throws(
      () => expand("include(`self')", { read: () => ({ text: "include(`self')", file: 'self' }) }),
      /files include each other/,
    );
  });

  test('expand() gives what a macro is at the end', () => {
    const m4 = machine();
    m4.run("define(`dir', `/etc')define(`file', `dir/x')define(`dir', `/usr')", 'a.mc');
    assert.equal(m4.expand('file', { file: 'a.mc', line: 1 }), '/usr/x');
    assert.equal(m4.body('file'), 'dir/x');
    assert.equal(m4.text(), '');
  });
});
