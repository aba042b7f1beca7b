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
  subjectKeyIdentifier,
} from '../protocol/pki/certificate-write.ts';
import { encodePem } from '../protocol/pki/pem.ts';
import { positiveSerial, refuseFindings } from './authority-local.ts';
import { keyIdOf, makeKey, privateKeyDer, signerOf, type KeyPair } from './keys.ts';
import { lintCertificate, type LintIssuer } from './lint.ts';
import { caName } from './profile.ts';

/** Paths below the data directory. */
export const authorityFiles = {
  rootCertificate: 'ca/root.crt',
  rootKey: 'ca/root.key',
  issuingCertificate: 'ca/issuing.crt',
  issuingKey: 'ca/issuing.key',
  crl: 'ca/crl.pem',
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
  /** The four files of both CAs. */
  readonly files: readonly AuthorityFile[];
}

const DAY: Ms = 86_400_000;
const ROOT_LIFE: Ms = 7305 * DAY;
const ISSUING_LIFE: Ms = 3652 * DAY;
/** A CA begins a little earlier than it is made, so that clocks which are slow trust it at once. */
export const BACKDATE: Ms = 3_600_000;

/** A new root (20 years) and issuing CA (10 years), both P-256. `hostname` becomes part of both names. */
export function createAuthority(random: Random, clock: Clock, hostname: string): NewAuthority {
  const notBefore = Math.floor((clock.now() - BACKDATE) / 1000) * 1000;
  const rootPair = makeKey();
  const rootIssuer = issuerFacts(caName('Sealpost Root', hostname), rootPair, notBefore, ROOT_LIFE);
  const root = signCa(
    random,
    'root',
    rootIssuer.name,
    rootPair.publicKey,
    rootIssuer,
    rootPair.privateKey,
    rootIssuer.notAfter,
  );
  const issuingPair = makeKey();
  const issuing = signCa(
    random,
    'issuing',
    caName('Sealpost Issuing', hostname),
    issuingPair.publicKey,
    rootIssuer,
    rootPair.privateKey,
    notBefore + ISSUING_LIFE,
  );
  return {
    root,
    issuing,
    rootKey: rootPair.privateKey,
    issuingKey: issuingPair.privateKey,
    files: [
      { path: authorityFiles.rootKey, bytes: keyFile(rootPair.privateKey), mode: 'secret' },
      { path: authorityFiles.rootCertificate, bytes: certificateFile([root]), mode: 'public' },
      { path: authorityFiles.issuingKey, bytes: keyFile(issuingPair.privateKey), mode: 'secret' },
      { path: authorityFiles.issuingCertificate, bytes: certificateFile([issuing]), mode: 'public' },
    ],
  };
}

/** Certificates one after the other, PEM. */
export function certificateFile(certificates: readonly Uint8Array[]): Bytes {
  return utf8(certificates.map((der) => encodePem('CERTIFICATE', der)).join(''));
}

/** PKCS#8, PEM, not encrypted: for files that only their owner may read. */
export function keyFile(key: KeyObject): Bytes {
  return utf8(encodePem('PRIVATE KEY', privateKeyDer(key)));
}

function issuerFacts(name: Uint8Array, pair: KeyPair, notBefore: Ms, life: Ms): LintIssuer {
  return { name, publicKey: pair.publicKey, keyId: keyIdOf(pair.publicKey), notBefore, notAfter: notBefore + life };
}

function signCa(
  random: Random,
  kind: 'root' | 'issuing',
  subject: Uint8Array,
  publicKey: Uint8Array,
  issuer: LintIssuer,
  key: KeyObject,
  notAfter: Ms,
): Bytes {
  const signer = signerOf(key);
  const toBeSigned = encodeTbsCertificate({
    serial: positiveSerial(random.bytes(16)),
    algorithm: signer.algorithm,
    issuer: issuer.name,
    notBefore: issuer.notBefore,
    notAfter,
    subject,
    publicKey,
    extensions: [
      caConstraints(kind === 'root' ? undefined : 0),
      keyUsage('keyCertSign', 'crlSign'),
      subjectKeyIdentifier(keyIdOf(publicKey)),
      authorityKeyIdentifier(issuer.keyId),
    ],
  });
  refuseFindings(lintCertificate(toBeSigned, kind, issuer));
  return encodeSigned(toBeSigned, signer.algorithm, signer.sign(toBeSigned));
}
