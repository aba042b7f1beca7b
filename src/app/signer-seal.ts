/**
 * How a passphrase gets to the signer past the relay: sealed to a key that the signer made for itself when it began and
 * that ends with it. The relay carries what it cannot read. (A relay that was taken over could give out a key of its
 * own; against that stand the socket of the signer and an operator who unlocks only a machine that is sound.)
 *
 * X25519 (RFC 7748), HKDF with SHA-256 (RFC 5869), AES-256-GCM. A sealed text is the sender's public key, then the
 * encrypted octets, then the tag.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { concat, utf8, type Bytes } from '../base/bytes.ts';

/** SubjectPublicKeyInfo of X25519 is this, then 32 octets (RFC 8410 §4). */
const PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const KEY = 32;
const TAG = 16;
const LONGEST = 1_024;
/** Each seal has a key of its own, so the nonce may stay. */
const NONCE = new Uint8Array(12);

export interface Seal {
  /** 32 octets, for `sealTo`. */
  readonly publicKey: Bytes;
  /** Undefined: sealed for another, or not whole. */
  open(sealed: Uint8Array): Buffer | undefined;
}

export function makeSeal(): Seal {
  const pair = generateKeyPairSync('x25519');
  const publicKey = raw(pair.publicKey);
  return {
    publicKey,
    open(sealed) {
      if (sealed.length < KEY + TAG || sealed.length > KEY + LONGEST + TAG) return undefined;
      try {
        const sender = sealed.subarray(0, KEY);
        const decipher = createDecipheriv(
          'aes-256-gcm',
          keyFor(pair.privateKey, sender, { sender, receiver: publicKey }),
          NONCE,
        );
        decipher.setAuthTag(sealed.subarray(-TAG));
        return Buffer.concat([decipher.update(sealed.subarray(KEY, -TAG)), decipher.final()]);
      } catch {
        return undefined;
      }
    },
  };
}

/** Seals a secret for whoever made `publicKey`. Throws when that is no key. */
export function sealTo(publicKey: Uint8Array, secret: Uint8Array): Bytes {
  if (secret.length > LONGEST) throw new Error(`a passphrase has at most ${LONGEST} octets`);
  const pair = generateKeyPairSync('x25519');
  const sender = raw(pair.publicKey);
  const cipher = createCipheriv(
    'aes-256-gcm',
    keyFor(pair.privateKey, publicKey, { sender, receiver: publicKey }),
    NONCE,
  );
  return concat([sender, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

/** Both public keys are bound in. */
function keyFor(
  own: KeyObject,
  other: Uint8Array,
  { sender, receiver }: { readonly sender: Uint8Array; readonly receiver: Uint8Array },
): Buffer {
  const shared = diffieHellman({
    privateKey: own,
    publicKey: createPublicKey({ key: Buffer.concat([PREFIX, other]), format: 'der', type: 'spki' }),
  });
  return Buffer.from(hkdfSync('sha256', shared, concat([sender, receiver]), utf8('sealpost passphrase'), 32));
}

function raw(publicKey: KeyObject): Bytes {
  return new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-KEY));
}
