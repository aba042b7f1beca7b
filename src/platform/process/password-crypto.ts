import { argon2, createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import type { Bytes } from '../../base/bytes.ts';
import type { PasswordCrypto } from '../../relay/credential/crypto.ts';

const OCTETS = 32;

type Done = (error: Error | null, key: Buffer) => void;

/** By OpenSSL; the slow ones in libuv's threads. */
export function passwordCrypto(): PasswordCrypto {
  return {
    argon2id: (message, nonce, { memory, passes }) =>
      later((done) => argon2('argon2id', { message, nonce, parallelism: 1, tagLength: OCTETS, memory, passes }, done)),
    pbkdf2: (password, salt, iterations) => later((done) => pbkdf2(password, salt, iterations, OCTETS, 'sha256', done)),
    hmac: (key, data) => new Uint8Array(createHmac('sha256', key).update(data).digest()),
    sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
    isEqual: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  };
}

function later(act: (done: Done) => void): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    act((error, key) => (error === null ? resolve(new Uint8Array(key)) : reject(error)));
  });
}
