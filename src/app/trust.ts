import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createSecureContext, rootCertificates } from 'node:tls';
import { sameBytes } from '../base/bytes.ts';
import type { Ms } from '../base/clock.ts';
import { authorityFiles } from '../ca/setup.ts';
import type { Config } from '../config/schema.ts';
import { inDirectory } from '../config/settings.ts';
import { handshakeOptions, type HandshakeRules, type TlsMaterial } from '../platform/net/tls-contexts.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { encodeName } from '../protocol/pki/name.ts';
import { hashedFiles, nameHash } from './hashed-directory.ts';
import { endedLists, readRevocation, revocationFiles, watchedIn } from './revocation.ts';

/** A file that TLS needs cannot be used; the message names it and says what to do. */
export class TrustError extends Error {
  override readonly name = 'TrustError';
  readonly kind = 'configuration';
}

/**
 * What the TLS listeners need, read from the files the configuration names. Throws a TrustError for a file that is
 * missing or is not what it should be, and for a key that is not the certificate's, before it takes the place of one
 * that works: files of others are written in several steps, and may be read between two of them.
 */
export function readTlsMaterial(
  config: Config,
  directory: string,
  ticketKeys: Uint8Array,
  foldersNeeded = true,
): TlsMaterial {
  const material = readServerMaterial(config, directory, ticketKeys, foldersNeeded);
  const { lists, faults, remarks } = listsFor(config, directory, material);
  if (lists?.incomplete) throw new TrustError(faults.join('; '));
  return withLists(material, lists, [...faults, ...remarks]);
}

/**
 * The same, as far as it goes where `tls.unusable` allows it: without a certificate nobody speaks TLS, without a list
 * nobody's certificate counts. Never takes the place of what is better and in force.
 */
export function usableTlsMaterial(
  config: Config,
  directory: string,
  ticketKeys: Uint8Array,
  inForce?: TlsMaterial,
): TlsMaterial {
  const isGood = inForce !== undefined && inForce.unusable === undefined && !inForce.revocation?.incomplete;
  // A directory that CAs came from must not be missing for the moment that it is made anew.
  const foldersNeeded = config.tls.unusable === 'refuse' || (inForce?.unnamedAuthorities ?? []).length > 0;
  if (config.tls.unusable === 'refuse' || isGood) return readTlsMaterial(config, directory, ticketKeys, foldersNeeded);
  let material: TlsMaterial;
  try {
    material = readServerMaterial(config, directory, ticketKeys, foldersNeeded);
  } catch (error) {
    if (!(error instanceof TrustError) || (inForce !== undefined && inForce.unusable === undefined)) throw error;
    const remark = `${error.message}; STARTTLS is not offered until that is mended (tls.unusable)`;
    return { certificate: '', key: '', authorities: [], ticketKeys, unusable: error.message, remarks: [remark] };
  }
  const { lists, faults, remarks } = listsFor(config, directory, material);
  const consequences = faults.map((fault) =>
    lists?.incomplete ? `${fault}; no client certificate counts until that is mended (tls.unusable)` : fault,
  );
  return withLists(material, lists, [...consequences, ...remarks]);
}

function listsFor(config: Config, directory: string, material: TlsMaterial): ReturnType<typeof readRevocation> {
  return readRevocation(config, directory, [...material.authorities, ...(material.unnamedAuthorities ?? [])]);
}

function withLists(
  material: TlsMaterial,
  revocation: TlsMaterial['revocation'],
  remarks: readonly string[],
): TlsMaterial {
  return { ...material, revocation, remarks: [...(material.remarks ?? []), ...remarks] };
}

function readServerMaterial(
  config: Config,
  directory: string,
  ticketKeys: Uint8Array,
  foldersNeeded: boolean,
): TlsMaterial {
  const paths = {
    certificate: inDirectory(directory, config.tls.certificate),
    key: inDirectory(directory, config.tls.key),
  };
  const certificate = checked(paths.certificate, read('tls.certificate', paths.certificate));
  const key = read('tls.key', paths.key);
  const remarks = checkMode(paths.key, config.tls.keyMode);
  checkPair(paths, certificate, key);
  const rules = handshakeRules(config);
  const authorities = authorityPaths(config, directory).map((path) => checked(path, read('tls.authorities', path)));
  const folders = config.tls.authorityPaths.map((path) =>
    readFolder(inDirectory(directory, path), foldersNeeded ? undefined : remarks),
  );
  return {
    certificate,
    key,
    authorities,
    ...(folders.length === 0 ? {} : { unnamedAuthorities: folders.flat() }),
    ticketKeys,
    minimum: config.tls.minimum,
    ...(rules === undefined ? {} : { rules }),
    remarks,
  };
}

/** Undefined: nothing is said of handshakes. Throws a TrustError for what OpenSSL does not know. */
function handshakeRules(config: Config): HandshakeRules | undefined {
  const { ciphers, groups, options, minimum } = config.tls;
  const weakSignatures = config.compatibility.includes('weak-signatures');
  if (ciphers === undefined && groups === undefined && options.length === 0 && !weakSignatures) return undefined;
  const rules = { ciphers, groups, options, weakSignatures };
  for (const [key, part] of [
    ['tls.ciphers', { ...rules, groups: undefined }],
    ['tls.groups', { ...rules, ciphers: undefined }],
  ] as const) {
    try {
      createSecureContext(handshakeOptions(minimum, part));
    } catch (error) {
      throw new TrustError(`${key} cannot be used: ${detailOf(error)}`, { cause: error });
    }
  }
  return rules;
}

/** PEM of what OpenSSL would find in a hashed directory. To OpenSSL one that is not there is empty. */
function readFolder(folder: string, remarks: string[] | undefined): string[] {
  let files: ReturnType<typeof hashedFiles>;
  try {
    files = hashedFiles(folder, 'certificate');
  } catch (error) {
    const why = `cannot read ${folder} (tls.authorityPaths): ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
    if (remarks === undefined) throw new TrustError(why, { cause: error });
    remarks.push(`${why}; no CA is taken from there (tls.unusable)`);
    return [];
  }
  return files.flatMap(({ path, hash }) => {
    try {
      const pem = readFileSync(path, 'utf8');
      // It is found by this name alone, and then all that is beside it in the file.
      return certificatesIn(pem).some((one) => hashOf(one) === hash) ? (pem.match(CERTIFICATE) ?? []) : [];
    } catch {
      return []; // like OpenSSL, which passes over a link that leads nowhere and a file that is none
    }
  });
}

function hashOf(certificate: X509Certificate): string | undefined {
  const parsed = parseCertificate(certificate.raw);
  return parsed && nameHash(parsed.subject);
}

/** Who else can read or write the key. Throws a TrustError when that is more than `allowed`. */
function checkMode(path: string, allowed: Config['tls']['keyMode']): string[] {
  const mode = statSync(path).mode & 0o777;
  const octal = `0${mode.toString(8)}`;
  if (allowed === 'any')
    return mode & 0o004
      ? [`${path} (tls.key) can be read by every user of this machine (mode ${octal}); make it 0600`]
      : [];
  const forbidden = allowed === 'owner' ? 0o077 : 0o027;
  if ((mode & forbidden) === 0) return [];
  throw new TrustError(
    `${path} (tls.key) can be read or written by others (mode ${octal}); make it ${allowed === 'owner' ? '0600' : '0640'}, or change tls.keyMode`,
  );
}

/** The files that `readTlsMaterial` reads: what is to be watched. */
export function tlsFiles(config: Config, directory: string): string[] {
  return [
    inDirectory(directory, config.tls.certificate),
    inDirectory(directory, config.tls.key),
    ...authorityPaths(config, directory),
    ...config.tls.authorityPaths.flatMap((path) => watchedIn(inDirectory(directory, path), 'certificate')),
    ...revocationFiles(config, directory),
  ];
}

/** What the signer reads. */
export function caFiles(config: Config, directory: string): string[] {
  if (!config.tls.ownAuthority) return [];
  return [authorityFiles.rootCertificate, authorityFiles.issuingCertificate, authorityFiles.issuingKey].map((path) =>
    join(directory, path),
  );
}

/** The files of the routes: our client certificates with their keys, and whom a hop's certificate is verified by. */
export function routeFiles(config: Config, directory: string): string[] {
  return config.delivery.routes
    .flatMap(({ identity, authorities }) => [identity?.certificate, identity?.key, authorities])
    .filter((path) => path !== undefined)
    .map((path) => inDirectory(directory, path));
}

/** Whether both would make the same contexts, tickets apart. */
export function isSameMaterial(one: TlsMaterial, other: TlsMaterial): boolean {
  return (
    one.certificate === other.certificate &&
    one.key === other.key &&
    one.minimum === other.minimum &&
    one.unusable === other.unusable &&
    isDeepStrictEqual(one.rules, other.rules) &&
    isSameTrust(one, other)
  );
}

/** Whether client certificates of the same CAs are believed. */
export function isSameTrust(one: TlsMaterial, other: TlsMaterial): boolean {
  return (
    one.authorities.join('\n') === other.authorities.join('\n') &&
    one.unnamedAuthorities?.join('\n') === other.unnamedAuthorities?.join('\n') &&
    isSameLists(one.revocation, other.revocation)
  );
}

function isSameLists(one: TlsMaterial['revocation'], other: TlsMaterial['revocation']): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.incomplete === other.incomplete &&
    one.lists.length === other.lists.length &&
    one.lists.every(({ list }, index) => sameBytes(list.der, other.lists[index]?.list.der ?? new Uint8Array(0)))
  );
}

/**
 * Throws a TrustError when the certificate that is to come cannot be used at this time and the one in force can: so does
 * a certificate that comes back from a backup.
 */
export function refuseWorse(config: Config, next: TlsMaterial, inForce: TlsMaterial, now: Ms): void {
  if (next.unusable !== undefined || inForce.unusable !== undefined) return;
  const fault = timeFault(leafOf(next), now);
  if (fault !== undefined && timeFault(leafOf(inForce), now) === undefined)
    throw new TrustError(`${config.tls.certificate}: ${fault}; the one before stays in force`);
}

/** What clients will find wrong with the server certificate, which is in force all the same. */
export function serverCertificateFaults(config: Config, material: TlsMaterial, now: Ms): string[] {
  const lists = material.revocation === undefined ? [] : endedLists(material.revocation, now);
  return [...(material.remarks ?? []), ...lists, ...certificateFaults(config, material, now)];
}

function certificateFaults(config: Config, material: TlsMaterial, now: Ms): string[] {
  const chain = certificatesIn(material.certificate);
  const [leaf] = chain;
  if (leaf === undefined) return [];
  const faults: string[] = [];
  const time = timeFault(leaf, now);
  if (time !== undefined) faults.push(`${time}; clients refuse it`);
  // RFC 9525 §6: clients look at subjectAltName alone.
  if (leaf.checkHost(config.hostname, { subject: 'never' }) === undefined) {
    faults.push(
      `it does not name ${config.hostname} but ${leaf.subjectAltName ?? 'nothing'}; clients that reach the relay by that name refuse it`,
    );
  }
  const gap = chainFault(chain, [...material.authorities, ...(material.unnamedAuthorities ?? [])]);
  if (gap !== undefined) faults.push(gap);
  return faults.map((fault) => `${config.tls.certificate}: ${fault}`);
}

/** Names of our own issuing CA, in the form that principals carry; empty when it is not trusted here. */
export function ownIssuers(config: Config, directory: string): readonly string[] {
  if (!config.tls.ownAuthority) return [];
  const path = join(directory, authorityFiles.issuingCertificate);
  const parsed = parseCertificate(readCertificate(read('tls.ownAuthority', path)));
  if (parsed === undefined) throw new TrustError(`${path} is no certificate; restore it from a backup`);
  return [encodeName(parsed.subject)];
}

function authorityPaths(config: Config, directory: string): string[] {
  const own = config.tls.ownAuthority
    ? // The issuing CA is beside the root so that a client which sends its certificate alone is still verified.
      [authorityFiles.rootCertificate, authorityFiles.issuingCertificate].map((path) => join(directory, path))
    : [];
  return [...own, ...config.tls.authorities.map((path) => inDirectory(directory, path))];
}

function read(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new TrustError(`cannot read ${path} (${key}): ${(error as NodeJS.ErrnoException).code ?? String(error)}`, {
      cause: error,
    });
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A whole block of any kind: the key may be in the same file. */
const BLOCK = /^-----BEGIN ([^-\r\n]+)-----[^-]+-----END \1-----$/gm;

function checked(path: string, pem: string): string {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new TrustError(`${path} holds no certificate in PEM form`);
  // A file that is just being written ends in the middle of a block, or of its first line.
  if (/^-/m.test(pem.replaceAll(BLOCK, ''))) throw new TrustError(`${path} ends in the middle of a certificate`);
  for (const [index, block] of blocks.entries()) {
    try {
      readCertificate(block);
    } catch (error) {
      throw new TrustError(`certificate ${index + 1} in ${path} cannot be read: ${detailOf(error)}`, { cause: error });
    }
  }
  return pem;
}

function checkPair(paths: { readonly certificate: string; readonly key: string }, pem: string, keyPem: string): void {
  let key: KeyObject;
  try {
    key = createPrivateKey(keyPem);
  } catch (error) {
    const why = keyPem.includes('ENCRYPTED') ? 'it is encrypted; give it without a passphrase' : detailOf(error);
    throw new TrustError(`the key in ${paths.key} (tls.key) cannot be read: ${why}`, { cause: error });
  }
  const [leaf] = certificatesIn(pem);
  if (leaf?.checkPrivateKey(key) !== true)
    throw new TrustError(
      `${paths.key} (tls.key) is not the key of the first certificate in ${paths.certificate} (tls.certificate)`,
    );
  try {
    createSecureContext({ cert: pem, key: keyPem });
  } catch (error) {
    throw new TrustError(`${paths.certificate} (tls.certificate) cannot be used: ${detailOf(error)}`, { cause: error });
  }
}

/** The certificates of a PEM text that was checked, in order. */
function certificatesIn(pem: string): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map((block) => new X509Certificate(block));
}

function leafOf(material: TlsMaterial): X509Certificate {
  return new X509Certificate(material.certificate);
}

function timeFault(certificate: X509Certificate, now: Ms): string | undefined {
  if (certificate.validToDate.getTime() < now)
    return `the certificate ended on ${certificate.validToDate.toISOString()}`;
  if (certificate.validFromDate.getTime() > now)
    return `the certificate is not valid before ${certificate.validFromDate.toISOString()}`;
  return undefined;
}

/** RFC 8446 §4.4.2: each certificate is followed by that of its issuer; a root may be left out, for clients have it. */
function chainFault(chain: readonly X509Certificate[], authorities: readonly string[]): string | undefined {
  for (const [index, certificate] of chain.entries()) {
    const next = chain[index + 1];
    if (certificate.subject === certificate.issuer) return undefined;
    if (next !== undefined) {
      if (!certificate.checkIssued(next))
        return `certificate ${index + 2} in the file did not issue the one before it; put the chain in order, leaf first`;
      continue;
    }
    const known = (pem: string): boolean => certificatesIn(pem).some((root) => certificate.checkIssued(root));
    if (authorities.some(known) || rootCertificates.some(known)) return undefined;
    return `the certificate of its issuer (${certificate.issuer.replaceAll('\n', ', ')}) does not follow in the file; unless that is a root which clients have, append it`;
  }
  return undefined;
}

/** DER of a certificate in PEM form. Throws when OpenSSL cannot read it. */
function readCertificate(pem: string): Uint8Array {
  return new X509Certificate(pem).raw;
}

function detailOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
