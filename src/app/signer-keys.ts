/** Reads the authority's files: what the signer process needs of the disk, and all it needs. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { latin1, type Bytes } from '../base/bytes.ts';
import type { AuthorityKeys } from '../ca/authority-local.ts';
import { authorityFiles } from '../ca/setup.ts';
import { decodePem } from '../protocol/pki/pem.ts';
import type { SignerSettings } from './signer-frame.ts';

/** Certificates of both CAs and the issuing key. Throws with the file and what to do about it. */
export function loadAuthority(settings: SignerSettings): AuthorityKeys {
  return {
    root: readCertificate(join(settings.directory, authorityFiles.rootCertificate)),
    issuing: readCertificate(join(settings.directory, authorityFiles.issuingCertificate)),
    issuingKey: readKey(join(settings.directory, authorityFiles.issuingKey)),
    terms: settings.terms,
  };
}

function readCertificate(path: string): Bytes {
  const block = decodePem(latin1(readBytes(path))).find(({ label }) => label === 'CERTIFICATE');
  if (block === undefined) throw new Error(`${path}: holds no certificate in PEM`);
  return block.der;
}

/** Refuses a key that others may read: whoever could read it may have it. */
function readKey(path: string): KeyObject {
  const { mode } = whenThere(path, () => statSync(path));
  if ((mode & 0o077) !== 0) {
    throw new Error(
      `${path}: others than its owner may use this key (mode ${(mode & 0o777).toString(8).padStart(4, '0')}); run: chmod 600 ${path}`,
    );
  }
  const bytes = readBytes(path);
  try {
    return createPrivateKey({ key: Buffer.from(bytes), format: 'pem' });
  } catch (error) {
    throw new Error(`${path}: holds no private key in PEM that can be read`, { cause: error });
  }
}

function readBytes(path: string): Uint8Array {
  return whenThere(path, () => readFileSync(path));
}

function whenThere<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT')
      throw new Error(`${path}: no such file; "sealpost init" makes the authority`, { cause: error });
    if (code === 'EACCES') throw new Error(`${path}: not readable for this user`, { cause: error });
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
