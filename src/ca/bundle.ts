/**
 * Bundles for holders: certificate, key and chain in one file, as PKCS#12 under a passphrase, or as PEM in clear.
 * Salts come from `Random`; nothing is kept. Deriving the keys of a PKCS#12 takes its thread up to 0.1 s, so this is for the process of
 * a command and not for the relay.
 */
import { createCipheriv, createHmac, hash, pbkdf2, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { concat, utf8, type Bytes } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
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
  tripleDesAlgorithm,
} from '../protocol/pki/pkcs12.ts';
import { derive } from './bundle-derivation.ts';
import type { Pkcs12Recipe } from './bundle-target.ts';
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

/** Ten times what RFC 8018 §4.2 asks at least is little today, but the passphrases made here need no stretching. */
const ITERATIONS = 10_000;

const deriveKey = promisify(pbkdf2);

/**
 * PKCS#12 as the recipe has it. Of the certificates only the holder's own has a localKeyId, which pairs it with the key: Apple's
 * readers refuse a second, Mozilla's want the one. Throws when the passphrase is not fit.
 */
export async function makePkcs12(
  content: BundleContent,
  passphrase: string,
  recipe: Pkcs12Recipe,
  random: Random,
): Promise<Bytes> {
  const fault = passphraseFault(passphrase);
  if (fault !== undefined) throw new Error(fault);
  const marks = {
    friendlyName: content.friendlyName,
    localKeyId: hash('sha256', content.certificate, 'buffer').subarray(0, 20),
  };
  const encrypt = recipe.encryption === 'aes' ? withAes : withTripleDes;

  const certificates = safeContents([
    certificateBag(content.certificate, marks),
    ...content.chain.map((certificate) => certificateBag(certificate, {})),
  ]);
  const safeOfCertificates = await encrypt(certificates, passphrase, random);
  const key = await encrypt(privateKeyDer(content.key), passphrase, random);
  const keyMarks = { ...marks, keyProvider: recipe.keyProvider };
  const safe = authenticatedSafe([
    encryptedContent(safeOfCertificates.algorithm, safeOfCertificates.encrypted),
    dataContent(safeContents([shroudedKeyBag(key.algorithm, key.encrypted, keyMarks)])),
  ]);

  const digest = recipe.encryption === 'aes' ? 'sha256' : 'sha1';
  const how = { digest, passphrase, salt: random.bytes(recipe.macSalt), iterations: ITERATIONS } as const;
  const macKey = derive({ ...how, purpose: 'mac', length: digest === 'sha256' ? 32 : 20 });
  return pfx(safe, { ...how, value: createHmac(digest, macKey).update(safe).digest() });
}

interface Encrypted {
  /** AlgorithmIdentifier, DER. */
  readonly algorithm: Bytes;
  readonly encrypted: Bytes;
}

async function withAes(plain: Uint8Array, passphrase: string, random: Random): Promise<Encrypted> {
  const how = { salt: random.bytes(16), iterations: ITERATIONS, iv: random.bytes(16) };
  const key = await deriveKey(utf8(passphrase), how.salt, ITERATIONS, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', key, how.iv);
  return { algorithm: pbes2Algorithm(how), encrypted: concat([cipher.update(plain), cipher.final()]) };
}

function withTripleDes(plain: Uint8Array, passphrase: string, random: Random): Promise<Encrypted> {
  const how = { salt: random.bytes(8), iterations: ITERATIONS };
  const key = derive({ ...how, digest: 'sha1', passphrase, purpose: 'key', length: 24 });
  const iv = derive({ ...how, digest: 'sha1', passphrase, purpose: 'iv', length: 8 });
  const cipher = createCipheriv('des-ede3-cbc', key, iv);
  const encrypted = concat([cipher.update(plain), cipher.final()]);
  return Promise.resolve({ algorithm: tripleDesAlgorithm(how), encrypted });
}

/**
 * Key, certificate and issuing CA as PEM, in this order, for programs that take one file. The key is in clear. The root is not in it:
 * a peer that trusts it has it (RFC 8446 §4.4.2).
 */
export function makePem({ key, certificate, chain }: BundleContent): Bytes {
  return concat([utf8(encodePem('PRIVATE KEY', privateKeyDer(key))), chainPem(certificate, chain.slice(0, -1))]);
}

/** Certificate and chain as PEM, without a key: the answer to a CSR. */
export function chainPem(certificate: Uint8Array, chain: readonly Uint8Array[]): Bytes {
  return utf8([certificate, ...chain].map((der) => encodePem('CERTIFICATE', der)).join(''));
}
