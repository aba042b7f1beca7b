/** `sealpost makemap` beside Sendmail's own: the same words, the same exit codes, the same map, for whatever text. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { seededRandom } from '../fakes/random.ts';
import { SEALPOST } from './relay.ts';

const ROOT = process.env['SEALPOST_SENDMAIL_ROOT'] ?? '';
const REAL = join(ROOT, 'usr/libexec/sendmail/makemap');
const skip = ROOT === '' || !existsSync(REAL) ? 'SEALPOST_SENDMAIL_ROOT names no unpacked Sendmail' : false;

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('makemap beside the real one', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealpost-makemap-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'sendmail.cf'), 'V10/Berkeley\n');
  const libraries = skip === false ? librariesBelow(ROOT) : '';

  function real(args: readonly string[], input: string | Buffer): Said {
    return said(REAL, ['-C', join(directory, 'sendmail.cf'), ...args], input, { LD_LIBRARY_PATH: libraries });
  }
  function ours(args: readonly string[], input: string | Buffer): Said {
    return said(SEALPOST, ['makemap', ...args], input, {});
  }
  function said(program: string, args: readonly string[], input: string | Buffer, more: NodeJS.ProcessEnv): Said {
    const { status, stdout, stderr } = spawnSync(program, args, {
      input,
      cwd: directory,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', ...more },
      timeout: 20_000,
    });
    return { status, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') };
  }
  /** What is in the map, by the program that made it: order and blanks behind values mean nothing. */
  const entries = ({ stdout }: Said): string[] =>
    stdout
      .split('\n')
      .map((line) => line.trimEnd())
      .toSorted();

  const TEXTS: readonly (string | Buffer)[] = [
    'a RELAY\n b RELAY\n   \nkey\nA REJECT\nkey2\t \r\n#c\n\nlast OK\n',
    'Connect:10.0 RELAY\r\nFrom:A@B.Test ERROR:5.7.1:550 no  thanks  \r\n\r\n',
    'CERTISSUER:/C=JP/O=Example/CN=ca\n   RELAY\n',
    `${'k'.repeat(1_022)} v\nb c\n`,
    `${'k'.repeat(1_023)}\nb c\n`,
    `${'k'.repeat(3_000)} v\na b\nc ${'v'.repeat(3_000)}\n`,
    'a b',
    'key',
    '',
    '\n\n',
    Buffer.from('a\0b c\nd e'),
    Buffer.from('\u{feff}k v\nk\u000bx y\n\fz\n'),
    'dup 1\nDUP 2\ndup 3\n',
  ];

  it('says what it says, for texts with every fault', () => {
    const ways = [
      [],
      ['-v'],
      ['-r', '-v'],
      ['-d', '-v'],
      ['-f', '-v'],
      ['-e', '-v'],
      ['-N'],
      ['-t', ':', '-v'],
      ['-D', ';', '-v'],
    ];
    TEXTS.forEach((text, index) => {
      // Each way with some of the texts, and the plain one with all: a start of our program takes its time.
      for (const [place, way] of ways.entries()) {
        if (place > 0 && (place + index) % 8 !== 0) continue;
        const type = way.includes('-d') ? 'btree' : 'hash';
        const [theirs, mine] = [`real-${index}-${place}`, `ours-${index}-${place}`];
        const expected = real([...way, type, theirs], text);
        const got = ours([...way, type, mine], text);
        const named = (one: string): string => one.replaceAll(theirs, 'MAP').replaceAll(mine, 'MAP');
        assert.deepEqual(
          { ...got, stderr: named(got.stderr) },
          { ...expected, stderr: named(expected.stderr) },
          `${way.join(' ')} ${JSON.stringify(text.toString().slice(0, 80))}`,
        );
        if (way.includes('-N')) continue; // the real one prints the NULs too
        assert.deepEqual(entries(ours(['-u', type, mine], '')), entries(real(['-u', type, theirs], '')));
      }
    });
  });

  it('adds to a map as it does', () => {
    for (const way of [
      ['-o', '-v'],
      ['-o', '-r', '-v'],
    ]) {
      for (const make of [real, ours]) make(['hash', `add-${make.name}`], 'a 1\nb 2\n');
      const expected = real([...way, 'hash', 'add-real'], 'B 3\nc 4\n');
      const got = ours([...way, 'hash', 'add-ours'], 'B 3\nc 4\n');
      assert.deepEqual({ ...got, stderr: got.stderr.replace('ours', 'real') }, expected);
      assert.deepEqual(entries(ours(['-u', 'hash', 'add-ours'], '')), entries(real(['-u', 'hash', 'add-real'], '')));
    }
  });

  it('leaves a map of the real one alone', () => {
    real(['hash', 'foreign'], 'a b\n');
    const before = readFileSync(join(directory, 'foreign.db'));
    const refused = ours(['hash', 'foreign'], 'c d\n');
    assert.equal(refused.status, 73);
    assert.match(refused.stderr, /none of our maps/);
    assert.deepEqual(readFileSync(join(directory, 'foreign.db')), before);
    assert.equal(ours(['--force', 'hash', 'foreign'], 'c d\n').status, 0);
    assert.equal(ours(['-u', 'hash', 'foreign'], '').stdout, 'c\td\n');
  });

  it('says what it says when a map cannot be written', () => {
    for (const args of [
      ['hash', 'no/where'],
      ['nonsense', 'm'],
    ])
      assert.deepEqual(ours(args, 'a b\n'), real(args, 'a b\n'));
  });

  it('agrees for texts of chance', async () => {
    const { makemap } = await import('../../src/admin/makemap.ts');
    const random = seededRandom(20261124);
    const pieces = [
      'a',
      'B',
      ':',
      ' ',
      '\t',
      '\n',
      '\n',
      '\r',
      '#',
      'key ',
      'Value',
      '\n x',
      '\v',
      'é',
      '@',
      'k'.repeat(600),
    ];
    for (let run = 0; run < 120; run++) {
      const octets = random.bytes(2 + (run % 40));
      const text = Array.from(octets, (octet) => pieces[octet % pieces.length]).join('');
      const expected = real(['-v', 'hash', 'chance'], text);
      const options = {
        duplicates: false,
        empty: false,
        keepCase: false,
        replace: false,
        verbose: true,
        comment: '#',
        separator: undefined,
      };
      const made = makemap(Buffer.from(text), 'chance', options);
      const spoken = (kind: 'said' | 'error'): string =>
        made.lines
          .filter((line) => line.kind === kind)
          .map((line) => line.text)
          .join('');
      const got = { status: made.exit, stdout: spoken('said'), stderr: spoken('error') };
      assert.deepEqual(got, { ...expected }, JSON.stringify(text));
    }
  });
});

/** Folders with shared libraries, as the dynamic linker wants them. */
function librariesBelow(root: string): string {
  const found = execFileSync('find', [root, '-name', '*.so*', '-not', '-path', '*sasl2*'], { encoding: 'utf8' });
  return [
    ...new Set(
      found
        .split('\n')
        .filter((path) => path !== '')
        .map(dirname),
    ),
  ].join(':');
}
