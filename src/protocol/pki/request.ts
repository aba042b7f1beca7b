/** Certificate requests, PKCS#10 (RFC 2986): taken apart, with the parts left as they stand. No signature is checked here. */
import { DerError, DerReader, contextTag, tags } from './der.ts';
import { readName } from './name.ts';

/** What a request says. The arrays are views into the DER that was read. */
export interface CertificateRequest {
  /** The part that is signed. */
  readonly signed: Uint8Array;
  /** DER of the Name, known to be one; may be empty. */
  readonly subject: Uint8Array;
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** Signature algorithm, dotted. */
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

export type RequestReading =
  | { readonly kind: 'request'; readonly request: CertificateRequest }
  /** `why` names the place. */
  | { readonly kind: 'bad'; readonly why: string };

/** A request has a name, a key and a few attributes: 16 KB hold the largest key and the longest of them. */
export const MAX_REQUEST = 16_384;

/** Reads a request. The bound on its size and a reader that neither recurses nor goes back keep the cost small for any bytes. */
export function readRequest(der: Uint8Array): RequestReading {
  if (der.length > MAX_REQUEST) {
    return { kind: 'bad', why: `the request has ${der.length} octets, more than ${MAX_REQUEST}` };
  }
  try {
    const outer = new DerReader(der);
    const whole = outer.read(tags.sequence);
    outer.end();
    const signed = whole.readWhole(tags.sequence);
    const algorithmParts = whole.read(tags.sequence);
    const algorithm = algorithmParts.readOid();
    const signature = whole.readBitString();
    whole.end();

    const info = new DerReader(signed).read(tags.sequence);
    const version = info.readSmallInteger();
    if (version !== 0) return { kind: 'bad', why: `the request has version ${version + 1}, not 1` };
    const subject = info.readWhole(tags.sequence);
    readName(subject);
    const publicKey = info.readWhole(tags.sequence);
    // Attributes may be missing altogether: old tools leave them out, and nothing in them is used.
    info.optional(contextTag(0));
    info.end();
    return { kind: 'request', request: { signed, subject, publicKey, algorithm, signature } };
  } catch (error) {
    if (error instanceof DerError) return { kind: 'bad', why: `the request is no DER of PKCS#10: ${error.message}` };
    throw error;
  }
}

/** What a SubjectPublicKeyInfo says of the kind of key; undefined when it is none (RFC 5280 §4.1.2.7). */
export interface PublicKeyKind {
  readonly algorithm: string;
  /** The curve of a named one, dotted; undefined with other keys and where a curve is given by its numbers. */
  readonly curve: string | undefined;
  /** The octets of subjectPublicKey, from which key identifiers are made. */
  readonly bits: Uint8Array;
}

export function readPublicKeyKind(publicKey: Uint8Array): PublicKeyKind | undefined {
  try {
    const outer = new DerReader(publicKey);
    const info = outer.read(tags.sequence);
    outer.end();
    const identifier = info.read(tags.sequence);
    const algorithm = identifier.readOid();
    const curve = identifier.tag === tags.oid ? identifier.readOid() : undefined;
    const bits = info.readBitString();
    info.end();
    return { algorithm, curve, bits };
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
