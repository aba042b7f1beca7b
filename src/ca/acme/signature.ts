/** Signatures and thumbprints of account keys. */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { encodeBase64url } from '../../protocol/acme/base64url.ts';
import { utf8 } from '../../base/bytes.ts';
import { algorithmOf, canonicalJwk, readJwk, type Jwk, type SignatureAlgorithm } from '../../protocol/acme/jwk.ts';
import type { Jws } from '../../protocol/acme/jws.ts';
import { refuse } from '../../protocol/acme/problem.ts';
import { acceptPublicKey, publicKeyOf } from '../keys.ts';
import { RequestRefused } from '../refusal.ts';

/** SHA-256 of the key in its canonical form, base64url (RFC 7638 §3). */
export function thumbprintOf(key: Jwk): string {
  return encodeBase64url(createHash('sha256').update(canonicalJwk(key)).digest());
}

/** The key of an account, from the form in which it is kept. */
export function storedKey(canonical: string): Jwk {
  return readJwk(JSON.parse(canonical));
}

/** Throws AcmeProblem unless `jws` was signed with this key, which must be one that is taken here. */
export function checkSignature(jws: Jws, key: Jwk): void {
  const wanted = algorithmOf(key);
  if (jws.algorithm !== wanted)
    refuse('badSignatureAlgorithm', `this key signs with ${wanted}, not ${jws.algorithm}`, { algorithms: [wanted] });
  if (!isSignedBy(jws, usableKey(key))) refuse('malformed', 'the signature is not that of the key that is named');
}

/** SubjectPublicKeyInfo of an account key, DER. */
export function subjectPublicKey(key: Jwk): Uint8Array {
  return publicKeyOf(usableKey(key));
}

function usableKey(key: Jwk): KeyObject {
  try {
    return acceptPublicKey(publicKeyOf(createPublicKey({ key: { ...key }, format: 'jwk' })));
  } catch (error) {
    // Node refuses what is no point of the curve.
    const why = error instanceof RequestRefused ? error.message : 'it is no public key';
    return refuse('badPublicKey', `the account key is not taken: ${why}`);
  }
}

/** JWS has the two numbers of an ECDSA signature side by side, not in DER (RFC 7518 §3.4). */
function isSignedBy({ algorithm, signed, signature }: Jws, key: KeyObject): boolean {
  return verify(hashes[algorithm], signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

const hashes: Readonly<Record<SignatureAlgorithm, string | null>> = {
  ES256: 'sha256',
  ES384: 'sha384',
  RS256: 'sha256',
  EdDSA: null,
};

/** The text that proves control of a name (RFC 8555 §8.1). */
export function keyAuthorization(token: string, thumbprint: string): string {
  return `${token}.${thumbprint}`;
}

/** What the TXT record of a dns-01 challenge holds (RFC 8555 §8.4). */
export function dnsProof(authorization: string): string {
  return encodeBase64url(createHash('sha256').update(utf8(authorization)).digest());
}
