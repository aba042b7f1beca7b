/**
 * Makes an authority: a root that signs the issuing CA and nothing else, and the issuing CA that signs the rest.
 * Gives the files as bytes; the caller writes them, and may carry the root's key away from the machine.
 */
import type { KeyObject } from 'node:crypto';
import { utf8, type Bytes } from '../base/bytes.ts';
import type { Clock, Ms } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import {
  authorityKeyIdentifier,
  caConstraints,
  encodeSigned,
  encodeTbsCertificate,
  keyUsage,
  nameConstraints,
  subjectKeyIdentifier,
} from '../protocol/pki/certificate-write.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { encodeTbsCrl } from '../protocol/pki/crl.ts';
import { constraintsOf, type NameConstraints } from '../protocol/pki/name-constraint.ts';
import { encodePem } from '../protocol/pki/pem.ts';
import { positiveSerial, refuseFindings } from './authority-local.ts';
import { keyIdOf, makeKey, privateKeyDer, signerOf, type KeyPair } from './keys.ts';
import { lintCertificate, type LintIssuer } from './lint.ts';
import { caName } from './subject.ts';

/** Paths below the data directory. */
export const authorityFiles = {
  rootCertificate: 'ca/root.crt',
  rootKey: 'ca/root.key',
  issuingCertificate: 'ca/issuing.crt',
  issuingKey: 'ca/issuing.key',
  crl: 'ca/crl.pem',
  /** The same without an issuing distribution point. */
  plainCrl: 'ca/crl-plain.pem',
  /** The root's own: that it has not withdrawn the issuing CA. */
  rootCrl: 'ca/root-crl.pem',
  responderCertificate: 'ca/ocsp.crt',
  responderKey: 'ca/ocsp.key',
  serverCertificate: 'tls/server.crt',
  serverKey: 'tls/server.key',
} as const;

export interface AuthorityFile {
  readonly path: string;
  readonly bytes: Bytes;
  readonly mode: 'public' | 'secret';
}

export interface NewAuthority {
  /** Certificates, DER. */
  readonly root: Bytes;
  readonly issuing: Bytes;
  readonly rootKey: KeyObject;
  readonly issuingKey: KeyObject;
  /** Certificates and keys of both CAs, and the root's CRL. */
  readonly files: readonly AuthorityFile[];
}

const DAY: Ms = 86_400_000;
const ROOT_LIFE: Ms = 7305 * DAY;
const ISSUING_LIFE: Ms = 3652 * DAY;
/** A CA begins a little earlier than it is made, so that clocks which are slow trust it at once. */
export const BACKDATE: Ms = 3_600_000;

/** What may be chosen for a new authority. */
export interface AuthorityWishes {
  /** Keys of the two CAs; without, P-256. */
  readonly keys?: { readonly root: KeyPair; readonly issuing: KeyPair } | undefined;
  /** Domains the issuing CA is kept to, by name constraints, in lower-case A-labels; none: it is not constrained. */
  readonly mailDomains?: readonly string[] | undefined;
  /** More hosts that it may certify, besides `hostname`. */
  readonly hosts?: readonly string[] | undefined;
}

/** A new root (20 years) and issuing CA (10 years). `hostname` becomes part of both names. */
export function createAuthority(
  random: Random,
  clock: Clock,
  hostname: string,
  wishes: AuthorityWishes = {},
): NewAuthority {
  const now = wholeSeconds(clock.now());
  const notBefore = wholeSeconds(now - BACKDATE);
  const { root: rootPair, issuing: issuingPair } = wishes.keys ?? { root: makeKey(), issuing: makeKey() };
  const rootName = caName('Sealpost Root', hostname);
  const rootIssuer = issuerFacts(rootName, rootPair.publicKey, notBefore, notBefore + ROOT_LIFE);
  const signRoot = (ca: NewCa): Bytes => signCa(random, rootIssuer, rootPair.privateKey, ca);
  const root = signRoot({
    kind: 'root',
    subject: rootName,
    publicKey: rootPair.publicKey,
    notBefore,
    notAfter: rootIssuer.notAfter,
    constraints: undefined,
  });
  const domains = wishes.mailDomains ?? [];
  const issuing = signRoot({
    kind: 'issuing',
    subject: caName('Sealpost Issuing', hostname),
    publicKey: issuingPair.publicKey,
    notBefore,
    notAfter: notBefore + ISSUING_LIFE,
    constraints: domains.length === 0 ? undefined : constraintsOf(domains, [hostname, ...(wishes.hosts ?? [])]),
  });
  const rootCrl = signRootCrl({
    root,
    rootKey: rootPair.privateKey,
    number: 1,
    at: now,
    until: notBefore + ISSUING_LIFE,
  });
  return {
    root,
    issuing,
    rootKey: rootPair.privateKey,
    issuingKey: issuingPair.privateKey,
    files: [
      { path: authorityFiles.rootKey, bytes: keyFile(rootPair.privateKey), mode: 'secret' },
      { path: authorityFiles.rootCertificate, bytes: certificateFile([root]), mode: 'public' },
      { path: authorityFiles.rootCrl, bytes: utf8(encodePem('X509 CRL', rootCrl)), mode: 'public' },
      { path: authorityFiles.issuingKey, bytes: keyFile(issuingPair.privateKey), mode: 'secret' },
      { path: authorityFiles.issuingCertificate, bytes: certificateFile([issuing]), mode: 'public' },
    ],
  };
}

/** The CRL of the root, DER: for programs that want one of every CA of a chain. The issuing CA was never revoked. */
export function signRootCrl(wish: {
  readonly root: Uint8Array;
  readonly rootKey: KeyObject;
  readonly number: number;
  readonly at: Ms;
  readonly until: Ms;
}): Bytes {
  const root = parseCertificate(wish.root);
  if (root?.subjectKeyId === undefined) throw new Error('the root is no CA certificate with a key identifier');
  const signer = signerOf(wish.rootKey);
  const toBeSigned = encodeTbsCrl({
    algorithm: signer.algorithm,
    issuer: root.subject,
    issuerKeyId: root.subjectKeyId,
    number: wish.number,
    thisUpdate: wish.at,
    nextUpdate: wish.until,
    entries: new Uint8Array(0),
  });
  return encodeSigned(toBeSigned, signer.algorithm, signer.sign(toBeSigned));
}

/** Certificates one after the other, PEM. */
export function certificateFile(certificates: readonly Uint8Array[]): Bytes {
  return utf8(certificates.map((der) => encodePem('CERTIFICATE', der)).join(''));
}

/** PKCS#8, PEM, not encrypted: for files that only their owner may read. */
export function keyFile(key: KeyObject): Bytes {
  return utf8(encodePem('PRIVATE KEY', privateKeyDer(key)));
}

/** Certificates know no smaller unit (RFC 5280 §4.1.2.5). */
export function wholeSeconds(at: Ms): Ms {
  return Math.floor(at / 1000) * 1000;
}

function issuerFacts(name: Uint8Array, publicKey: Uint8Array, notBefore: Ms, notAfter: Ms): LintIssuer {
  return { name, publicKey, keyId: keyIdOf(publicKey), notBefore, notAfter, constraints: undefined };
}

interface NewCa {
  readonly kind: 'root' | 'issuing';
  readonly subject: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly notBefore: Ms;
  readonly notAfter: Ms;
  readonly constraints: NameConstraints | undefined;
}

function signCa(random: Random, issuer: LintIssuer, key: KeyObject, ca: NewCa): Bytes {
  const signer = signerOf(key);
  const toBeSigned = encodeTbsCertificate({
    serial: positiveSerial(random.bytes(16)),
    algorithm: signer.algorithm,
    issuer: issuer.name,
    notBefore: ca.notBefore,
    notAfter: ca.notAfter,
    subject: ca.subject,
    publicKey: ca.publicKey,
    extensions: [
      caConstraints(ca.kind === 'root' ? undefined : 0),
      keyUsage('keyCertSign', 'crlSign'),
      subjectKeyIdentifier(keyIdOf(ca.publicKey)),
      authorityKeyIdentifier(issuer.keyId),
      ...(ca.constraints === undefined ? [] : [nameConstraints(ca.constraints)]),
    ],
  });
  refuseFindings(lintCertificate(toBeSigned, ca.kind, issuer));
  return encodeSigned(toBeSigned, signer.algorithm, signer.sign(toBeSigned));
}
