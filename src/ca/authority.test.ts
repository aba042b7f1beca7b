import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { testAuthority } from '../../test/fakes/authority.ts';
import { FAKE_START, fakeClock } from '../../test/fakes/clock.ts';
import { inFolder, missing, run, type Folder, type Ran } from '../../test/fakes/outside.ts';
import { hex } from '../base/bytes.ts';
import { encodeNameOf, encodeSigned } from '../protocol/pki/certificate-write.ts';
import { extensionValue, parseCertificate, type Certificate } from '../protocol/pki/certificate.ts';
import { bmpString, explicit, utf8String } from '../protocol/pki/der-write.ts';
import { element, integer, oid, sequence, setOf, tags } from '../protocol/pki/der.ts';
import { encodeName } from '../protocol/pki/name.ts';
import { oids } from '../protocol/pki/oid.ts';
import { encodePem } from '../protocol/pki/pem.ts';
import { localDoor } from './authority-local.ts';
import { usualTerms, type IssueRequest } from './authority.ts';
import { generateKey, keyKinds, makeKey, publicKeyOf, signerOf } from './keys.ts';
import type { ProfileName } from './ledger.ts';
import { RequestRefused } from './refusal.ts';
import { renewIssuing } from './renew-authority.ts';

const DAY = 86_400_000;

function parsed(der: Uint8Array): Certificate {
  const certificate = parseCertificate(der);
  assert.ok(certificate);
  return certificate;
}

function pem(folder: Folder, name: string, ...ders: readonly Uint8Array[]): string {
  return folder.put(name, ders.map((der) => encodePem('CERTIFICATE', der)).join(''));
}

/** `openssl verify` at the time of the fake clock. */
function verify(...args: readonly string[]): Ran {
  return run('openssl', ['verify', '-x509_strict', '-attime', String(Math.floor(FAKE_START / 1000)), ...args]);
}

const kinds: readonly (readonly [ProfileName, IssueRequest['holder'], purpose: string, days: number])[] = [
  ['person', 'alice@example.net', 'sslclient', 397],
  ['device', 'printer-2', 'sslclient', 730],
  ['service', 'backup.example.net', 'sslclient', 730],
  ['server', 'mail.example.net', 'sslserver', 397],
];

describe('the authority', () => {
  test('root and issuing CA: names, lives, path length', () => {
    const { made } = testAuthority();
    const [root, issuing] = [parsed(made.root), parsed(made.issuing)];
    assert.equal(encodeName(root.subject), '/O=mail.example.net/CN=Sealpost+20Root+20mail.example.net');
    assert.equal(encodeName(issuing.subject), '/O=mail.example.net/CN=Sealpost+20Issuing+20mail.example.net');
    assert.deepEqual([root.isCa, issuing.isCa], [true, true]);
    assert.equal(Math.round((root.notAfter - root.notBefore) / DAY / 365.25), 20);
    assert.equal(Math.round((issuing.notAfter - issuing.notBefore) / DAY / 365.25), 10);
    assert.ok(new X509Certificate(made.issuing).verify(new X509Certificate(made.root).publicKey));
    assert.ok(new X509Certificate(made.issuing).checkIssued(new X509Certificate(made.root)));
  });

  test('each profile: purpose, life, names, key identifiers; Node verifies the signature', async () => {
    const authority = testAuthority();
    const issuing = new X509Certificate(authority.made.issuing);
    for (const [profile, holder, , days] of kinds) {
      const { certificate, chain } = await authority.issue({ profile, holder });
      const facts = parsed(certificate);
      assert.deepEqual(facts.extendedKeyUsage, [profile === 'server' ? oids.serverAuth : oids.clientAuth]);
      assert.equal((facts.notAfter - facts.notBefore) / DAY, days);
      assert.deepEqual([facts.emails, facts.dnsNames], profile === 'person' ? [[holder], []] : [[], [holder]]);
      assert.equal(encodeName(facts.subject), `/CN=${holder}`);
      assert.equal(facts.isCa, false);
      assert.deepEqual(facts.authorityKeyId, parsed(authority.made.issuing).subjectKeyId);
      assert.deepEqual(chain, [authority.made.issuing, authority.made.root]);
      const node = new X509Certificate(certificate);
      assert.ok(node.verify(issuing.publicKey) && node.checkIssued(issuing));
    }
  });

  test(
    'OpenSSL verifies each profile for its purpose, strictly, and for no other',
    { skip: missing('openssl') },
    async () => {
      const authority = testAuthority({
        terms: { ...usualTerms, urls: { ...usualTerms.urls, crl: ['http://mail.example.net/crl'] } },
      });
      await inFolder(async (folder) => {
        const root = pem(folder, 'root', authority.made.root);
        const issuing = pem(folder, 'issuing', authority.made.issuing);
        for (const [profile, holder, purpose] of kinds) {
          const leaf = pem(folder, profile, (await authority.issue({ profile, holder })).certificate);
          const chain = ['-CAfile', root, '-untrusted', issuing];
          const good = verify(...chain, '-purpose', purpose, leaf);
          assert.equal(good.code, 0, good.text);
          const other = verify(...chain, '-purpose', purpose === 'sslclient' ? 'sslserver' : 'sslclient', leaf);
          assert.notEqual(other.code, 0, 'verified for another purpose');
        }
        assert.notEqual(
          verify(
            '-CAfile',
            pem(folder, 'foreign', testAuthority().made.root),
            '-untrusted',
            issuing,
            `${folder.path}/person`,
          ).code,
          0,
        );
      });
    },
  );

  test('a CSR keeps its subject byte for byte; names it asks for in extensions are not given', async () => {
    const authority = testAuthority();
    const { privateKey, publicKey } = makeKey();
    const subject = sequence(
      setOf(sequence(oid(oids.commonName), bmpString('Алиса')), sequence(oid('2.5.4.11'), bmpString('Z'))),
    );
    const info = sequence(integer(0), subject, publicKey, explicit(0, new Uint8Array(0)));
    const signer = signerOf(privateKey);
    const csr = encodeSigned(info, signer.algorithm, signer.sign(info));
    const facts = parsed((await authority.door.issue(authority.request({ csr }))).certificate);
    assert.equal(hex(facts.subject), hex(subject));
    assert.deepEqual(facts.emails, ['alice@example.net']);
    const bare = sequence(integer(0), sequence(), publicKey);
    const unnamed = encodeSigned(bare, signer.algorithm, signer.sign(bare));
    assert.equal(
      encodeName(parsed((await authority.door.issue(authority.request({ csr: unnamed }))).certificate).subject),
      '/CN=alice@example.net',
    );
  });

  test('serial numbers: positive, 16 octets, the random ones', async () => {
    const authority = testAuthority();
    const { publicKey } = makeKey();
    for (const fill of [0x00, 0xff, 0x80]) {
      const serial = new Uint8Array(16).fill(fill);
      const text = parsed((await authority.door.issue(authority.request({ publicKey, serial }))).certificate).serial;
      assert.match(text, /^[4-7][0-9a-f]{31}$/);
      assert.equal(text.slice(2), hex(serial).slice(2));
    }
    await assert.rejects(
      authority.door.issue(authority.request({ publicKey, serial: new Uint8Array(8) })),
      /RFC 5280 §4\.1\.2\.2/,
    );
  });

  test('what does not fit is refused with the section', async () => {
    const authority = testAuthority();
    const { publicKey } = makeKey();
    const refuses = async (over: Parameters<typeof authority.request>[0], what: RegExp): Promise<void> => {
      await assert.rejects(authority.door.issue(authority.request({ publicKey, ...over })), (error) => {
        assert.ok(error instanceof RequestRefused, String(error));
        assert.match(error.message, what);
        assert.match(error.section, /^(RFC \d+ §|FIPS)/);
        return true;
      });
    };
    await refuses({ holder: 'alice' }, /"alice" is no mail address/);
    await refuses({ holder: 'a b@example.net' }, /no local part without quotes, blanks/);
    await refuses({ holder: '日 本@example.net' }, /no local part without quotes, blanks/);
    await refuses({ holder: 'alice@例 え.jp' }, /no domain/);
    await refuses({ holder: '@example.net' }, /no mail address/);
    await refuses({ holder: 'alice@-x.net' }, /"-x\.net" is no DNS name/);
    await refuses({ holder: `${'a'.repeat(60)}@example.net` }, /72 characters/);
    await refuses({ holder: `${'a'.repeat(65)}@example.net` }, /64 octets/);
    await refuses({ dnsNames: ['host.example.net'] }, /carries no DNS names/);
    await refuses({ profile: 'server', holder: '192.0.2.1' }, /is an address and not a DNS name/);
    await refuses({ profile: 'device', holder: 'a', dnsNames: ['*.example.net'] }, /no DNS name/);
    await refuses({ uris: ['spiffe://example.net/alice'] }, /carries no URI/);
    for (const uri of [
      'spiffe://example.net',
      'spiffe://Example.net/a',
      'spiffe://example.net/a/',
      'https://example.net/a',
    ])
      await refuses({ profile: 'service', holder: 'a', uris: [uri] }, /is no SPIFFE ID/);
    await refuses(
      { profile: 'service', holder: 'a', uris: ['spiffe://example.net/a', 'spiffe://example.net/b'] },
      /one SPIFFE ID at most/,
    );
    await refuses(
      { subject: 'C=JPN, CN=alice' },
      /the subject "C=JPN, CN=alice", character 1: "JPN" is no country code/,
    );
    await refuses({ profile: 'responder', holder: 'ocsp', dnsNames: ['a.example.net'] }, /carries no DNS names/);
    await refuses({ profile: 'root' as ProfileName, holder: 'x' }, /no profile "root"/);
    await refuses({ publicKey: undefined }, /neither a CSR nor a public key/);
    await refuses({ publicKey: Uint8Array.of(1, 2, 3) }, /no SubjectPublicKeyInfo/);
    await refuses({ publicKey: publicKeyOf(authority.made.issuingKey) }, /certifies the key of the CA/);
    await refuses({ notBefore: FAKE_START - 30 * DAY }, /begins before its issuer/);
    await refuses({ notAfter: FAKE_START + 398 * DAY }, /lives longer than profile person/);
    await refuses({ notAfter: FAKE_START - DAY }, /notAfter is not later/);
    await refuses({ notBefore: FAKE_START + 3650 * DAY, notAfter: FAKE_START + 3660 * DAY }, /outlives its issuer/);
  });

  test('addresses beyond ASCII: domain in A-labels, SmtpUTF8Mailbox for the local part', async () => {
    const authority = testAuthority();
    const mailboxes = async (holder: string): Promise<readonly string[]> => {
      const facts = parsed((await authority.issue({ holder })).certificate);
      return [...facts.emails, ...facts.mailboxes.map((text) => `utf8:${text}`)];
    };
    assert.deepEqual(await mailboxes('日本語@例.jp'), ['utf8:日本語@xn--fsq.jp']);
    assert.deepEqual(await mailboxes('älice@example.net'), ['utf8:älice@example.net']);
    assert.deepEqual(await mailboxes('alice@例.jp'), ['alice@xn--fsq.jp']);
    // As a Macintosh writes it: letter and dots apart.
    assert.deepEqual(await mailboxes('a\u0308lice@example.net'), ['utf8:älice@example.net']);
  });

  test('name constraints of the mail domains: what is outside is refused and says what would be allowed', async () => {
    const authority = testAuthority({ mailDomains: ['example.net', 'xn--fsq.jp'], hostname: 'mx.other.example' });
    for (const over of [
      { holder: 'alice@example.net' },
      { holder: 'alice@sub.example.net' },
      { holder: '日本語@例.jp' },
      { profile: 'device', holder: 'printer-2' },
      { profile: 'device', holder: 'host.example.net' },
      { profile: 'service', holder: 'backup', uris: ['spiffe://example.net/backup'] },
      { profile: 'server', holder: 'mx.other.example' },
      { profile: 'responder', holder: 'OCSP of mx.other.example' },
    ] as const)
      await authority.issue(over);
    const refuses = (over: Parameters<typeof authority.request>[0], section: string): Promise<void> =>
      assert.rejects(authority.issue(over), (error) => {
        assert.ok(error instanceof RequestRefused, String(error));
        assert.match(error.message, /is outside of what this CA may certify: only names of example\.net, 例\.jp/);
        assert.equal(error.section, section);
        return true;
      });
    await refuses({ holder: 'alice@example.org' }, 'RFC 5280 §4.2.1.10');
    await refuses({ holder: 'alice@notexample.net' }, 'RFC 5280 §4.2.1.10');
    await refuses({ holder: '日本語@example.org' }, 'RFC 9598 §6');
    await refuses({ profile: 'device', holder: 'host.example.org' }, 'RFC 5280 §4.2.1.10');
    await refuses({ profile: 'service', holder: 'b', uris: ['spiffe://example.org/b'] }, 'RFC 5280 §4.2.1.10');
    await refuses({ subject: 'emailAddress=eve@example.org' }, 'RFC 5280 §4.2.1.10');
  });

  test('the subject: written for it, else of the CSR, else of the template', async () => {
    const template = testAuthority({ terms: { ...usualTerms, subject: 'C=jp, O=例株式会社, CN={holder}+UID=x' } });
    assert.equal(
      encodeName(parsed((await template.issue()).certificate).subject),
      encodeName(
        sequence(
          setOf(sequence(oid(oids.countryName), element(tags.printableString, Buffer.from('JP')))),
          setOf(sequence(oid(oids.organizationName), utf8String('例株式会社'))),
          setOf(
            sequence(oid(oids.commonName), utf8String('alice@example.net')),
            sequence(oid('0.9.2342.19200300.100.1.1'), utf8String('x')),
          ),
        ),
      ),
    );
    const written = await template.issue({ subject: 'O=Example\\, Inc., CN=Alice' });
    assert.equal(encodeName(parsed(written.certificate).subject), '/O=Example,+20Inc./CN=Alice');
    const wrong = testAuthority({ terms: { ...usualTerms, subject: 'CN={name}' } });
    await assert.rejects(
      wrong.issue(),
      /subject template "CN=\{name\}", character 1: braces stand around holder alone/,
    );
  });

  test('a short life carries noRevAvail and no address of status; a longer one the addresses; a responder neither', async () => {
    const urls = { crl: ['http://a.example/crl'], ocsp: ['http://a.example/ocsp'], issuer: ['http://a.example/ca'] };
    const authority = testAuthority({ terms: { urls, lifetimes: { device: 7 * DAY }, subject: undefined } });
    const extensions = async (over: Parameters<typeof authority.request>[0]): Promise<string[]> => {
      const { certificate } = await authority.issue(over);
      const has = (type: string): boolean => extensionValue(certificate, type) !== undefined;
      const access = Buffer.from(extensionValue(certificate, oids.authorityInfoAccess)?.bytes ?? []).toString('latin1');
      return [
        ...(has(oids.crlDistributionPoints) ? ['crl'] : []),
        ...(access.includes('/ocsp') ? ['ocsp'] : []),
        ...(access.includes('/ca') ? ['issuer'] : []),
        ...(has(oids.noRevAvail) ? ['none'] : []),
        ...(has(oids.ocspNoCheck) ? ['nocheck'] : []),
      ];
    };
    assert.deepEqual(await extensions({}), ['crl', 'ocsp', 'issuer']);
    assert.deepEqual(await extensions({ profile: 'device', holder: 'printer' }), ['issuer', 'none']);
    assert.deepEqual(await extensions({ profile: 'responder', holder: 'ocsp' }), ['issuer', 'nocheck']);
    const bad = testAuthority({ terms: { ...usualTerms, urls: { ...urls, crl: ['ftp://a.example/crl'] } } });
    await assert.rejects(bad.issue(), /no http address without credentials \(RFC 5280 §4\.2\.1\.13\)/);
  });

  test('lives of the configuration, within the bound of the profile', async () => {
    const authority = testAuthority({
      terms: { ...usualTerms, lifetimes: { person: 90 * DAY, server: 5000 * DAY } },
    });
    const days = async (over: Parameters<typeof authority.request>[0]): Promise<number> => {
      const facts = parsed((await authority.issue(over)).certificate);
      return (facts.notAfter - facts.notBefore) / DAY;
    };
    assert.equal(await days({}), 90);
    assert.equal(await days({ profile: 'server', holder: 'mail.example.net' }), 825);
    await assert.rejects(days({ notAfter: FAKE_START + 91 * DAY }), /lives longer than profile person/);
  });

  test('a CA of every kind of key', async () => {
    for (const kind of keyKinds.filter((name) => !name.startsWith('rsa') || name === 'rsa2048')) {
      const keys = { root: await generateKey(kind), issuing: await generateKey(kind) };
      const authority = testAuthority({ keys });
      const { certificate } = await authority.issue({ publicKey: (await generateKey(kind)).publicKey });
      assert.ok(new X509Certificate(certificate).verify(new X509Certificate(authority.made.issuing).publicKey), kind);
    }
  });

  test('making an RSA key leaves the event loop free', async () => {
    let turns = 0;
    let made = false;
    const turn = (): void => {
      turns += 1;
      if (!made) setImmediate(turn);
    };
    turn();
    await generateKey('rsa3072');
    made = true;
    assert.ok(turns > 10, `${turns} turns of the event loop while the key was made`);
  });

  test('the issuing CA renewed: same name, key and constraints; its certificates verify under it', async () => {
    const authority = testAuthority({ mailDomains: ['example.net'] });
    const { root, issuing, rootKey } = authority.made;
    const later = fakeClock(FAKE_START + 3000 * DAY);
    const renewed = renewIssuing({ root, issuing, rootKey }, authority.random, later);
    const [before, after] = [parsed(issuing), parsed(renewed)];
    assert.deepEqual(after.subject, before.subject);
    assert.deepEqual(after.publicKey, before.publicKey);
    assert.deepEqual(after.subjectKeyId, before.subjectKeyId);
    assert.notEqual(after.serial, before.serial);
    assert.ok(after.notAfter > before.notAfter);
    assert.deepEqual(
      extensionValue(renewed, oids.nameConstraints)?.bytes,
      extensionValue(issuing, oids.nameConstraints)?.bytes,
    );
    const { certificate } = await authority.issue();
    assert.ok(new X509Certificate(certificate).verify(new X509Certificate(renewed).publicKey));
    assert.throws(
      () => renewIssuing({ root, issuing, rootKey: authority.made.issuingKey }, authority.random, later),
      /not that of the root/,
    );
  });

  test('a certificate near the end of its issuer ends with it', async () => {
    const authority = testAuthority();
    const end = parsed(authority.made.issuing).notAfter;
    const facts = parsed((await authority.issue({ notBefore: end - 10 * DAY })).certificate);
    assert.equal(facts.notAfter, end);
  });

  test('keys and certificates that do not belong together make no door', () => {
    const one = testAuthority().made;
    const two = testAuthority().made;
    const keys = { root: one.root, issuing: one.issuing, issuingKey: one.issuingKey, terms: usualTerms };
    assert.throws(() => localDoor({ ...keys, issuingKey: two.issuingKey }), /issuing key is not the key/);
    assert.throws(
      () => localDoor({ ...keys, root: testAuthority({ hostname: 'other.example' }).made.root }),
      /not issued by the root/,
    );
    assert.throws(() => localDoor({ ...keys, root: two.root }), /not issued by the root/, 'of the same name');
    assert.throws(() => localDoor({ ...keys, issuing: Uint8Array.of(1) }), /no CA certificate/);
  });

  test('any holder gives a certificate that Node reads, or a refusal', async () => {
    const authority = testAuthority();
    const { publicKey } = makeKey();
    const holder = fc.oneof(fc.emailAddress(), fc.domain(), fc.string(), fc.string({ unit: 'binary' }));
    await fc.assert(
      fc.asyncProperty(holder, fc.constantFrom<ProfileName>('person', 'device'), async (name, profile) => {
        try {
          const { certificate } = await authority.door.issue(authority.request({ holder: name, profile, publicKey }));
          const node = new X509Certificate(certificate);
          assert.ok(node.subjectAltName?.includes(name), `${node.subjectAltName} does not have ${name}`);
        } catch (error) {
          assert.ok(error instanceof RequestRefused, String(error));
        }
      }),
      { numRuns: 50 },
    );
  });

  test('a host name longer than a name of RFC 5280 makes a CA all the same', () => {
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example.net`;
    const { made } = testAuthority({ hostname: long });
    assert.equal(
      encodeName(parsed(made.root).subject),
      encodeName(
        encodeNameOf([
          [oids.organizationName, long.slice(0, 64)],
          [oids.commonName, `Sealpost Root ${long}`.slice(0, 64)],
        ]),
      ),
    );
  });
});
