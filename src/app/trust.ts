import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { Ms } from '../base/clock.ts';
import { authorityFiles } from '../ca/setup.ts';
import type { Config } from '../config/schema.ts';
import { inDirectory } from '../config/settings.ts';
import type { TlsMaterial } from '../platform/net/tls-contexts.ts';
import { parseCertificate } from '../protocol/pki/certificate.ts';
import { encodeName } from '../protocol/pki/name.ts';

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
export function readTlsMaterial(config: Config, directory: string, ticketKeys: Uint8Array): TlsMaterial {
  const paths = {
    certificate: inDirectory(directory, config.tls.certificate),
    key: inDirectory(directory, config.tls.key),
  };
  const certificate = checked(paths.certificate, read('tls.certificate', paths.certificate));
  const key = read('tls.key', paths.key);
  checkPair(paths, certificate, key);
  return {
    certificate,
    key,
    authorities: authorityPaths(config, directory).map((path) => checked(path, read('tls.authorities', path))),
    ticketKeys,
    minimum: config.tls.minimum,
  };
}

/** The files that `readTlsMaterial` reads: what is to be watched. */
export function tlsFiles(config: Config, directory: string): string[] {
  return [
    inDirectory(directory, config.tls.certificate),
    inDirectory(directory, config.tls.key),
    ...authorityPaths(config, directory),
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
    isSameTrust(one, other)
  );
}

/** Whether client certificates of the same CAs are believed. */
export function isSameTrust(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.authorities.join('\n') === other.authorities.join('\n');
}

/**
 * Throws a TrustError when the certificate that is to come cannot be used at this time and the one in force can: so does
 * a certificate that comes back from a backup.
 */
export function refuseWorse(config: Config, next: TlsMaterial, inForce: TlsMaterial, now: Ms): void {
  const fault = timeFault(leafOf(next), now);
  if (fault !== undefined && timeFault(leafOf(inForce), now) === undefined)
    throw new TrustError(`${config.tls.certificate}: ${fault}; the one before stays in force`);
}

/** What clients will find wrong with the server certificate, which is in force all the same. */
export function serverCertificateFaults(config: Config, material: TlsMaterial, now: Ms): string[] {
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
  const gap = chainFault(chain, material.authorities);
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
