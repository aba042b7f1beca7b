import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testAuthority } from '../../test/fakes/authority.ts';
import { FAKE_START } from '../../test/fakes/clock.ts';
import {
  authorityKeyIdentifier,
  caConstraints,
  encodeNameOf,
  encodeTbsCertificate,
  extKeyUsage,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
  type CertificateContent,
} from '../protocol/pki/certificate-write.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { nil } from '../protocol/pki/der-write.ts';
import { oid, sequence } from '../protocol/pki/der.ts';
import { oids } from '../protocol/pki/oid.ts';
import { keyIdOf, makeKey } from './keys.ts';
import { lintCertificate, type LintIssuer } from './lint.ts';

const DAY = 86_400_000;

function issuer(): LintIssuer {
  const certificate = parseCertificate(testAuthority().made.issuing);
  assert.ok(certificate?.subjectKeyId);
  const { subject, publicKey, subjectKeyId, notBefore, notAfter } = certificate;
  return { name: subject, publicKey, keyId: subjectKeyId, notBefore, notAfter };
}

describe('the look before signing', () => {
  const from = issuer();
  const { publicKey } = makeKey();
  const usual = {
    usage: keyUsage('digitalSignature'),
    purpose: extKeyUsage(oids.clientAuth),
    names: subjectAltName(['alice@example.net'], [], false),
    keyId: subjectKeyIdentifier(keyIdOf(publicKey)),
    issuerKeyId: authorityKeyIdentifier(from.keyId),
  };
  const content: Omit<CertificateContent, 'extensions'> = {
    serial: new Uint8Array(16).fill(0x41),
    algorithm: sequence(oid(oids.ecdsaWithSha256)),
    issuer: from.name,
    notBefore: FAKE_START,
    notAfter: FAKE_START + DAY,
    subject: encodeNameOf([[oids.commonName, 'alice@example.net']]),
    publicKey,
  };

  type Planted = { readonly [K in keyof typeof content]?: (typeof content)[K] } & {
    readonly [K in keyof typeof usual]?: Uint8Array | undefined;
  } & { readonly more?: readonly Uint8Array[] };

  function findings(planted: Planted): string[] {
    const parts = { ...usual, ...planted };
    const extensions = [
      parts.usage,
      parts.purpose,
      parts.names,
      parts.keyId,
      parts.issuerKeyId,
      ...(planted.more ?? []),
    ].filter((part) => part !== undefined);
    return lintCertificate(encodeTbsCertificate({ ...content, ...planted, extensions }), 'person', from).map(
      ({ what, section }) => `${what} (${section})`,
    );
  }

  test('a usual certificate has no finding', () => {
    assert.deepEqual(findings({}), []);
  });

  const planted: Readonly<Record<string, Planted>> = {
    'serial number has 21 octets, more than 20 (RFC 5280 §4.1.2.2)': { serial: new Uint8Array(21).fill(1) },
    'serial number has 4 octets, fewer than 8: it could be guessed or repeated (RFC 5280 §8)': {
      serial: new Uint8Array(4).fill(1),
    },
    'signature algorithm 1.2.840.113549.1.1.5 is broken (RFC 6194 §3)': {
      algorithm: sequence(oid(oids.sha1WithRsa), nil()),
    },
    'issuer is not the name of the CA that signs (RFC 5280 §4.1.2.4)': {
      issuer: encodeNameOf([[oids.commonName, 'another']]),
    },
    'notAfter is not later than notBefore (RFC 5280 §4.1.2.5)': { notAfter: FAKE_START },
    'begins before its issuer does (RFC 5280 §4.1.2.5)': { notBefore: from.notBefore - 1000 },
    'outlives its issuer (RFC 5280 §4.1.2.5)': { notBefore: from.notAfter - DAY, notAfter: from.notAfter + 1000 },
    'lives longer than profile person allows (RFC 5280 §4.1.2.5)': { notAfter: FAKE_START + 400 * DAY },
    'no subject key identifier (RFC 5280 §4.2.1.2)': { keyId: undefined },
    'authority key identifier is not that of the CA (RFC 5280 §4.2.1.1)': {
      issuerKeyId: authorityKeyIdentifier(new Uint8Array(20)),
    },
    'key usage is not digitalSignature alone (RFC 5280 §4.2.1.3)': {
      usage: keyUsage('digitalSignature', 'keyCertSign'),
    },
    'extended key usage is not that of profile person (RFC 5280 §4.2.1.12)': {
      purpose: extKeyUsage(oids.clientAuth, oids.serverAuth),
    },
    'subject alternative name has a kind that profile person does not have (RFC 5280 §4.2.1.6)': {
      names: subjectAltName(['alice@example.net'], ['example.net'], false),
    },
    'subject alternative name is missing (RFC 5280 §4.2.1.6)': { names: undefined },
    'subject is empty, so no access map line could name it (RFC 5280 §4.1.2.6)': { subject: sequence() },
    'subject is the name of the CA (RFC 5280 §4.1.2.6)': { subject: from.name },
    'certifies the key of the CA (RFC 5280 §4.1.2.7)': { publicKey: from.publicKey },
    'an end entity is a CA (RFC 5280 §4.2.1.9)': { more: [caConstraints(undefined)] },
    'not readable as a certificate (RFC 5280 §4.1)': { more: [usual.usage] },
  };
  for (const [finding, mistake] of Object.entries(planted)) {
    test(`finds: ${finding}`, () => assert.deepEqual(findings(mistake), [finding]));
  }

  test('serial number 0', () => {
    assert.equal(findings({ serial: new Uint8Array(16) })[0], 'serial number is not positive (RFC 5280 §4.1.2.2)');
  });

  test('key usage that is missing', () => {
    assert.deepEqual(findings({ usage: undefined }), [
      'key usage is missing or not critical (RFC 5280 §4.2.1.3)',
      'key usage is not digitalSignature alone (RFC 5280 §4.2.1.3)',
    ]);
  });

  test('bytes that are no certificate', () => {
    assert.match(
      lintCertificate(Uint8Array.of(0x30, 0x01, 0x00), 'person', from)[0]?.what ?? '',
      /not a TBSCertificate/,
    );
  });

  test('an end entity is no issuing CA, and an issuing CA without path length 0 is none', () => {
    const extensions = [caConstraints(1), keyUsage('keyCertSign', 'crlSign'), usual.keyId, usual.issuerKeyId];
    const what = lintCertificate(encodeTbsCertificate({ ...content, extensions }), 'issuing', from).map(
      (finding) => finding.what,
    );
    assert.deepEqual(what, ['path length of an issuing CA is not 0']);
    const endEntity = encodeTbsCertificate({ ...content, extensions: [usual.usage, usual.keyId, usual.issuerKeyId] });
    assert.deepEqual(
      lintCertificate(endEntity, 'issuing', from).map((finding) => finding.section),
      ['RFC 5280 §4.2.1.9', 'RFC 5280 §4.2.1.9', 'RFC 5280 §4.2.1.3', 'RFC 5280 §4.2.1.9'],
    );
  });
});
