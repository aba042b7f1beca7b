import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
 * missing or is not what it should be, before it takes the place of one that works.
 */
export function readTlsMaterial(config: Config, directory: string, ticketKeys: Uint8Array): TlsMaterial {
  const certificate = read('tls.certificate', inDirectory(directory, config.tls.certificate));
  const key = read('tls.key', inDirectory(directory, config.tls.key));
  const own = config.tls.ownAuthority
    ? [authorityFiles.rootCertificate, authorityFiles.issuingCertificate].map((path) => join(directory, path))
    : [];
  const others = config.tls.authorities.map((path) => inDirectory(directory, path));
  return {
    certificate,
    key,
    // The issuing CA is beside the root so that a client which sends its certificate alone is still verified.
    authorities: [...own, ...others].map((path) => checked(path, read('tls.authorities', path))),
    ticketKeys,
    minimum: config.tls.minimum,
  };
}

/** Names of our own issuing CA, in the form that principals carry; empty when it is not trusted here. */
export function ownIssuers(config: Config, directory: string): readonly string[] {
  if (!config.tls.ownAuthority) return [];
  const path = join(directory, authorityFiles.issuingCertificate);
  const parsed = parseCertificate(readCertificate(read('tls.ownAuthority', path)));
  if (parsed === undefined) throw new TrustError(`${path} is no certificate; restore it from a backup`);
  return [encodeName(parsed.subject)];
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

function checked(path: string, pem: string): string {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new TrustError(`${path} holds no certificate in PEM form`);
  for (const [index, block] of blocks.entries()) {
    try {
      readCertificate(block);
    } catch (error) {
      throw new TrustError(
        `certificate ${index + 1} in ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }
  return pem;
}

/** DER of a certificate in PEM form. Throws when OpenSSL cannot read it. */
function readCertificate(pem: string): Uint8Array {
  return new X509Certificate(pem).raw;
}
