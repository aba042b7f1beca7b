/** Public keys as JSON (RFC 7517, RFC 7518 §6, RFC 8037 §2): read strictly, and written in the one form that thumbprints are made of. */
import { decodeBase64url } from './base64url.ts';
import { asObject, memberOf, textOf, type JsonObject } from './json.ts';
import { refuse } from './problem.ts';

/** Members in the order of RFC 7638 §3.2, so that JSON of it is what the thumbprint is taken over. */
export type Jwk =
  | { readonly crv: 'P-256' | 'P-384'; readonly kty: 'EC'; readonly x: string; readonly y: string }
  | { readonly crv: 'Ed25519'; readonly kty: 'OKP'; readonly x: string }
  | { readonly e: string; readonly kty: 'RSA'; readonly n: string };

export type SignatureAlgorithm = 'ES256' | 'ES384' | 'EdDSA' | 'RS256';

export const signatureAlgorithms: readonly SignatureAlgorithm[] = ['ES256', 'ES384', 'EdDSA', 'RS256'];

/** Octets of a coordinate, by curve. */
const COORDINATE = { 'P-256': 32, 'P-384': 48 } as const;
/** Octets of the modulus of the largest RSA key that anybody should have to verify with. */
const MODULUS = 1_024;

/** Reads a public key. Anything beside the key's own members is dropped, a private member refused. */
export function readJwk(value: unknown): Jwk {
  const key = asObject(value, 'the JWK');
  for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'])
    if (memberOf(key, secret) !== undefined)
      refuse(
        'badPublicKey',
        `the JWK has "${secret}", a part of a private key: make a new key and keep that one to yourself`,
      );
  const kty = textOf(key, 'kty', 'the JWK');
  const crv = memberOf(key, 'crv');
  if (kty === 'EC' && (crv === 'P-256' || crv === 'P-384'))
    return { crv, kty, x: octets(key, 'x', COORDINATE[crv]), y: octets(key, 'y', COORDINATE[crv]) };
  if (kty === 'OKP' && crv === 'Ed25519') return { crv, kty, x: octets(key, 'x', 32) };
  if (kty === 'RSA') return { e: magnitude(key, 'e', 8), kty, n: magnitude(key, 'n', MODULUS) };
  return refuse('badPublicKey', 'the account key is none of P-256, P-384, Ed25519 and RSA');
}

/** The one algorithm that a key of this kind signs with here. */
export function algorithmOf(key: Jwk): SignatureAlgorithm {
  if (key.kty === 'RSA') return 'RS256';
  if (key.kty === 'OKP') return 'EdDSA';
  return key.crv === 'P-256' ? 'ES256' : 'ES384';
}

/** The text whose SHA-256 is the thumbprint (RFC 7638 §3); the same for every spelling of the same key. */
export function canonicalJwk(key: Jwk): string {
  return JSON.stringify(key);
}

function octets(key: JsonObject, member: string, length: number): string {
  const text = textOf(key, member, 'the JWK');
  if (decodeBase64url(text)?.length !== length)
    refuse('badPublicKey', `"${member}" of the JWK is not ${length} octets in base64url`);
  return text;
}

/** RFC 7518 §6.3.1: without leading zeros, so that a key has one spelling. */
function magnitude(key: JsonObject, member: string, most: number): string {
  const text = textOf(key, member, 'the JWK');
  const bytes = decodeBase64url(text);
  if (bytes === undefined || bytes.length === 0 || bytes.length > most || bytes[0] === 0)
    refuse('badPublicKey', `"${member}" of the JWK is no number of at most ${most} octets in base64url`);
  return text;
}
