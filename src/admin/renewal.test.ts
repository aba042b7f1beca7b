import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { administration, DOOR, type Administration } from '../../test/fakes/administration.ts';
import { changeSince, holderLookup } from '../app/holders.ts';
import { latin1 } from '../base/bytes.ts';
import { issue } from '../ca/issuance.ts';
import { fingerprintOf, makeKey, signerOf } from '../ca/keys.ts';
import type { LedgerRecord, ProfileName } from '../ca/ledger.ts';
import { renew } from '../ca/renewal.ts';
import { encodeSigned } from '../protocol/pki/certificate-write.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { explicit } from '../protocol/pki/der-write.ts';
import { element, integer, oid, sequence, setOf, tags } from '../protocol/pki/der.ts';
import { oids } from '../protocol/pki/oid.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import { holderCache } from '../relay/identity/holders.ts';
import { current, identify } from '../relay/identity/identify.ts';
import type { Principal } from '../relay/identity/principal.ts';
import { listCertificates, revokeCertificates, showCertificate } from './certificates.ts';
import type { AdminContext } from './context.ts';
import { OperationError, type OperationErrorKind } from './errors.ts';
import { endOverlaps, renewCertificate } from './renewal.ts';
import { keepServerCertificate } from './server-certificate.ts';
import { status } from './status.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface Given {
  readonly holder?: string;
  readonly profile?: ProfileName;
  readonly life?: number;
  readonly dnsNames?: readonly string[];
  readonly csr?: Uint8Array;
}

/** A certificate for a new key, as `add` gives it. */
async function given(context: AdminContext, wish: Given = {}): Promise<LedgerRecord> {
  const { holder = 'alice@example.net', profile = 'person', life, dnsNames = [], csr } = wish;
  const publicKey = csr === undefined ? makeKey().publicKey : undefined;
  const asked = { profile, holder, csr, publicKey, dnsNames, uris: [], subject: undefined, life };
  return (await issue(context, asked, context.actor, 'test')).record;
}

/** A request whose subject has an organization in PrintableString and Japanese in BMPString, as old Windows writes it. */
function oddRequest(): Uint8Array {
  const { privateKey, publicKey } = makeKey();
  const bmp = Uint8Array.from([0x4f, 0x50, 0x85, 0xe4]);
  const subject = sequence(
    setOf(sequence(oid(oids.organizationName), element(tags.printableString, Buffer.from('Example Ltd')))),
    setOf(sequence(oid(oids.commonName), element(0x1e, bmp))),
  );
  const signer = signerOf(privateKey);
  const info = sequence(integer(0), subject, publicKey, explicit(0, new Uint8Array(0)));
  return encodeSigned(info, signer.algorithm, signer.sign(info));
}

function after(context: AdminContext, { serial }: { readonly serial: string }): LedgerRecord {
  const record = context.ledger.get(serial);
  assert.ok(record !== undefined);
  return record;
}

function fails(kind: OperationErrorKind, what: RegExp, hint?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof OperationError, String(error));
    assert.equal(error.kind, kind);
    assert.match(error.message, what);
    if (hint !== undefined) assert.match(error.hint ?? '', hint);
    return true;
  };
}

function serverIn({ files }: Administration): X509Certificate {
  return new X509Certificate(decodePem(latin1(files.get('tls/server.crt') ?? new Uint8Array(0)))[0]?.der ?? '');
}

function serialIn(administration: Administration): string {
  return serverIn(administration).serialNumber.toLowerCase();
}

describe('renewal', () => {
  test('keeps holder, profile, names, life and the octets of the subject, and joins both', async () => {
    const { context, clock, refreshed } = await administration();
    const old = await given(context, { csr: oddRequest(), life: 90 * DAY });
    await clock.advance(80 * DAY);
    const before = refreshed();
    const { privateKey, publicKey } = makeKey();
    const { certificate, replaced, chain } = await renewCertificate(context, { name: 'alice@example.net', publicKey });
    assert.equal(refreshed(), before + 1);
    const next = after(context, certificate);
    const [was, is] = [parseCertificate(old.certificate), parseCertificate(next.certificate)];
    assert.ok(was !== undefined && is !== undefined);
    assert.deepEqual(is.subject, was.subject, 'BMPString stays BMPString');
    assert.equal(next.subject, old.subject);
    assert.deepEqual(is.emails, ['alice@example.net']);
    assert.equal(next.notAfter - next.notBefore, 90 * DAY);
    assert.ok(new X509Certificate(next.certificate).checkPrivateKey(privateKey));
    assert.equal(decodePem(latin1(chain ?? new Uint8Array(0))).length, 3);
    assert.equal(replaced.replacedBy, certificate.serial);
    assert.equal(replaced.overlapEnds, clock.now() + 30 * DAY);
    assert.equal(replaced.state, 'active');
    const log = context.ledger.audit(0, 1_000).at(-1);
    assert.equal(log?.action, 'renewed');
    assert.match(log?.detail ?? '', new RegExp(`renews ${old.serial}$`));
    const [shown] = showCertificate(context, { serial: old.serial });
    assert.deepEqual(
      shown?.line.map(({ serial }) => serial),
      [old.serial, next.serial],
    );
  });

  test('DNS names stay; a life longer than is allowed now is cut; the same key is told in the log', async () => {
    const { context } = await administration();
    const { publicKey } = makeKey();
    const wish = {
      profile: 'device',
      holder: 'printer-2',
      csr: undefined,
      dnsNames: ['p2.example.net', 'p2.lan'],
    } as const;
    const { record } = await issue(
      context,
      { ...wish, publicKey, uris: [], subject: undefined, life: undefined },
      'x',
      'y',
    );
    const renewed = await renewCertificate(context, { name: 'printer-2', publicKey, days: 20_000 });
    const next = after(context, renewed.certificate);
    assert.deepEqual(parseCertificate(next.certificate)?.dnsNames, ['p2.example.net', 'p2.lan']);
    assert.equal(next.notAfter - next.notBefore, 730 * DAY);
    assert.match(context.ledger.audit(0, 1_000).at(-1)?.detail ?? '', /, with the same key$/);
    assert.equal(next.profile, record.profile);
  });

  test('the one of several is named by its serial number, the only one by its holder', async () => {
    const { context, clock } = await administration();
    const phone = await given(context);
    const laptop = await given(context);
    const { publicKey } = makeKey();
    await assert.rejects(
      renewCertificate(context, { name: 'alice@example.net', publicKey }),
      fails('conflict', new RegExp(`2 certificates.*${phone.serial.slice(0, 8)}.*until 2027-12`), /serial number/),
    );
    const first = await renewCertificate(context, { name: phone.serial, publicKey });
    // The line of the phone goes on with its new certificate, and the laptop is still there.
    await assert.rejects(
      renewCertificate(context, { name: 'alice@example.net', publicKey }),
      fails('conflict', /2 cert/),
    );
    await revokeCertificates(context, { serial: laptop.serial });
    const second = await renewCertificate(context, { name: 'alice@example.net', publicKey: makeKey().publicKey });
    assert.equal(second.replaced.serial, first.certificate.serial);
    assert.deepEqual(
      showCertificate(context, { serial: phone.serial })[0]?.line.map(({ serial }) => serial),
      [phone.serial, first.certificate.serial, second.certificate.serial],
    );
    await clock.advance(500 * DAY);
    const ended = await renewCertificate(context, { name: 'alice@example.net', publicKey });
    assert.equal(ended.replaced.serial, second.certificate.serial, 'one that has ended can be renewed');
  });

  test('what is withdrawn is not renewed, and that is in the log', async () => {
    const { context } = await administration();
    const old = await given(context);
    await revokeCertificates(context, { serial: old.serial, reason: 'keyCompromise' });
    const { publicKey } = makeKey();
    await assert.rejects(renewCertificate(context, { name: old.serial, publicKey }), fails('usage', /is revoked/));
    await assert.rejects(
      renewCertificate(context, { name: 'alice@example.net', publicKey }),
      fails('conflict', /all certificates .* are withdrawn/, /sealpost add alice/),
    );
    const last = context.ledger.audit(0, 1_000).at(-1);
    assert.equal(last?.action, 'refused');
    assert.equal(last?.holder, 'alice@example.net');
    await assert.rejects(renewCertificate(context, { name: 'bob@example.net', publicKey }), fails('not-found', /bob/));
    const carol = await given(context, { holder: 'carol@example.net' });
    await assert.rejects(renewCertificate(context, { name: carol.serial }), fails('usage', /one key/, /--make-key/));
  });

  test('who asks twice, because the answer was lost, locks nobody out', async () => {
    const { context, clock } = await administration('ca:\n  overlap: 2d\n');
    const old = await given(context);
    const lost = (await renew(context, old, { publicKey: makeKey().publicKey, overlap: 2 * DAY }, 'est:alice')).record;
    await clock.advance(DAY);
    const again = after(context, old);
    const got = (await renew(context, again, { publicKey: makeKey().publicKey, overlap: 2 * DAY }, 'est:alice')).record;
    assert.equal(after(context, old).replacedBy, got.serial);
    assert.equal(after(context, lost).replacedBy, got.serial);
    await clock.advance(DAY + HOUR);
    await endOverlaps(context);
    assert.equal(after(context, old).state, 'active', 'two days from when it was given what it has');
    await clock.advance(DAY);
    await endOverlaps(context);
    assert.deepEqual(
      [old, lost, got].map((record) => after(context, record).state),
      ['revoked', 'revoked', 'active'],
    );
  });

  test('when the overlap ends the old one is withdrawn as superseded, once, and is on the CRL', async () => {
    const { context, clock, files, events, refreshed } = await administration();
    const old = await given(context);
    const { certificate } = await renewCertificate(context, {
      name: old.serial,
      publicKey: makeKey().publicKey,
      overlap: HOUR,
    });
    assert.deepEqual(await endOverlaps(context), []);
    await clock.advance(HOUR + 1);
    const before = refreshed();
    assert.deepEqual(
      (await endOverlaps(context)).map(({ serial }) => serial),
      [old.serial],
    );
    assert.equal(refreshed(), before + 1);
    assert.deepEqual(await endOverlaps(context), []);
    const record = after(context, old);
    assert.deepEqual([record.state, record.reason], ['revoked', 'superseded']);
    assert.equal(after(context, certificate).state, 'active');
    assert.equal(events.filter((event) => event.kind === 'revoked').length, 1);
    const crl = decodePem(latin1(files.get('ca/crl.pem') ?? new Uint8Array(0)))[0]?.der ?? new Uint8Array(0);
    const entry = Buffer.concat([Buffer.from([2, old.serial.length / 2]), Buffer.from(old.serial, 'hex')]);
    assert.ok(Buffer.from(crl).includes(entry), 'the serial number is in the CRL');
  });

  test('what ends soon and was not renewed is listed and in the status', async () => {
    const { context, clock } = await administration();
    const old = await given(context, { life: 20 * DAY });
    await given(context, { holder: 'bob@example.net', life: 300 * DAY });
    const names = (): string[] =>
      listCertificates(context, { expiring: 30 * DAY }).certificates.map(({ holder }) => holder);
    assert.deepEqual(names(), ['alice@example.net']);
    const live = context.live && { ...context.live, counts: () => Promise.resolve({ sessions: 0 } as never) };
    const shown = await status({ ...context, live });
    assert.deepEqual(shown.certificates.ending, [{ holder: old.holder, serial: old.serial, notAfter: old.notAfter }]);
    await renewCertificate(context, { name: old.serial, publicKey: makeKey().publicKey, days: 90 });
    assert.deepEqual(names(), []);
    await clock.advance(1);
  });
});

describe('a year of certificates that live a week', () => {
  /** What a session with this certificate would be told now, over the way that front threads take. */
  async function front(context: AdminContext): Promise<(record: LedgerRecord) => Principal> {
    const lookup = { standing: (_issuer: string, serial: string) => context.ledger.get(serial), close: () => {} };
    const issuers = [(await given(context, { holder: 'first@example.net' })).issuer];
    const directory = holderCache(holderLookup(lookup), issuers, 1_000);
    let known = context.ledger.version();
    return (record) => {
      const change = changeSince(context.ledger, known);
      known = change.version;
      directory.learn({ issuers, entries: change.entries });
      const { certificate: der, fingerprint, notAfter } = record;
      const now = context.clock.now();
      const facts = {
        version: 'TLSv1.3',
        cipher: 'TLS_AES_256_GCM_SHA384',
        bits: 256,
        asked: true,
        certificate: { der, fingerprint },
        verifyError: now > notAfter ? 'CERT_HAS_EXPIRED' : undefined,
        resumed: false,
        serverName: undefined,
      };
      const principal = identify(facts, directory, undefined, now);
      // An open session is asked again before each transaction.
      return current(principal, directory, now);
    };
  }

  test('no message is refused while they are renewed each four days, all are after the end of one that is not', async () => {
    const { context, clock } = await administration('ca:\n  overlap: 60h\n');
    const ask = await front(context);
    const first = await given(context, { life: 7 * DAY });
    const forgotten = await given(context, { holder: 'bob@example.net', life: 7 * DAY });
    const given7 = [first];
    const start = clock.now();
    const counts = { sent: 0, refused: 0, old: 0, forgottenGood: 0, forgottenRefused: 0, superseded: 0 };
    for (let hour = 0; hour < 365 * 24; hour++) {
      if (hour > 0 && hour % (4 * 24) === 0) {
        const last = after(context, given7.at(-1) as LedgerRecord);
        const { overlap } = context.config.ca;
        given7.push((await renew(context, last, { publicKey: makeKey().publicKey, overlap }, 'est:alice')).record);
      }
      await endOverlaps(context);
      // The device puts the new one in place two days later, and one message an hour goes on with the old one.
      const since = hour % (4 * 24);
      const used = given7.at(since < 48 && given7.length > 1 ? -2 : -1) as LedgerRecord;
      if (used !== given7.at(-1)) counts.old += 1;
      const principal = ask(used);
      counts.sent += 1;
      if (principal.kind !== 'verified' || principal.holder !== 'alice@example.net') counts.refused += 1;
      const other = ask(forgotten);
      if (other.kind === 'verified') counts.forgottenGood += 1;
      else counts.forgottenRefused += 1;
      const before = given7.at(-2);
      if (before !== undefined && given7.length > 1 && since > 60) {
        const gone = ask(before);
        assert.equal(gone.kind, 'unverified');
        if (gone.kind === 'unverified' && gone.reason === 'revoked') counts.superseded += 1;
      }
      await clock.advance(HOUR);
    }
    assert.equal(clock.now() - start, 365 * DAY);
    assert.equal(given7.length, 92);
    assert.equal(counts.sent, 8_760);
    assert.equal(counts.refused, 0);
    assert.equal(counts.old, 90 * 48 + 24, 'the year ends a day after the last renewal');
    assert.equal(counts.forgottenGood, 7 * 24, 'good until its end, and not an hour longer');
    assert.equal(counts.forgottenRefused, 8_760 - 7 * 24);
    assert.equal(counts.superseded, 90 * 11, 'from the end of the overlap to its own end it is refused as revoked');
    const line = showCertificate(context, { serial: first.serial })[0]?.line ?? [];
    assert.equal(line.length, 92, 'one line of succession');
    assert.ok(given7.every((record) => fingerprintOf(record.certificate) === record.fingerprint));
  });
});

describe('the server certificate', () => {
  test('renews by itself after two thirds of its life, with the same key, whole, and the old one is joined', async () => {
    const made = await administration();
    const { context, clock, files } = made;
    const first = serverIn(made);
    const serial = serialIn(made);
    const key = files.get('tls/server.key');
    await clock.advance(260 * DAY);
    assert.equal(await keepServerCertificate(context), undefined);
    await clock.advance(6 * DAY);
    const next = await keepServerCertificate(context);
    assert.equal(next?.serial, serialIn(made));
    assert.notEqual(next?.serial, serial);
    assert.equal(files.get('tls/server.key'), key, 'TLSA records and pins stay right');
    assert.ok(serverIn(made).publicKey.equals(first.publicKey));
    assert.equal(serverIn(made).subjectAltName, first.subjectAltName);
    assert.equal(decodePem(latin1(files.get('tls/server.crt') ?? new Uint8Array(0))).length, 2);
    assert.equal(after(context, { serial }).replacedBy, next?.serial);
    assert.equal(await keepServerCertificate(context), undefined);
    await clock.advance(31 * DAY);
    await endOverlaps(context);
    assert.equal(after(context, { serial }).state, 'revoked');
  });

  test('ca.renewBefore says when, but not before half of its life', async () => {
    const { context, clock } = await administration('ca:\n  renewBefore: 365d\n');
    assert.equal(await keepServerCertificate(context), undefined, 'or it would be renewed every hour');
    await clock.advance(198 * DAY);
    assert.equal(await keepServerCertificate(context), undefined);
    await clock.advance(DAY);
    assert.notEqual(await keepServerCertificate(context), undefined);
  });

  test('when its file cannot be written the one issued is put there later, none is issued again, and the old one in use is not withdrawn', async () => {
    const made = await administration();
    const { context, clock, broken } = made;
    const serial = serialIn(made);
    await clock.advance(300 * DAY);
    broken.add('tls/server.crt');
    await assert.rejects(keepServerCertificate(context), /no space left/);
    await assert.rejects(keepServerCertificate(context), /no space left/);
    assert.equal(serialIn(made), serial);
    const servers = context.ledger.find({ holder: 'mail.example.net' });
    assert.equal(servers.length, 2);
    await clock.advance(40 * DAY);
    await endOverlaps(context);
    assert.equal(after(context, { serial }).state, 'active', 'its overlap is over, and it is in use');
    broken.clear();
    assert.equal((await keepServerCertificate(context))?.serial, servers[1]?.serial);
    assert.equal(serialIn(made), servers[1]?.serial);
    await endOverlaps(context);
    assert.equal(after(context, { serial }).state, 'revoked');
  });

  test('one from outside, or with the key of another, is never touched; an authority that cannot sign is told', async () => {
    const made = await administration();
    const { context, clock, files, broken } = made;
    const other = await administration();
    const own = files.get('tls/server.crt') ?? new Uint8Array(0);
    const ownKey = files.get('tls/server.key') ?? new Uint8Array(0);
    files.set('tls/server.crt', other.files.get('tls/server.crt') ?? new Uint8Array(0));
    await clock.advance(390 * DAY);
    assert.equal(await keepServerCertificate(context), undefined);
    assert.equal(serialIn(made), serialIn(other));
    files.set('tls/server.crt', own);
    files.set('tls/server.key', other.files.get('tls/server.key') ?? new Uint8Array(0));
    await assert.rejects(keepServerCertificate(context), fails('conflict', /not the key of the certificate/));
    files.set('tls/server.key', ownKey);
    broken.add(DOOR);
    await assert.rejects(keepServerCertificate(context), /the key is not there/);
    assert.equal(files.get('tls/server.crt'), own);
    files.delete('tls/server.crt');
    assert.equal(await keepServerCertificate(context), undefined);
  });

  test('an operator renews it by name without a key', async () => {
    const made = await administration();
    const serial = serialIn(made);
    const { certificate, replaced, chain } = await renewCertificate(made.context, { name: 'mail.example.net' });
    assert.equal(chain, undefined);
    assert.equal(replaced.serial, serial);
    assert.equal(serialIn(made), certificate.serial);
  });
});
