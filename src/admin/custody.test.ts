import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { fakeClock, type FakeClock } from '../../test/fakes/clock.ts';
import { namesIn } from '../../test/fakes/folder.ts';
import { inFolder, missing, run } from '../../test/fakes/outside.ts';
import { seededRandom } from '../../test/fakes/random.ts';
import { latin1, utf8 } from '../base/bytes.ts';
import type { AuditEntry } from '../ca/audit.ts';
import { isLocked, openKey } from '../ca/encrypted-key.ts';
import { makeKey } from '../ca/keys.ts';
import { authorityFiles, createAuthority, keyFile } from '../ca/setup.ts';
import { parseConfig } from '../config/load.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import { memoryLedger } from '../storage/memory/ledger.ts';
import {
  exportRoot,
  forgetRoot,
  lockKeys,
  renewAuthority,
  unlockKeys,
  type AskPassphrase,
  type CustodyContext,
} from './custody.ts';
import { OperationError } from './errors.ts';

const DAY = 86_400_000;
const { issuingKey, rootKey, issuingCertificate, rootCertificate, rootCrl, serverCertificate } = authorityFiles;

interface Bench {
  readonly context: CustodyContext;
  readonly clock: FakeClock;
  readonly files: Map<string, Uint8Array>;
  readonly log: () => AuditEntry[];
  /** The write of this number, counted from now, fails for want of room; undefined: none. */
  fillDisk(write: number | undefined): void;
}

/** A new authority on files in memory. */
function bench(): Bench {
  const clock = fakeClock();
  const random = seededRandom(7);
  const made = createAuthority(random, clock, 'relay.example.net');
  const files = new Map<string, Uint8Array>(made.files.map(({ path, bytes }) => [path, bytes]));
  // As the server's certificate is written: itself, and the issuing CA.
  const chain = [made.root, made.issuing].map((der) => new X509Certificate(der).toString());
  files.set(serverCertificate, utf8(chain.join('')));
  const { config } = parseConfig('hostname: relay.example.net\n', 'test');
  assert.ok(config !== undefined);
  let writes = 0;
  let full: number | undefined;
  const ledger = memoryLedger();
  const context: CustodyContext = {
    actor: 'cli:root',
    clock,
    random,
    config,
    ledger,
    files: {
      read: async (path) => {
        const bytes = files.get(path);
        if (bytes === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
        return bytes;
      },
      write: async (path, bytes) => {
        writes++;
        if (writes === full) throw Object.assign(new Error(`${path}: no space left on device`), { code: 'ENOSPC' });
        files.set(path, bytes);
      },
      has: async (path) => files.has(path),
      list: async (path) => namesIn(files.keys(), path),
      remove: async (path) => void files.delete(path),
      erase: async (path) => void files.delete(path),
    },
  };
  return {
    context,
    clock,
    files,
    log: () => ledger.audit(0, 1_000),
    fillDisk(write) {
      writes = 0;
      full = write;
    },
  };
}

const nobody: AskPassphrase = () => Promise.reject(new Error('nobody should be asked'));

/** Answers one after the other, and then gives up; counts the questions. */
function answers(...passphrases: readonly string[]): AskPassphrase & { asked: number } {
  const ask = Object.assign((): Promise<string | undefined> => Promise.resolve(passphrases[ask.asked++]), { asked: 0 });
  return ask;
}

function fileOf(b: Bench, path: string): Uint8Array {
  const bytes = b.files.get(path);
  assert.ok(bytes !== undefined, path);
  return bytes;
}

/** An OperationError of the kind, whose words are these. */
function operationError(kind: string, words: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof OperationError, String(error));
    assert.equal(error.kind, kind);
    assert.match(`${error.message}; ${error.hint}`, words);
    return true;
  };
}

describe('locking the keys', () => {
  test('puts both under the passphrase, changes it, and takes it away; all of it in the log', async () => {
    const b = bench();
    const keys = [issuingKey, rootKey].map((path) => openKey(fileOf(b, path)));
    assert.deepEqual((await lockKeys(b.context, 'first passphrase', nobody)).changed, [issuingKey, rootKey]);
    for (const [index, path] of [issuingKey, rootKey].entries()) {
      assert.equal(isLocked(fileOf(b, path)), true);
      assert.ok(openKey(fileOf(b, path), 'first passphrase').equals(keys[index] ?? assert.fail()));
      assert.throws(() => openKey(fileOf(b, path)), /locked/);
      assert.throws(() => openKey(fileOf(b, path), 'other passphrase'), { kind: 'wrong-passphrase' });
    }
    assert.deepEqual((await lockKeys(b.context, 'first passphrase', nobody)).changed, [], 'locked with it already');

    await assert.rejects(
      lockKeys(b.context, 'second passphrase', answers('wrong', 'wrong too')),
      operationError('failed', /ca\/issuing\.key: the passphrase does not open the key/),
    );
    const ask = answers('wrong', 'first passphrase', 'first passphrase');
    await lockKeys(b.context, 'second passphrase', ask);
    assert.equal(ask.asked, 3);
    await unlockKeys(b.context, answers('second passphrase', 'second passphrase'));
    assert.ok(openKey(fileOf(b, issuingKey)).equals(keys[0] ?? assert.fail()));
    assert.deepEqual((await unlockKeys(b.context, nobody)).changed, []);
    assert.deepEqual(
      b.log().map(({ action, by }) => `${action} ${by}`),
      ['locked cli:root', 'locked cli:root', 'unlocked cli:root'],
    );
  });

  test('OpenSSL opens what was locked, and no salt comes twice', { skip: missing('openssl') }, async () => {
    const b = bench();
    await lockKeys(b.context, 'first passphrase', nobody);
    assert.notDeepEqual(fileOf(b, issuingKey).subarray(0, 120), fileOf(b, rootKey).subarray(0, 120));
    await inFolder((folder) => {
      const path = folder.put('key.pem', fileOf(b, issuingKey));
      const opened = run('openssl', ['pkey', '-in', path, '-passin', 'pass:first passphrase', '-pubout']);
      const own = createPrivateKey({ key: Buffer.from(fileOf(b, issuingKey)), passphrase: 'first passphrase' });
      assert.equal(opened.code, 0, opened.text);
      assert.ok(createPublicKey(opened.text).equals(createPublicKey(own)));
      // And what OpenSSL has locked is opened here.
      const theirs = run('openssl', [
        'pkcs8',
        '-topk8',
        '-v2',
        'aes-256-cbc',
        '-scrypt',
        '-in',
        path,
        '-passin',
        'pass:first passphrase',
        '-passout',
        'pass:theirs',
      ]);
      assert.ok(openKey(utf8(theirs.text), 'theirs').equals(own));
    });
  });

  test('a full disk leaves keys that open, and the same command again completes it', async () => {
    for (const write of [1, 2]) {
      const b = bench();
      b.fillDisk(write);
      await assert.rejects(lockKeys(b.context, 'first passphrase', nobody), /no space left/);
      for (const path of [issuingKey, rootKey]) assert.ok(openKey(fileOf(b, path), 'first passphrase'));
      assert.deepEqual(b.log(), []);
      b.fillDisk(undefined);
      await lockKeys(b.context, 'first passphrase', nobody);
      for (const path of [issuingKey, rootKey]) assert.equal(isLocked(fileOf(b, path)), true);
    }
  });

  test('a key that is missing or none is told with its file, and nothing is changed', async () => {
    const b = bench();
    const root = fileOf(b, rootKey);
    b.files.set(issuingKey, utf8('no key'));
    await assert.rejects(
      lockKeys(b.context, 'first passphrase', nobody),
      operationError('failed', /ca\/issuing\.key: holds no private key in PEM that can be read; restore it/),
    );
    b.files.delete(issuingKey);
    await assert.rejects(
      lockKeys(b.context, 'first passphrase', nobody),
      operationError('failed', /ca\/issuing\.key: no such file; restore it/),
    );
    assert.equal(fileOf(b, rootKey), root);
  });
});

describe('the root key', () => {
  /** An export into memory. */
  const place = (kept: { bytes: Uint8Array }, damage = (bytes: Uint8Array): Uint8Array => bytes) => ({
    file: '/media/root.pem',
    passphrase: undefined,
    place: async (bytes: Uint8Array): Promise<Uint8Array> => (kept.bytes = damage(bytes)),
  });

  test('is forgotten only when its export was verified and opens', async () => {
    const b = bench();
    const kept = { bytes: new Uint8Array(0) };
    const file = (): { readonly file: string; readonly bytes: Uint8Array } => ({ file: 'root.pem', bytes: kept.bytes });
    await assert.rejects(
      forgetRoot(b.context, file(), nobody),
      operationError('conflict', /never exported.*root export/),
    );

    const half = exportRoot(
      b.context,
      place(kept, (bytes) => bytes.subarray(0, 200)),
      nobody,
    );
    await assert.rejects(half, operationError('failed', /cannot be opened.*another disk/));
    await assert.rejects(forgetRoot(b.context, file(), nobody), operationError('conflict', /never exported/));

    const { passphrase = '' } = await exportRoot(b.context, place(kept), nobody);
    assert.match(passphrase, /^(?:[a-z2-9]{4}-){5}[a-z2-9]{4}$/);
    assert.ok(!latin1(kept.bytes).includes(passphrase));
    await assert.rejects(
      forgetRoot(b.context, file(), answers('no')),
      operationError('failed', /root\.pem: the passphrase does not open/),
    );
    await assert.rejects(
      forgetRoot(b.context, { file: 'other.pem', bytes: keyFile(makeKey().privateKey) }, nobody),
      operationError('failed', /other\.pem: holds a key that is not that of the root certificate/),
    );
    await assert.rejects(
      forgetRoot(b.context, { file: 'x', bytes: utf8('nothing') }, nobody),
      operationError('failed', /x: holds no private key/),
    );
    assert.ok(b.files.has(rootKey));
    assert.deepEqual(await forgetRoot(b.context, file(), answers(passphrase)), { removed: true });
    assert.ok(!b.files.has(rootKey));
    assert.deepEqual(await forgetRoot(b.context, file(), answers(passphrase)), { removed: false });
    assert.deepEqual(
      b.log().map(({ action }) => action),
      ['root-exported', 'root-forgotten'],
    );
    assert.ok(b.log().every(({ detail }) => !detail.includes(passphrase)));
  });
});

describe('renewing the issuing certificate', () => {
  test('keeps name, key and extensions; the chain of the server and the CRL of the root follow', async () => {
    const b = bench();
    const before = parseCertificate(decodePem(latin1(fileOf(b, issuingCertificate)))[0]?.der ?? assert.fail());
    await assert.rejects(
      renewAuthority(b.context, undefined, nobody),
      operationError('conflict', /renewed less than a day ago/),
    );
    await b.clock.advance(5 * 365 * DAY);
    const renewed = await renewAuthority(b.context, undefined, nobody);
    assert.deepEqual(renewed.written, [rootCrl, serverCertificate, issuingCertificate]);
    const der = decodePem(latin1(fileOf(b, issuingCertificate)))[0]?.der ?? assert.fail();
    const after = parseCertificate(der);
    assert.ok(before !== undefined && after !== undefined);
    const { serial: _before, notBefore: _from, notAfter: ends, ...kept } = before;
    const { serial: _after, notBefore: _since, notAfter, ...now } = after;
    assert.deepEqual(now, kept);
    assert.equal(notAfter, renewed.notAfter);
    assert.ok(notAfter - ends > 4 * 365 * DAY);
    const root = new X509Certificate(fileOf(b, rootCertificate));
    assert.ok(new X509Certificate(der).verify(root.publicKey));
    const chain = decodePem(latin1(fileOf(b, serverCertificate)));
    assert.deepEqual(chain[1]?.der, der);
    assert.equal(chain.length, 2);
    assert.equal(b.log().at(-1)?.action, 'ca-renewed');
  });

  test('a full disk at any write leaves certificates that are good, and the command can be given again', async () => {
    for (const write of [1, 2, 3]) {
      const b = bench();
      await b.clock.advance(5 * 365 * DAY);
      const old = fileOf(b, issuingCertificate);
      b.fillDisk(write);
      await assert.rejects(renewAuthority(b.context, undefined, nobody), /no space left/);
      const root = new X509Certificate(fileOf(b, rootCertificate));
      for (const path of [issuingCertificate, serverCertificate])
        for (const { der } of decodePem(latin1(fileOf(b, path))))
          assert.ok(new X509Certificate(der).verify(root.publicKey), path);
      assert.equal(fileOf(b, issuingCertificate), old);
      b.fillDisk(undefined);
      assert.equal((await renewAuthority(b.context, undefined, nobody)).written.length, 3);
    }
  });

  test('another root, another key, a file that is no CA', async () => {
    const b = bench();
    await b.clock.advance(5 * 365 * DAY);
    b.files.set(rootKey, keyFile(makeKey().privateKey));
    await assert.rejects(
      renewAuthority(b.context, undefined, nobody),
      operationError('conflict', /the key is not that of the root certificate/),
    );
    b.files.delete(rootKey);
    await assert.rejects(renewAuthority(b.context, undefined, nobody), operationError('not-found', /--root FILE/));
    b.files.set(rootCertificate, utf8('no certificate'));
    await assert.rejects(
      renewAuthority(b.context, undefined, nobody),
      operationError('failed', /ca\/root\.crt: holds no CA certificate/),
    );
  });
});
