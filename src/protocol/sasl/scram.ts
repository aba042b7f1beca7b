/** The messages of SCRAM (RFC 5802 §7), read and written: no cryptography, no state. */
import { fromUtf8 } from '../../base/bytes.ts';

/**
 * What a client does about channel binding (RFC 5802 §6): `none`: it cannot; `unoffered` ("y"): it can, and thinks the
 * server cannot; `bound` ("p"): it binds by this type.
 */
export type GssHeader =
  | { readonly kind: 'none' }
  | { readonly kind: 'unoffered' }
  | { readonly kind: 'bound'; readonly type: string };

export interface ClientFirst {
  readonly header: GssHeader;
  /** The header as it stands, which the channel-binding data of the last message begins with. */
  readonly headerText: string;
  /** The rest, which is signed. */
  readonly bare: string;
  /** Whom it wants to act for; '' for itself. */
  readonly authorization: string;
  readonly name: string;
  readonly nonce: string;
}

export interface ClientFinal {
  /** Header and channel-binding data, as it was sent (base64 decoded). */
  readonly binding: Uint8Array;
  readonly nonce: string;
  readonly proof: Uint8Array;
  /** All before the proof, which is signed. */
  readonly withoutProof: string;
}

/** Octets of a message of a client. */
const LONGEST = 4_096;
/** RFC 5802 §7: printable ASCII without the comma. */
const NONCE = /^[\x21-\x2b\x2d-\x7e]{8,512}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Undefined when it is no such message, or has an extension that must be understood (`m=`). */
export function readClientFirst(message: Uint8Array): ClientFirst | undefined {
  const text = textOf(message);
  const match = text === undefined ? null : /^([ny]|p=([A-Za-z0-9.-]{1,64})),(?:a=([^,]+))?,/.exec(text);
  if (text === undefined || match === null) return undefined;
  const [headerText, flag = '', type, rawAuthorization] = match;
  const bare = text.slice(headerText.length);
  const fields = /^n=([^,]+),r=([^,]+)(?:,[a-zA-Z]=[^,]*)*$/.exec(bare);
  const name = nameOf(fields?.[1] ?? '');
  const nonce = fields?.[2] ?? '';
  const authorization = rawAuthorization === undefined ? '' : nameOf(rawAuthorization);
  if (name === undefined || authorization === undefined || name === '' || !NONCE.test(nonce)) return undefined;
  const header: GssHeader =
    type !== undefined ? { kind: 'bound', type } : { kind: flag === 'y' ? 'unoffered' : 'none' };
  return { header, headerText, bare, authorization, name, nonce };
}

export function readClientFinal(message: Uint8Array): ClientFinal | undefined {
  const text = textOf(message);
  const match = text === undefined ? null : /^(c=([^,]+),r=([^,]+)(?:,[a-zA-Z]=[^,]*)*),p=([^,]+)$/.exec(text);
  if (match === null) return undefined;
  const [, withoutProof = '', rawBinding = '', nonce = '', rawProof = ''] = match;
  const [binding, proof] = [octetsOf(rawBinding), octetsOf(rawProof)];
  if (binding === undefined || proof === undefined || !NONCE.test(nonce)) return undefined;
  return { binding, nonce, proof, withoutProof };
}

export function writeServerFirst(nonce: string, salt: Uint8Array, iterations: number): string {
  return `r=${nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`;
}

export function writeServerFinal(signature: Uint8Array): string {
  return `v=${Buffer.from(signature).toString('base64')}`;
}

function textOf(message: Uint8Array): string | undefined {
  const text = message.length > LONGEST ? undefined : fromUtf8(message);
  return text?.includes('\0') === true ? undefined : text;
}

/** RFC 5802 §5.1: in names `=2C` is a comma and `=3D` an equals sign; any other `=` is a mistake. */
function nameOf(text: string): string | undefined {
  if (/=(?!2C|3D)/.test(text)) return undefined;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function octetsOf(text: string): Uint8Array | undefined {
  return BASE64.test(text) ? new Uint8Array(Buffer.from(text, 'base64')) : undefined;
}
