import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { testAuthority } from '../../test/fakes/authority.ts';
import type { Custody } from '../app/custody.ts';
import { chainPem } from '../ca/bundle.ts';
import { makeKey } from '../ca/keys.ts';
import { defaultsFile } from '../config/defaults.ts';
import type { Reach } from './context.ts';
import { CliError } from './exit.ts';
import { type CliProcess, runCli } from './run.ts';

interface Call {
  readonly directory: string;
  readonly operation: string;
  readonly input: unknown;
}

interface Bench {
  readonly calls: Call[];
  readonly out: () => string;
  readonly err: () => string;
  readonly run: (...argv: string[]) => Promise<number>;
}

interface BenchOptions {
  /** What operations give, by name; an Error is thrown. */
  readonly results?: Readonly<Record<string, unknown>>;
  readonly env?: CliProcess['env'];
  readonly terminal?: boolean;
  readonly root?: boolean;
  readonly workingDirectory?: string;
  readonly reach?: Partial<Reach>;
}

/** The command line in this process, with a relay made of `results`. */
function bench({
  results = {},
  env = {},
  terminal = false,
  root = false,
  workingDirectory = '/work-dir',
  reach = {},
}: BenchOptions = {}): Bench {
  const calls: Call[] = [];
  let out = '';
  let err = '';
  const stream = (add: (text: string) => void) => ({
    write: add,
    isTTY: terminal,
    getColorDepth: () => (terminal ? 8 : 1),
  });
  const process: CliProcess = {
    stdout: stream((text) => (out += text)),
    stderr: stream((text) => (err += text)),
    env,
    root,
    workingDirectory,
    reach: () => ({
      operate(directory, operation, input) {
        calls.push({ directory, operation, input });
        const result = results[operation];
        return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
      },
      create: (directory, hostname) =>
        Promise.resolve({
          directory,
          hostname: hostname ?? 'localhost',
          config: join(directory, 'sealpost.yaml'),
          rootCertificate: join(directory, 'ca/root.crt'),
        }),
      importAuthority: () => Promise.reject(new Error('not here')),
      importSite: () => Promise.reject(new Error('not here')),
      serve: () => Promise.resolve(),
      custody: () => Promise.reject(new Error('not here')),
      becomeSigner: () => Promise.reject(new Error('not here')),
      ...reach,
    }),
  };
  return { calls, out: () => out, err: () => err, run: (...argv) => runCli(argv, process) };
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

async function inDirectory(act: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cli-'));
  try {
    await act(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const alice = {
  serial: '4a1f',
  holder: 'alice@example.net',
  profile: 'person',
  state: 'active',
  ended: false,
  subject: '/CN=alice',
  issuer: '/CN=ca',
  fingerprint: 'ff',
  notBefore: 1_795_486_000_000,
  notAfter: 1_827_022_000_000,
  issuedAt: 1_795_486_000_000,
  revokedAt: null,
  reason: null,
};

const ALL = [
  'init',
  'start',
  'add',
  'list',
  'show',
  'revoke',
  'audit list',
  'audit verify',
  'ca show',
  'ca renew',
  'ca root export',
  'ca root forget',
  'ca lock',
  'ca unlock',
  'ca relock',
  'ca import',
  'ca export',
  'ca signer',
  'queue list',
  'queue show',
  'queue hold',
  'queue release',
  'queue retry',
  'queue remove',
  'access check',
  'access test',
  'config check',
  'config show',
  'config schema',
  'status',
  'completion',
];

describe('help', () => {
  for (const command of ALL) {
    test(`${command} --help has usage and examples, in both languages`, async () => {
      for (const [LANG, usage, examples] of [
        ['C', 'USAGE', 'Examples:'],
        ['ja_JP.UTF-8', '使い方', '例:'],
      ] as const) {
        const { run, out, err, calls } = bench({ env: { LANG } });
        assert.equal(await run(...command.split(' '), '--help'), 0);
        assert.ok(out().includes(usage) && out().includes(`${examples}\n  sealpost ${command}`), out());
        assert.equal(err(), '');
        assert.deepEqual(calls, []);
      }
    });
  }
  test('all that print data take --json', async () => {
    for (const command of ALL.filter((name) => !['start', 'config schema', 'completion', 'ca signer'].includes(name))) {
      const { run, out } = bench();
      await run(...command.split(' '), '--help');
      assert.match(out(), /--json/, command);
    }
  });
  test('the program itself: commands, exit codes, where the data is', async () => {
    const { run, out } = bench({ root: true });
    assert.equal(await run('--help'), 0);
    assert.match(out(), /\/var\/lib\/sealpost/);
    assert.match(out(), /Exit codes: 0 done.*78 configuration/);
    const { run: again, out: shown } = bench();
    assert.equal(await again(), 0);
    assert.match(shown(), /COMMANDS/);
    assert.match(shown(), /\.\/sealpost-data/);
  });
  test('version', async () => {
    const { run, out } = bench();
    assert.equal(await run('--version'), 0);
    assert.match(out(), /^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong usage', () => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [['statu'], /^sealpost: there is no command statu; see 'sealpost --help'; did you mean status\?\n$/],
    [['queue', 'lst'], /there is no command lst.*did you mean list\?/],
    [['add'], /^sealpost: NAME is missing\n$/],
    [['add', 'a', 'b'], /b is one argument too many/],
    [['add', 'a', '--profil', 'person'], /there is no option --profil; see --help; did you mean profile\?/],
    [['add', 'a', '--profile', 'perso'], /--profile does not take perso; it is one of person, device, service, server/],
    [['add', 'a', '--days', '0'], /days does not take 0: write a whole number from 1 to 36500/],
    [['add', 'a', '--csr', 'x', '--p12', 'y'], /--csr excludes --make-key and --p12/],
    [['add', 'a', '--csr', 'x', '--make-key'], /--csr excludes --make-key and --p12/],
    [['add', 'a', '--key', 'p384'], /give --make-key, too/],
    [['add', 'a', '--for', 'windows'], /add a --csr FILE --for windows' .* 'sealpost add a --make-key --for windows'/],
    [
      ['add', 'a', '--for', 'amiga'],
      /--for does not take amiga; it is one of windows, windows-legacy, outlook, apple,/,
    ],
    [['add', 'a', '--subject', 'CN=a'], /--subject and --uri go with --csr or --make-key/],
    [['add', 'a', '--p12', 'a', '--passphrase-fd', '3', '--ask-passphrase'], /two passphrases; give one/],
    [['queue', 'list', '--limit', 'many'], /write a whole number from 1 to 10000/],
    [['list', '-x'], /there is no option -x/],
    [['show', 'a', '--directory'], /--directory needs a value/],
    [['show', 'a', '-d', 'x', '-d', 'y'], /--directory was given twice, with x and y; give it once/],
    [['completion', 'pwsh'], /SHELL does not take pwsh: bash, zsh or fish/],
    [['access', 'test', '--subject', '/CN=a'], /--subject and --issuer go together/],
    [['access', 'test', '--cert', 'x', '--subject', '/CN=a', '--issuer', '/CN=b'], /name two certificates/],
  ];
  for (const [argv, expected] of cases) {
    test(argv.join(' '), async () => {
      const { run, out, err, calls } = bench();
      assert.equal(await run(...argv), 2);
      assert.match(err(), expected);
      assert.equal(out(), '');
      assert.deepEqual(calls, []);
    });
  }
  test('in Japanese', async () => {
    const { run, err } = bench({ env: { LC_ALL: 'ja_JP.UTF-8', LANG: 'C' } });
    assert.equal(await run('statu'), 2);
    assert.match(err(), /コマンド statu はありません.*もしかして status/);
  });
});

describe('exit codes of what went wrong', () => {
  const cases = { failed: 1, usage: 2, notFound: 3, conflict: 4, unavailable: 69, configuration: 78 } as const;
  for (const [exit, code] of Object.entries(cases)) {
    test(`${exit}: ${code}`, async () => {
      const { run, err } = bench({ results: { status: new CliError(exit as keyof typeof cases, 'what; what to do') } });
      assert.equal(await run('status'), code);
      assert.equal(err(), 'sealpost: what; what to do\n');
    });
  }
  test('what was not foreseen: 1, with its stack', async () => {
    const { run, err } = bench({ results: { status: new TypeError('boom') } });
    assert.equal(await run('status'), 1);
    assert.match(err(), /something went wrong that should not: TypeError: boom\n +at /);
  });
});

describe('the data directory', () => {
  const directoryOf = async (argv: string[], options: BenchOptions = {}): Promise<string | undefined> => {
    const { run, calls } = bench({ results: { 'certificate.list': { certificates: [], more: 0 } }, ...options });
    assert.equal(await run(...argv), 0);
    return calls[0]?.directory;
  };
  test('by -d, before or after the command, else the environment, else the usual place', async () => {
    const env = { SEALPOST_DIR: '/env' };
    assert.equal(await directoryOf(['list']), '/work-dir/sealpost-data');
    assert.equal(await directoryOf(['list'], { root: true }), '/var/lib/sealpost');
    assert.equal(await directoryOf(['list'], { env }), '/env');
    assert.equal(await directoryOf(['list'], { env: { SEALPOST_DIR: '' } }), '/work-dir/sealpost-data');
    assert.equal(await directoryOf(['list', '-d', 'x'], { env }), '/work-dir/x');
    assert.equal(await directoryOf(['-d', '/y', 'list'], { env }), '/y');
    assert.equal(await directoryOf(['--directory=/z', 'list']), '/z');
    assert.equal(await directoryOf(['list', '--directory', '/w']), '/w');
  });
});

describe('init and start', () => {
  test('init says what was made and what comes next', async () => {
    const { run, out } = bench();
    assert.equal(await run('init', '--hostname', 'relay.example.net', '-d', '/data'), 0);
    assert.equal(
      out(),
      `Created /data
Server name:                   relay.example.net
Configuration:                 /data/sealpost.yaml
Root certificate, for clients: /data/ca/root.crt
Next: add a holder, then start the relay:
  sealpost add alice@example.net -d /data
  sealpost start -d /data
Keep ca/root.key off this machine if you can; it is needed only to renew the issuing CA.
`,
    );
  });
  test('start passes on the directory and whether it may be created', async () => {
    const seen: unknown[] = [];
    const { run } = bench({ reach: { serve: (...args) => Promise.resolve(void seen.push(args)) } });
    assert.equal(await run('start', '--create', '-d', '/data'), 0);
    assert.equal(await run('start', '-d', '/data'), 0);
    assert.deepEqual(seen, [
      ['/data', { create: true, passphrase: undefined }],
      ['/data', { create: false, passphrase: undefined }],
    ]);
  });
  test('start takes the passphrase of the issuing key from a descriptor, as octets', async () => {
    await inDirectory(async (directory) => {
      const seen: unknown[] = [];
      const { run, err } = bench({ reach: { serve: (...args) => Promise.resolve(void seen.push(args)) } });
      assert.equal(await run('start', '-d', '/data', '--ca-passphrase-fd', lines(directory, 'grey geese\r\nx')), 0);
      assert.deepEqual(seen, [['/data', { create: false, passphrase: Buffer.from('grey geese') }]]);
      assert.equal(await run('start', '-d', '/data', '--ca-passphrase-fd', lines(directory, '\n')), 2);
      assert.equal(seen.length, 1);
      assert.match(err(), /descriptor \d+/);
    });
  });
});

/** A descriptor that reads this text. */
function lines(directory: string, text: string): string {
  const file = join(mkdtempSync(join(directory, 'given-')), 'line');
  writeFileSync(file, text);
  return String(openSync(file, 'r'));
}

describe('ca', () => {
  const PASSPHRASE = 'seven grey geese';

  /** Keeps what was asked of it; nothing of it is real but the order. */
  function custodyOf(seen: unknown[], more: Partial<Custody> = {}): Partial<Reach> {
    const keys = { changed: ['ca/issuing.key', 'ca/root.key'] };
    const custody: Custody = {
      lock: async (passphrase, old) => (seen.push(['lock', passphrase, await old('keys', 0)]), keys),
      unlock: async (old) => (seen.push(['unlock', await old('keys', 0)]), keys),
      exportRoot: () => Promise.reject(new Error('not here')),
      forgetRoot: async ({ file, bytes }, ask) => {
        seen.push(['forget', file, Buffer.from(bytes).toString(), await ask('export', 0), await ask('export', 1)]);
        return { removed: true };
      },
      renew: async (exported, ask) => {
        seen.push(['renew', exported?.file, await ask('export', 0)]);
        return { before: 1_795_486_000_000, notAfter: 1_827_022_000_000, written: [] };
      },
      exportDirectory: () => Promise.reject(new Error('not here')),
      seal: (key, passphrase) => Uint8Array.of(...key, passphrase.length),
      close: () => void seen.push('closed'),
      ...more,
    };
    return { custody: (directory) => (seen.push(directory), Promise.resolve(custody)) };
  }

  const state = { state: 'locked', sealTo: Uint8Array.of(7), running: true };

  test('lock takes both passphrases by descriptors, and hands the new one to the running relay', async () => {
    await inDirectory(async (directory) => {
      const seen: unknown[] = [];
      const { run, out, calls } = bench({
        reach: custodyOf(seen),
        results: { 'ca.state': state, 'ca.unlock': { state: 'protected' } },
      });
      const now = lines(directory, 'twelve old geese\n');
      const words = ['ca', 'lock', '-d', '/data', '--passphrase-fd', lines(directory, PASSPHRASE)];
      assert.equal(await run(...words, '--ca-passphrase-fd', now), 0);
      assert.deepEqual(seen, ['/data', ['lock', PASSPHRASE, 'twelve old geese'], 'closed', '/data', 'closed']);
      assert.deepEqual(calls.at(-1), {
        directory: '/data',
        operation: 'ca.unlock',
        input: { sealed: Uint8Array.of(7, PASSPHRASE.length) },
      });
      assert.equal(out(), 'Under a passphrase now: ca/issuing.key, ca/root.key\n');
    });
  });
  test('lock takes no short passphrase, and none but ASCII; --remove takes it away', async () => {
    await inDirectory(async (directory) => {
      const seen: unknown[] = [];
      const { run, out, err } = bench({ reach: custodyOf(seen), results: { 'ca.state': state } });
      for (const bad of ['eleven char', 'zwölf Zeichen!!'])
        assert.equal(await run('ca', 'lock', '--passphrase-fd', lines(directory, bad)), 2);
      assert.match(err(), /12/);
      assert.deepEqual(seen, []);
      assert.equal(
        await run('ca', 'lock', '-d', '/data', '--remove', '--ca-passphrase-fd', lines(directory, PASSPHRASE)),
        0,
      );
      assert.deepEqual(seen, ['/data', ['unlock', PASSPHRASE], 'closed']);
      assert.equal(out(), 'No passphrase any more: ca/issuing.key, ca/root.key\n');
    });
  });
  test('unlock needs a relay that runs, and asks for nothing when the key is open', async () => {
    await inDirectory(async (directory) => {
      const stopped = bench({ results: { 'ca.state': { ...state, running: false } } });
      assert.equal(await stopped.run('ca', 'unlock'), 4);
      assert.match(stopped.err(), /does not run/);
      const open = bench({ results: { 'ca.state': { ...state, state: 'open' } } });
      assert.equal(await open.run('ca', 'unlock'), 0);
      assert.deepEqual(
        open.calls.map(({ operation }) => operation),
        ['ca.state'],
      );
      const wrong = bench({
        reach: custodyOf([]),
        results: { 'ca.state': state, 'ca.unlock': new CliError('unavailable', 'does not open the key') },
      });
      assert.notEqual(await wrong.run('ca', 'unlock', '--ca-passphrase-fd', lines(directory, PASSPHRASE)), 0);
      assert.match(wrong.err(), /does not open the key/);
      assert.equal(wrong.out(), '');
    });
  });
  test('root export writes a new file for its owner alone, and shows the passphrase that was made', async () => {
    await inDirectory(async (directory) => {
      const seen: unknown[] = [];
      const { run, out, err } = bench({
        workingDirectory: directory,
        reach: custodyOf(seen, {
          async exportRoot(request) {
            seen.push(
              Buffer.from(await request.place(Uint8Array.of(65, 66))).toString(),
              request.file,
              request.passphrase,
            );
            return { passphrase: request.passphrase ?? 'made here', sha256: 'ab' };
          },
        }),
      });
      assert.equal(await run('ca', 'root', 'export', 'root.pem', '-d', '/data'), 0);
      const file = join(directory, 'root.pem');
      assert.deepEqual(seen, ['/data', 'AB', file, undefined, 'closed']);
      assert.equal(readFileSync(file, 'utf8'), 'AB');
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.match(out(), /Passphrase, shown only now: made here\n/);
      assert.match(out(), /sealpost ca root forget --exported/);

      writeFileSync(file, 'what was there');
      assert.equal(await run('ca', 'root', 'export', 'root.pem', '-d', '/data'), 1);
      assert.match(err(), /root\.pem: .*exists/i);
      assert.equal(readFileSync(file, 'utf8'), 'what was there');
      assert.equal(seen.at(-1), 'closed');
    });
  });
  test('root forget and renew read the exported file; a wrong passphrase by descriptor is not tried again', async () => {
    await inDirectory(async (directory) => {
      const seen: unknown[] = [];
      const { run, out, err } = bench({ workingDirectory: directory, reach: custodyOf(seen) });
      const file = join(directory, 'root.pem');
      const words = ['--ca-passphrase-fd', lines(directory, PASSPHRASE), '-d', '/data'];
      assert.notEqual(await run('ca', 'root', 'forget', '--exported', 'root.pem', ...words), 0);
      assert.match(err(), /root\.pem/);
      assert.deepEqual(seen, [], 'nothing is opened for a file that is not there');
      writeFileSync(file, 'exported');
      assert.equal(await run('ca', 'root', 'forget', '--exported', 'root.pem', ...words), 0);
      assert.deepEqual(seen.splice(0), ['/data', ['forget', file, 'exported', PASSPHRASE, undefined], 'closed']);
      words[1] = lines(directory, PASSPHRASE);
      assert.equal(await run('ca', 'renew', '--root', 'root.pem', ...words), 0);
      assert.deepEqual(seen, ['/data', ['renew', file, PASSPHRASE], 'closed']);
      assert.match(out(), /valid until 2027-11-24 \(before: 2026-11-24\)\n$/);
    });
  });
  test('show says where the keys are', async () => {
    const ca = {
      file: 'ca/root.crt',
      subject: '/CN=Root\u001b[31m',
      serial: '4a',
      fingerprint: 'ff',
      key: 'P-256',
      notBefore: 1_795_486_000_000,
      notAfter: 1_827_022_000_000,
    };
    const report = {
      now: 0,
      root: ca,
      issuing: { ...ca, file: 'ca/issuing.crt', subject: '/CN=Issuing' },
      rootKey: 'away',
      issuingKey: { state: 'locked', fault: null, place: '/run/sealpost/signer.sock' },
      crl: {
        file: 'ca/crl.pem',
        number: '9',
        entries: 2,
        thisUpdate: 1_795_486_000_000,
        nextUpdate: 1_798_078_000_000,
      },
      rootCrl: null,
    };
    const { run, out } = bench({ results: { 'ca.show': report } });
    assert.equal(await run('ca', 'show'), 0);
    assert.ok(!out().includes('\u001b'));
    assert.match(out(), /^Root key: +not on this machine$/m);
    assert.match(out(), /^Issuing key: +locked: .*\(\/run\/sealpost\/signer\.sock\)$/m);
    assert.match(out(), /^CRL: +number 9, 2 entries, 2026-11-24 02:06Z - 2026-12-24 02:06Z$/m);
    assert.match(out(), /^Root CRL: +none$/m);
    const other = bench({
      results: { 'ca.show': { ...report, issuingKey: { state: 'unusable', fault: 'broken', place: 'x' } } },
    });
    await other.run('ca', 'show');
    assert.match(other.out(), /^Issuing key: +broken \(x\)$/m);
  });
  test('signer becomes the signer of a directory', async () => {
    const seen: unknown[] = [];
    const { run } = bench({ reach: { becomeSigner: (...args) => Promise.resolve(void seen.push(args)) } });
    assert.equal(await run('ca', 'signer', '-d', '/data', '--passphrase-file', '/run/credentials/x'), 0);
    assert.deepEqual(seen, [['/data', '/run/credentials/x']]);
  });
});

describe('add', () => {
  const facts = {
    hostname: 'relay.example.net',
    submission: { port: 2587, tls: 'starttls' },
    web: { port: 8443, local: true },
    root: { file: '/data/ca/root.crt', fingerprint: 'abcd' },
  };
  const token = { holder: "o'brien/x@example.net", token: 'tok-en', expires: 1_795_486_000_000 };

  /** Issues by a real authority, to whatever key it is sent. */
  function issuing(options: BenchOptions): Bench {
    const authority = testAuthority();
    const given = bench({ ...options, results: { 'client.facts': facts } });
    const calls: Call[] = [];
    const reach: Partial<Reach> = {
      async operate(directory, operation, input) {
        calls.push({ directory, operation, input });
        if (operation === 'client.facts') return facts;
        const publicKey = (field(input, 'publicKey') ?? makeKey().publicKey) as Uint8Array;
        const { certificate, chain } = await authority.door.issue(authority.request({ publicKey }));
        return { certificate: alice, others: [], chain: chainPem(certificate, chain) };
      },
    };
    return { ...given, ...bench({ ...options, reach }), calls };
  }

  test('by itself it makes a token, and prints what the holder does with it', async () => {
    const { run, out, calls } = bench({ results: { 'enrolment.create': token, 'client.facts': facts } });
    assert.equal(await run('add', token.holder, '--days', '30', '--hours', '2'), 0);
    assert.deepEqual(calls[0], {
      directory: '/work-dir/sealpost-data',
      operation: 'enrolment.create',
      input: {
        holder: token.holder,
        profile: undefined,
        dnsNames: undefined,
        days: 30,
        hours: 2,
        why: undefined,
      },
    });
    assert.match(out(), /Token: {6}tok-en\n/);
    assert.match(out(), /^ {2}AB:CD$/m);
    assert.match(out(), /-subj '\/CN=o'\\''brien\\\/x@example\.net' -keyout o_brien_x@example\.net\.key /);
    assert.match(
      out(),
      /--user 'o'\\''brien\/x@example\.net' .* https:\/\/relay\.example\.net:8443\/\.well-known\/est\/simpleenroll /,
    );
    assert.match(out(), /set web\.https\.address/);
    assert.doesNotMatch(out(), /undefined|\{/);
  });

  test('the token as JSON, with the commands', async () => {
    const { run, out } = bench({ results: { 'enrolment.create': token, 'client.facts': facts } });
    assert.equal(await run('add', token.holder, '--json'), 0);
    const data = JSON.parse(out()) as Record<string, unknown>;
    assert.deepEqual(Object.keys(data), ['holder', 'token', 'expires', 'commands', 'root', 'web']);
    assert.equal(data['web'], 'local');
    // Other users see the command line of curl, and history keeps it.
    assert.doesNotMatch(JSON.stringify(data['commands']), /tok-en/);
  });

  test('--make-key writes the bundle for its owner alone and tells the passphrase once; only the public key is sent', () =>
    inDirectory(async (workingDirectory) => {
      const { run, out, calls } = issuing({ workingDirectory });
      assert.equal(await run('add', 'Alice@example.net', '--make-key', '--why', 'new laptop'), 0);
      const path = join(workingDirectory, 'alice@example.net.p12');
      assert.equal(statSync(path).mode & 0o777, 0o600);
      const { publicKey, ...input } = (calls[0] as Call).input as { publicKey: Uint8Array };
      assert.deepEqual(input, {
        holder: 'Alice@example.net',
        profile: undefined,
        days: undefined,
        dnsNames: undefined,
        uris: undefined,
        subject: undefined,
        why: 'new laptop',
      });
      assert.equal(createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }).type, 'public');
      const passphrase = /^Passphrase: ([a-z0-9-]{29})$/m.exec(out())?.[1] ?? '';
      assert.doesNotThrow(() => createSecureContext({ pfx: readFileSync(path), passphrase }));
      assert.throws(() => createSecureContext({ pfx: readFileSync(path), passphrase: 'another' }));
      assert.match(out(), /^Certificate 4a1f for alice@example\.net, valid until 2027-11-24\nBundle: {5}\S+\.p12\n/);
      assert.match(out(), /The passphrase is shown only now.*\nThe key was made here/);
      assert.deepEqual(readdirSync(workingDirectory), ['alice@example.net.p12']);
    }));

  test('as JSON with the names of the files, without octets', () =>
    inDirectory(async (workingDirectory) => {
      const { run, out } = issuing({ workingDirectory });
      assert.equal(await run('add', 'alice@example.net', '--json', '--pem', 'a.pem', '--p12', 'b.p12'), 0);
      const data = JSON.parse(out()) as Record<string, unknown>;
      assert.match(String(data['passphrase']), /^[a-z0-9-]{29}$/);
      assert.deepEqual([data['p12'], data['pem']], [join(workingDirectory, 'b.p12'), join(workingDirectory, 'a.pem')]);
      assert.match(readFileSync(join(workingDirectory, 'a.pem'), 'utf8'), /^-----BEGIN PRIVATE KEY-----/);
      assert.deepEqual(Object.keys(data), [
        'certificate',
        'others',
        'ignored',
        'keyMade',
        'target',
        'p12',
        'pem',
        'passphrase',
        'settings',
        'root',
      ]);
    }));

  for (const key of ['p384', 'ed25519', 'rsa2048'] as const)
    test(`--key ${key}`, () =>
      inDirectory(async (workingDirectory) => {
        const { run } = issuing({ workingDirectory });
        assert.equal(await run('add', 'alice', '--pem', 'a.pem', '--key', key), 0);
        const made = createPrivateKey(readFileSync(join(workingDirectory, 'a.pem')));
        const { namedCurve, modulusLength } = made.asymmetricKeyDetails ?? {};
        assert.equal(
          { secp384r1: 'p384', 2048: 'rsa2048' }[String(namedCurve ?? modulusLength)] ?? made.asymmetricKeyType,
          key,
        );
      }));

  test('a program that takes PEM gets one file, and its settings', () =>
    inDirectory(async (workingDirectory) => {
      const { run, out } = issuing({ workingDirectory });
      assert.equal(await run('add', 'alice', '--make-key', '--for', 'msmtp'), 0);
      const pem = join(workingDirectory, 'alice.pem');
      assert.equal(statSync(pem).mode & 0o777, 0o600);
      assert.deepEqual(readdirSync(workingDirectory), ['alice.pem']);
      assert.ok(out().includes('host relay.example.net\nport 2587\nfrom alice@example.net\nauth off\ntls on\n'), out());
      assert.ok(out().includes(`tls_cert_file ${pem}\ntls_key_file ${pem}\n`));
      assert.match(out(), /^Root: {5}\/data\/ca\/root\.crt \(SHA-256 AB:CD\)$/m);
      assert.doesNotMatch(out(), /Passphrase/);
    }));

  test('with a request the certificate is written, and no key; how it is packed for a program is said', () =>
    inDirectory(async (workingDirectory) => {
      writeFileSync(join(workingDirectory, 'bob.csr'), 'CSR');
      const { run, out, calls } = issuing({ workingDirectory });
      const words = ['--csr', 'bob.csr', '--days', '30', '--dns', 'a.example,b.example', '--for', 'windows-legacy'];
      assert.equal(await run('add', 'bob', ...words), 0);
      assert.match(
        readFileSync(join(workingDirectory, 'bob.pem'), 'utf8'),
        /^(-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n){3}$/,
      );
      assert.doesNotMatch(out(), /Passphrase|made here/);
      assert.match(
        out(),
        /openssl pkcs12 -export -inkey bob\.key -in bob\.pem .* -macalg sha1 -iter 10000 -CSP 'Microsoft Software/,
      );
      assert.deepEqual(calls[0]?.input, {
        holder: 'bob',
        csr: new Uint8Array(Buffer.from('CSR')),
        profile: undefined,
        days: 30,
        dnsNames: ['a.example', 'b.example'],
        uris: undefined,
        subject: undefined,
        why: undefined,
      });
    }));

  test('a file that is there is a conflict before anything is issued; --force replaces it', () =>
    inDirectory(async (workingDirectory) => {
      const path = join(workingDirectory, 'alice.p12');
      writeFileSync(path, 'precious', { mode: 0o644 });
      const { run, err, calls } = issuing({ workingDirectory });
      assert.equal(await run('add', 'alice', '--make-key', '--profile', 'person'), 4);
      assert.match(err(), /alice\.p12 is there already; name another file, or give --force/);
      assert.deepEqual(calls, []);
      assert.equal(await run('add', 'alice', '--make-key', '--force'), 0);
      assert.equal(readFileSync(path)[0], 0x30);
      assert.equal(statSync(path).mode & 0o777, 0o600);
    }));

  test('a refusal leaves no file behind and ruins none', () =>
    inDirectory(async (workingDirectory) => {
      const path = join(workingDirectory, 'alice.p12');
      const { run } = bench({ results: { 'certificate.add': new CliError('usage', 'no') }, workingDirectory });
      assert.equal(await run('add', 'alice', '--make-key'), 2);
      assert.equal(existsSync(path) || existsSync(`${path}.part`), false);
      writeFileSync(path, 'precious');
      assert.equal(await run('add', 'alice', '--make-key', '--force'), 2);
      assert.equal(readFileSync(path, 'utf8'), 'precious');
    }));

  test('a directory that is not there is said before anything is issued', async () => {
    const { run, err, calls } = issuing({ workingDirectory: '/nowhere' });
    assert.equal(await run('add', 'alice', '--make-key'), 1);
    assert.match(err(), /cannot write \/nowhere\/alice\.p12: ENOENT/);
    assert.deepEqual(calls, []);
  });

  test('the passphrase may come by a file descriptor, and is neither printed nor sent then', () =>
    inDirectory(async (workingDirectory) => {
      const file = join(workingDirectory, 'secret');
      writeFileSync(file, 'correct horse\nrest');
      const { run, out, err, calls } = issuing({ workingDirectory });
      const by = (path: string): string[] => ['--make-key', '--passphrase-fd', String(openSync(path, 'r'))];
      assert.equal(await run('add', 'alice', ...by(file)), 0);
      const pfx = readFileSync(join(workingDirectory, 'alice.p12'));
      assert.doesNotThrow(() => createSecureContext({ pfx, passphrase: 'correct horse' }));
      assert.doesNotMatch(out() + JSON.stringify(calls), /correct horse|Passphrase/);
      calls.length = 0;
      for (const [bad, what] of [
        ['pässwört€\n', /other than ASCII/],
        ['short\n', /at least 8/],
        ['\n', /no passphrase came/],
      ] as const) {
        writeFileSync(file, bad);
        assert.equal(await run('add', 'bob', ...by(file)), 2);
        assert.match(err(), what);
      }
      assert.equal(await run('add', 'bob', '--make-key', '--passphrase-fd', '9999'), 2);
      assert.match(err(), /cannot read file descriptor 9999/);
      assert.deepEqual(calls, []);
    }));

  test('names become harmless file names', () =>
    inDirectory(async (workingDirectory) => {
      const { run } = issuing({ workingDirectory });
      assert.equal(await run('add', '../../etc/x', '--make-key'), 0);
      assert.equal(existsSync(join(workingDirectory, '_.._etc_x.p12')), true);
    }));
});

describe('certificates', () => {
  test('list as a table', async () => {
    const { run, out, err, calls } = bench({
      results: {
        'certificate.list': {
          certificates: [
            alice,
            { ...alice, holder: 'printer-2', profile: 'device', state: 'active', ended: true, serial: '05' },
          ],
          more: 3,
        },
      },
    });
    assert.equal(await run('list', '--all', '-d', '/d'), 0);
    const input = { all: true, expiring: undefined, limit: undefined };
    assert.deepEqual(calls, [{ directory: '/d', operation: 'certificate.list', input }]);
    assert.match(err(), /^3 more/);
    assert.equal(
      out(),
      `HOLDER             PROFILE  STATE   UNTIL       SERIAL
alice@example.net  person   active  2027-11-24  4a1f
printer-2          device   ended   2027-11-24  05
`,
    );
  });
  test('list as JSON is the certificates', async () => {
    const { run, out } = bench({ results: { 'certificate.list': { certificates: [alice], more: 0 } } });
    await run('list', '--json');
    assert.deepEqual(JSON.parse(out()), [alice]);
  });
  test('an empty list says how to add one', async () => {
    const { run, out } = bench({ results: { 'certificate.list': { certificates: [], more: 0 } } });
    await run('list');
    assert.match(out(), /No certificates\. Add one with 'sealpost add NAME'/);
  });
  test('show', async () => {
    const details = {
      ...alice,
      state: 'revoked',
      revokedAt: 1_795_486_000_000,
      reason: 'keyCompromise',
      emails: ['alice@example.net'],
      dnsNames: [],
      line: [],
      accessLines: ['CERTISSUER:/CN=ca\tSUBJECT', 'CERTSUBJECT:/CN=alice\tRELAY'],
      pem: '',
    };
    const { run, out } = bench({ results: { 'certificate.show': [details] } });
    assert.equal(await run('show', '4a1f'), 0);
    assert.match(out(), /^State: {7}revoked \(2026-11-24 02:06Z, keyCompromise\)$/m);
    assert.match(out(), /^Access map: {2}CERTISSUER:\/CN=ca\tSUBJECT\n {13}CERTSUBJECT:\/CN=alice\tRELAY$/m);
  });
  test('revoke', async () => {
    const result = { revoked: [alice], before: [], acmeKeys: ['3c29'], passwords: [] };
    const { run, out, calls } = bench({ results: { 'certificate.revoke': result } });
    assert.equal(await run('revoke', 'alice@example.net', '--reason', 'keyCompromise'), 0);
    assert.deepEqual(calls[0]?.input, { name: 'alice@example.net', reason: 'keyCompromise' });
    assert.match(out(), /^Revoked 4a1f of alice@example\.net\nIts ACME key 3c29 was withdrawn too, /);
  });
  test('revoke of what was revoked before says so', async () => {
    const { run, out } = bench({
      results: { 'certificate.revoke': { revoked: [], before: [alice], acmeKeys: [], passwords: [] } },
    });
    assert.equal(await run('revoke', '4a1f'), 0);
    assert.match(out(), /Nothing to revoke: 4a1f/);
  });
});

describe('queue', () => {
  const entry = {
    id: '0012ABCDEFG',
    at: 0,
    reversePath: 'a\u001b[31m@example.net',
    size: 4_300,
    holder: null,
    serial: null,
    peer: '192.0.2.7',
    messageId: null,
    deliveries: [
      { recipient: 'bob@example.com', dest: 'example.com', held: false, due: 0, attempts: 2, lastDetail: '450 later' },
      { recipient: 'c@example.com', dest: 'example.com', held: true, due: null, attempts: 0, lastDetail: '' },
    ],
  };
  test('list: one line a recipient, nothing that steers a terminal', async () => {
    const { run, out, calls } = bench({
      results: { 'queue.list': { entries: [entry], counts: { entries: 1, deliveries: 2, held: 1 }, more: true } },
    });
    assert.equal(await run('queue', 'list', '--from', 'a@example.net', '--held', '--limit', '1'), 0);
    assert.deepEqual(calls[0]?.input, { reversePath: 'a@example.net', held: true, limit: 1 });
    const lines = out().split('\n');
    assert.match(lines[0] ?? '', /^QUEUE ID +AGE +SIZE +FROM +HOLDER +RECIPIENT +NEXT +TRIES +LAST RESULT$/);
    assert.match(
      lines[1] ?? '',
      /^0012ABCDEFG +\d+d +4\.2KB +<a\\x1b\[31m@example\.net> +- +bob@example\.com +0s +2 +450 later$/,
    );
    assert.match(lines[2] ?? '', /^ +c@example\.com +held +0$/);
    assert.deepEqual(lines.slice(3), [
      '1 entries, 2 recipients, 1 on hold',
      'There are more; raise --limit to see them.',
      '',
    ]);
  });
  test('show, also when only the history is left', async () => {
    const history = [{ at: 0, dest: 'example.com', kind: 'delivered', detail: '250 ok' }];
    const shown = bench({ results: { 'queue.show': { entry, history } } });
    assert.equal(await shown.run('queue', 'show', '0012abcdefg'), 0);
    assert.match(shown.out(), /^1970-01-01 00:00Z {2}delivered {2}example\.com {2}250 ok$/m);
    const gone = bench({ results: { 'queue.show': { entry: null, history } } });
    await gone.run('queue', 'show', '0012ABCDEFG');
    assert.match(gone.out(), /^This entry has left the queue/);
  });
  test('changes by id, by condition, or all', async () => {
    const results = Object.fromEntries(
      ['hold', 'release', 'retry', 'remove'].map((verb) => [`queue.${verb}`, { ids: ['0012ABCDEFG'] }]),
    );
    const { run, out, calls } = bench({ results });
    assert.equal(await run('queue', 'hold', 'A', 'B', '--reason', 'asked'), 0);
    assert.equal(await run('queue', 'release', '--serial', '4a1f'), 0);
    assert.equal(await run('queue', 'retry', '--dest', 'example.com'), 0);
    assert.equal(await run('queue', 'remove', '--all'), 0);
    assert.deepEqual(
      calls.map(({ operation, input }) => [operation, input]),
      [
        ['queue.hold', { ids: ['A', 'B'], reason: 'asked' }],
        ['queue.release', { serial: '4a1f' }],
        ['queue.retry', { dest: 'example.com' }],
        ['queue.remove', { all: true }],
      ],
    );
    assert.match(out(), /^Held: 1\n {2}0012ABCDEFG\nReleased: 1/);
  });
});

describe('access', () => {
  const principal = { verify: 'NO', reason: 'no-certificate', holder: null, subject: null, issuer: null };
  test('check: problems with file, line and column; 78 when there are errors', async () => {
    const problems = [
      { severity: 'warning', line: 3, column: 1, text: 'odd', hint: 'look' },
      { severity: 'error', line: 4, column: 2, text: 'bad', hint: 'mend' },
    ];
    const { run, out } = bench({ results: { 'access.check': { file: 'access', keys: 7, problems } } });
    assert.equal(await run('access', 'check'), 78);
    assert.equal(
      out(),
      'access:3:1: warning: odd; look\naccess:4:2: error: bad; mend\naccess: 7 keys, 1 errors, 1 warnings\n',
    );
    const fine = bench({ results: { 'access.check': { file: 'access', keys: 7, problems: problems.slice(0, 1) } } });
    assert.equal(await fine.run('access', 'check'), 0);
    const none = bench({ results: { 'access.check': { file: null, keys: 0, problems: [] } } });
    assert.equal(await none.run('access', 'check'), 0);
  });
  test('test: verdict, who decided, and the trail with misses in one row; 1 when refused', async () => {
    const trail = [
      { asked: 'a' },
      { asked: 'b' },
      { asked: 'c' },
      { asked: 'To:x', source: 'access:3', answer: 'REJECT' },
      { asked: 'd' },
    ];
    const result = {
      principal,
      stages: [{ stage: 'recipient', verdict: 'reject 550', trail }],
      verdict: 'reject 550 5.7.1 no',
      relay: false,
      accepted: false,
      rule: 'access:3',
    };
    const { run, out } = bench({ results: { 'access.test': result } });
    assert.equal(await run('access', 'test', '--to', 'bob@example.com'), 1);
    assert.match(out(), /^Verdict: reject 550 5\.7\.1 no\nBy: {6}access:3\nClient: {2}verify=NO, no-certificate\n/);
    assert.match(
      out(),
      /^recipient {2}a \.\.\. c \(3 look-ups\) +- +-\nrecipient {2}To:x +REJECT +access:3\nrecipient {2}d +- +-$/m,
    );
    const good = bench({ results: { 'access.test': { ...result, accepted: true } } });
    assert.equal(await good.run('access', 'test', '--to', 'x@y'), 0);
  });
  test('test sends the certificate of a file', () =>
    inDirectory(async (workingDirectory) => {
      writeFileSync(join(workingDirectory, 'c.pem'), 'PEM');
      const { run, calls, err } = bench({
        results: {
          'access.test': { principal, stages: [], verdict: 'accept', relay: false, accepted: true, rule: null },
        },
        workingDirectory,
      });
      assert.equal(await run('access', 'test', '--cert', 'c.pem', '--to', 'b@c'), 0);
      assert.deepEqual(field(calls[0]?.input, 'certificate'), new Uint8Array(Buffer.from('PEM')));
      assert.equal(await run('access', 'test', '--cert', 'none.pem'), 1);
      assert.match(err(), /cannot read .*none\.pem: ENOENT/);
    }));
});

describe('config', () => {
  test('check: each mistake on a line, 78; files that are missing too', () =>
    inDirectory(async (directory) => {
      const file = join(directory, 'sealpost.yaml');
      writeFileSync(file, 'hostname: a.example\nlimits:\n  hops: many\n');
      const { run, out } = bench();
      assert.equal(await run('config', 'check', '-d', directory), 78);
      assert.equal(out(), `${file}:3:9: limits.hops is "many"; write a whole number from 10 to 1000\n`);
      writeFileSync(file, defaultsFile('a.example'));
      const { run: again, out: shown } = bench();
      assert.equal(await again('config', 'check', '-d', directory), 78);
      assert.match(shown(), /tls\.certificate: there is no file .*server\.crt/);
    }));
  test('show: value and source, narrowed by key or to what is changed', () =>
    inDirectory(async (directory) => {
      const file = join(directory, 'sealpost.yaml');
      writeFileSync(file, 'hostname: a.example\nlimits: {hops: 50}\n');
      const lines = async (...argv: string[]): Promise<string[]> => {
        const { run, out } = bench();
        assert.equal(await run('config', 'show', '-d', directory, ...argv), 0);
        return out()
          .trimEnd()
          .split('\n')
          .map((line) => line.replaceAll(/ +/g, ' '));
      };
      assert.deepEqual(await lines('--changed'), [
        'KEY VALUE SOURCE',
        `hostname a.example ${file}:1`,
        `limits.hops 50 ${file}:2`,
      ]);
      assert.deepEqual(await lines('spool'), [
        'KEY VALUE SOURCE',
        'spool.inlineContent 64KB default',
        'spool.history 30d default',
      ]);
      const { run, err } = bench();
      assert.equal(await run('config', 'show', 'colour', '-d', directory), 3);
      assert.match(err(), /there is no setting colour/);
    }));
  test('schema is JSON Schema with descriptions and defaults', async () => {
    const { run, out } = bench();
    assert.equal(await run('config', 'schema'), 0);
    const schema = JSON.parse(out()) as {
      $schema: string;
      properties: { spool: { properties: { inlineContent: { default: string; description: string } } } };
    };
    assert.match(schema.$schema, /json-schema\.org\/draft\/2020-12/);
    assert.equal(schema.properties.spool.properties.inlineContent.default, '64KB');
  });
  test('without a directory: 78, and how to make one', async () => {
    const { run, err } = bench();
    assert.equal(await run('config', 'check', '-d', '/nowhere'), 78);
    assert.match(err(), /there is no data directory \/nowhere; create it with 'sealpost init'/);
  });
});

describe('the issuance log', () => {
  const entry = {
    number: 7,
    at: 1_795_486_000_000,
    action: 'revoked',
    by: 'cli:root',
    holder: 'alice@example.net',
    serial: '4a1f',
    detail: 'keyCompromise: stolen \u001b[2J',
    previous: '00',
    hash: '11',
  };

  test('is listed as asked for, and what is in it steers no terminal', async () => {
    const { run, out, calls } = bench({ results: { 'audit.list': { entries: [entry], more: true } } });
    const since = '2026-11-24T02:00Z';
    assert.equal(await run('audit', 'list', '--holder', 'alice@example.net', '--since', since, '--limit', '1'), 0);
    assert.deepEqual(calls[0]?.input, { holder: 'alice@example.net', since: Date.parse(since), limit: 1 });
    assert.match(
      out(),
      /^ *7 +2026-11-24 02:06Z +revoked +cli:root +alice@example\.net +4a1f +keyCompromise: stolen \\x1b\[2J$/m,
    );
    assert.match(out(), /earlier ones/);
  });

  test('a time is a span before now or a date, and nothing else', async () => {
    const { run, calls } = bench({ results: { 'audit.list': { entries: [], more: false } } });
    assert.equal(await run('audit', 'list', '--since', '2d'), 0);
    const ago = Date.now() - Number(field(calls[0]?.input, 'since'));
    assert.ok(Math.abs(ago - 2 * 86_400_000) < 60_000, String(ago));
    for (const wrong of ['tomorrow', '2026-13-45', '7', '-1d'])
      assert.equal(await run('audit', 'list', `--since=${wrong}`), 2, wrong);
  });

  test('verified: ends with 1 when something is wrong, and names it', async () => {
    const whole = { whole: true, entries: 7, certificates: 2, head: '7:ab', faults: [] };
    const good = bench({ results: { 'audit.verify': whole } });
    assert.equal(await good.run('audit', 'verify'), 0);
    assert.match(good.out(), /7 entries, 2 certificates[^]*7:ab/);
    const faults = [{ entry: 3, what: 'entry 3 was changed' }];
    const bad = bench({ results: { 'audit.verify': { ...whole, whole: false, faults } } });
    assert.equal(await bad.run('audit', 'verify', '--head', '7:ab'), 1);
    assert.deepEqual(bad.calls[0]?.input, { head: '7:ab' });
    assert.match(bad.out(), /^entry 3 was changed\n.*NOT whole/);
  });
});

describe('status', () => {
  const report = {
    running: true,
    directory: '/data',
    hostname: 'relay.example.net',
    startedAt: 1_795_486_000_000,
    now: 1_795_486_060_000,
    listeners: [
      { name: 'relay', address: '::', port: 25, tls: 'starttls' },
      { name: 'submission', address: '192.0.2.1', port: 587, tls: 'starttls' },
    ],
    counts: { sessions: 1, accepted: 2, refused: 3, delivered: 4, deferred: 5, failed: 6 },
    queue: { entries: 1, deliveries: 2, held: 0, oldest: 1_795_486_000_000 },
    certificates: {
      active: 1,
      suspended: 0,
      revoked: 0,
      abandoned: 0,
      ending: [{ holder: 'alice@example.net', serial: '4a1f', notAfter: 1_795_586_000_000 }],
      endingCount: 1,
    },
    log: { entries: 7, head: '7:ab', clockBehind: 0 },
    issuingKey: null,
    trusts: { count: 0, warnings: [], faults: [] },
  };
  test('running', async () => {
    const { run, out } = bench({ results: { status: report } });
    assert.equal(await run('status'), 0);
    assert.equal(
      out(),
      `Relay:        relay.example.net, running since 2026-11-24 02:06Z (60s)
Data:         /data
Listeners:    relay [::]:25 (starttls)
              submission 192.0.2.1:587 (starttls)
Sessions:     1
Mail:         2 accepted, 3 refused; 4 delivered, 5 put off, 6 failed
Queue:        1 entries, 2 recipients, 0 on hold, the oldest from 2026-11-24 02:06Z
Certificates: 1 active, 0 suspended, 0 revoked
              ends 2026-11-25: alice@example.net (4a1f)
Issuance log: 7 entries, head 7:ab
`,
    );
  });
  test('an issuing key that cannot be used', async () => {
    const locked = bench({ results: { status: { ...report, issuingKey: { state: 'locked', fault: null } } } });
    await locked.run('status');
    assert.match(locked.out(), /^Issuing key: {2}locked: "sealpost ca unlock"/m);
    const unusable = { ...report, issuingKey: { state: 'unusable', fault: 'issuing.key: no such file' } };
    const missing = bench({ results: { status: unusable } });
    await missing.run('status');
    assert.match(missing.out(), /^Issuing key: {2}cannot be used: issuing\.key: no such file$/m);
    const open = bench({ results: { status: { ...report, issuingKey: { state: 'protected', fault: null } } } });
    await open.run('status');
    assert.doesNotMatch(open.out(), /Issuing key/);
  });
  test('stopped, and with colour on a terminal only, without NO_COLOR', async () => {
    const results = { status: { ...report, running: false, startedAt: null, counts: null, listeners: [] } };
    const plain = bench({ results });
    await plain.run('status');
    assert.match(plain.out(), /stopped; start it with 'sealpost start'/);
    assert.ok(!plain.out().includes('\u001b'));
    const coloured = bench({ results, terminal: true });
    await coloured.run('status');
    assert.ok(coloured.out().includes('\u001b[33mstopped'));
    const no = bench({ results, terminal: true, env: { NO_COLOR: '1' } });
    await no.run('status');
    assert.ok(!no.out().includes('\u001b'));
  });
});

describe('completion', () => {
  test('a script for each shell that asks the program', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { run, out } = bench();
      assert.equal(await run('completion', shell), 0);
      assert.match(out(), /__propose/);
      assert.match(out(), /sealpost/);
    }
  });
  test('proposals: commands, options, values', async () => {
    const propose = async (...words: string[]): Promise<string[]> => {
      const { run, out } = bench();
      assert.equal(await run('__propose', ...words), 0);
      return out()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split('\t')[0] ?? '');
    };
    assert.deepEqual(await propose('re'), ['renew', 'revoke']);
    assert.deepEqual(await propose('queue', 're'), ['release', 'retry', 'remove']);
    assert.deepEqual(await propose('add', '--passphrase'), ['--passphrase-fd']);
    assert.deepEqual(await propose('add', 'x', '--profile', 's'), ['service', 'server']);
    assert.ok((await propose('completion', '')).includes('zsh'));
  });
});
