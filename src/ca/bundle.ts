/**
 * Bundles for holders: certificate, key and chain in one file, as PKCS#12 under a passphrase, or as PEM in clear.
 * Salts come from `Random`; nothing is kept.
 */
import { createCipheriv, createHmac, hash, pbkdf2, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { concat, utf8, type Bytes } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import { utf16be } from '../protocol/pki/der-write.ts';
import { encodePem } from '../protocol/pki/pem.ts';
import {
  authenticatedSafe,
  certificateBag,
  dataContent,
  encryptedContent,
  pbes2Algorithm,
  pfx,
  safeContents,
  shroudedKeyBag,
} from '../protocol/pki/pkcs12.ts';
import { privateKeyDer } from './keys.ts';
import { passphraseFault } from './passphrase.ts';

export interface BundleContent {
  /** Certificate, DER. */
  readonly certificate: Uint8Array;
  /** Issuing CA and root, DER. */
  readonly chain: readonly Uint8Array[];
  readonly key: KeyObject;
  /** What programs show, in their list of certificates. */
  readonly friendlyName: string;
}

/** Twice what RFC 8018 §4.2 asks at least is little today, but the passphrases made here need no stretching. */
const ITERATIONS = 10_000;

const deriveKey = promisify(pbkdf2);

/**
 * PKCS#12 with PBES2 (AES-256-CBC, PBKDF2 with HMAC-SHA-256) and a MAC of SHA-256. Of the certificates only the
 * holder's own has a localKeyId, which pairs it with the key. Throws when the passphrase is not fit.
 */
export async function makePkcs12(content: BundleContent, passphrase: string, random: Random): Promise<Bytes> {
  const fault = passphraseFault(passphrase);
  if (fault !== undefined) throw new Error(fault);
  const marks = {
    friendlyName: content.friendlyName,
    localKeyId: hash('sha256', content.certificate, 'buffer').subarray(0, 20),
  };
  const unmarked = { friendlyName: undefined, localKeyId: undefined };

  const certificates = safeContents([
    certificateBag(content.certificate, marks),
    ...content.chain.map((certificate) => certificateBag(certificate, unmarked)),
  ]);
  const safeOfCertificates = await encrypt(certificates, passphrase, random);
  const key = await encrypt(privateKeyDer(content.key), passphrase, random);
  const safe = authenticatedSafe([
    encryptedContent(safeOfCertificates.algorithm, safeOfCertificates.encrypted),
    dataContent(safeContents([shroudedKeyBag(key.algorithm, key.encrypted, marks)])),
  ]);

  const salt = random.bytes(16);
  const mac = createHmac('sha256', macKey(passphrase, salt, ITERATIONS))
    .update(safe)
    .digest();
  return pfx(safe, mac, salt, ITERATIONS);
}

async function encrypt(
  plain: Uint8Array,
  passphrase: string,
  random: Random,
): Promise<{ readonly algorithm: Bytes; readonly encrypted: Bytes }> {
  const how = { salt: random.bytes(16), iterations: ITERATIONS, iv: random.bytes(16) };
  const key = await deriveKey(utf8(passphrase), how.salt, ITERATIONS, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', key, how.iv);
  return { algorithm: pbes2Algorithm(how), encrypted: concat([cipher.update(plain), cipher.final()]) };
}

/** Octets that SHA-256 takes at a time. */
const BLOCK = 64;
/** RFC 7292 §B.3: what is derived is a MAC key. */
const MAC_PURPOSE = 3;

/** The derivation of RFC 7292 §B.2, for one output of SHA-256, which is all that a key of HMAC-SHA-256 needs. */
function macKey(passphrase: string, salt: Uint8Array, iterations: number): Uint8Array {
  // RFC 7292 §B.1: UTF-16 with a closing zero.
  const password = utf16be(`${passphrase}\0`);
  let digest: Uint8Array = concat([new Uint8Array(BLOCK).fill(MAC_PURPOSE), filled(salt), filled(password)]);
  for (let i = 0; i < iterations; i++) digest = hash('sha256', digest, 'buffer');
  return digest;
}

/** The octets over and over, to a whole number of blocks. */
function filled(octets: Uint8Array): Bytes {
  const whole = new Uint8Array(Math.ceil(octets.length / BLOCK) * BLOCK);
  for (let i = 0; i < whole.length; i++) whole[i] = octets[i % octets.length] ?? 0;
  return whole;
}

/** Certificate, chain and key as PEM, one after the other, for programs that take one file. The key is in clear. */
export function makePem(content: BundleContent): Bytes {
  return concat([
    chainPem(content.certificate, content.chain),
    utf8(encodePem('PRIVATE KEY', privateKeyDer(content.key))),
  ]);
}

/** Certificate and chain as PEM, without a key: the answer to a CSR. */
export function chainPem(certificate: Uint8Array, chain: readonly Uint8Array[]): Bytes {
  return utf8([certificate, ...chain].map((der) => encodePem('CERTIFICATE', der)).join(''));
}
