/**
 * Private keys in PEM, in clear or under a passphrase: EncryptedPrivateKeyInfo (RFC 5958 §3) with PBES2 (RFC 8018 §6.2),
 * which `openssl pkey` reads.
 */
import { createCipheriv, createPrivateKey, pbkdf2, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { concat, latin1, utf8, type Bytes } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { octetString } from '../protocol/pki/der-write.ts';
import { sequence } from '../protocol/pki/der.ts';
import { decodePem, encodePem } from '../protocol/pki/pem.ts';
import { pbes2Algorithm } from '../protocol/pki/pkcs12.ts';
import { privateKeyDer } from './keys.ts';

/** What slows a guess down: about a sixth of a second for us. The number is OWASP's for PBKDF2 with HMAC-SHA-256. */
const ITERATIONS = 600_000;
const ENCRYPTED = 'ENCRYPTED PRIVATE KEY';
/** The labels that OpenSSL writes; the last two are of its old forms. */
const KEY_LABELS: readonly string[] = ['PRIVATE KEY', ENCRYPTED, 'EC PRIVATE KEY', 'RSA PRIVATE KEY'];

const deriveKey = promisify(pbkdf2);

/** Why a key cannot be used: there is none, it needs a passphrase, or the passphrase is another. */
export class KeyFault extends Error {
  override readonly name = 'KeyFault';
  readonly kind: 'none' | 'locked' | 'wrong-passphrase';

  constructor(kind: KeyFault['kind'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** The key as PEM under the passphrase. */
export async function lockKey(key: KeyObject, passphrase: string, random: Random): Promise<Bytes> {
  const how = { salt: random.bytes(16), iterations: ITERATIONS, iv: random.bytes(16) };
  const derived = await deriveKey(utf8(passphrase), how.salt, how.iterations, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', derived, how.iv);
  const plain = privateKeyDer(key);
  const encrypted = concat([cipher.update(plain), cipher.final()]);
  plain.fill(0);
  derived.fill(0);
  return utf8(encodePem(ENCRYPTED, sequence(pbes2Algorithm(how), octetString(encrypted))));
}

/** Whether the first key of a PEM file is under a passphrase; undefined when it holds no key. */
export function isLocked(pem: Uint8Array): boolean | undefined {
  const text = latin1(pem);
  const block = decodePem(text).find(({ label }) => KEY_LABELS.includes(label));
  if (block === undefined) return undefined;
  // OpenSSL's old form says it in a header, which is no base64: such a block is not found above (RFC 1421 §4.6.1.1).
  return block.label === ENCRYPTED;
}

/** The first key of a PEM file. Throws a KeyFault that never tells more than that the passphrase does not open it. */
export function openKey(pem: Uint8Array, passphrase?: Uint8Array | string): KeyObject {
  const locked = isLocked(pem);
  if (locked === undefined) throw new KeyFault('none', 'holds no private key in PEM that can be read');
  if (locked && passphrase === undefined) throw new KeyFault('locked', 'the key is locked with a passphrase');
  try {
    return createPrivateKey({
      key: Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength),
      format: 'pem',
      ...(locked && passphrase !== undefined ? { passphrase: asBuffer(passphrase) } : {}),
    });
  } catch (error) {
    // A wrong passphrase may give any octets, so what OpenSSL says of them means nothing.
    throw locked
      ? new KeyFault('wrong-passphrase', 'the passphrase does not open the key')
      : new KeyFault('none', 'holds no private key in PEM that can be read', error);
  }
}

function asBuffer(passphrase: Uint8Array | string): Buffer | string {
  return typeof passphrase === 'string'
    ? passphrase
    : Buffer.from(passphrase.buffer, passphrase.byteOffset, passphrase.byteLength);
}
