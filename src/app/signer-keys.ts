/** Reads the authority's files: what the signer process needs of the disk, and all it needs. */
import type { KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Bytes } from '../base/bytes.ts';
import { isLocked, openKey } from '../ca/encrypted-key.ts';
import { authorityFiles } from '../ca/setup.ts';
import { pemBlock } from '../protocol/pki/pem.ts';

/** More than any key or certificate has. */
const LARGEST_FILE = 65_536;

export interface CaCertificates {
  /** DER. */
  readonly root: Bytes;
  readonly issuing: Bytes;
}

/** Certificates of both CAs. Throws with the file and what to do about it. */
export function loadCertificates(directory: string): CaCertificates {
  return {
    root: readCertificate(join(directory, authorityFiles.rootCertificate)),
    issuing: readCertificate(join(directory, authorityFiles.issuingCertificate)),
  };
}

/** The issuing key, or its file when it is under a passphrase. Throws with the file and what to do about it. */
export function loadIssuingKey(directory: string): KeyObject | { readonly locked: Bytes } {
  const path = join(directory, authorityFiles.issuingKey);
  const pem = readSecret(path);
  if (isLocked(pem) === true) return { locked: pem };
  try {
    return openKey(pem);
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}; restore it from a backup`, {
      cause: error,
    });
  }
}

/** A file that nobody but its owner may use: whoever could read a key may have it. */
export function readSecret(path: string): Bytes {
  const { mode } = whenThere(path, () => statSync(path));
  if ((mode & 0o077) !== 0) {
    throw new Error(
      `${path}: others than its owner may use this key (mode ${(mode & 0o777).toString(8).padStart(4, '0')}); run: chmod 600 ${path}`,
    );
  }
  return readBytes(path);
}

function readCertificate(path: string): Bytes {
  const der = pemBlock(readBytes(path), 'CERTIFICATE');
  if (der === undefined) throw new Error(`${path}: holds no certificate in PEM; restore it from a backup`);
  return der;
}

/** Anything but a file of sensible size is refused before it is opened: a pipe would never end. */
function readBytes(path: string): Bytes {
  const found = whenThere(path, () => statSync(path));
  if (!found.isFile()) throw new Error(`${path}: is ${found.isDirectory() ? 'a directory' : 'no file'}`);
  if (found.size > LARGEST_FILE)
    throw new Error(`${path}: has ${found.size} octets, too many for a key or certificate`);
  return new Uint8Array(whenThere(path, () => readFileSync(path)));
}

function whenThere<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT')
      throw new Error(`${path}: no such file; restore it from a backup, or make a new authority with "sealpost init"`, {
        cause: error,
      });
    if (code === 'EACCES') throw new Error(`${path}: not readable for this user`, { cause: error });
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
