/**
 * The authority itself, with the issuing key in hand: it names, writes, lints and signs. The signer process wraps it;
 * tests use it as it is. It keeps no ledger and has no clock: serial and times come with each request.
 */
import { sameBytes } from '../base/bytes.ts';
import { X509Certificate, type KeyObject } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  crlDistributionPoints,
  encodeSigned,
  encodeTbsCertificate,
  extKeyUsage,
  keyUsage,
  noRevocationAvailable,
  ocspNoCheck,
  subjectAltName,
  subjectKeyIdentifier,
} from '../protocol/pki/certificate-write.ts';
import { extensionValue, parseCertificate } from '../protocol/pki/certificate.ts';
import { DerError } from '../protocol/pki/der.ts';
import { readNameConstraints, type NameConstraints } from '../protocol/pki/name-constraint.ts';
import { oids } from '../protocol/pki/oid.ts';
import { encodeCrlEntries, encodeTbsCrl } from '../protocol/pki/crl.ts';
import type {
  AuthorityTerms,
  AuthorityUrls,
  CrlRequest,
  SignedCrl,
  IssuedCertificate,
  IssueRequest,
  SigningDoor,
} from './authority.ts';
import { acceptPublicKey, keyIdOf, publicKeyOf, signerOf } from './keys.ts';
import type { ProfileName, RevocationReason } from './ledger.ts';
import { lintCertificate, type LintIssuer } from './lint.ts';
import { certifiedNames, lifeOf, profiles, SHORT_LIFE } from './profile.ts';
import { proveRequest } from './proof.ts';
import { reasonCodes } from './reason.ts';
import { RequestRefused } from './refusal.ts';
import { holderName, templateSubject, writtenSubject } from './subject.ts';

export interface AuthorityKeys {
  /** Certificates, DER. */
  readonly root: Bytes;
  readonly issuing: Bytes;
  readonly issuingKey: KeyObject;
  readonly terms: AuthorityTerms;
}

/** The door with the key in this process. Throws when the key and the certificates do not belong together. */
export function localDoor(keys: AuthorityKeys): SigningDoor {
  const issuer = issuerOf(keys);
  const signer = signerOf(keys.issuingKey);

  function issue(request: IssueRequest): IssuedCertificate {
    const { profile } = request;
    if (!Object.hasOwn(profiles, profile))
      throw new RequestRefused(`there is no profile "${profile}"`, 'RFC 5280 §4.2.1.12');
    const names = certifiedNames(profile, request, issuer.constraints);
    const { subject, publicKey, ignored } = subjectOf(request, keys.terms);
    const notBefore = beginning(wholeSeconds(request.notBefore), issuer.notBefore);
    const latest = Math.min(notBefore + lifeOf(profile, keys.terms.lifetimes), issuer.notAfter);
    const wanted = request.notAfter ?? latest;
    const notAfter = wholeSeconds(request.follows === undefined ? wanted : Math.min(wanted, latest));
    const toBeSigned = encodeTbsCertificate({
      serial: positiveSerial(request.serial),
      algorithm: signer.algorithm,
      issuer: issuer.name,
      notBefore,
      notAfter,
      subject,
      publicKey,
      extensions: [
        keyUsage('digitalSignature'),
        extKeyUsage(...profiles[profile].purposes),
        ...(names.length === 0 ? [] : [subjectAltName(names, false)]),
        subjectKeyIdentifier(keyIdOf(publicKey)),
        authorityKeyIdentifier(issuer.keyId),
        ...statusExtensions(profile, notAfter - notBefore, keys.terms.urls),
      ],
    });
    refuseFindings(lintCertificate(toBeSigned, profile, { ...issuer, lifetimes: keys.terms.lifetimes }));
    return {
      certificate: encodeSigned(toBeSigned, signer.algorithm, signer.sign(toBeSigned)),
      chain: [keys.issuing, keys.root],
      ignored,
    };
  }

  function signCrl(request: CrlRequest): SignedCrl {
    if (!Number.isSafeInteger(request.number) || request.number < 1)
      throw new RequestRefused(`CRL number ${request.number} is no number from 1`, 'RFC 5280 §5.2.3');
    if (wholeSeconds(request.nextUpdate) <= wholeSeconds(request.thisUpdate))
      throw new RequestRefused('nextUpdate is not later than thisUpdate', 'RFC 5280 §5.1.2.5');
    const entries = crlEntries(request.revoked);
    const list = (onlyUsers: boolean): Bytes => {
      const toBeSigned = encodeTbsCrl({
        algorithm: signer.algorithm,
        issuer: issuer.name,
        issuerKeyId: issuer.keyId,
        number: request.number,
        thisUpdate: request.thisUpdate,
        nextUpdate: request.nextUpdate,
        entries,
        onlyUsers,
      });
      return encodeSigned(toBeSigned, signer.algorithm, signer.sign(toBeSigned));
    };
    const plain = list(false);
    // A self-signed CA that was taken over signs its own certificate, too, and that is no end entity's.
    return { crl: sameBytes(keys.root, keys.issuing) ? plain : list(true), plain };
  }

  // What is thrown inside becomes a rejection, as from the door in another process.
  return {
    issue: async (request) => issue(request),
    signCrl: async (request) => signCrl(request),
    close: () => {},
  };
}

/** Where to learn the state of a certificate; of a short-lived one and of a responder's nobody asks. */
function statusExtensions(profile: ProfileName, life: Ms, urls: AuthorityUrls): Bytes[] {
  const short = life <= SHORT_LIFE;
  const silent = short || profile === 'responder';
  const ocsp = silent ? [] : urls.ocsp;
  return [
    ...(silent || urls.crl.length === 0 ? [] : [crlDistributionPoints(urls.crl)]),
    ...(ocsp.length + urls.issuer.length === 0 ? [] : [authorityInfoAccess(ocsp, urls.issuer)]),
    ...(short ? [noRevocationAvailable()] : []),
    ...(profile === 'responder' ? [ocspNoCheck()] : []),
  ];
}

/** How far back requests date certificates, for holders whose clock is slow. */
const BACKDATED: Ms = 300_000;

/** A CA that is minutes old did not exist so long ago; one that begins later than now is refused by the lint. */
function beginning(wanted: Ms, earliest: Ms): Ms {
  return wanted < earliest && earliest - wanted <= BACKDATED ? earliest : wanted;
}

function issuerOf(keys: AuthorityKeys): LintIssuer {
  const certificate = parseCertificate(keys.issuing);
  const root = parseCertificate(keys.root);
  if (certificate === undefined || !certificate.isCa) throw new Error('the issuing certificate is no CA certificate');
  if (root === undefined || !root.isCa) throw new Error('the root certificate is no CA certificate');
  const rootKey = new X509Certificate(keys.root).publicKey;
  if (!sameBytes(certificate.issuer, root.subject) || !new X509Certificate(keys.issuing).verify(rootKey))
    throw new Error('the issuing certificate was not issued by the root');
  if (!sameBytes(certificate.publicKey, publicKeyOf(keys.issuingKey)))
    throw new Error('the issuing key is not the key of the issuing certificate');
  return {
    name: certificate.subject,
    publicKey: certificate.publicKey,
    keyId: certificate.subjectKeyId ?? keyIdOf(certificate.publicKey),
    notBefore: certificate.notBefore,
    notAfter: Math.min(certificate.notAfter, root.notAfter),
    constraints: constraintsIn(keys.issuing),
  };
}

/** The name constraints of the issuing CA. Throws when it has some of a kind that is not kept to here. */
function constraintsIn(issuing: Uint8Array): NameConstraints | undefined {
  const value = extensionValue(issuing, oids.nameConstraints);
  if (value === undefined) return undefined;
  try {
    return readNameConstraints(value);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new Error(`the name constraints of the issuing certificate: ${error.message}`, { cause: error });
  }
}

interface Subject {
  readonly subject: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly ignored: readonly string[];
}

/** The key of the request, and the subject: as written for it, else the CSR's own, else from the template. */
function subjectOf(request: IssueRequest, terms: AuthorityTerms): Subject {
  const proven = request.csr === undefined ? keyAlone(request.publicKey) : proveRequest(request.csr);
  if (request.subject !== undefined) return { ...proven, subject: writtenSubject(request.subject) };
  if (request.follows !== undefined) return { ...proven, subject: subjectIn(request.follows) };
  // A CSR may leave its subject empty and let the CA name it.
  if (proven.subject.length > 2) return proven;
  const { subject: template } = terms;
  return {
    ...proven,
    subject: template === undefined ? holderName(request.holder) : templateSubject(template, request.holder),
  };
}

function subjectIn(certificate: Uint8Array): Uint8Array {
  const parsed = parseCertificate(certificate);
  if (parsed === undefined) throw new RequestRefused('what is to be renewed is no certificate', 'RFC 5280 §4.1');
  return parsed.subject;
}

function keyAlone(publicKey: Uint8Array | undefined): Subject {
  if (publicKey === undefined) throw new RequestRefused('neither a CSR nor a public key', 'RFC 5280 §4.1.2.7');
  return { subject: new Uint8Array(0), publicKey: publicKeyOf(acceptPublicKey(publicKey)), ignored: [] };
}

/** Throws when there is anything to find fault with. */
export function refuseFindings(findings: readonly { readonly what: string; readonly section: string }[]): void {
  const [first, ...more] = findings;
  if (first === undefined) return;
  const rest = more.map(({ what, section }) => `; ${what} (${section})`).join('');
  throw new RequestRefused(`the certificate may not be signed: ${first.what}${rest}`, first.section);
}

/**
 * 16 octets with the top bit cleared, so that the number is positive. The next bit is set: a serial then always has
 * 16 octets, and no reader that drops leading zeros sees another number (RFC 5280 §4.1.2.2).
 */
export function positiveSerial(random: Uint8Array): Bytes {
  if (random.length !== 16)
    throw new RequestRefused(`a serial number is made of 16 octets, not ${random.length}`, 'RFC 5280 §4.1.2.2');
  const serial = Uint8Array.from(random);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function crlEntries(revoked: CrlRequest['revoked']): Bytes {
  const entries = revoked.map(({ serial, at, reason }) => ({ serial, at, reason: reasonCode(reason) }));
  try {
    return encodeCrlEntries(entries, entries.length);
  } catch (error) {
    if (error instanceof RangeError) throw new RequestRefused(error.message, 'RFC 5280 §5.3');
    throw error;
  }
}

function reasonCode(reason: RevocationReason): number {
  const code = Object.hasOwn(reasonCodes, reason) ? reasonCodes[reason] : undefined;
  if (code === undefined) throw new RequestRefused(`"${reason}" is no reason for revocation`, 'RFC 5280 §5.3.1');
  return code;
}

function wholeSeconds(at: number): number {
  if (!Number.isSafeInteger(at)) throw new RequestRefused(`${at} is no time in milliseconds`, 'RFC 5280 §4.1.2.5');
  return Math.floor(at / 1000) * 1000;
}
