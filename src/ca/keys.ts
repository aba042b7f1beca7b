/** Keys of the authority and of holders: made, named, judged and signed with. */
import { createHash, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import { nil } from '../protocol/pki/der-write.ts';
import { oid, sequence } from '../protocol/pki/der.ts';
import { oids } from '../protocol/pki/oid.ts';
import { readPublicKeyKind } from '../protocol/pki/request.ts';
import { RequestRefused } from './refusal.ts';

export interface KeyPair {
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Bytes;
}

/** A new P-256 key. */
export function makeKey(): KeyPair {
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { privateKey: pair.privateKey, publicKey: spki(pair.publicKey) };
}

/** SubjectPublicKeyInfo of a key, public or private, DER. */
export function publicKeyOf(key: KeyObject): Bytes {
  return spki(key.type === 'private' ? createPublicKey(key) : key);
}

function spki(key: KeyObject): Bytes {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }));
}

/** PKCS#8, DER, not encrypted. */
export function privateKeyDer(key: KeyObject): Bytes {
  return new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
}

/** Key identifier by RFC 7093 §2 (1): the first 160 bits of SHA-256 over subjectPublicKey. */
export function keyIdOf(publicKey: Uint8Array): Bytes {
  const kind = readPublicKeyKind(publicKey);
  if (kind === undefined) throw new RequestRefused('the public key is no SubjectPublicKeyInfo', 'RFC 5280 §4.1.2.7');
  return new Uint8Array(createHash('sha256').update(kind.bits).digest().subarray(0, 20));
}

/** SHA-256 of a certificate, DER, in lower-case hexadecimal. */
export function fingerprintOf(certificate: Uint8Array): string {
  return createHash('sha256').update(certificate).digest('hex');
}

export interface Signer {
  /** AlgorithmIdentifier, DER. */
  readonly algorithm: Bytes;
  sign(bytes: Uint8Array): Uint8Array;
}

/** Signs with a CA key: ECDSA with the hash that fits its curve, Ed25519, or RSA with SHA-256. */
export function signerOf(key: KeyObject): Signer {
  const { hash, algorithm } = signatureScheme(key);
  return { algorithm, sign: (bytes) => sign(hash, bytes, key) };
}

function signatureScheme(key: KeyObject): { readonly hash: string | null; readonly algorithm: Bytes } {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType === 'ec' && curve === 'prime256v1')
    return { hash: 'sha256', algorithm: sequence(oid(oids.ecdsaWithSha256)) };
  if (key.asymmetricKeyType === 'ec' && curve === 'secp384r1')
    return { hash: 'sha384', algorithm: sequence(oid(oids.ecdsaWithSha384)) };
  if (key.asymmetricKeyType === 'ed25519') return { hash: null, algorithm: sequence(oid(oids.ed25519)) };
  // RFC 4055 §5: the parameters of the RSA algorithms are NULL, not absent.
  if (key.asymmetricKeyType === 'rsa') return { hash: 'sha256', algorithm: sequence(oid(oids.sha256WithRsa), nil()) };
  throw new Error(
    `a CA key must be P-256, P-384, Ed25519 or RSA, not ${key.asymmetricKeyType}${curve === undefined ? '' : ` on ${curve}`}`,
  );
}

/**
 * A public key that is fit for a certificate, in the form OpenSSL writes it. Refuses RSA under 2,048 bits, and above
 * 8,192 bits or with a large exponent, whose verification would cost everybody who meets the certificate.
 */
export function acceptPublicKey(publicKey: Uint8Array): KeyObject {
  const kind = readPublicKeyKind(publicKey);
  if (kind === undefined) throw new RequestRefused('the public key is no SubjectPublicKeyInfo', 'RFC 5280 §4.1.2.7');
  if (!acceptedKeys.has(kind.algorithm)) {
    throw new RequestRefused(
      `keys of algorithm ${kind.algorithm} are not taken; use P-256, P-384, P-521, Ed25519, Ed448 or RSA`,
      'RFC 5280 §4.1.2.7',
    );
  }
  if (kind.algorithm === oids.ecPublicKey && (kind.curve === undefined || !acceptedCurves.has(kind.curve))) {
    throw new RequestRefused('the curve of the key is not P-256, P-384 or P-521 by name', 'RFC 5480 §2.1.1');
  }
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  } catch (error) {
    throw new RequestRefused(
      `the public key cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      'RFC 5280 §4.1.2.7',
    );
  }
  if (key.asymmetricKeyType === 'rsa') checkRsa(key);
  return key;
}

const acceptedKeys: ReadonlySet<string> = new Set([oids.ecPublicKey, oids.rsaEncryption, oids.ed25519, oids.ed448]);
const acceptedCurves: ReadonlySet<string> = new Set([oids.p256, oids.p384, oids.p521]);

function checkRsa(key: KeyObject): void {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < 2048)
    throw new RequestRefused(`an RSA key of ${modulusLength} bits is too weak; at least 2048`, 'RFC 9325 §4.5');
  if (modulusLength > 8192)
    throw new RequestRefused(`an RSA key of ${modulusLength} bits is too large; at most 8192`, 'RFC 8017 §3.1');
  if (publicExponent < 65_537n || publicExponent % 2n === 0n || publicExponent > 0xffff_ffffn) {
    throw new RequestRefused(
      'the exponent of the RSA key is not an odd number from 65537 to 2^32',
      'FIPS 186-5 §A.1.1',
    );
  }
}
