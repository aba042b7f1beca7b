/** Keys of the authority and of holders: made, named, judged and signed with. */
import { createHash, createPublicKey, generateKeyPair, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Bytes } from '../base/bytes.ts';
import { nil } from '../protocol/pki/der-write.ts';
import { DerReader, oid, sequence, tags } from '../protocol/pki/der.ts';
import { oids } from '../protocol/pki/oid.ts';
import { readPublicKeyKind } from '../protocol/pki/request.ts';
import { RequestRefused } from './refusal.ts';

export interface KeyPair {
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Bytes;
}

/** Kinds of keys that are made here. ML-DSA is experimental: TLS libraries that know it are few. */
export const keyKinds = ['p256', 'p384', 'ed25519', 'rsa2048', 'rsa3072', 'rsa4096', 'ml-dsa-65'] as const;
export type KeyKind = (typeof keyKinds)[number];

/** A new P-256 key, at once. */
export function makeKey(): KeyPair {
  return pairOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }));
}

const generateEc = promisify(generateKeyPair) as (
  type: 'ec',
  options: { readonly namedCurve: string },
) => Promise<NodePair>;
const generateRsa = promisify(generateKeyPair) as (
  type: 'rsa',
  options: { readonly modulusLength: number; readonly publicExponent: number },
) => Promise<NodePair>;
const generateOther = promisify(generateKeyPair) as (type: 'ed25519' | 'ml-dsa-65') => Promise<NodePair>;

interface NodePair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A new key, made in a thread beside: RSA takes seconds. Rejects when this Node has no keys of the kind. */
export async function generateKey(kind: KeyKind): Promise<KeyPair> {
  switch (kind) {
    case 'p256':
      return pairOf(await generateEc('ec', { namedCurve: 'prime256v1' }));
    case 'p384':
      return pairOf(await generateEc('ec', { namedCurve: 'secp384r1' }));
    case 'rsa2048':
    case 'rsa3072':
    case 'rsa4096':
      return pairOf(await generateRsa('rsa', { modulusLength: Number(kind.slice(3)), publicExponent: 65_537 }));
    case 'ed25519':
    case 'ml-dsa-65':
      break;
  }
  return pairOf(await generateOther(kind));
}

function pairOf(pair: NodePair): KeyPair {
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

/** Signs with a CA key: ECDSA with the hash that fits its curve, Ed25519, ML-DSA, or RSA with SHA-256. */
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
  if (key.asymmetricKeyType === 'ml-dsa-65') return { hash: null, algorithm: sequence(oid(oids.mlDsa65)) };
  // RFC 4055 §5: the parameters of the RSA algorithms are NULL, not absent.
  if (key.asymmetricKeyType === 'rsa') return { hash: 'sha256', algorithm: sequence(oid(oids.sha256WithRsa), nil()) };
  throw new Error(
    `a CA key must be P-256, P-384, Ed25519, RSA or ML-DSA-65, not ${key.asymmetricKeyType}${curve === undefined ? '' : ` on ${curve}`}`,
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
      `keys of algorithm ${kind.algorithm} are not taken; use P-256, P-384, P-521, Ed25519, Ed448, ML-DSA or RSA`,
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
  if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss') checkRsa(key);
  return key;
}

const acceptedKeys: ReadonlySet<string> = new Set([
  oids.ecPublicKey,
  oids.rsaEncryption,
  oids.rsaPss,
  oids.ed25519,
  oids.ed448,
  oids.mlDsa44,
  oids.mlDsa65,
  oids.mlDsa87,
]);
const acceptedCurves: ReadonlySet<string> = new Set([oids.p256, oids.p384, oids.p521]);

function checkRsa(key: KeyObject): void {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < 2048)
    throw new RequestRefused(`an RSA key of ${modulusLength} bits is too weak; at least 2048`, 'RFC 9325 §4.5');
  if (modulusLength > 8192)
    throw new RequestRefused(`an RSA key of ${modulusLength} bits is too large; at most 8192`, 'RFC 8017 §3.1');
  if (hasSmallFactor(key))
    throw new RequestRefused('the modulus of the RSA key is no product of two primes', 'RFC 8017 §3.1');
  if (publicExponent < 65_537n || publicExponent % 2n === 0n || publicExponent > 0xffff_ffffn) {
    throw new RequestRefused(
      'the exponent of the RSA key is not an odd number from 65537 to 2^32',
      'FIPS 186-5 §A.1.1',
    );
  }
}

/** Product of the odd primes to 97: what shares a factor with it was made by a broken generator, or to be broken. */
const SMALL_PRIMES =
  3n *
  5n *
  7n *
  11n *
  13n *
  17n *
  19n *
  23n *
  29n *
  31n *
  37n *
  41n *
  43n *
  47n *
  53n *
  59n *
  61n *
  67n *
  71n *
  73n *
  79n *
  83n *
  89n *
  97n;

/** Reads the key as OpenSSL writes it anew: it takes numbers with more octets than DER allows. */
function hasSmallFactor(key: KeyObject): boolean {
  const bits = readPublicKeyKind(spki(key))?.bits ?? new Uint8Array(0);
  const modulus = BigInt(`0x${Buffer.from(new DerReader(bits).read(tags.sequence).readInteger()).toString('hex')}`);
  let [a, b] = [SMALL_PRIMES, modulus % SMALL_PRIMES];
  while (b > 0n) [a, b] = [b, a % b];
  return a !== 1n || modulus % 2n === 0n;
}
