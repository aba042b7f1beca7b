/** What a relay that was taken over can get from its signer: whatever it writes, nothing but what a profile allows. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { testAuthority, type TestAuthority } from '../../test/fakes/authority.ts';
import { inFolder, missing, run } from '../../test/fakes/outside.ts';
import { utf8 } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import { usualTerms } from '../ca/authority.ts';
import { makeKey } from '../ca/keys.ts';
import { lockKey } from '../ca/encrypted-key.ts';
import { authorityFiles } from '../ca/setup.ts';
import { systemClock } from '../platform/process/clock.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { oids } from '../protocol/pki/oid.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import { encodeFrame, FrameReader, type SignerAnswer, type SignerCall } from './signer-frame.ts';
import { signerArguments } from './signer-link.ts';
import { makeSeal, sealTo } from './signer-seal.ts';

const DAY: Ms = 86_400_000;

/** A signer, and the other end of its pipes: nothing of our own client is in between. */
class Intruder implements AsyncDisposable {
  readonly authority: TestAuthority;
  readonly #child: ChildProcess;
  readonly #frames = new FrameReader();
  readonly #answers: SignerAnswer[] = [];
  readonly #ended: Promise<unknown>;
  #heard: () => void = () => {};
  #over = false;

  constructor(authority: TestAuthority, directory: string) {
    this.authority = authority;
    const child = spawn(process.execPath, signerArguments(directory), { stdio: 'pipe', env: {}, cwd: '/' });
    this.#child = child;
    child.stdin.on('error', () => {}); // the signer has ended meanwhile
    child.stdout.on('data', (bytes: Buffer) => {
      this.#answers.push(...(this.#frames.push(bytes) as SignerAnswer[]));
      this.#heard();
    });
    this.#ended = new Promise((resolve) =>
      child.once('close', () => {
        this.#over = true;
        this.#heard();
        resolve(undefined);
      }),
    );
  }

  write(bytes: Uint8Array): void {
    this.#child.stdin?.write(bytes);
  }

  /** Any value as a frame. */
  send(value: unknown): void {
    this.write(encodeFrame(value as SignerCall));
  }

  /** The next answer; undefined when the signer has ended. */
  async answer(): Promise<SignerAnswer | undefined> {
    while (this.#answers.length === 0 && !this.#over) await new Promise<void>((resolve) => (this.#heard = resolve));
    return this.#answers.shift();
  }

  async ask(value: unknown): Promise<SignerAnswer | undefined> {
    this.send(value);
    return await this.answer();
  }

  /** Asks for a certificate; `over` is laid over a request that is good. */
  async issue(over: Readonly<Record<string, unknown>>): Promise<SignerAnswer | undefined> {
    const request = { ...this.authority.request({ publicKey: makeKey().publicKey }), ...over };
    return await this.ask({ kind: 'issue', number: 1, request });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

async function intruding(
  act: (intruder: Intruder, directory: string) => Promise<void>,
  terms: unknown = usualTerms,
): Promise<void> {
  await inFolder(async (folder) => {
    const authority = testAuthority({ clock: systemClock() });
    mkdirSync(join(folder.path, 'ca'));
    for (const { path, bytes, mode } of authority.made.files)
      writeFileSync(join(folder.path, path), bytes, { mode: mode === 'secret' ? 0o600 : 0o644 });
    await using intruder = new Intruder(authority, folder.path);
    assert.equal((await intruder.ask({ kind: 'open', terms }))?.kind, 'opened');
    await act(intruder, folder.path);
  });
}

/** What was refused and why; fails when it was not. */
function refused(answer: SignerAnswer | undefined): string {
  assert.equal(answer?.kind, 'error', 'it was not refused');
  return answer.message;
}

function issued(answer: SignerAnswer | undefined): Uint8Array {
  assert.equal(answer?.kind, 'issued', answer?.kind === 'error' ? answer.message : '');
  return answer.issued.certificate;
}

describe('a signer whose client was taken over', () => {
  test('certifies no CA, no other purpose and no key of its own, whatever fields come along', async () => {
    await intruding(async (intruder) => {
      for (const profile of ['root', 'issuing', 'ca', '__proto__', 'constructor', ''])
        assert.match(refused(await intruder.issue({ profile })), /no profile/, profile);
      const certificate = issued(
        await intruder.issue({
          isCa: true,
          purposes: [oids.serverAuth, oids.ocspSigning],
          extensions: [{ type: oids.basicConstraints, value: 'MAMBAf8=' }],
          keyUsage: ['keyCertSign'],
          directory: '/etc',
        }),
      );
      const facts = parseCertificate(certificate);
      assert.equal(facts?.isCa, false);
      assert.deepEqual(facts?.extendedKeyUsage, [oids.clientAuth]);
      assert.equal(new X509Certificate(certificate).ca, false);
      const issuing = parseCertificate(intruder.authority.made.issuing);
      assert.match(refused(await intruder.issue({ publicKey: issuing?.publicKey })), /certifies the key of the CA/);
    });
  });

  test('does not follow a request that asks to be a CA', { skip: missing('openssl') }, async () => {
    await intruding(async (intruder, directory) => {
      const [key, csr] = [join(directory, 'evil.key'), join(directory, 'evil.csr')];
      const made = run('openssl', [
        'req',
        '-new',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        key,
        '-out',
        csr,
        '-subj',
        '/CN=evil',
        '-addext',
        'basicConstraints=critical,CA:TRUE',
        '-addext',
        'keyUsage=keyCertSign,cRLSign',
        '-addext',
        'extendedKeyUsage=serverAuth,OCSPSigning',
        '-addext',
        'subjectAltName=DNS:relay.example.net',
      ]);
      assert.equal(made.code, 0, made.text);
      const [request] = decodePem(run('cat', [csr]).text);
      const answer = await intruder.issue({ publicKey: undefined, csr: request?.der });
      const facts = parseCertificate(issued(answer));
      assert.equal(facts?.isCa, false);
      assert.deepEqual(facts?.extendedKeyUsage, [oids.clientAuth]);
      assert.deepEqual(facts?.dnsNames, []);
    });
  });

  test('keeps to the lives of profiles and to its own clock, whatever terms it was opened with', async () => {
    await intruding(
      async (intruder) => {
        const now = Date.now();
        assert.match(refused(await intruder.issue({ notAfter: now + 3_650 * DAY })), /lives longer/);
        const longest = parseCertificate(issued(await intruder.issue({})));
        assert.ok(
          (longest?.notAfter ?? 0) - (longest?.notBefore ?? 0) < 3_650 * DAY,
          'terms cannot lengthen without end',
        );
        assert.match(
          refused(await intruder.issue({ notBefore: now + 2 * DAY })),
          /more than a day after the signer's time/,
        );
        const crl = { number: 1, thisUpdate: now, nextUpdate: now + 3_650 * DAY, revoked: [] };
        assert.match(refused(await intruder.ask({ kind: 'crl', number: 1, request: crl })), /more than 100 days/);
        const later = { ...crl, thisUpdate: now + 300 * DAY, nextUpdate: now + 330 * DAY };
        assert.match(
          refused(await intruder.ask({ kind: 'crl', number: 1, request: later })),
          /after the signer's time/,
        );
      },
      { ...usualTerms, lifetimes: { person: 36_500 * DAY, server: 36_500 * DAY } },
    );
  });

  test('takes no more than a request has use for', async () => {
    await intruding(async (intruder) => {
      assert.match(refused(await intruder.issue({ csr: new Uint8Array(1_000_000) })), /more than 65536/);
      assert.match(refused(await intruder.issue({ holder: 'a'.repeat(1_000_000) })), /more than 4096/);
      assert.match(
        refused(await intruder.issue({ dnsNames: Array.from({ length: 100_000 }, () => 'a.example') })),
        /more than 256/,
      );
    });
    await intruding(async (intruder) => {
      intruder.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
      assert.match(refused(await intruder.answer()), /octets is more than/);
      assert.equal(await intruder.answer(), undefined, 'and ends');
    });
    await intruding(async (intruder) => {
      const nested = Buffer.from('['.repeat(1_000_000));
      const lengths = Buffer.alloc(8);
      lengths.writeUInt32BE(4 + nested.length);
      lengths.writeUInt32BE(nested.length, 4);
      intruder.write(Buffer.concat([lengths, nested]));
      assert.match(refused(await intruder.answer()), /stack|JSON/i);
      assert.equal(await intruder.answer(), undefined, 'and ends');
    });
  });

  test('is opened once, with its own files, and answers nothing before', async () => {
    await intruding(async (intruder) => {
      assert.match(refused(await intruder.ask({ kind: 'open', terms: usualTerms, directory: '/tmp' })), /open already/);
    });
    await inFolder(async (folder) => {
      await using intruder = new Intruder(testAuthority({ clock: systemClock() }), folder.path);
      assert.match(refused(await intruder.issue({})), /before it was opened/);
    });
  });

  test('takes few wrong passphrases, none that was sealed for another, and signs nothing before', async () => {
    await inFolder(async (folder) => {
      const authority = testAuthority({ clock: systemClock() });
      mkdirSync(join(folder.path, 'ca'));
      for (const { path, bytes } of authority.made.files)
        writeFileSync(join(folder.path, path), bytes, { mode: 0o600 });
      const right = 'seven grey geese';
      const pem = await lockKey(authority.made.issuingKey, right, authority.random);
      writeFileSync(join(folder.path, authorityFiles.issuingKey), pem);
      await using intruder = new Intruder(authority, folder.path);
      const opened = await intruder.ask({ kind: 'open', terms: usualTerms });
      assert.ok(opened?.kind === 'opened' && opened.state === 'locked');
      const unlock = (sealed: Uint8Array): Promise<SignerAnswer | undefined> =>
        intruder.ask({ kind: 'unlock', number: 3, sealed });
      const isLocked = (answer: SignerAnswer | undefined): boolean => answer?.kind === 'error' && answer.locked;

      assert.ok(isLocked(await intruder.issue({})));
      assert.match(refused(await unlock(sealTo(makeSeal().publicKey, utf8(right)))), /signer that has ended/);
      assert.match(refused(await unlock(new Uint8Array(0))), /signer that has ended/);
      for (let wrong = 0; wrong < 5; wrong++)
        assert.equal(
          refused(await unlock(sealTo(opened.sealTo, utf8(`guess ${wrong}`)))),
          'the passphrase does not open the key',
        );
      assert.match(refused(await unlock(sealTo(opened.sealTo, utf8(right)))), /takes no more/);
      assert.ok(isLocked(await intruder.issue({})));
    });
  });
});

describe('a sealed passphrase', () => {
  test('opens for whom it was sealed, and not when an octet is another', () => {
    const seal = makeSeal();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (secret, at) => {
        const sealed = sealTo(seal.publicKey, secret);
        assert.deepEqual(seal.open(sealed), Buffer.from(secret));
        assert.equal(makeSeal().open(sealed), undefined);
        const index = at % sealed.length;
        sealed[index] = (sealed[index] ?? 0) ^ 1;
        assert.equal(seal.open(sealed), undefined);
      }),
    );
    assert.throws(() => sealTo(seal.publicKey, new Uint8Array(2_000)), /at most 1024 octets/);
  });
});
