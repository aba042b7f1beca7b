/** What passwords need of cryptography, as a port; `platform/process/password-crypto.ts` has it from OpenSSL. */
import type { Bytes } from '../../base/bytes.ts';

export interface Argon2Cost {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
}

export interface PasswordCrypto {
  /** Argon2id (RFC 9106), one lane, 32 octets; off the event loop. */
  argon2id(password: Uint8Array, salt: Uint8Array, cost: Argon2Cost): Promise<Bytes>;
  /** PBKDF2-HMAC-SHA-256 (RFC 8018), 32 octets; off the event loop. */
  pbkdf2(password: Uint8Array, salt: Uint8Array, iterations: number): Promise<Bytes>;
  /** HMAC-SHA-256. */
  hmac(key: Uint8Array, data: Uint8Array): Bytes;
  sha256(data: Uint8Array): Bytes;
  /** In a time that tells nothing of where they differ. */
  isEqual(a: Uint8Array, b: Uint8Array): boolean;
}
