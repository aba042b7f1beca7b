import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { testAuthority } from '../../test/fakes/authority.ts';
import { FAKE_START } from '../../test/fakes/clock.ts';
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  caConstraints,
  crlDistributionPoints,
  encodeNameOf,
  encodeTbsCertificate,
  extKeyUsage,
  keyUsage,
  nameConstraints,
  noRevocationAvailable,
  ocspNoCheck,
  subjectAltName,
  subjectKeyIdentifier,
  type CertificateContent,
} from '../protocol/pki/certificate-write.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { bmpString, boolean, explicit, implicit, nil, octetString, utf8String } from '../protocol/pki/der-write.ts';
import { element, integer, oid, sequence, setOf, tags } from '../protocol/pki/der.ts';
import type { GeneralName } from '../protocol/pki/general-name.ts';
import { constraintsOf } from '../protocol/pki/name-constraint.ts';
import { oids } from '../protocol/pki/oid.ts';
import { keyIdOf, makeKey, publicKeyOf } from './keys.ts';
import { lintCertificate, type LintIssuer, type LintKind } from './lint.ts';

const DAY = 86_400_000;

function issuer(): LintIssuer {
  const certificate = parseCertificate(testAuthority().made.issuing);
  assert.ok(certificate?.subjectKeyId);
  const { subject, publicKey, subjectKeyId, notBefore, notAfter } = certificate;
  return { name: subject, publicKey, keyId: subjectKeyId, notBefore, notAfter, constraints: undefined };
}

const alice: GeneralName = { kind: 'email', text: 'alice@example.net' };
const names = (...of: readonly GeneralName[]): Uint8Array => subjectAltName(of, false);
const mail = (text: string): GeneralName => ({ kind: 'email', text });
const dns = (text: string): GeneralName => ({ kind: 'dns', text });
const uri = (text: string): GeneralName => ({ kind: 'uri', text });
/** An extension with any criticality and content. */
const extension = (type: string, critical: boolean | undefined, content: Uint8Array): Uint8Array =>
  sequence(oid(type), ...(critical === undefined ? [] : [boolean(critical)]), octetString(content));
const rdn = (type: string, value: Uint8Array): Uint8Array => setOf(sequence(oid(type), value));
const subject = (type: string, value: Uint8Array): Uint8Array => sequence(rdn(type, value));
const printable = (text: string): Uint8Array => element(tags.printableString, Buffer.from(text, 'latin1'));
const rawName = (tag: number, octets: Uint8Array): Uint8Array =>
  extension(oids.subjectAltName, undefined, sequence(element(tag, octets)));

describe('the look before signing', () => {
  const from = issuer();
  const { publicKey } = makeKey();
  const usual = {
    usage: keyUsage('digitalSignature'),
    purpose: extKeyUsage(oids.clientAuth),
    names: names(alice),
    keyId: subjectKeyIdentifier(keyIdOf(publicKey)),
    issuerKeyId: authorityKeyIdentifier(from.keyId),
  };
  const content: Omit<CertificateContent, 'extensions'> = {
    serial: new Uint8Array(16).fill(0x41),
    algorithm: sequence(oid(oids.ecdsaWithSha256)),
    issuer: from.name,
    notBefore: FAKE_START,
    notAfter: FAKE_START + 30 * DAY,
    subject: encodeNameOf([[oids.commonName, 'alice@example.net']]),
    publicKey,
  };

  type Planted = { readonly [K in keyof typeof content]?: (typeof content)[K] } & {
    readonly [K in keyof typeof usual]?: Uint8Array | undefined;
  } & { readonly more?: readonly Uint8Array[]; readonly kind?: LintKind; readonly from?: Partial<LintIssuer> };

  function written(planted: Planted): Uint8Array {
    const parts = { ...usual, ...planted };
    const extensions = [
      parts.usage,
      parts.purpose,
      parts.names,
      parts.keyId,
      parts.issuerKeyId,
      ...(planted.more ?? []),
    ].filter((part) => part !== undefined);
    return encodeTbsCertificate({ ...content, ...planted, extensions });
  }

  function findings(planted: Planted, toBeSigned: Uint8Array = written(planted)): string[] {
    const kind = planted.kind ?? 'person';
    return lintCertificate(toBeSigned, kind, { ...from, ...planted.from }).map(
      ({ what, section }) => `${what} (${section})`,
    );
  }

  test('a usual certificate has no finding', () => {
    assert.deepEqual(findings({}), []);
  });

  const device: Planted = { kind: 'device', names: names(dns('host.example.net')) };
  const server: Planted = {
    kind: 'server',
    purpose: extKeyUsage(oids.serverAuth),
    names: names(dns('mx.example.net')),
  };
  const responder: Planted = {
    kind: 'responder',
    purpose: extKeyUsage(oids.ocspSigning),
    names: undefined,
    more: [ocspNoCheck()],
  };
  const constrained = { constraints: constraintsOf(['example.net', 'xn--fsq.jp'], ['mx.other.example']) };
  const short = { notAfter: FAKE_START + 7 * DAY };
  const web = 'http://mail.example.net/crl';

  const good: Readonly<Record<string, Planted>> = {
    'a device with a SPIFFE ID': { ...device, names: names(uri('spiffe://example.net/printer/2')) },
    'a server': server,
    'a wildcard server': { ...server, names: names(dns('*.example.net')) },
    'an OCSP responder': responder,
    'a mailbox beyond ASCII': { names: names({ kind: 'mailbox', text: '日本語@xn--fsq.jp' }), from: constrained },
    'a name within the constraints': { names: names(mail('a@sub.example.net')), from: constrained },
    'a device by a bare word under constraints': { ...device, names: undefined, from: constrained },
    'a server under constraints': { ...server, names: names(dns('mx.other.example')), from: constrained },
    'a short life with noRevAvail': { ...short, more: [noRevocationAvailable()] },
    'addresses of status': { more: [crlDistributionPoints([web]), authorityInfoAccess([web], [`${web}.crt`])] },
    'a subject in T61 and BMP': {
      subject: sequence(
        rdn('2.5.4.11', element(tags.t61String, Buffer.from([0x63, 0xe9]))),
        rdn(oids.commonName, bmpString('Алиса')),
      ),
    },
  };
  for (const [what, planted] of Object.entries(good)) {
    test(`has no fault to find with ${what}`, () => assert.deepEqual(findings(planted), []));
  }

  /** Each breaks one rule and no other. */
  const planted: Readonly<Record<string, Planted>> = {
    'serial number has 21 octets, more than 20 (RFC 5280 §4.1.2.2)': { serial: new Uint8Array(21).fill(1) },
    'serial number has 4 octets, fewer than 8: it could be guessed or repeated (RFC 5280 §8)': {
      serial: new Uint8Array(4).fill(1),
    },
    'signature algorithm 1.2.840.113549.1.1.5 is broken (RFC 6194 §3)': {
      algorithm: sequence(oid(oids.sha1WithRsa), nil()),
    },
    'signature algorithm 1.3.101.113 is none that this CA uses (RFC 5280 §4.1.1.2)': {
      algorithm: sequence(oid(oids.ed448)),
    },
    'signature algorithm 1.3.101.112 does not fit the key of the CA (RFC 5280 §4.1.1.2)': {
      algorithm: sequence(oid(oids.ed25519)),
    },
    'parameters of the signature algorithm are not absent (RFC 4055 §5)': {
      algorithm: sequence(oid(oids.ecdsaWithSha256), nil()),
    },
    'issuer is not the name of the CA that signs (RFC 5280 §4.1.2.4)': {
      issuer: encodeNameOf([[oids.commonName, 'another']]),
    },
    'begins before its issuer does (RFC 5280 §4.1.2.5)': { notBefore: from.notBefore - 1000 },
    'outlives its issuer (RFC 5280 §4.1.2.5)': { notBefore: from.notAfter - 30 * DAY, notAfter: from.notAfter + 1000 },
    'lives longer than profile person allows: at most 397 days (RFC 5280 §4.1.2.5)': {
      notAfter: FAKE_START + 400 * DAY,
    },
    'an RSA key of 1024 bits is too weak; at least 2048 (RFC 9325 §4.5) (RFC 5280 §4.1.2.7)': {
      publicKey: publicKeyOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
    },
    'certifies the key of the CA (RFC 5280 §4.1.2.7)': { publicKey: from.publicKey },
    // Subject
    'subject is empty, so no access map line could name it (RFC 5280 §4.1.2.6)': { subject: sequence() },
    'subject is the name of the CA (RFC 5280 §4.1.2.6)': { subject: from.name },
    'subject has a part without an attribute (RFC 5280 §A.1)': {
      subject: sequence(setOf(), rdn(oids.commonName, utf8String('alice'))),
    },
    'CN of the subject is not of the string type that it says (RFC 5280 §4.1.2.4)': {
      subject: subject(oids.commonName, printable('alice@example.net')),
    },
    'CN of the subject is empty (RFC 5280 §4.1.2.4)': { subject: subject(oids.commonName, utf8String('')) },
    'CN of the subject has a control character (RFC 5280 §7.1)': {
      subject: subject(oids.commonName, utf8String('alice\0.example.net')),
    },
    'CN of the subject has 65 characters, more than 64 (RFC 5280 §A.1)': {
      subject: subject(oids.commonName, utf8String('例'.repeat(65))),
    },
    'C of the subject is no country code of two letters in PrintableString (RFC 5280 §A.1)': {
      subject: sequence(rdn(oids.countryName, printable('JPN')), rdn(oids.commonName, utf8String('alice'))),
    },
    'serialNumber or dnQualifier of the subject is not PrintableString (RFC 5280 §A.1)': {
      subject: subject(oids.serialNumber, utf8String('17')),
    },
    'emailAddress or DC of the subject is not IA5String (RFC 5280 §A.1)': {
      subject: subject(oids.emailAddress, utf8String('alice@example.net')),
    },
    // Extensions
    'no subject key identifier (RFC 5280 §4.2.1.2)': { keyId: undefined },
    'authority key identifier is not that of the CA (RFC 5280 §4.2.1.1)': {
      issuerKeyId: authorityKeyIdentifier(new Uint8Array(20)),
    },
    'key usage is missing (RFC 5280 §4.2.1.3)': { usage: undefined },
    'key usage: not critical (RFC 5280 §4.2.1.3)': {
      usage: extension(oids.keyUsage, undefined, element(tags.bitString, Uint8Array.of(7, 0x80))),
    },
    'key usage is not digitalSignature alone (RFC 5280 §4.2.1.3)': {
      usage: keyUsage('digitalSignature', 'keyCertSign'),
    },
    'extended key usage is not that of profile person (RFC 5280 §4.2.1.12)': {
      purpose: extKeyUsage(oids.clientAuth, oids.serverAuth),
    },
    'extended key usage: critical (RFC 5280 §4.2.1.12)': {
      purpose: extension(oids.extKeyUsage, true, sequence(oid(oids.clientAuth))),
    },
    'subject key identifier: critical (RFC 5280 §4.2.1.2)': {
      keyId: extension(oids.subjectKeyIdentifier, true, octetString(new Uint8Array(20))),
    },
    'subject alternative name: critical (RFC 5280 §4.2.1.6)': { names: subjectAltName([alice], true) },
    'subject alternative name has a kind that profile person does not have (RFC 5280 §4.2.1.6)': {
      names: names(alice, dns('example.net')),
    },
    'subject alternative name is missing (RFC 5280 §4.2.1.6)': { names: undefined },
    'a server has no DNS name (RFC 5280 §4.2.1.6)': { ...server, names: names(uri('spiffe://example.net/mx')) },
    'subject alternative name has an empty entry (RFC 5280 §4.2.1.6)': { names: names(mail('')) },
    'subject alternative name has a blank or control character (RFC 5280 §4.2.1.6)': {
      ...device,
      names: names(dns('host.example.net\0.example.org')),
    },
    'subject alternative name is not ASCII (RFC 5280 §4.2.1.6)': {
      names: rawName(0x81, Buffer.from('\xe4lice@example.net', 'latin1')),
    },
    'rfc822Name is no mailbox (RFC 5280 §4.2.1.6)': { names: names(mail('alice')) },
    'SmtpUTF8Mailbox does not have a local part beyond ASCII and a domain in A-labels (RFC 9598 §3)': {
      names: names({ kind: 'mailbox', text: 'alice@example.net' }),
    },
    'URI is no SPIFFE ID (RFC 5280 §4.2.1.6)': { ...device, names: names(uri('https://example.net/a')) },
    'has more than one SPIFFE ID (RFC 5280 §4.2.1.6)': {
      ...device,
      names: names(uri('spiffe://example.net/a'), uri('spiffe://example.net/b')),
    },
    '"a@example.org" is outside of what this CA may certify: only names of example.net, 例.jp (RFC 5280 §4.2.1.10)': {
      names: names(mail('a@example.org')),
      from: constrained,
    },
    '"日本語@sub.example.net" is outside of what this CA may certify: only names of example.net, 例.jp, and addresses beyond ASCII not of their subdomains (RFC 9598 §6)':
      {
        names: names({ kind: 'mailbox', text: '日本語@sub.example.net' }),
        from: constrained,
      },
    '"h.example.org" is outside of what this CA may certify: only names of example.net, 例.jp, mx.other.example (RFC 5280 §4.2.1.10)':
      { ...device, names: names(dns('h.example.org')), from: constrained },
    '"spiffe://notexample.net/a" is outside of what this CA may certify: only names of example.net, 例.jp (RFC 5280 §4.2.1.10)':
      { ...device, names: names(uri('spiffe://notexample.net/a')), from: constrained },
    '"eve@example.org" is outside of what this CA may certify: only names of example.net, 例.jp (RFC 5280 §4.2.1.10)': {
      subject: subject(oids.emailAddress, element(tags.ia5String, Buffer.from('eve@example.org'))),
      from: constrained,
    },
    'an end entity is a CA (RFC 5280 §4.2.1.9)': { more: [caConstraints(undefined)] },
    'name constraints in a certificate of an end entity (RFC 5280 §4.2)': {
      more: [nameConstraints(constraintsOf(['example.net'], []))],
    },
    'extension 2.5.29.15 is there twice (RFC 5280 §4.2)': { more: [usual.usage] },
    'extension 1.2.3.4 is critical and none that this CA writes (RFC 5280 §4.2)': {
      more: [extension('1.2.3.4', true, nil())],
    },
    'critical FALSE is written out, though it is the default (X.690 §11.5)': {
      purpose: extension(oids.extKeyUsage, false, sequence(oid(oids.clientAuth))),
    },
    '"ldap://example.net/" is no http address without credentials (RFC 5280 §4.2.1.13)': {
      more: [crlDistributionPoints(['ldap://example.net/'])],
    },
    '"http://user:secret@example.net/" is no http address without credentials (RFC 5280 §4.2.2.1)': {
      more: [authorityInfoAccess(['http://user:secret@example.net/'], [])],
    },
    'noRevAvail stands beside a CRL or OCSP address (RFC 9608 §3)': {
      ...short,
      more: [noRevocationAvailable(), crlDistributionPoints([web])],
    },
    'a short-lived certificate has no noRevAvail (RFC 9608 §2)': short,
    'noRevAvail in a certificate that lives longer than 7 days (RFC 9608 §2)': { more: [noRevocationAvailable()] },
    'noRevAvail: critical (RFC 9608 §2)': { ...short, more: [extension(oids.noRevAvail, true, nil())] },
    "a responder's certificate has no ocsp-nocheck (RFC 6960 §4.2.2.2.1)": { ...responder, more: [] },
    'ocsp-nocheck in a certificate of no responder (RFC 6960 §4.2.2.2.1)': { more: [ocspNoCheck()] },
    "a responder's certificate says where to ask for its state (RFC 6960 §4.2.2.2.1)": {
      ...responder,
      more: [ocspNoCheck(), crlDistributionPoints([web])],
    },
    'lives longer than profile responder allows: at most 30 days (RFC 5280 §4.1.2.5)': {
      ...responder,
      notAfter: FAKE_START + 31 * DAY,
    },
    'lives longer than profile device allows: at most 36 hours (RFC 5280 §4.1.2.5)': {
      ...device,
      from: { lifetimes: { device: 1.5 * DAY } },
    },
  };
  for (const [finding, mistake] of Object.entries(planted)) {
    test(`finds: ${finding}`, () => assert.deepEqual(findings(mistake), [finding]));
  }

  test('version 2 has extensions, so it is not even read', () => {
    const parts = { ...content, extensions: Object.values(usual) };
    const version3 = Buffer.from(encodeTbsCertificate(parts));
    const at = version3.indexOf(explicit(0, integer(2)));
    version3[at + 4] = 1;
    assert.deepEqual(findings({}, version3), ['not readable as a certificate (RFC 5280 §4.1)']);
  });

  test('unique identifiers, and UTCTime for 2050', () => {
    const version3 = encodeTbsCertificate({ ...content, extensions: Object.values(usual) });
    const extensions = explicit(3, sequence(...Object.values(usual)));
    const body = version3.subarray(4, version3.length - extensions.length);
    const unique = sequence(body, implicit(1, Uint8Array.of(0, 1)), extensions);
    assert.deepEqual(findings({}, unique), ['has a unique identifier (RFC 5280 §4.1.2.8)']);
  });

  test('a time before 2050 in GeneralizedTime', () => {
    const whole = Buffer.from(encodeTbsCertificate({ ...content, extensions: Object.values(usual) }));
    const at = whole.indexOf(Buffer.from([tags.utcTime, 13]));
    const text = whole.toString('latin1', at + 2, at + 15);
    const before = whole.subarray(4, at - 2);
    const notAfter = whole.subarray(at + 15, at + 30);
    const rest = whole.subarray(at + 30);
    const general = element(tags.generalizedTime, Buffer.from(`20${text}`));
    assert.deepEqual(findings({}, sequence(before, sequence(general, notAfter), rest)), [
      'a time is not UTCTime up to 2049 and GeneralizedTime from 2050 (RFC 5280 §4.1.2.5)',
    ]);
  });

  test('serial number 0', () => {
    assert.equal(findings({ serial: new Uint8Array(16) })[0], 'serial number is not positive (RFC 5280 §4.1.2.2)');
  });

  test('notAfter before notBefore is short-lived, too', () => {
    assert.equal(findings({ notAfter: FAKE_START })[0], 'notAfter is not later than notBefore (RFC 5280 §4.1.2.5)');
  });

  test('bytes that are no certificate', () => {
    assert.match(
      lintCertificate(Uint8Array.of(0x30, 0x01, 0x00), 'person', from)[0]?.what ?? '',
      /not a TBSCertificate/,
    );
  });

  describe('of an issuing CA', () => {
    const ca: Planted = {
      kind: 'issuing',
      usage: keyUsage('keyCertSign', 'crlSign'),
      purpose: undefined,
      names: undefined,
      more: [caConstraints(0), nameConstraints(constraintsOf(['example.net'], []))],
    };
    test('a usual one has no finding', () => assert.deepEqual(findings(ca), []));

    const wrong: Readonly<Record<string, Planted>> = {
      'path length of an issuing CA is not 0 (RFC 5280 §4.2.1.9)': { ...ca, more: [caConstraints(1)] },
      'cA is not set (RFC 5280 §4.2.1.9)': { ...ca, more: [] },
      'key usage is not keyCertSign and cRLSign (RFC 5280 §4.2.1.3)': { ...ca, usage: keyUsage('keyCertSign') },
      'an issuing CA has the name or key of the root (RFC 5280 §3.2)': { ...ca, subject: from.name },
      'a CA has alternative names (RFC 5280 §4.2.1.6)': {
        ...ca,
        names: names(dns('example.net')),
        more: [caConstraints(0)],
      },
      'extended key usage in a certificate of a CA (RFC 5280 §4.2)': { ...ca, purpose: usual.purpose },
      'name constraints: not critical (RFC 5280 §4.2.1.10)': {
        ...ca,
        more: [
          caConstraints(0),
          extension(oids.nameConstraints, undefined, sequence(explicit(0, sequence(implicit(2, Buffer.from('a.b')))))),
        ],
      },
      'name constraints constrain nothing (RFC 5280 §4.2.1.10)': {
        ...ca,
        more: [caConstraints(0), extension(oids.nameConstraints, true, sequence())],
      },
    };
    for (const [finding, mistake] of Object.entries(wrong)) {
      test(`finds: ${finding}`, () => assert.deepEqual(findings(mistake), [finding]));
    }
  });
});
