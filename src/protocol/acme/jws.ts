/**
 * Signed requests (RFC 7515 §7.2.2 as RFC 8555 §6.2 narrows it): flattened JSON, everything protected, one signature.
 * Taken apart here; whether the signature is good is for who has the key.
 */
import { fromLatin1, type Bytes } from '../../base/bytes.ts';
import { decodeBase64url } from './base64url.ts';
import { readJwk, signatureAlgorithms, type Jwk, type SignatureAlgorithm } from './jwk.ts';
import { jsonObject, memberOf, optionalText, textOf, type JsonObject } from './json.ts';
import { refuse } from './problem.ts';

/** Who signed: a key that comes along, or the URL of an account. Never both. */
export type JwsSigner = { readonly kind: 'jwk'; readonly key: Jwk } | { readonly kind: 'kid'; readonly url: string };

export interface Jws {
  readonly algorithm: SignatureAlgorithm;
  readonly signer: JwsSigner;
  readonly nonce: string | undefined;
  readonly url: string;
  readonly payload: Bytes;
  /** What the signature is over. */
  readonly signed: Bytes;
  readonly signature: Bytes;
}

/** A binding to an external account (RFC 8555 §7.3.4): a MAC by a shared key, with no nonce. */
export interface BindingJws {
  readonly keyId: string;
  readonly url: string;
  readonly payload: Bytes;
  readonly signed: Bytes;
  readonly mac: Bytes;
}

interface Parts {
  readonly header: JsonObject;
  readonly payload: Bytes;
  readonly signed: Bytes;
  readonly signature: Bytes;
}

/** The JWS of a request's body. Throws AcmeProblem. */
export function readJws(body: Uint8Array): Jws {
  return outer(jsonObject(body, 'the request'));
}

/** The inner JWS of a key change (RFC 8555 §7.3.5), signed by the new key. */
export function readInnerJws(payload: Uint8Array): Jws {
  return outer(jsonObject(payload, 'the inner JWS'));
}

function outer(object: JsonObject): Jws {
  const { header, ...parts } = partsOf(object);
  const algorithm = textOf(header, 'alg', 'the protected header');
  // Among what is left out are "none" and every MAC (RFC 8555 §6.2).
  const known = signatureAlgorithms.find((one) => one === algorithm);
  if (known === undefined)
    refuse(
      'badSignatureAlgorithm',
      `requests are not signed with "${algorithm}" here; use ${signatureAlgorithms.join(', ')}`,
      {
        algorithms: signatureAlgorithms,
      },
    );
  const key = memberOf(header, 'jwk');
  const url = optionalText(header, 'kid', 'the protected header');
  if ((key === undefined) === (url === undefined))
    refuse('malformed', 'the protected header must have one of "jwk" and "kid"');
  const signer: JwsSigner = url === undefined ? { kind: 'jwk', key: readJwk(key) } : { kind: 'kid', url };
  return {
    algorithm: known,
    signer,
    nonce: optionalText(header, 'nonce', 'the protected header', 256),
    url: textOf(header, 'url', 'the protected header'),
    ...parts,
  };
}

/** The member `externalAccountBinding` of a new account. Throws AcmeProblem. */
export function readBinding(object: JsonObject): BindingJws {
  const { header, signature, ...parts } = partsOf(object);
  const algorithm = textOf(header, 'alg', 'the protected header of the binding');
  if (algorithm !== 'HS256')
    refuse('badSignatureAlgorithm', `the external account binding is made with HS256, not "${algorithm}"`, {
      algorithms: ['HS256'],
    });
  if (memberOf(header, 'nonce') !== undefined || memberOf(header, 'jwk') !== undefined)
    refuse('malformed', 'the external account binding has neither "nonce" nor "jwk" in its header (RFC 8555 §7.3.4)');
  return {
    keyId: textOf(header, 'kid', 'the protected header of the binding'),
    url: textOf(header, 'url', 'the protected header of the binding'),
    mac: signature,
    ...parts,
  };
}

function partsOf(object: JsonObject): Parts {
  // One signature, nothing unprotected (RFC 8555 §6.2).
  for (const refused of ['header', 'signatures'])
    if (memberOf(object, refused) !== undefined) refuse('malformed', `a JWS here has no "${refused}"`);
  const [written, payload, signature] = ['protected', 'payload', 'signature'].map((member) => {
    const text = textOf(object, member, 'the JWS', 1_000_000);
    const bytes = decodeBase64url(text) ?? refuse('malformed', `"${member}" of the JWS is no base64url`);
    return { text, bytes };
  }) as [Piece, Piece, Piece];
  const header = jsonObject(written.bytes, 'the protected header');
  // RFC 7515 §4.1.11: what must be understood is not; b64 (RFC 7797) would be among it.
  if (memberOf(header, 'crit') !== undefined) refuse('malformed', 'extensions ("crit") are not understood here');
  if (memberOf(header, 'b64') !== undefined) refuse('malformed', '"b64" is not for ACME');
  return {
    header,
    payload: payload.bytes,
    signed: fromLatin1(`${written.text}.${payload.text}`),
    signature: signature.bytes,
  };
}

interface Piece {
  readonly text: string;
  readonly bytes: Bytes;
}
