/** Writes OCSP responses (RFC 6960 §4.2). Signs nothing. */
import type { Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { bitString, enumerated, explicit, generalizedTime, octetString } from './der-write.ts';
import { contextPrimitiveTag, contextTag, element, oid, sequence } from './der.ts';
import { oids } from './oid.ts';

/** OCSPResponseStatus (RFC 6960 §4.2.1). `sigRequired` is never said: nobody needs to sign to ask. */
export const ocspErrors = { malformedRequest: 1, internalError: 2, tryLater: 3, unauthorized: 6 } as const;

export type CertStatus =
  | { readonly kind: 'good' | 'unknown' }
  | {
      readonly kind: 'revoked';
      readonly at: Ms;
      /** CRLReason; 0, unspecified, is left out. */
      readonly reason: number;
    };

export interface SingleResponse {
  /** CertID as it was asked, DER. */
  readonly certId: Uint8Array;
  readonly status: CertStatus;
  readonly thisUpdate: Ms;
  readonly nextUpdate: Ms;
}

export interface ResponseData {
  /** SHA-1 over the subjectPublicKey of the responder (RFC 6960 §4.2.1, KeyHash). */
  readonly responderKeyHash: Uint8Array;
  readonly producedAt: Ms;
  readonly responses: readonly SingleResponse[];
  /** Octets as they were asked. */
  readonly nonce: Uint8Array | undefined;
}

/** ResponseData, the part to be signed. */
export function encodeResponseData(data: ResponseData): Bytes {
  const nonce = data.nonce === undefined ? [] : [explicit(1, sequence(nonceExtension(data.nonce)))];
  return sequence(
    // byKey: shorter than a name, and RFC 5019 §2.2.1 asks for it.
    explicit(2, octetString(data.responderKeyHash)),
    generalizedTime(data.producedAt),
    sequence(...data.responses.map(encodeSingle)),
    ...nonce,
  );
}

function encodeSingle({ certId, status, thisUpdate, nextUpdate }: SingleResponse): Bytes {
  return sequence(certId, encodeStatus(status), generalizedTime(thisUpdate), explicit(0, generalizedTime(nextUpdate)));
}

function encodeStatus(status: CertStatus): Bytes {
  if (status.kind !== 'revoked') return element(contextPrimitiveTag(status.kind === 'good' ? 0 : 2));
  const reason = status.reason === 0 ? [] : [explicit(0, enumerated(status.reason))];
  return element(contextTag(1), generalizedTime(status.at), ...reason);
}

/** RFC 9654 §2.1: the octets of the request, as an OCTET STRING within the extension's own. */
function nonceExtension(nonce: Uint8Array): Bytes {
  return sequence(oid(oids.ocspNonce), octetString(octetString(nonce)));
}

/** A successful OCSPResponse. `certificates` are what the client needs besides the CA that it asks about. */
export function encodeOcspResponse(
  data: Uint8Array,
  algorithm: Uint8Array,
  signature: Uint8Array,
  certificates: readonly Uint8Array[],
): Bytes {
  const chain = certificates.length === 0 ? [] : [explicit(0, sequence(...certificates))];
  const basic = sequence(data, algorithm, bitString(signature), ...chain);
  return sequence(enumerated(0), explicit(0, sequence(oid(oids.ocspBasic), octetString(basic))));
}

/** An OCSPResponse that is an error: not signed, as RFC 6960 §2.3 has it. */
export function encodeOcspError(error: keyof typeof ocspErrors): Bytes {
  return sequence(enumerated(ocspErrors[error]));
}
