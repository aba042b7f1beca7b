/**
 * Who has the CA's keys, looked at as an intruder or a debugger would: the relay never, its signer while it works, and
 * nobody who is not told the passphrase. Real processes, OpenSSL, and another user for the signer.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createPrivateKey, randomUUID, X509Certificate, type KeyObject } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createAuthority } from '../../src/ca/setup.ts';
import { systemRandom } from '../../src/platform/process/random.ts';
import { makeRequest } from './authority.ts';
import { formsIn, formsOf, searchMemory, textForms } from './memory.ts';
import { letter } from './message.ts';
import { freePort } from './port.ts';
import { missing, mustRun, rootMissing, run, type Ran } from './program.ts';
import { HOSTNAME, Relay, SEALPOST, until } from './relay.ts';
import { onTerminal } from './typist.ts';
import { Sink } from './sink.ts';
import { Talk, tlsOptions } from './talk.ts';

const PASSPHRASE = 'seven grey geese in a row';
const WRONG = 'seven grey geese in a bow';

const skip = missing('openssl', 'sh') || (process.platform === 'linux' ? false : 'looks into /proc');

/** A command with a passphrase on descriptor 3, and perhaps another on 4. */
function withPassphrases(relay: Relay, words: readonly string[], ...passphrases: readonly string[]): Promise<Ran> {
  const files = passphrases.map((passphrase, index) => {
    const file = relay.path(`passphrase.${index}`);
    writeFileSync(file, `${passphrase}\n`, { mode: 0o600 });
    return `${index + 3}<"${file}"`;
  });
  return run('sh', ['-c', `exec "$0" "$@" ${files.join(' ')}`, SEALPOST, ...words, '-d', relay.directory], {
    cwd: relay.directory,
  });
}

async function must(ran: Promise<Ran>): Promise<string> {
  const { code, output } = await ran;
  assert.equal(code, 0, output);
  return output;
}

const lock = (relay: Relay): Promise<string> =>
  must(withPassphrases(relay, ['ca', 'lock', '--passphrase-fd', '3'], PASSPHRASE));

/** A holder whose key is made by OpenSSL: only the request comes to the relay. */
async function addByRequest(relay: Relay, name: string): Promise<Ran> {
  const { request } = await makeRequest(relay.directory, name, `/CN=${name}`);
  return await relay.tryCli('add', `${name}@example.net`, '--csr', request, '--pem', relay.path(`${name}.pem`));
}

function keyIn(path: string): KeyObject {
  return createPrivateKey(readFileSync(path));
}

/** The processes that a process has started. */
function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  );
}

/** What the descriptors of a process lead to. */
function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/** Sockets of the process that listen, by the kernel's tables. */
function listening(pid: number): string[] {
  const inodes = new Set(openFiles(pid).flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
  const tables = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'latin1')
      .split('\n')
      .slice(1)
      .filter((line) => inodes.has(line.trim().split(/\s+/)[9] ?? '')),
  );
  // __SO_ACCEPTCON in the flags of unix(7).
  const unix = readFileSync(`/proc/${pid}/net/unix`, 'latin1')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , flags = '0', , , inode = '']) => inodes.has(inode) && (Number.parseInt(flags, 16) & 0x10000) !== 0);
  return [...tables, ...unix.map((fields) => fields.join(' '))];
}

describe('the running relay', { skip }, () => {
  test('never has a key of the CA in its memory, heap or descriptors', { timeout: 120_000 }, async (t) => {
    const snapshots = mkdtempSync(join(tmpdir(), 'sealpost-heap-'));
    await using relay = await Relay.start(await freePort(), {}, () => {}, {
      env: { NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${snapshots}` },
    });
    try {
      const [issuing, root, server] = ['ca/issuing.key', 'ca/root.key', 'tls/server.key'].map((path) =>
        formsOf(keyIn(relay.path(path))),
      ) as [ReturnType<typeof formsOf>, ReturnType<typeof formsOf>, ReturnType<typeof formsOf>];
      for (const name of ['ada', 'ben', 'cyd']) assert.equal((await addByRequest(relay, name)).code, 0);
      await relay.add('dan@example.net');
      await relay.cli('revoke', 'ada@example.net');
      await relay.cli('ca', 'show');

      const [signer, ...others] = childrenOf(relay.pid);
      assert.ok(signer !== undefined && others.length === 0, 'one signer, which has just worked');
      const inSigner = await searchMemory(signer, { issuing, root });
      assert.notDeepEqual(inSigner.found['issuing'], [], 'the search finds the key where it is');
      assert.deepEqual(inSigner.found['root'], []);
      assert.deepEqual(listening(signer), []);

      const inRelay = await searchMemory(relay.pid, { server, issuing, root });
      assert.notDeepEqual(inRelay.found['server'], [], "the search finds the server's key, which the relay has");
      assert.deepEqual([inRelay.found['issuing'], inRelay.found['root']], [[], []]);
      t.diagnostic(
        `looked at ${Math.round(inRelay.size / 1_048_576)} MB of the relay, found the server's key as ${inRelay.found['server']?.join('; ')}; ` +
          `issuing key in the signer as ${inSigner.found['issuing']?.join('; ')}`,
      );

      assert.deepEqual(
        openFiles(relay.pid).filter((path) => path.endsWith('.key')),
        [],
      );
      assert.notDeepEqual(listening(relay.pid), [], 'the search sees who listens');

      process.kill(relay.pid, 'SIGUSR2');
      await until('the snapshot is written', () => snapshotIn(snapshots) !== undefined, 60_000);
      const heap = readFileSync(snapshotIn(snapshots) ?? '');
      assert.ok(heap.includes('relay.example.net'), 'the snapshot is one of the relay');
      assert.deepEqual(formsIn(heap, issuing), []);
      assert.deepEqual(formsIn(heap, root), []);
    } finally {
      rmSync(snapshots, { recursive: true });
    }
  });

  test(
    'that makes its own directory (start --create) has it made by another process',
    { timeout: 120_000, skip: rootMissing() || missing('unshare') },
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'sealpost-create-'));
      // A network of its own: the usual ports are taken there, and nobody else's.
      const child = spawn('unshare', ['--net', SEALPOST, 'start', '--create', '-d', directory], { stdio: 'ignore' });
      const ended = new Promise((resolve) => child.once('close', resolve));
      try {
        await until('it runs', () => existsSync(join(directory, 'control.sock')), 20_000);
        await mustRun(SEALPOST, ['status', '-d', directory]);
        const pid = child.pid ?? 0;
        assert.match(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), /start\0--create/, 'the relay itself');
        const keys = ['tls/server.key', 'ca/issuing.key', 'ca/root.key'].map(
          (key) => [key, formsOf(keyIn(join(directory, key)))] as const,
        );
        const { found } = await searchMemory(pid, Object.fromEntries(keys));
        assert.notDeepEqual(found['tls/server.key'], []);
        assert.deepEqual([found['ca/issuing.key'], found['ca/root.key']], [[], []]);
      } finally {
        child.kill('SIGKILL');
        await ended;
        rmSync(directory, { recursive: true });
      }
    },
  );
});

/** The file, once it is whole: a snapshot is JSON. */
function snapshotIn(directory: string): string | undefined {
  const [name] = readdirSync(directory).filter((file) => file.endsWith('.heapsnapshot'));
  if (name === undefined) return undefined;
  const path = join(directory, name);
  return readFileSync(path).subarray(-64).toString('latin1').trimEnd().endsWith('}') ? path : undefined;
}

describe('a locked issuing key', { skip }, () => {
  test(
    'is unlocked for the running relay, which carries the passphrase and cannot read it',
    { timeout: 120_000 },
    async () => {
      await using relay = await Relay.start(await freePort());
      assert.match(await lock(relay), /ca\/issuing\.key, ca\/root\.key/);
      for (const key of ['ca/issuing.key', 'ca/root.key']) {
        assert.match(readFileSync(relay.path(key), 'latin1'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
        assert.equal(statSync(relay.path(key)).mode & 0o777, 0o600);
        await mustRun('openssl', ['pkey', '-in', relay.path(key), '-passin', `pass:${PASSPHRASE}`, '-noout']);
        assert.notEqual(
          (await run('openssl', ['pkey', '-in', relay.path(key), '-passin', `pass:${WRONG}`, '-noout'])).code,
          0,
        );
        const structure = await mustRun('openssl', ['asn1parse', '-in', relay.path(key)]);
        assert.match(
          structure,
          /:PBES2\n[^]*:PBKDF2\n[^]*INTEGER +:0927C0\n[^]*:hmacWithSHA256\n[^]*:aes-256-cbc\n/,
          structure,
        );
      }

      // The command that locked it told the signer, so the relay goes on.
      assert.equal((await addByRequest(relay, 'ada')).code, 0);
      assert.match(await relay.cli('ca', 'show'), /ca\/issuing\.key/);

      await relay.cli('ca', 'relock');
      const refused = await addByRequest(relay, 'ben');
      assert.equal(refused.code, 1);
      assert.match(refused.output, /locked with a passphrase; unlock it for the running relay: sealpost ca unlock/);
      const report = JSON.parse(await relay.cli('status', '--json')) as {
        readonly issuingKey: { readonly state: string };
      };
      assert.equal(report.issuingKey.state, 'locked');

      const wrong = await withPassphrases(relay, ['ca', 'unlock', '--ca-passphrase-fd', '3'], WRONG);
      assert.match(wrong.output, /the passphrase does not open the key/);
      assert.notEqual(wrong.code, 0);
      assert.match(await must(withPassphrases(relay, ['ca', 'unlock', '--ca-passphrase-fd', '3'], PASSPHRASE)), /./);
      assert.equal((await addByRequest(relay, 'ben')).code, 0);

      const [signer] = childrenOf(relay.pid);
      assert.ok(signer !== undefined);
      const secrets = { key: formsOf(unlocked(relay)), passphrase: textForms(Buffer.from(PASSPHRASE)) };
      assert.notDeepEqual((await searchMemory(signer, secrets)).found['key'], []);
      assert.deepEqual((await searchMemory(relay.pid, secrets)).found, { key: [], passphrase: [] });

      const log = await relay.cli('audit', 'list', '--json');
      assert.match(log, /"unlocked"/);
      assert.doesNotMatch(log + relay.noise + JSON.stringify(relay.log), /grey geese/);
    },
  );

  test('opens at the start with a descriptor; a wrong passphrase stops no mail', { timeout: 120_000 }, async () => {
    await using sink = await Sink.open();
    await using relay = await Relay.start(sink.port);
    await lock(relay);
    await relay.stop();
    await relay.begin({ passphrase: PASSPHRASE });
    assert.equal((await addByRequest(relay, 'ada')).code, 0);
    const passphrase = textForms(Buffer.from(PASSPHRASE));
    assert.deepEqual((await searchMemory(relay.pid, { passphrase })).found, { passphrase: [] });
    await relay.stop();

    const from = relay.log.length;
    await relay.begin({ passphrase: WRONG });
    const told = await relay.event(
      ({ event, detail }) => event === 'trouble' && /does not open the key/.test(String(detail)),
      10_000,
      from,
    );
    assert.equal(told['where'], 'certificate authority');
    await carries(relay, sink, 'ada');
    assert.equal((await addByRequest(relay, 'ben')).code, 1);
    await carries(relay, sink, 'ada');
    await relay.stop();

    // Commands on a relay that is stopped ask by themselves, and there is no terminal here.
    const offline = await addByRequest(relay, 'cyd');
    assert.equal(offline.code, 1);
    assert.match(offline.output, /locked with a passphrase/);
    await must(withPassphrases(relay, ['ca', 'lock', '--remove', '--ca-passphrase-fd', '3'], PASSPHRASE));
    assert.equal((await addByRequest(relay, 'cyd')).code, 0);
  });

  test(
    'is locked and unlocked on a terminal, which shows nothing of it',
    { timeout: 120_000, skip: missing('python3') },
    async () => {
      await using relay = await Relay.start(await freePort());
      const command = (...words: readonly string[]): string[] => [SEALPOST, ...words, '-d', relay.directory];
      const enter = (text: string): string => `${text}\r`;
      const locked = await onTerminal(command('ca', 'lock'), [enter(PASSPHRASE), enter(PASSPHRASE)]);
      assert.match(locked, /ended 0$/, locked);
      for (const [words, lines] of [
        [
          ['ca', 'lock'],
          [enter('short'), enter('short')],
        ],
        [
          ['ca', 'lock'],
          [enter(PASSPHRASE), enter(WRONG)],
        ],
      ] as const)
        assert.match(await onTerminal(command(...words), lines), /ended 2$/);

      await relay.cli('ca', 'relock');
      const wrong = await onTerminal(command('ca', 'unlock'), [enter(WRONG)]);
      assert.match(wrong, /the passphrase does not open the key[^]*ended (?!0)\d+$/);
      const right = await onTerminal(command('ca', 'unlock'), [enter(PASSPHRASE)]);
      assert.match(right, /ended 0$/, right);
      assert.equal((await addByRequest(relay, 'ada')).code, 0);

      // A relay that is stopped: the command asks, and again after a wrong answer.
      await relay.stop();
      const { request } = await makeRequest(relay.directory, 'ben', '/CN=ben');
      const add = command('add', 'ben@example.net', '--csr', request, '--pem', relay.path('ben.pem'));
      const asked = await onTerminal(add, [enter(WRONG), enter(PASSPHRASE)]);
      assert.match(asked, /ended 0$/, asked);
      for (const shown of [locked, wrong, right, asked]) assert.doesNotMatch(shown, /grey geese/);
    },
  );
});

/** A holder's mail is taken, and goes on. */
async function carries(relay: Relay, sink: Sink, name: string): Promise<void> {
  const identity = { certificate: relay.path(`${name}.pem`), key: relay.path(`${name}.key`) };
  using talk = await Talk.secure(relay.port('submissions'), tlsOptions(relay.root, identity));
  await talk.greet();
  const marker = randomUUID();
  assert.match(await talk.message(letter(marker), 'bob@outside.example', `${name}@example.net`), /^250 /);
  assert.match((await sink.message(marker)).text, /verify=OK/);
}

function unlocked(relay: Relay): KeyObject {
  return createPrivateKey({ key: readFileSync(relay.path('ca/issuing.key')), passphrase: PASSPHRASE });
}

describe('the root key', { skip }, () => {
  test('is exported, forgotten, and renews the issuing certificate from its file', { timeout: 120_000 }, async () => {
    await using relay = await oldRelay();
    const file = relay.path('root.pem');
    const early = await relay.tryCli('ca', 'root', 'forget', '--exported', relay.path('ca/root.key'));
    assert.equal(early.code, 4, early.output);
    assert.match(early.output, /never exported/);

    const { passphrase } = JSON.parse(await relay.cli('ca', 'root', 'export', file, '--json')) as {
      readonly passphrase: string;
    };
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await mustRun('openssl', ['pkey', '-in', file, '-passin', `pass:${passphrase}`, '-noout']);
    assert.equal(
      new X509Certificate(readFileSync(file)).fingerprint256,
      new X509Certificate(readFileSync(relay.root)).fingerprint256,
    );
    assert.notEqual((await relay.tryCli('ca', 'root', 'export', file)).code, 0, 'a file that is there stays');

    const forget = ['ca', 'root', 'forget', '--exported', file, '--ca-passphrase-fd', '3'];
    const wrong = await withPassphrases(relay, forget, WRONG);
    assert.match(wrong.output, /root\.pem: the passphrase does not open the key/);
    assert.ok(existsSync(relay.path('ca/root.key')));
    await must(withPassphrases(relay, forget, passphrase));
    assert.ok(!existsSync(relay.path('ca/root.key')));
    assert.match(await relay.cli('audit', 'list', '--json'), /root-exported[^]*root-forgotten/);
    await relay.cli('audit', 'verify');

    // Everything but the renewal goes on without it.
    assert.equal((await addByRequest(relay, 'ada')).code, 0);
    await relay.cli('revoke', 'ada@example.net');
    await relay.stop();
    await relay.begin();
    const without = await relay.tryCli('ca', 'renew');
    assert.equal(without.code, 3);
    assert.match(without.output, /ca\/root\.key is not here; .*--root FILE/);

    const before = new X509Certificate(readFileSync(relay.path('ca/issuing.crt')));
    assert.equal((await addByRequest(relay, 'ben')).code, 0);
    const open = await tls(relay);
    const renew = ['ca', 'renew', '--root', file, '--ca-passphrase-fd', '3'];
    await must(withPassphrases(relay, renew, passphrase));
    const renewed = new X509Certificate(readFileSync(relay.path('ca/issuing.crt')));
    assert.equal(renewed.subject, before.subject);
    assert.ok(renewed.publicKey.equals(before.publicKey));
    assert.notEqual(renewed.serialNumber, before.serialNumber);
    assert.ok(new Date(renewed.validTo) > new Date(before.validTo));

    await until('the new chain is shown', async () => {
      const socket = await tls(relay);
      const shown = socket.getPeerCertificate(true).issuerCertificate.serialNumber;
      socket.destroy();
      return shown === renewed.serialNumber;
    });
    assert.equal(await quit(open), '221', 'the connection from before goes on');
    assert.equal((await addByRequest(relay, 'cyd')).code, 0);

    // What was issued before and after stays good, for a verifier that has the new certificate and asks every CRL.
    const crls = relay.path('all.crl');
    writeFileSync(
      crls,
      ['ca/crl.pem', 'ca/root-crl.pem'].map((path) => readFileSync(relay.path(path), 'latin1')).join(''),
    );
    for (const [name, code] of [
      ['ada', 2],
      ['ben', 0],
      ['cyd', 0],
    ] as const) {
      const leaf = relay.path(`${name}.leaf`);
      writeFileSync(
        leaf,
        /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(
          readFileSync(relay.path(`${name}.pem`), 'latin1'),
        )?.[0] ?? '',
      );
      const verified = await run('openssl', [
        ['verify', '-crl_check_all', '-CRLfile', crls, '-CAfile', relay.root],
        ['-untrusted', relay.path('ca/issuing.crt'), leaf],
      ]);
      assert.equal(verified.code, code, `${name}: ${verified.output}`);
    }
    const again = await withPassphrases(relay, renew, passphrase);
    assert.equal(again.code, 4);
    assert.match(again.output, /less than a day ago/);
  });
});

const YEAR = 365.25 * 86_400_000;

/** A relay whose CA was made five years ago. */
async function oldRelay(): Promise<Relay> {
  const at = Date.now() - 5 * YEAR;
  return await Relay.takeOver(await freePort(), async (directory) => {
    mkdirSync(join(directory, 'ca'), { mode: 0o700 });
    const { files } = createAuthority(
      systemRandom(),
      { now: () => at, monotonic: () => 0, after: () => () => {} },
      HOSTNAME,
    );
    for (const { path, bytes, mode } of files)
      writeFileSync(join(directory, path), bytes, { mode: mode === 'secret' ? 0o600 : 0o644 });
    await mustRun(SEALPOST, ['init', '-d', directory, '--hostname', HOSTNAME]);
  });
}

/** A TLS connection whose greeting has come. */
async function tls(relay: Relay): Promise<TLSSocket> {
  const socket = connectTls({
    port: relay.port('submissions'),
    host: '127.0.0.1',
    servername: HOSTNAME,
    ca: readFileSync(relay.root),
  });
  await new Promise<void>((resolve, reject) => socket.once('data', () => resolve()).once('error', reject));
  return socket;
}

async function quit(socket: TLSSocket): Promise<string> {
  socket.write('QUIT\r\n');
  const reply = await new Promise<Buffer>((resolve, reject) => socket.once('data', resolve).once('error', reject));
  socket.destroy();
  return reply.subarray(0, 3).toString('latin1');
}

/** Two numbers of users that nobody has a name for. */
const [RELAY, SIGNER] = [61_001, 61_002];

describe('a signer that is another user', { skip: skip || rootMissing() || othersMayNotRun() }, () => {
  test('issues for a relay that cannot read the key', { timeout: 120_000 }, async () => {
    const runtime = mkdtempSync(join(tmpdir(), 'sealpost-run-'));
    chmodSync(runtime, 0o755);
    const path = join(runtime, 'signer.sock');
    let acceptor: Acceptor | undefined;
    await using relay = await Relay.start(
      await freePort(),
      { ca: { signer: path } },
      async (directory) => {
        for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' }))
          chownSync(join(directory, file), RELAY, RELAY);
        chownSync(directory, RELAY, RELAY);
        chownSync(join(directory, 'ca/issuing.key'), SIGNER, SIGNER);
        // systemd shows the signer its files in a place of their own; here it has to walk to them.
        for (const folder of [directory, join(directory, 'ca')]) chmodSync(folder, 0o711);
        rmSync(join(directory, 'ca/root.key'));
        acceptor = await Acceptor.open(path, directory);
      },
      { uid: RELAY },
    );
    try {
      const denied = await run('setpriv', [
        [`--reuid=${RELAY}`, `--regid=${RELAY}`, '--clear-groups', 'cat', relay.path('ca/issuing.key')],
      ]);
      assert.match(denied.output, /Permission denied/);
      assert.match(
        readFileSync(`/proc/${relay.pid}/status`, 'latin1'),
        new RegExp(`^Uid:\\t${RELAY}\\t${RELAY}\\t`, 'm'),
      );

      assert.equal((await addByRequest(relay, 'ada')).code, 0);
      assert.deepEqual(childrenOf(relay.pid), [], 'no signer of its own');
      assert.equal(acceptor?.signers.length, 1, 'one connection for all');
      const [signer = 0] = acceptor?.signers ?? [];
      assert.match(readFileSync(`/proc/${signer}/status`, 'latin1'), new RegExp(`^Uid:\\t${SIGNER}\\t`, 'm'));
      assert.match(readFileSync(`/proc/${signer}/cmdline`, 'latin1'), /--permission\0/);
      assert.equal(readFileSync(`/proc/${signer}/environ`, 'latin1'), '');
      assert.deepEqual(listening(signer), []);
      assert.match(await relay.cli('ca', 'show'), /signer\.sock/);

      // Locked by root, whose file it stays not; and the signer of another user is unlocked the same way.
      await lock(relay);
      assert.equal(statSync(relay.path('ca/issuing.key')).uid, SIGNER);
      assert.equal((await addByRequest(relay, 'ben')).code, 0);

      await acceptor?.close();
      const gone = await addByRequest(relay, 'cyd');
      assert.equal(gone.code, 1);
      assert.match(gone.output, /the signer cannot be reached at .*signer\.sock \(ca\.signer\)/);
      assert.equal((await relay.status()).listeners.length > 0, true);
    } finally {
      await acceptor?.close();
      rmSync(runtime, { recursive: true });
    }
  });
});

/** What systemd does for a socket with Accept=yes: a process for each connection, with the connection as its input and output. */
class Acceptor {
  readonly signers: number[] = [];
  readonly #children = new Set<ChildProcess>();
  readonly #server: Server;

  private constructor(path: string, directory: string) {
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      const child = spawn(SEALPOST, ['ca', 'signer', '-d', directory], {
        stdio: [socket, socket, 'inherit'],
        uid: SIGNER,
        gid: SIGNER,
      });
      this.#children.add(child);
      if (child.pid !== undefined) this.signers.push(child.pid);
      child.once('close', () => this.#children.delete(child));
      socket.destroy();
    });
    this.#server.listen(path);
  }

  static async open(path: string, directory: string): Promise<Acceptor> {
    const acceptor = new Acceptor(path, directory);
    await new Promise((resolve) => acceptor.#server.once('listening', resolve));
    chownSync(path, RELAY, RELAY);
    chmodSync(path, 0o600);
    return acceptor;
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The program must be somewhere where others may read it. */
function othersMayNotRun(): string | false {
  for (const path of [SEALPOST, process.execPath]) {
    const parts = path.split('/');
    for (let length = 2; length <= parts.length; length++) {
      const at = parts.slice(0, length).join('/');
      if ((statSync(at).mode & 0o5) !== 0o5) return `${at} is closed to other users`;
    }
  }
  return false;
}
