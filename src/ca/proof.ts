/**
 * Whether a certificate request is what it claims: well-formed, of an acceptable key, and signed by that key, so that
 * whoever asks holds the private key (RFC 2986 §3; RFC 4211 §4 on why that matters).
 */
import { constants, verify, type KeyObject } from 'node:crypto';
import type { Bytes } from '../base/bytes.ts';
import { oids } from '../protocol/pki/oid.ts';
import { readRequest } from '../protocol/pki/request.ts';
import { acceptPublicKey, publicKeyOf } from './keys.ts';
import { RequestRefused } from './refusal.ts';

export interface ProvenRequest {
  /** DER of the Name as it stands in the request. */
  readonly subject: Uint8Array;
  readonly publicKey: Bytes;
}

interface Scheme {
  readonly key: 'ec' | 'rsa' | 'ed25519' | 'ed448';
  readonly hash: string | null;
}

const schemes: Readonly<Record<string, Scheme>> = {
  [oids.ecdsaWithSha256]: { key: 'ec', hash: 'sha256' },
  [oids.ecdsaWithSha384]: { key: 'ec', hash: 'sha384' },
  [oids.ecdsaWithSha512]: { key: 'ec', hash: 'sha512' },
  [oids.sha256WithRsa]: { key: 'rsa', hash: 'sha256' },
  [oids.sha384WithRsa]: { key: 'rsa', hash: 'sha384' },
  [oids.sha512WithRsa]: { key: 'rsa', hash: 'sha512' },
  [oids.ed25519]: { key: 'ed25519', hash: null },
  [oids.ed448]: { key: 'ed448', hash: null },
};

const broken: Readonly<Record<string, readonly [name: string, section: string]>> = {
  [oids.md2WithRsa]: ['MD2', 'RFC 6149 §6'],
  [oids.md5WithRsa]: ['MD5', 'RFC 6151 §2'],
  [oids.sha1WithRsa]: ['SHA-1', 'RFC 6194 §3'],
  [oids.ecdsaWithSha1]: ['SHA-1', 'RFC 6194 §3'],
  [oids.dsaWithSha1]: ['SHA-1', 'RFC 6194 §3'],
};

/** Checks a request, DER. Throws `RequestRefused`. */
export function proveRequest(der: Uint8Array): ProvenRequest {
  const reading = readRequest(der);
  if (reading.kind === 'bad') throw new RequestRefused(reading.why, 'RFC 2986 §4');
  const { request } = reading;
  const weak = broken[request.algorithm];
  if (weak !== undefined)
    throw new RequestRefused(
      `the request is signed with ${weak[0]}, which is broken; sign it with SHA-256 or better`,
      weak[1],
    );
  const scheme = schemes[request.algorithm];
  if (scheme === undefined)
    throw new RequestRefused(
      `the request is signed with algorithm ${request.algorithm}, which is not known here`,
      'RFC 2986 §4.2',
    );
  const key = acceptPublicKey(request.publicKey);
  if (key.asymmetricKeyType !== scheme.key)
    throw new RequestRefused('the signature algorithm of the request does not fit its key', 'RFC 2986 §4.2');
  if (!signedBy(key, scheme, request.signed, request.signature)) {
    throw new RequestRefused('the request is not signed by the key it asks to certify', 'RFC 2986 §3');
  }
  return { subject: request.subject, publicKey: publicKeyOf(key) };
}

function signedBy(key: KeyObject, scheme: Scheme, signed: Uint8Array, signature: Uint8Array): boolean {
  const options = scheme.key === 'rsa' ? { key, padding: constants.RSA_PKCS1_PADDING } : key;
  return verify(scheme.hash, signed, options, signature);
}
