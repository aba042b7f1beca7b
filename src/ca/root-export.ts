/** The root on its way to a safe: its certificate, and its key under a passphrase, in one PEM file that OpenSSL reads. */
import { sign, verify, X509Certificate, type KeyObject } from 'node:crypto';
import { concat, utf8, type Bytes, sameBytes } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { encodePem, pemBlock } from '../protocol/pki/pem.ts';
import { KeyFault, lockKey, openKey } from './encrypted-key.ts';

export async function makeRootExport(
  key: KeyObject,
  certificate: Uint8Array,
  passphrase: string,
  random: Random,
): Promise<Bytes> {
  return concat([await lockKey(key, passphrase, random), utf8(encodePem('CERTIFICATE', certificate))]);
}

/** The key in an exported file, after it has proved to be that of `root`. Throws a KeyFault. */
export function openRootExport(file: Uint8Array, root: Uint8Array, passphrase: string | undefined): KeyObject {
  const certificate = pemBlock(file, 'CERTIFICATE');
  if (certificate !== undefined && !sameBytes(certificate, root))
    throw new KeyFault('none', 'holds another root certificate than this authority has');
  const key = openKey(file, passphrase);
  if (!signsFor(key, root)) throw new KeyFault('none', 'holds a key that is not that of the root certificate');
  return key;
}

/** Whether what the key signs is verified by the certificate: it is the key, and it works. */
function signsFor(key: KeyObject, certificate: Uint8Array): boolean {
  const { publicKey } = new X509Certificate(certificate);
  if (publicKey.asymmetricKeyType !== key.asymmetricKeyType) return false;
  const hash = key.asymmetricKeyType === 'ec' || key.asymmetricKeyType === 'rsa' ? 'sha256' : null;
  const text = utf8('whether this key is the root');
  return verify(hash, text, publicKey, sign(hash, text, key));
}
