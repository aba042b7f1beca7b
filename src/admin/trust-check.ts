/**
 * One CA from outside, from its files in `trust/NAME/`: whether they are what they should be, and what follows from
 * them. Used by whoever adds one and by the relay that reads them again.
 */
import { X509Certificate } from 'node:crypto';
import type { Ms } from '../base/clock.ts';
import { latin1, sameBytes } from '../base/bytes.ts';
import { chainCrypto, isSignedBy, isSoundSignature, type ChainCrypto } from '../ca/chain-crypto.ts';
import { formatProblem } from '../config/load.ts';
import { parseTrustFile, type TrustFile } from '../config/trust-file.ts';
import { parseCertificate, type Certificate } from '../protocol/pki/certificate.ts';
import { readCrl } from '../protocol/pki/crl-read.ts';
import { encodeName } from '../protocol/pki/name.ts';
import { encodePem } from '../protocol/pki/pem.ts';
import { authorityCertificate, keyIdOf, type ForeignAuthority } from '../relay/identity/foreign.ts';
import type { AuthorityCertificate } from '../relay/identity/chain.ts';
import { revocationList, type RevocationList } from '../relay/identity/revocation-list.ts';

/** Where one CA's files are, below the data directory. */
export interface TrustPaths {
  readonly authority: string;
  readonly crl: string;
  readonly rules: string;
}

/** Names of trusts are folders, and stand in logs behind `via`. */
export const TRUST_NAME: RegExp = /^[a-z0-9][a-z0-9._-]{0,62}$/;
export const TRUST_FOLDER = 'trust';

export function trustPaths(name: string): TrustPaths {
  const folder = `${TRUST_FOLDER}/${name}`;
  return { authority: `${folder}/authority.pem`, crl: `${folder}/crl.pem`, rules: `${folder}/trust.yaml` };
}

/** The files as they were read; undefined: it is not there. */
export interface TrustTexts {
  readonly authority: Uint8Array;
  readonly rules: string;
  readonly crl: Uint8Array | undefined;
}

/** A CA certificate in words. */
export interface CaView {
  readonly subject: string;
  readonly root: boolean;
  readonly notAfter: Ms;
  readonly fingerprint: string;
}

export interface CrlView {
  readonly issuer: string;
  readonly number: string | null;
  readonly thisUpdate: Ms;
  readonly nextUpdate: Ms;
  readonly revoked: number;
}

export interface LoadedTrust {
  readonly foreign: ForeignAuthority;
  readonly certificates: readonly AuthorityCertificate[];
  readonly pem: string;
  readonly file: TrustFile;
  readonly cas: readonly CaView[];
  readonly crls: readonly CrlView[];
  /** Good enough to be in force, and worth a word. */
  readonly warnings: readonly string[];
}

export interface CheckedTrust {
  /** Undefined when there are faults. */
  readonly loaded: LoadedTrust | undefined;
  /** Each with its file, and the line where there is one. */
  readonly faults: readonly string[];
}

export interface TrustSurroundings {
  /** Certificates of our own CA, DER. */
  readonly own: readonly Uint8Array[];
  readonly now: Ms;
}

interface Found {
  readonly der: Uint8Array;
  readonly line: number;
  readonly parsed: Certificate;
  readonly x509: X509Certificate;
  readonly selfSigned: boolean;
}

/** Least bits of an RSA key (CA/Browser Forum, NIST SP 800-131A). */
const RSA_BITS = 2048;

/** Checks the files of one CA, and gives what follows from them. */
export function checkTrust(name: string, texts: TrustTexts, around: TrustSurroundings): CheckedTrust {
  const paths = trustPaths(name);
  const faults: string[] = [];
  const warnings: string[] = [];
  const { trust, problems } = parseTrustFile(texts.rules, paths.rules);
  faults.push(...problems.map(formatProblem));
  const crypto = chainCrypto();
  const found = readAuthority(texts.authority, paths.authority, faults);
  for (const one of found) judgeCa(one, `${paths.authority}:${one.line}`, around, faults, warnings);
  if (found.length > 0) checkRoots(found, paths.authority, crypto, faults);
  const lists = texts.crl === undefined ? [] : readLists(texts.crl, paths.crl, found, crypto, faults);
  if (faults.length > 0 || trust === undefined) return { loaded: undefined, faults };

  const crl = trust.crl ?? (texts.crl === undefined ? undefined : { url: undefined, expired: 'refuse' as const });
  const certificates = found
    .map(({ der, selfSigned }) => authorityCertificate(der, name, selfSigned, crypto))
    .filter((one) => one !== undefined);
  const foreign: ForeignAuthority = {
    name,
    source: paths.rules,
    rules: trust.rules,
    revocation: crl && { expired: crl.expired, lists: lists.map(({ list }) => list) },
  };
  return {
    loaded: {
      foreign,
      certificates,
      pem: found.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
      file: { rules: trust.rules, crl },
      cas: found.map(({ der, parsed, selfSigned }) => ({
        subject: encodeName(parsed.subject),
        root: selfSigned,
        notAfter: parsed.notAfter,
        fingerprint: crypto.digest(der),
      })),
      crls: lists.map(({ list, issuer }) => ({
        issuer,
        number: list.number ?? null,
        thisUpdate: list.thisUpdate,
        nextUpdate: list.nextUpdate,
        revoked: list.sorted.length,
      })),
      warnings,
    },
    faults,
  };
}

interface Block {
  readonly der: Uint8Array;
  readonly line: number;
}

/** The blocks of a PEM text with this label and where they begin; DER is one block. */
function blocksOf(bytes: Uint8Array, label: string): Block[] {
  const text = latin1(bytes);
  if (!text.includes('-----BEGIN ')) return bytes.length === 0 ? [] : [{ der: bytes, line: 1 }];
  const blocks: Block[] = [];
  const pattern = new RegExp(`-----BEGIN ${label}-----([^-]*)-----END ${label}-----`, 'g');
  let [line, at] = [1, 0];
  for (const { index, 1: base64 = '' } of text.matchAll(pattern)) {
    for (; at < index; at++) if (text.charCodeAt(at) === 10) line += 1;
    blocks.push({ der: new Uint8Array(Buffer.from(base64, 'base64')), line });
  }
  return blocks;
}

function readAuthority(bytes: Uint8Array, path: string, faults: string[]): Found[] {
  const blocks = blocksOf(bytes, 'CERTIFICATE');
  if (blocks.length === 0) faults.push(`${path}: there is no certificate in it`);
  return blocks.flatMap(({ der, line }) => {
    const parsed = parseCertificate(der);
    try {
      const x509 = new X509Certificate(der);
      if (parsed !== undefined)
        return [{ der, line, parsed, x509, selfSigned: x509.checkIssued(x509) && x509.verify(x509.publicKey) }];
    } catch {
      // told below
    }
    faults.push(`${path}:${line}: this is no certificate`);
    return [];
  });
}

const KEY_CERT_SIGN = 0x04;
const CRL_SIGN = 0x02;

function judgeCa(
  { parsed, x509, der, selfSigned }: Found,
  where: string,
  { own, now }: TrustSurroundings,
  faults: string[],
  warnings: string[],
): void {
  const name = encodeName(parsed.subject);
  const fault = (what: string): void => void faults.push(`${where}: ${name} ${what}`);
  if (!parsed.isCa) fault('is no CA (basicConstraints); give the certificate of the CA that issued it');
  else if (parsed.keyUsage === undefined) warnings.push(`${where}: ${name} has no keyUsage, which a CA should have`);
  else if (!(parsed.keyUsage & KEY_CERT_SIGN)) fault('may not sign certificates (keyUsage)');
  if (own.some((ours) => isAlike(ours, der)))
    fault('is our own CA, or has its name or its key; whom it certified is in the ledger (sealpost list)');
  const { modulusLength } = x509.publicKey.asymmetricKeyDetails ?? {};
  if (x509.publicKey.asymmetricKeyType === 'rsa' && (modulusLength ?? 0) < RSA_BITS)
    fault(`has an RSA key of ${modulusLength} bits, fewer than ${RSA_BITS}`);
  if (x509.publicKey.asymmetricKeyType === 'dsa') fault('has a DSA key');
  if (/md[245]|sha1(?!\d)|sha-1\b/i.test(x509.signatureAlgorithm ?? '')) {
    // What a root says of itself proves nothing, however it is signed.
    if (selfSigned) warnings.push(`${where}: ${name} is signed by ${x509.signatureAlgorithm}, as no new one should be`);
    else fault(`is signed by ${x509.signatureAlgorithm}, which is broken`);
  }
  if (now > parsed.notAfter) warnings.push(`${where}: ${name} expired on ${x509.validTo}`);
  if (now < parsed.notBefore) warnings.push(`${where}: ${name} is not valid before ${x509.validFrom}`);
}

/** The same certificate, name or key. */
function isAlike(one: Uint8Array, other: Uint8Array): boolean {
  const [a, b] = [parseCertificate(one), parseCertificate(other)];
  if (a === undefined || b === undefined) return false;
  return encodeName(a.subject) === encodeName(b.subject) || sameBytes(a.publicKey, b.publicKey);
}

/** Chains end at self-signed roots, so each certificate has to lead to one in the file. */
function checkRoots(found: readonly Found[], path: string, crypto: ChainCrypto, faults: string[]): void {
  const reached = new Set(found.filter(({ selfSigned }) => selfSigned));
  for (let before = -1; before !== reached.size;) {
    before = reached.size;
    for (const one of found)
      if ([...reached].some((issuer) => one !== issuer && crypto.issued(one.der, issuer.der))) reached.add(one);
  }
  for (const { line, parsed, x509 } of found.filter((one) => !reached.has(one)))
    faults.push(
      `${path}:${line}: ${encodeName(parsed.subject)} is no root, and its issuer (${x509.issuer.replaceAll('\n', ', ')}) is not in the file; append it, up to the self-signed root`,
    );
}

interface FoundList {
  readonly list: RevocationList;
  readonly issuer: string;
}

function readLists(
  bytes: Uint8Array,
  path: string,
  found: readonly Found[],
  crypto: ChainCrypto,
  faults: string[],
): FoundList[] {
  const blocks = blocksOf(bytes, 'X509 CRL');
  if (blocks.length === 0) faults.push(`${path}: there is no CRL in it`);
  const lists: FoundList[] = [];
  for (const { der, line } of blocks) {
    const reading = readCrl(der);
    if (reading.kind === 'bad') {
      faults.push(`${path}:${line}: this list cannot be used: ${reading.why}`);
      continue;
    }
    const { list: content } = reading;
    const issuer = encodeName(content.issuer);
    if (!isSoundSignature(content.algorithm)) {
      faults.push(`${path}:${line}: the list of ${issuer} is signed by ${content.algorithm}, which is not believed`);
      continue;
    }
    const signer = found.find(
      ({ parsed }) =>
        sameBytes(parsed.subject, content.issuer) &&
        (parsed.keyUsage === undefined || (parsed.keyUsage & CRL_SIGN) !== 0) &&
        isSignedBy(parsed.publicKey, content.algorithm, content.signed, content.signature),
    );
    if (signer === undefined) {
      faults.push(
        `${path}:${line}: no CA in authority.pem signed this list of ${issuer}; append the CA's certificate, or take the list out`,
      );
      continue;
    }
    const keyId = keyIdOf(signer.parsed.subject, signer.parsed.publicKey, crypto);
    lists.push({ list: revocationList(der, content, keyId), issuer });
  }
  return lists;
}
