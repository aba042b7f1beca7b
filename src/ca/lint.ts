/**
 * The last look at a certificate before the key signs it. Reads the bytes that would be signed with the reader of
 * protocol/pki, which shares nothing with the writer but the tags, so a mistake of the writer, of a profile or of a
 * caller is seen here. Decides only; the authority refuses when there is any finding.
 */
import type { Ms } from '../base/clock.ts';
import { encodeSigned } from '../protocol/pki/certificate-write.ts';
import { parseCertificate, type Certificate } from '../protocol/pki/certificate.ts';
import { DerError, DerReader, contextTag, tags } from '../protocol/pki/der.ts';
import { oids } from '../protocol/pki/oid.ts';
import type { ProfileName } from './ledger.ts';
import { profiles } from './profile.ts';

export interface Finding {
  readonly what: string;
  readonly section: string;
}

/** What the certificate is to be: an end entity of a profile, or one of our two CAs. */
export type LintKind = ProfileName | 'root' | 'issuing';

/** The CA that is to sign; for a root, itself. */
export interface LintIssuer {
  /** Name, DER. */
  readonly name: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly keyId: Uint8Array;
  readonly notBefore: Ms;
  readonly notAfter: Ms;
}

const weakAlgorithms: ReadonlySet<string> = new Set([
  oids.md2WithRsa,
  oids.md5WithRsa,
  oids.sha1WithRsa,
  oids.ecdsaWithSha1,
  oids.dsaWithSha1,
]);

/** Everything that is wrong with a TBSCertificate, DER; empty when it may be signed. */
export function lintCertificate(toBeSigned: Uint8Array, kind: LintKind, issuer: LintIssuer): Finding[] {
  let outline: Outline;
  let certificate: Certificate | undefined;
  try {
    outline = readOutline(toBeSigned);
    certificate = parseCertificate(encodeSigned(toBeSigned, outline.algorithmDer, Uint8Array.of(0)));
  } catch (error) {
    if (error instanceof DerError)
      return [{ what: `not a TBSCertificate: ${error.message}`, section: 'RFC 5280 §4.1' }];
    throw error;
  }
  if (certificate === undefined) return [{ what: 'not readable as a certificate', section: 'RFC 5280 §4.1' }];
  return [
    ...lintBasics(outline, certificate, issuer),
    ...(kind === 'root' || kind === 'issuing'
      ? lintCa(outline, certificate, kind, issuer)
      : lintEndEntity(certificate, kind, issuer)),
  ];
}

interface Outline {
  readonly version: number;
  readonly serial: Uint8Array;
  readonly algorithm: string;
  readonly algorithmDer: Uint8Array;
  /** Extension → whether it is critical. */
  readonly critical: ReadonlyMap<string, boolean>;
  readonly pathLength: number | undefined;
}

function readOutline(toBeSigned: Uint8Array): Outline {
  const outer = new DerReader(toBeSigned);
  const parts = outer.read(tags.sequence);
  outer.end();
  const version = parts.optional(contextTag(0))?.readSmallInteger() ?? 0;
  const serial = parts.readInteger();
  const algorithmDer = parts.readWhole(tags.sequence);
  const algorithm = new DerReader(algorithmDer).read(tags.sequence).readOid();
  // Issuer, validity, subject, key: parseCertificate reads them.
  for (let i = 0; i < 4; i++) parts.read(tags.sequence);
  const critical = new Map<string, boolean>();
  let pathLength: number | undefined;
  const list = parts.optional(contextTag(3))?.read(tags.sequence) ?? new DerReader(new Uint8Array(0));
  while (!list.done) {
    const extension = list.read(tags.sequence);
    const type = extension.readOid();
    critical.set(type, extension.tag === tags.boolean && extension.readBoolean());
    const value = extension.read(tags.octetString);
    if (type === oids.basicConstraints) pathLength = readPathLength(value);
  }
  parts.end();
  return { version, serial, algorithm, algorithmDer, critical, pathLength };
}

function readPathLength(value: DerReader): number | undefined {
  const constraints = value.read(tags.sequence);
  if (constraints.tag === tags.boolean) constraints.readBoolean();
  return constraints.done ? undefined : constraints.readSmallInteger();
}

/** Findings whose rule is broken. */
function broken(...rules: readonly (readonly [ok: boolean, what: string, section: string])[]): Finding[] {
  return rules.filter(([ok]) => !ok).map(([, what, section]) => ({ what, section }));
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function lintBasics(outline: Outline, certificate: Certificate, issuer: LintIssuer): Finding[] {
  const { serial } = outline;
  return broken(
    [outline.version === 2, `version is ${outline.version + 1}, not 3`, 'RFC 5280 §4.1.2.1'],
    [
      (serial[0] ?? 0x80) < 0x80 && serial.some((octet) => octet !== 0),
      'serial number is not positive',
      'RFC 5280 §4.1.2.2',
    ],
    [serial.length <= 20, `serial number has ${serial.length} octets, more than 20`, 'RFC 5280 §4.1.2.2'],
    [
      serial.length >= 8,
      `serial number has ${serial.length} octets, fewer than 8: it could be guessed or repeated`,
      'RFC 5280 §8',
    ],
    [!weakAlgorithms.has(outline.algorithm), `signature algorithm ${outline.algorithm} is broken`, 'RFC 6194 §3'],
    [same(certificate.issuer, issuer.name), 'issuer is not the name of the CA that signs', 'RFC 5280 §4.1.2.4'],
    [certificate.notBefore < certificate.notAfter, 'notAfter is not later than notBefore', 'RFC 5280 §4.1.2.5'],
    [certificate.notBefore >= issuer.notBefore, 'begins before its issuer does', 'RFC 5280 §4.1.2.5'],
    [certificate.notAfter <= issuer.notAfter, 'outlives its issuer', 'RFC 5280 §4.1.2.5'],
    [certificate.subjectKeyId !== undefined, 'no subject key identifier', 'RFC 5280 §4.2.1.2'],
    [
      outline.critical.get(oids.subjectKeyIdentifier) !== true,
      'subject key identifier is critical',
      'RFC 5280 §4.2.1.2',
    ],
    [
      certificate.authorityKeyId !== undefined && same(certificate.authorityKeyId, issuer.keyId),
      'authority key identifier is not that of the CA',
      'RFC 5280 §4.2.1.1',
    ],
    [outline.critical.get(oids.keyUsage) === true, 'key usage is missing or not critical', 'RFC 5280 §4.2.1.3'],
  );
}

const KEY_CERT_SIGN_AND_CRL_SIGN = 0x06;
const DIGITAL_SIGNATURE = 0x80;

function lintCa(outline: Outline, certificate: Certificate, kind: 'root' | 'issuing', issuer: LintIssuer): Finding[] {
  const selfIssued = same(certificate.subject, issuer.name) && same(certificate.publicKey, issuer.publicKey);
  return broken(
    [certificate.isCa, 'cA is not set', 'RFC 5280 §4.2.1.9'],
    [outline.critical.get(oids.basicConstraints) === true, 'basic constraints are not critical', 'RFC 5280 §4.2.1.9'],
    [
      certificate.keyUsage === KEY_CERT_SIGN_AND_CRL_SIGN,
      'key usage is not keyCertSign and cRLSign',
      'RFC 5280 §4.2.1.3',
    ],
    [readable(certificate.subject), 'a CA has an empty name', 'RFC 5280 §4.1.2.6'],
    [
      selfIssued === (kind === 'root'),
      kind === 'root' ? 'a root is signed by another' : 'an issuing CA has the name or key of the root',
      'RFC 5280 §3.2',
    ],
    [kind === 'root' || outline.pathLength === 0, 'path length of an issuing CA is not 0', 'RFC 5280 §4.2.1.9'],
  );
}

function lintEndEntity(certificate: Certificate, kind: ProfileName, issuer: LintIssuer): Finding[] {
  const profile = profiles[kind];
  const purposes = certificate.extendedKeyUsage ?? [];
  const expected = profile.names === 'address' ? certificate.emails : certificate.dnsNames;
  const other = profile.names === 'address' ? certificate.dnsNames : certificate.emails;
  return broken(
    [!certificate.isCa, 'an end entity is a CA', 'RFC 5280 §4.2.1.9'],
    [certificate.keyUsage === DIGITAL_SIGNATURE, 'key usage is not digitalSignature alone', 'RFC 5280 §4.2.1.3'],
    [
      purposes.length === profile.purposes.length && profile.purposes.every((purpose) => purposes.includes(purpose)),
      `extended key usage is not that of profile ${kind}`,
      'RFC 5280 §4.2.1.12',
    ],
    [expected.length > 0, 'subject alternative name is missing', 'RFC 5280 §4.2.1.6'],
    [other.length === 0, `subject alternative name has a kind that profile ${kind} does not have`, 'RFC 5280 §4.2.1.6'],
    [readable(certificate.subject), 'subject is empty, so no access map line could name it', 'RFC 5280 §4.1.2.6'],
    [!same(certificate.subject, issuer.name), 'subject is the name of the CA', 'RFC 5280 §4.1.2.6'],
    [!same(certificate.publicKey, issuer.publicKey), 'certifies the key of the CA', 'RFC 5280 §4.1.2.7'],
    [
      certificate.notAfter - certificate.notBefore <= profile.life,
      `lives longer than profile ${kind} allows`,
      'RFC 5280 §4.1.2.5',
    ],
  );
}

/** A Name that has at least one RDN: its sequence is not empty. */
function readable(name: Uint8Array): boolean {
  return name.length > 2;
}
