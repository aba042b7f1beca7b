/** What it takes to follow chains and to believe revocation lists of other CAs: signatures that are checked, never made. */
import { X509Certificate, constants, createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { oids } from '../protocol/pki/oid.ts';

export interface ChainCrypto {
  /** Whether the key of `issuer` signed `certificate`, and names and extensions of both let it. Never throws. */
  issued(certificate: Uint8Array, issuer: Uint8Array): boolean;
  /** SHA-256, lower-case hexadecimal. */
  digest(bytes: Uint8Array): string;
  /** Whether the key (SubjectPublicKeyInfo, DER) signed these octets by this algorithm (dotted). Never throws. */
  signed(publicKey: Uint8Array, algorithm: string, bytes: Uint8Array, signature: Uint8Array): boolean;
}

/** Certificates are held parsed while whoever holds their octets does. `weak`: SHA-1 and MD5 are believed in lists. */
export function chainCrypto({ weak = false }: { readonly weak?: boolean } = {}): ChainCrypto {
  const parsed = new WeakMap<Uint8Array, X509Certificate>();
  const certificate = (der: Uint8Array): X509Certificate => {
    let found = parsed.get(der);
    if (found === undefined) parsed.set(der, (found = new X509Certificate(der)));
    return found;
  };
  return {
    issued(child, issuer) {
      try {
        const [one, other] = [certificate(child), certificate(issuer)];
        return one.checkIssued(other) && one.verify(other.publicKey);
      } catch {
        return false; // what OpenSSL cannot read it did not verify either
      }
    },
    digest: (bytes) => createHash('sha256').update(bytes).digest('hex'),
    signed: (publicKey, algorithm, bytes, signature) =>
      weak && Object.hasOwn(weakHashes, algorithm)
        ? isSignedByScheme(publicKey, weakHashes[algorithm], bytes, signature)
        : isSignedBy(publicKey, algorithm, bytes, signature),
  };
}

/** Type of key, and hash; null: the algorithm has its own. */
type Scheme = readonly [key: string, hash: string | null];

const hashes: Readonly<Record<string, Scheme>> = {
  [oids.ecdsaWithSha256]: ['ec', 'sha256'],
  [oids.ecdsaWithSha384]: ['ec', 'sha384'],
  [oids.ecdsaWithSha512]: ['ec', 'sha512'],
  [oids.sha256WithRsa]: ['rsa', 'sha256'],
  [oids.sha384WithRsa]: ['rsa', 'sha384'],
  [oids.sha512WithRsa]: ['rsa', 'sha512'],
  [oids.ed25519]: ['ed25519', null],
  [oids.ed448]: ['ed448', null],
};

const weakHashes: Readonly<Record<string, Scheme>> = {
  [oids.md5WithRsa]: ['rsa', 'md5'],
  [oids.sha1WithRsa]: ['rsa', 'sha1'],
};

/** Whether signatures of this algorithm (dotted) are believed: SHA-1 and older are not. */
export function isSoundSignature(algorithm: string): boolean {
  return Object.hasOwn(hashes, algorithm);
}

/** Whether the key (SubjectPublicKeyInfo, DER) signed these octets by this algorithm. Never throws. */
export function isSignedBy(
  publicKey: Uint8Array,
  algorithm: string,
  signed: Uint8Array,
  signature: Uint8Array,
): boolean {
  return isSignedByScheme(
    publicKey,
    Object.hasOwn(hashes, algorithm) ? hashes[algorithm] : undefined,
    signed,
    signature,
  );
}

function isSignedByScheme(
  publicKey: Uint8Array,
  scheme: Scheme | undefined,
  signed: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (scheme === undefined) return false;
  const [type, hash] = scheme;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === type && verify(hash, signed, keyInput(key, type), signature);
  } catch {
    return false; // a key that cannot be read signed nothing
  }
}

function keyInput(key: KeyObject, type: string): Parameters<typeof verify>[2] {
  return type === 'rsa' ? { key, padding: constants.RSA_PKCS1_PADDING } : key;
}
