import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { describe, test } from 'node:test';
import { testAuthority } from '../../test/fakes/authority.ts';
import { namesIn } from '../../test/fakes/folder.ts';
import { fakeClock, type FakeClock } from '../../test/fakes/clock.ts';
import { inFolder, missing, run } from '../../test/fakes/outside.ts';
import { seededRandom } from '../../test/fakes/random.ts';
import { latin1, utf8 } from '../base/bytes.ts';
import type { RelayEvent } from '../base/event.ts';
import { usualTerms } from '../ca/authority.ts';
import { localDoor } from '../ca/authority-local.ts';
import { makeKey, signerOf } from '../ca/keys.ts';
import { encodeNameOf, encodeSigned } from '../protocol/pki/certificate-write.ts';
import { explicit } from '../protocol/pki/der-write.ts';
import { integer, sequence } from '../protocol/pki/der.ts';
import { oids } from '../protocol/pki/oid.ts';
import { decodePem, encodePem } from '../protocol/pki/pem.ts';
import { someNote } from '../ca/ledger.suite.ts';
import { memoryLedger } from '../storage/memory/ledger.ts';
import type { CertificateContext } from './certificate-issue.ts';
import { initialise, listCertificates, renewCrl, revokeCertificates, showCertificate } from './certificates.ts';
import { OperationError } from './errors.ts';
import { addHolder as add, type AddedHolder, type HolderRequest } from './holder.ts';

const DAY = 86_400_000;

interface Bench {
  readonly context: CertificateContext;
  readonly clock: FakeClock;
  readonly files: Map<string, { readonly bytes: Uint8Array; readonly mode: string }>;
  readonly events: RelayEvent[];
  readonly refreshed: () => number;
  readonly openDoors: () => number;
}

/** A context on memory, whose door reads the keys from the files as the signer does. */
function bench(): Bench {
  const clock = fakeClock();
  const files = new Map<string, { readonly bytes: Uint8Array; readonly mode: string }>();
  const events: RelayEvent[] = [];
  let refreshed = 0;
  let openDoors = 0;
  const read = (path: string): Uint8Array => {
    const file = files.get(path);
    if (file === undefined) throw Object.assign(new Error(`${path}: no such file`), { code: 'ENOENT' });
    return file.bytes;
  };
  const der = (path: string): Uint8Array<ArrayBuffer> => decodePem(latin1(read(path)))[0]?.der ?? new Uint8Array(0);
  const context: CertificateContext = {
    clock,
    random: seededRandom(11),
    events: { tell: (event) => events.push(event) },
    actor: 'cli:root',
    ledger: memoryLedger(),
    door: async () => {
      const door = localDoor({
        root: der('ca/root.crt'),
        issuing: der('ca/issuing.crt'),
        issuingKey: createPrivateKey({ key: Buffer.from(der('ca/issuing.key')), format: 'der', type: 'pkcs8' }),
        terms: usualTerms,
      });
      openDoors++;
      return { ...door, close: () => openDoors-- };
    },
    files: {
      read: async (path) => read(path),
      write: async (path, bytes, mode) => void files.set(path, { bytes, mode }),
      has: async (path) => files.has(path),
      list: async (path) => namesIn(files.keys(), path),
      remove: async (path) => void files.delete(path),
      erase: async (path) => void files.delete(path),
    },
    live: {
      startedAt: 0,
      refresh: async () => void refreshed++,
      listening: () => [],
      counts: () => Promise.reject(new Error('not asked')),
    },
  };
  return { context, clock, files, events, refreshed: () => refreshed, openDoors: () => openDoors };
}

async function ready(): Promise<Bench> {
  const made = bench();
  await initialise(made.context, { hostname: 'mail.example.net' });
  return made;
}

function csrOf(subject: string): Uint8Array {
  const { privateKey, publicKey } = makeKey();
  const signer = signerOf(privateKey);
  const info = sequence(
    integer(0),
    encodeNameOf([
      [oids.organizationName, 'Example Ltd'],
      [oids.commonName, subject],
    ]),
    publicKey,
    explicit(0, new Uint8Array(0)),
  );
  return encodeSigned(info, signer.algorithm, signer.sign(info));
}

function fails(kind: OperationError['kind'], what: RegExp, hint?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof OperationError, String(error));
    assert.equal(error.kind, kind);
    assert.match(error.message, what);
    if (hint !== undefined) assert.match(error.hint ?? '', hint);
    return true;
  };
}

describe('initialise', () => {
  test('makes both CAs, an empty CRL and a server certificate for all names; keys are secret', async () => {
    const { context, files, events, openDoors } = bench();
    const done = await initialise(context, { hostname: 'Mail.Example.Net', names: ['localhost', 'mail.example.net'] });
    const modes = Object.fromEntries([...files].map(([path, { mode }]) => [path, mode]));
    assert.deepEqual(modes, {
      'ca/root.key': 'secret',
      'ca/root.crt': 'public',
      'ca/issuing.key': 'secret',
      'ca/root-crl.pem': 'public',
      'ca/issuing.crt': 'public',
      'ca/crl-plain.pem': 'public',
      'ca/crl.pem': 'public',
      'tls/server.key': 'secret',
      'tls/server.crt': 'public',
    });
    assert.deepEqual([...done.created].toSorted(), [...files.keys()].toSorted());
    const chain = decodePem(latin1(files.get('tls/server.crt')?.bytes ?? new Uint8Array(0)));
    assert.equal(chain.length, 2);
    const server = new X509Certificate(chain[0]?.der ?? '');
    assert.equal(server.subjectAltName, 'DNS:mail.example.net, DNS:localhost');
    assert.ok(server.checkHost('localhost'));
    assert.ok(
      server.checkPrivateKey(createPrivateKey(latin1(files.get('tls/server.key')?.bytes ?? new Uint8Array(0)))),
    );
    assert.ok(server.verify(new X509Certificate(chain[1]?.der ?? '').publicKey));
    assert.equal(done.server?.profile, 'server');
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['issued'],
    );
    assert.equal(openDoors(), 0);
  });

  test('touches nothing that is there, and makes again only what is missing', async () => {
    const { context, files } = await ready();
    const before = new Map(files);
    assert.deepEqual(await initialise(context, { hostname: 'mail.example.net' }), { created: [], server: undefined });
    assert.deepEqual(files, before);
    files.delete('tls/server.crt');
    files.delete('tls/server.key');
    files.delete('ca/root.key'); // kept elsewhere, as it should be
    const again = await initialise(context, { hostname: 'mail.example.net' });
    assert.deepEqual(again.created, ['tls/server.key', 'tls/server.crt']);
    assert.equal(files.get('ca/issuing.key'), before.get('ca/issuing.key'));
  });

  test('half an authority, half a server certificate and bad names are refused, and nothing is written', async () => {
    const { context, files } = await ready();
    files.delete('tls/server.key');
    await assert.rejects(
      initialise(context, { hostname: 'mail.example.net' }),
      fails('conflict', /tls\/server\.crt is there, but not tls\/server\.key/, /backup/),
    );
    files.delete('ca/issuing.crt');
    await assert.rejects(
      initialise(context, { hostname: 'mail.example.net' }),
      fails('conflict', /not ca\/issuing\.crt/),
    );
    for (const path of ['ca/root.crt', 'ca/issuing.key']) files.delete(path);
    await assert.rejects(
      initialise(context, { hostname: 'mail.example.net' }),
      fails('conflict', /ca\/root\.key is there/),
    );
    const fresh = bench();
    await assert.rejects(
      initialise(fresh.context, { hostname: '192.0.2.1' }),
      fails('usage', /address and not a DNS name/),
    );
    await assert.rejects(
      initialise(fresh.context, { hostname: 'mail', names: ['a b'] }),
      fails('usage', /"a b" is no DNS name/),
    );
    assert.equal(fresh.files.size, 0);
  });
});

/** With a key made for the test, where there is no request. */
function addHolder(context: CertificateContext, request: HolderRequest): Promise<AddedHolder> {
  return add(context, request.csr === undefined ? { publicKey: makeKey().publicKey, ...request } : request);
}

describe('adding a holder', () => {
  test('a person: the certificate is for the key, and in the ledger', async () => {
    const { context, events, refreshed, openDoors, clock } = await ready();
    const before = refreshed();
    const { privateKey, publicKey } = makeKey();
    const added = await addHolder(context, { holder: ' Alice@Example.net', publicKey });
    assert.equal(added.certificate.holder, 'alice@example.net');
    assert.equal(added.certificate.profile, 'person');
    assert.equal(added.certificate.subject, '/CN=alice@example.net');
    assert.equal(added.certificate.notAfter - added.certificate.notBefore, 397 * DAY);
    assert.ok(added.certificate.notBefore < clock.now());
    assert.deepEqual(added.others, []);
    const certificate = new X509Certificate(decodePem(latin1(added.chain))[0]?.der ?? '');
    assert.ok(certificate.checkPrivateKey(privateKey));
    assert.equal(certificate.fingerprint256.replaceAll(':', '').toLowerCase(), added.certificate.fingerprint);
    const [record] = context.ledger.find({ holder: 'alice@example.net' });
    assert.equal(record?.serial, added.certificate.serial);
    assert.equal(record?.serial, certificate.serialNumber.toLowerCase());
    assert.deepEqual(events.at(-1), {
      kind: 'issued',
      serial: record?.serial,
      holder: 'alice@example.net',
      profile: 'person',
      subject: '/CN=alice@example.net',
      notAfter: record?.notAfter,
    });
    assert.equal(refreshed(), before + 1);
    assert.equal(openDoors(), 0);
  });

  test('a CSR, PEM or DER: its subject is kept, and the chain is there', async () => {
    const { context } = await ready();
    const csr = csrOf('Alice');
    for (const given of [
      csr,
      utf8(`a comment\n${encodePem('CERTIFICATE REQUEST', csr)}`),
      utf8(encodePem('NEW CERTIFICATE REQUEST', csr)),
    ]) {
      const added = await addHolder(context, { holder: 'alice@example.net', csr: given });
      assert.equal(added.certificate.subject, '/O=Example+20Ltd/CN=Alice');
      assert.equal(decodePem(latin1(added.chain)).length, 3);
    }
  });

  test('a second device is allowed, and the first is told', async () => {
    const { context } = await ready();
    const first = await addHolder(context, { holder: 'alice@example.net' });
    const second = await addHolder(context, { holder: 'ALICE@example.net' });
    assert.deepEqual(
      second.others.map(({ serial }) => serial),
      [first.certificate.serial],
    );
    assert.notEqual(second.certificate.serial, first.certificate.serial);
    await revokeCertificates(context, { serial: first.certificate.serial });
    assert.deepEqual(
      (await addHolder(context, { holder: 'alice@example.net' })).others.map(({ serial }) => serial),
      [second.certificate.serial],
    );
  });

  test('devices and services have DNS names; days shorten a life', async () => {
    const { context } = await ready();
    const printer = await addHolder(context, { holder: 'printer-2', days: 30 });
    assert.equal(printer.certificate.profile, 'device');
    assert.equal(printer.certificate.notAfter - printer.certificate.notBefore, 30 * DAY);
    await addHolder(context, {
      holder: 'backup',
      profile: 'service',
      dnsNames: ['a.example.net', 'b.example.net'],
    });
    assert.deepEqual(showCertificate(context, { holder: 'backup' })[0]?.dnsNames, ['a.example.net', 'b.example.net']);
  });

  test('what cannot be is refused before anything is issued', async () => {
    const { context } = await ready();
    const count = context.ledger.find({}).length;
    const key = makeKey().privateKey;
    const refuses = async (request: Parameters<typeof addHolder>[1], what: RegExp, hint?: RegExp): Promise<void> => {
      await assert.rejects(addHolder(context, request), fails('usage', what, hint));
    };
    await refuses({ holder: ' ' }, /no holder/);
    await refuses({ holder: 'alice', profile: 'person' }, /no mail address \(RFC 5321/);
    await refuses(
      { holder: 'alice@example.net', days: 398 },
      /lives longer than profile person allows: at most 397 days/,
    );
    await assert.rejects(add(context, { holder: 'alice@example.net' }), fails('usage', /for one key/));
    await refuses({ holder: 'alice@example.net', csr: csrOf('Alice'), publicKey: new Uint8Array(9) }, /for one key/);
    await refuses({ holder: 'alice@example.net', publicKey: new Uint8Array(9) }, /SubjectPublicKeyInfo/);
    await refuses({ holder: 'alice@example.net', csr: utf8('hello') }, /neither PEM nor DER/);
    await refuses({ holder: 'alice@example.net', csr: new Uint8Array(100_000) }, /too many/);
    await refuses({ holder: 'alice@example.net', csr: Uint8Array.of(0x30, 0x80, 0, 0) }, /RFC 2986/);
    await refuses(
      {
        holder: 'alice@example.net',
        csr: utf8(encodePem('PRIVATE KEY', key.export({ format: 'der', type: 'pkcs8' }))),
      },
      /PRIVATE KEY, not a CERTIFICATE REQUEST/,
      /stays where it is/,
    );
    await refuses({ holder: 'alice@example.net', profile: 'king' as 'person' }, /no profile "king"/, /person/);
    assert.equal(context.ledger.find({}).length, count);
  });

  test('a door that does not open issues nothing', async () => {
    const { context } = await ready();
    const shut = { ...context, door: () => Promise.reject(new Error('ca/issuing.key: no such file')) };
    await assert.rejects(
      addHolder(shut, { holder: 'alice@example.net' }),
      fails('failed', /cannot sign: ca\/issuing\.key/),
    );
    assert.deepEqual(context.ledger.find({ holder: 'alice@example.net' }), []);
  });
});

describe('listing and showing', () => {
  test('the list has what can be used, and with all the rest', async () => {
    const { context, clock } = await ready();
    await addHolder(context, { holder: 'alice@example.net' });
    await addHolder(context, { holder: 'bob@example.net', days: 1 });
    await addHolder(context, { holder: 'carol@example.net' });
    await revokeCertificates(context, { holder: 'carol@example.net' });
    const holders = (all: boolean): string[] =>
      listCertificates(context, { all })
        .certificates.map(({ holder }) => holder)
        .toSorted();
    assert.deepEqual(holders(false), ['alice@example.net', 'bob@example.net', 'mail.example.net']);
    await clock.advance(2 * DAY);
    assert.deepEqual(holders(false), ['alice@example.net', 'mail.example.net']);
    assert.deepEqual(holders(true), ['alice@example.net', 'bob@example.net', 'carol@example.net', 'mail.example.net']);
    assert.equal(
      listCertificates(context, { all: true }).certificates.find(({ holder }) => holder === 'bob@example.net')?.ended,
      true,
    );
  });

  test('a certificate by holder, serial in any form, beginning of a serial, or name', async () => {
    const { context } = await ready();
    const { certificate } = await addHolder(context, { holder: 'alice@example.net' });
    const { serial } = certificate;
    const colons = serial.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:');
    for (const selection of [
      { holder: 'Alice@example.net' },
      { serial },
      { serial: colons },
      { serial: `00${serial}` },
      { name: 'alice@example.net' },
      { name: colons },
      { name: serial.slice(0, 6) },
    ]) {
      assert.equal(showCertificate(context, selection)[0]?.serial, serial, JSON.stringify(selection));
    }
    assert.throws(
      () => showCertificate(context, { name: serial.slice(0, 5) }),
      fails('not-found', /no certificate of holder/),
    );
    const [shown] = showCertificate(context, { serial });
    assert.deepEqual(shown?.emails, ['alice@example.net']);
    assert.deepEqual(shown?.accessLines, [
      'CERTISSUER:/O=mail.example.net/CN=Sealpost+20Issuing+20mail.example.net\tSUBJECT',
      'CERTSUBJECT:/CN=alice@example.net\tRELAY',
    ]);
    assert.equal(new X509Certificate(shown?.pem ?? '').serialNumber.toLowerCase(), serial);
    assert.deepEqual(JSON.parse(JSON.stringify(shown)), shown, 'plain data');
  });

  test('two serial numbers that begin alike need more digits', async () => {
    const { context } = await ready();
    const record = context.ledger.find({})[0];
    assert.ok(record);
    for (const serial of ['77aabbcc01', '77aabbcc02']) context.ledger.add({ ...record, serial }, someNote());
    assert.throws(
      () => showCertificate(context, { name: '77aabbcc' }),
      fails('conflict', /2 serial numbers begin with 77aabbcc/),
    );
    assert.equal(showCertificate(context, { name: '77AABBCC02' })[0]?.serial, '77aabbcc02');
  });

  test('a name that is none is told with what it may have meant', async () => {
    const { context } = await ready();
    await addHolder(context, { holder: 'alice@example.net' });
    assert.throws(
      () => showCertificate(context, { name: 'alcie@example.net' }),
      fails('not-found', /holder "alcie@example\.net"/, /did you mean alice@example\.net\?/),
    );
    assert.throws(
      () => showCertificate(context, { holder: 'alice' }),
      fails('not-found', /holder "alice"/, /alice@example\.net/),
    );
    assert.throws(
      () => showCertificate(context, { serial: 'ffffffff' }),
      fails('not-found', /serial number "ffffffff"/),
    );
    assert.throws(() => showCertificate(context, {}), fails('usage', /no holder and no serial number/));
  });
});

describe('revoking', () => {
  test(
    'by holder: all of its certificates; ledger, events, relay and CRL know',
    { skip: missing('openssl') },
    async () => {
      const { context, files, events, refreshed } = await ready();
      const [one, two] = [
        await addHolder(context, { holder: 'alice@example.net' }),
        await addHolder(context, { holder: 'alice@example.net' }),
      ];
      const bob = await addHolder(context, { holder: 'bob@example.net' });
      const before = refreshed();
      const done = await revokeCertificates(context, { holder: 'alice@example.net', reason: 'keyCompromise' });
      const serials = [one, two].map(({ certificate }) => certificate.serial).toSorted();
      assert.deepEqual(done.revoked.map(({ serial }) => serial).toSorted(), serials);
      assert.deepEqual(done.before, []);
      assert.deepEqual(
        events.slice(-2).map((event) => event.kind === 'revoked' && [event.holder, event.reason]),
        [
          ['alice@example.net', 'keyCompromise'],
          ['alice@example.net', 'keyCompromise'],
        ],
      );
      assert.equal(refreshed(), before + 1);
      assert.deepEqual(
        context.ledger
          .find({ state: 'revoked' })
          .map(({ serial }) => serial)
          .toSorted(),
        serials,
      );
      assert.equal(context.ledger.find({ serial: bob.certificate.serial })[0]?.state, 'active');
      await inFolder((folder) => {
        const file = folder.put('crl', files.get('ca/crl.pem')?.bytes ?? '');
        const { text } = run('openssl', [
          'crl',
          '-in',
          file,
          '-noout',
          '-text',
          '-CAfile',
          folder.put('issuing', files.get('ca/issuing.crt')?.bytes ?? ''),
        ]);
        assert.match(text, /verify OK/);
        assert.match(text, /CRL Number: \n\s+2/);
        const listed = [...text.matchAll(/Serial Number: ([0-9A-F]+)/g)].map((match) => (match[1] ?? '').toLowerCase());
        assert.deepEqual(listed.toSorted(), serials);
      });
      const again = await revokeCertificates(context, { holder: 'alice@example.net', reason: 'superseded' });
      assert.deepEqual([again.revoked.length, again.before.length], [0, 2]);
      assert.equal(context.ledger.find({ serial: serials[0] ?? '' })[0]?.reason, 'keyCompromise');
    },
  );

  test('a server certificate only by its serial number', async () => {
    const { context } = await ready();
    const [server] = context.ledger.find({ holder: 'mail.example.net' });
    assert.ok(server);
    await assert.rejects(
      revokeCertificates(context, { name: 'mail.example.net' }),
      fails('usage', /only server certificates/, new RegExp(server.serial)),
    );
    const device = await addHolder(context, { holder: 'mail.example.net' });
    const done = await revokeCertificates(context, { name: 'mail.example.net' });
    assert.deepEqual(
      done.revoked.map(({ serial }) => serial),
      [device.certificate.serial],
    );
    assert.equal((await revokeCertificates(context, { name: server.serial })).revoked.length, 1);
  });

  test('stands even when the CRL cannot be signed', async () => {
    const { context } = await ready();
    await addHolder(context, { holder: 'alice@example.net' });
    const shut = { ...context, door: () => Promise.reject(new Error('no key')) };
    await assert.rejects(
      revokeCertificates(shut, { holder: 'alice@example.net' }),
      fails('failed', /withdrawn, but the CRL could not be written: .*no key/),
    );
    assert.equal(context.ledger.find({ holder: 'alice@example.net' })[0]?.state, 'revoked');
  });

  test('an entry leaves the CRL well after its certificate has ended', async () => {
    const { context, clock, files } = await ready();
    await addHolder(context, { holder: 'alice@example.net', days: 1 });
    await revokeCertificates(context, { holder: 'alice@example.net' });
    const size = (): number => files.get('ca/crl.pem')?.bytes.length ?? 0;
    const listed = size();
    await clock.advance(31 * DAY);
    await renewCrl(context);
    // An ECDSA signature varies by a few octets, an entry has at least 35.
    assert.ok(Math.abs(size() - listed) < 20);
    await clock.advance(31 * DAY);
    await renewCrl(context);
    assert.ok(listed - size() > 30);
  });

  test('who is not there is told with near names', async () => {
    const { context } = await ready();
    await addHolder(context, { holder: 'alice@example.net' });
    await assert.rejects(
      revokeCertificates(context, { name: 'alice@example.com' }),
      fails('not-found', /alice@example\.com/, /alice@example\.net/),
    );
  });
});

test('keys of another authority are no keys of this one', async () => {
  const { context, files } = await ready();
  const other = testAuthority().made;
  files.set('ca/issuing.key', {
    bytes: other.files.find(({ path }) => path === 'ca/issuing.key')?.bytes ?? new Uint8Array(0),
    mode: 'secret',
  });
  await assert.rejects(
    addHolder(context, { holder: 'alice@example.net' }),
    fails('failed', /issuing key is not the key of the issuing certificate/),
  );
});
