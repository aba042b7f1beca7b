/**
 * Bundles of `sealpost add`, in the hands of the programs that import them: each target's file is opened by OpenSSL, NSS,
 * Java and GnuTLS, and the programs that take PEM send with the settings that were printed. And that a key which is made
 * by the command is in the bundle and nowhere else.
 */
import assert from 'node:assert/strict';
import { createPrivateKey, type KeyObject } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { targets, type Pkcs12Recipe, type Recipe } from '../../src/ca/bundle-target.ts';
import { makePkcs12 } from '../../src/ca/bundle.ts';
import { systemRandom } from '../../src/platform/process/random.ts';
import { decodePem } from '../../src/protocol/pki/pem.ts';
import { assertTrace, letter } from './message.ts';
import { freePort } from './port.ts';
import { postfixMissing, startPostfix } from './postfix.ts';
import { missing, mustRun, run } from './program.ts';
import { HOSTNAME, Relay, SEALPOST } from './relay.ts';
import { Sink } from './sink.ts';
import { Talk } from './talk.ts';
import { onTerminal } from './typist.ts';

const OUTSIDE = 'bob@outside.example';
const JAPANESE = '山田 太郎 𠮷 (yamada@example.net)';

/** As `add --json` prints it. */
interface Added {
  readonly certificate: { readonly serial: string };
  readonly p12: string | null;
  readonly pem: string | null;
  readonly passphrase: string | null;
  readonly settings: string | null;
}

/** The recipes that differ, each by the first target that has it. */
const recipes: ReadonlyMap<string, Pkcs12Recipe> = new Map(
  Object.entries<Recipe>(targets)
    .filter((entry): entry is [string, Pkcs12Recipe] => entry[1].form === 'pkcs12')
    .filter(([, recipe], at, all) => all.findIndex(([, one]) => same(one, recipe)) === at),
);

function same(one: Pkcs12Recipe, other: Pkcs12Recipe): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

describe('bundles', () => {
  let sink: Sink;
  let relay: Relay;
  before(async () => {
    sink = await Sink.open();
    relay = await Relay.start(sink.port);
  });
  after(async () => {
    await relay?.[Symbol.asyncDispose]();
    await sink?.[Symbol.asyncDispose]();
  });

  let count = 0;
  async function add(...options: readonly string[]): Promise<Added> {
    const printed = await relay.cli('add', `user-${++count}@example.net`, '--make-key', '--json', ...options);
    return JSON.parse(printed) as Added;
  }

  for (const target of Object.keys(targets).filter((name) => targets[name as keyof typeof targets].form === 'pkcs12'))
    it(
      `for ${target} is opened by openssl pkcs12, with and without its legacy provider`,
      {
        skip: missing('openssl'),
      },
      async () => {
        const { p12, passphrase } = await add('--for', target);
        assert.ok(p12 !== null && passphrase !== null);
        for (const provider of [[], ['-legacy']]) {
          const args = ['pkcs12', provider, '-in', p12, '-nodes', '-passin'];
          const pem = await mustRun('openssl', [...args, `pass:${passphrase}`]);
          assert.equal(pem.match(/-----BEGIN CERTIFICATE-----/g)?.length, 3);
          assert.equal(pem.match(/-----BEGIN PRIVATE KEY-----/g)?.length, 1);
          const closed = await run('openssl', [...args, 'pass:wrong horse']);
          assert.notEqual(closed.code, 0);
          assert.match(closed.output, /invalid password/i);
        }
      },
    );

  for (const target of recipes.keys())
    describe(`for ${target}`, () => {
      let file: string;
      let passphrase: string;
      before(async () => {
        const added = await add('--for', target);
        [file, passphrase] = [added.p12 ?? '', added.passphrase ?? ''];
      });

      it('is taken by NSS, where it is good for a client', { skip: missing('pk12util', 'certutil') }, async () => {
        await inNss(file, passphrase, async (at, name) => {
          // V: server, C: client.
          assert.match(await mustRun('certutil', ['-V', at, '-n', name, '-u', 'C', '-e']), /certificate is valid/);
          const server = await run('certutil', ['-V', at, '-n', name, '-u', 'V', '-e']);
          assert.notEqual(server.code, 0);
          assert.doesNotMatch(server.output, /certificate is valid/);
        });
      });

      it('is read by keytool, with its chain, and imported with its key', { skip: missing('keytool') }, async () => {
        const listed = await keytool(['-list', '-v', '-keystore', file], passphrase);
        assert.match(listed, /Your keystore contains 1 entry/);
        assert.match(listed, /Entry type: PrivateKeyEntry/);
        assert.match(listed, /Certificate chain length: 3/);
        assert.match(listed, /Owner: CN=user-\d+@example\.net/);
        const store = `${file}.jks`;
        const imported = await mustRun(
          'keytool',
          [
            ['-J-Xshare:auto', '-J-XX:TieredStopAtLevel=1', '-importkeystore', '-noprompt'],
            ['-srckeystore', file, '-srcstoretype', 'PKCS12', '-srcstorepass', passphrase],
            ['-destkeystore', store, '-deststoretype', 'PKCS12', '-deststorepass', 'another one'],
          ],
          { patience: 60_000 },
        );
        assert.match(imported, /1 entries successfully imported/);
        assert.match(await keytool(['-list', '-keystore', store], 'another one'), /PrivateKeyEntry/);
      });

      it('is read by GnuTLS', { skip: missing('certtool') }, async () => {
        const read = await certtool(file, passphrase);
        assert.equal(read.match(/BEGIN CERTIFICATE/g)?.length, 3);
        assert.match(read, /BEGIN (?:EC |ENCRYPTED )?PRIVATE KEY/);
      });
    });

  describe('with a name in Japanese', () => {
    let folder: string;
    const files = new Map<string, string>();
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'sealpost-names-'));
      const { pem } = await add('--pem', join(folder, 'key.pem'));
      const [key, leaf, issuing] = decodePem(readFileSync(pem ?? '', 'utf8'));
      const root = decodePem(readFileSync(relay.root, 'utf8'))[0];
      assert.ok(key && leaf && issuing && root);
      const content = {
        certificate: leaf.der,
        chain: [issuing.der, root.der],
        key: createPrivateKey({ key: Buffer.from(key.der), format: 'der', type: 'pkcs8' }),
        friendlyName: JAPANESE,
      };
      for (const [target, recipe] of recipes) {
        const file = join(folder, `${target}.p12`);
        writeFileSync(file, await makePkcs12(content, 'correct horse', recipe, systemRandom()));
        files.set(target, file);
      }
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    for (const target of recipes.keys())
      it(
        `all show it as it is (${target})`,
        { skip: missing('pk12util', 'certutil', 'keytool', 'certtool') },
        async () => {
          const file = files.get(target) ?? '';
          await inNss(file, 'correct horse', (_at, name) => assert.equal(name, JAPANESE));
          const listed = await keytool(
            ['-J-Dstdout.encoding=UTF-8', '-list', '-v', '-keystore', file],
            'correct horse',
          );
          assert.ok(listed.includes(`Alias name: ${JAPANESE}`), listed);
          assert.equal((await certtool(file, 'correct horse')).match(/BEGIN CERTIFICATE/g)?.length, 3);
        },
      );
  });

  async function inNss(
    file: string,
    passphrase: string,
    act: (at: readonly string[], name: string) => Promise<void> | void,
  ): Promise<void> {
    const database = `${file}.nss`;
    mkdirSync(database);
    const at = ['-d', `sql:${database}`];
    await mustRun('certutil', ['-N', at, '--empty-password']);
    await mustRun('certutil', ['-A', at, '-n', 'root', '-t', 'CT,,', '-i', relay.root]);
    await mustRun('pk12util', ['-i', file, at, '-W', passphrase], { env: { LC_ALL: 'C.UTF-8' } });
    const keys = await mustRun('certutil', ['-K', at], { env: { LC_ALL: 'C.UTF-8' } });
    const name = /^<\s*0>\s+\w+\s+[0-9a-f]+\s+(?:NSS Certificate DB:)?(.+)$/m.exec(keys)?.[1]?.trim();
    assert.ok(name !== undefined, keys);
    await act(at, name);
  }

  function keytool(args: readonly string[], passphrase: string): Promise<string> {
    return mustRun(
      'keytool',
      ['-J-Xshare:auto', '-J-XX:TieredStopAtLevel=1', args, '-storetype', 'PKCS12', '-storepass', passphrase],
      { patience: 60_000, env: { LC_ALL: 'C.UTF-8' } },
    );
  }

  function certtool(file: string, passphrase: string): Promise<string> {
    return mustRun('certtool', ['--p12-info', '--inder', '--infile', file, '--password', passphrase], {
      env: { LC_ALL: 'C.UTF-8' },
    });
  }

  describe('as PEM', () => {
    /** The printed settings, with the places of this test. */
    function here(settings: string | null): string {
      assert.ok(settings !== null);
      return settings.replaceAll(HOSTNAME, 'localhost').replaceAll('/etc/sealpost/root.crt', relay.root);
    }

    it('msmtp sends with it, by the settings that were printed', { skip: missing('msmtp') }, async () => {
      const config = relay.path('msmtprc');
      writeFileSync(config, here((await add('--for', 'msmtp')).settings));
      chmodSync(config, 0o600);
      await mustRun('msmtp', [`--file=${config}`, '--account=sealpost', OUTSIDE], {
        input: letter('by-msmtp-end'),
      });
      const message = await sink.message('by-msmtp-end');
      assert.match(message.reversePath, /^user-\d+@example\.net$/);
      assertTrace(message, { protocol: 'ESMTPS', verify: 'OK', recipient: OUTSIDE });
    });

    it('Postfix sends with it, by the settings that were printed', { skip: postfixMissing() }, async () => {
      const printed = here((await add('--for', 'postfix')).settings);
      const main = Object.fromEntries(
        printed
          .trim()
          .split('\n')
          .map((line) => line.split(' = ') as [string, string]),
      );
      const lab = mkdtempSync(join(tmpdir(), 'sealpost-postfix-'));
      chmodSync(lab, 0o755);
      const port = await freePort();
      const postfix = startPostfix({ directory: lab, main, services: [{ port }] });
      try {
        using talk = await Talk.open(port);
        await talk.greet();
        assert.match(await talk.message(letter('by-postfix-end'), OUTSIDE, 'a@example.net'), /^250 /);
        assertTrace(await sink.message('by-postfix-end'), { protocol: 'ESMTPS', verify: 'OK', recipient: OUTSIDE });
      } finally {
        postfix.stop();
        rmSync(lab, { recursive: true, force: true });
      }
    });
  });

  for (const [target, opened] of [
    [
      'windows-legacy',
      /MAC: sha1, Iteration 10000[^]*pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 10000[^]*CSP Name: Microsoft/,
    ],
    ['apple-modern', /MAC: sha256, Iteration 10000[^]*PBES2, PBKDF2, AES-256-CBC, Iteration 10000/],
  ] as const)
    it(
      `a holder packs a key of her own by the command that is printed (${target})`,
      { skip: missing('openssl') },
      async () => {
        const at = { cwd: relay.path('.') };
        const request = ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
        const holder = `${target}@example.net`;
        await mustRun('openssl', [...request, '-subj', '/CN=x', '-keyout', `${holder}.key`, '-out', 'own.csr'], at);
        const printed = await relay.cli('add', holder, '--csr', 'own.csr', '--for', target);
        const command = /^ {2}(openssl pkcs12 .*)$/m.exec(printed)?.[1];
        assert.ok(command !== undefined, printed);
        await mustRun('sh', ['-c', `${command} -passout 'pass:correct horse'`], at);
        const info = ['pkcs12', '-info', '-nodes', '-passin', 'pass:correct horse', '-in', relay.path(`${holder}.p12`)];
        assert.match(await mustRun('openssl', info), opened);
      },
    );

  describe('a passphrase that is typed', { skip: missing('python3') }, () => {
    /** On a terminal of its own; gives what the terminal showed. */
    async function typed(...lines: readonly string[]): Promise<string> {
      const command = [SEALPOST, 'add', 'typist', '--p12', relay.path('typed.p12'), '--ask-passphrase'];
      const words = [...command, '--force', '--json', '-d', relay.directory];
      return await onTerminal(words, lines);
    }

    it('opens the bundle, and is not shown', async () => {
      const shown = await typed('correct horse 7\r', 'correct horse 7\r');
      assert.match(shown, /Passphrase of the bundle: \r\nOnce more: \r\n/);
      assert.match(shown, /"passphrase": null/);
      assert.match(shown, /ended 0$/);
      assert.doesNotMatch(shown, /correct/);
      await keytool(['-list', '-keystore', relay.path('typed.p12')], 'correct horse 7');
    });

    it('is asked for twice, must be ASCII, and may be given up', async () => {
      for (const [lines, what] of [
        [['correct horse 7\r', 'correct horse 8\r'], /the two passphrases differ/],
        [['pässwört€ 1\r', 'pässwört€ 1\r'], /other than ASCII/],
        [['\r', '\r'], /the passphrase has 0 characters/],
        [['corr\u0003'], /nothing was entered/],
      ] as const) {
        const shown = await typed(...lines);
        assert.match(shown, what);
        assert.match(shown, /ended 2$/);
      }
    });
  });

  describe('a key that is made by the command', () => {
    it('is in the bundle, and neither in the data directory nor in the memory of the relay', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'sealpost-away-'));
      try {
        const { pem } = await add('--pem', join(folder, 'a.pem'), '--p12', join(folder, 'a.p12'));
        const text = readFileSync(pem ?? '', 'utf8');
        const key = createPrivateKey(text);
        const secret = formsOf(key);
        assert.ok(found(secret, Buffer.from(text)), 'the bundle itself has it');

        const files = filesBelow(relay.directory);
        assert.ok(files.includes(relay.path('sealpost.db')));
        assert.deepEqual(
          files.filter((file) => found(secret, readFileSync(file))),
          [],
        );
        assert.equal(await inMemory(relay.pid, secret), false);

        // The search finds what is there: the public half in the ledger and in memory, and a key that lies about.
        const publicHalf = [Buffer.from(key.export({ format: 'jwk' })['x'] ?? '', 'base64url')];
        assert.ok(files.some((file) => found(publicHalf, readFileSync(file))));
        assert.equal(await inMemory(relay.pid, publicHalf), true);
        writeFileSync(relay.path('stray'), key.export({ format: 'der', type: 'pkcs8' }));
        assert.ok(found(secret, readFileSync(relay.path('stray'))));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });

    /** The private number as octets, both ways round (OpenSSL computes with the lowest first), as text, and as it stands in a PEM. */
    function formsOf(key: KeyObject): Buffer[] {
      const number = Buffer.from(key.export({ format: 'jwk' })['d'] ?? '', 'base64url');
      assert.equal(number.length, 32);
      const body = key.export({ format: 'pem', type: 'pkcs8' }).split('\n')[1] ?? '';
      return [
        number,
        Buffer.from(number.toString('hex')),
        Buffer.from(number.toString('base64url')),
        Buffer.from(body),
      ];
    }
  });
});

function found(needles: readonly Buffer[], hay: Buffer): boolean {
  return needles.some((needle) => hay.includes(needle));
}

/** Plain files; with the database's write-ahead log. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Whether a process has it in memory that it may write. */
async function inMemory(pid: number, needles: readonly Buffer[]): Promise<boolean> {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const part = Buffer.alloc(8 * 1_048_576);
  try {
    for (const [, from = '', to = ''] of readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(
      /^([0-9a-f]+)-([0-9a-f]+) rw/gm,
    )) {
      const end = Number.parseInt(to, 16);
      // Parts overlap, so that nothing is missed where they meet.
      for (let at = Number.parseInt(from, 16); at < end; at += part.length - 128) {
        const length = readPart(memory, part, at, end);
        if (found(needles, part.subarray(0, length))) return true;
      }
      await new Promise(setImmediate);
    }
    return false;
  } finally {
    closeSync(memory);
  }
}

/** Octets read; none where the kernel keeps the place to itself. */
function readPart(memory: number, part: Buffer, at: number, end: number): number {
  try {
    return readSync(memory, part, 0, Math.min(part.length, end - at), at);
  } catch {
    return 0;
  }
}
