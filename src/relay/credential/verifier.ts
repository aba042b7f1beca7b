/**
 * What is kept of a password: nothing that gives it back. Two things, since two kinds of mechanisms need them: an Argon2id
 * hash, which PLAIN and LOGIN are compared with, and the keys of SCRAM (RFC 5802 §3), by PBKDF2. Where both are there the
 * second is what a thief would try guesses on (docs/decisions/0022-passwords.md).
 *
 * Salts come from the secret of this server and the holder's name: they are the same for all passwords of a holder, since
 * SCRAM must name one before it knows which password is meant; and a name that nobody has gets one that looks the same.
 */
import { concat, utf8 } from '../../base/bytes.ts';
import type { Argon2Cost, PasswordCrypto } from './crypto.ts';

/** 12 MiB and three passes: one of the settings of OWASP's list, with the least memory for each login under way. */
export const ARGON2: Argon2Cost = { memory: 12_288, passes: 3 };
/** RFC 7677 §4 asks for 4,096 at least. This is the most that Cyrus SASL's clients take; it costs the client, not us. */
export const ITERATIONS = 65_536;

const SALT = 16;
const OCTETS = 32;

export interface Argon2Hash {
  readonly salt: Uint8Array;
  readonly cost: Argon2Cost;
  readonly hash: Uint8Array;
}

export interface ScramKeys {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** Both in text form, as they are stored: `$argon2id$…` and, as in RFC 5803 §3, `SCRAM-SHA-256$…`. */
export interface Verifiers {
  readonly argon2id: string;
  /** Undefined: the password is no good for SCRAM. */
  readonly scram: string | undefined;
}

export function saltOf(
  crypto: PasswordCrypto,
  secret: Uint8Array,
  use: 'argon2id' | 'scram',
  holder: string,
): Uint8Array {
  return crypto.hmac(secret, utf8(`${use}\0${holder}`)).subarray(0, SALT);
}

/** `password` is prepared. */
export async function makeVerifiers(
  crypto: PasswordCrypto,
  secret: Uint8Array,
  holder: string,
  password: string,
  scram: boolean,
): Promise<Verifiers> {
  const octets = utf8(password);
  const salt = saltOf(crypto, secret, 'argon2id', holder);
  const hash = await crypto.argon2id(octets, salt, ARGON2);
  const argon2id = writeArgon2({ salt, cost: ARGON2, hash });
  if (!scram) return { argon2id, scram: undefined };
  const keys = await scramKeys(crypto, octets, saltOf(crypto, secret, 'scram', holder), ITERATIONS);
  return { argon2id, scram: writeScram(keys) };
}

/** RFC 5802 §3. */
export async function scramKeys(
  crypto: PasswordCrypto,
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): Promise<ScramKeys> {
  const salted = await crypto.pbkdf2(password, salt, iterations);
  const clientKey = crypto.hmac(salted, utf8('Client Key'));
  return { salt, iterations, storedKey: crypto.sha256(clientKey), serverKey: crypto.hmac(salted, utf8('Server Key')) };
}

/**
 * The server's signature when the client's proof is that of these keys, undefined when it is not (RFC 5802 §3). Takes as
 * long in either case.
 */
export function checkProof(
  crypto: PasswordCrypto,
  keys: ScramKeys,
  message: string,
  proof: Uint8Array,
): Uint8Array | undefined {
  const octets = utf8(message);
  const mask = crypto.hmac(keys.storedKey, octets);
  const signature = crypto.hmac(keys.serverKey, octets);
  const clientKey = mask.map((octet, index) => octet ^ (proof[index] ?? 0));
  const good = crypto.isEqual(crypto.sha256(clientKey), keys.storedKey) && proof.length === OCTETS;
  return good ? signature : undefined;
}

export function writeArgon2({ salt, cost, hash }: Argon2Hash): string {
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=1$${bare64(salt)}$${bare64(hash)}`;
}

/** Throws when it is not what `writeArgon2` wrote: then the store is not ours. */
export function readArgon2(text: string): Argon2Hash {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(text);
  if (match === null) throw new Error('a password in the store is not written as argon2id');
  const [, memory = '', passes = '', salt = '', hash = ''] = match;
  return { cost: { memory: Number(memory), passes: Number(passes) }, salt: octets(salt), hash: octets(hash) };
}

export function writeScram({ iterations, salt, storedKey, serverKey }: ScramKeys): string {
  return `SCRAM-SHA-256$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`;
}

/** Throws as `readArgon2` does. */
export function readScram(text: string): ScramKeys {
  const match = /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/.exec(text);
  if (match === null) throw new Error('a password in the store is not written as SCRAM-SHA-256');
  const [, iterations = '', salt = '', storedKey = '', serverKey = ''] = match;
  return {
    iterations: Number(iterations),
    salt: octets(salt),
    storedKey: octets(storedKey),
    serverKey: octets(serverKey),
  };
}

/** What a client says for a name without keys is compared with these: no proof leads to them. */
export function unknownKeys(crypto: PasswordCrypto, secret: Uint8Array, holder: string): ScramKeys {
  const key = crypto.hmac(secret, utf8(`nobody\0${holder}`));
  return { salt: saltOf(crypto, secret, 'scram', holder), iterations: ITERATIONS, storedKey: key, serverKey: key };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function bare64(bytes: Uint8Array): string {
  return base64(bytes).replaceAll('=', '');
}

function octets(text: string): Uint8Array {
  return concat([Buffer.from(text, 'base64')]);
}
