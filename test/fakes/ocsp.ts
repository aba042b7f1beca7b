import { createHash } from 'node:crypto';
import type { Bytes } from '../../src/base/bytes.ts';
import { boolean, explicit, nil, octetString } from '../../src/protocol/pki/der-write.ts';
import { integer, oid, sequence } from '../../src/protocol/pki/der.ts';
import { parseCertificate } from '../../src/protocol/pki/certificate.ts';
import { oids } from '../../src/protocol/pki/oid.ts';
import { readPublicKeyKind } from '../../src/protocol/pki/request.ts';

export interface OcspAsk {
  /** Of the issuing CA, DER. */
  readonly issuing: Uint8Array;
  /** Hexadecimal. */
  readonly serials: readonly string[];
  readonly hash?: 'sha1' | 'sha256';
  readonly nonce?: Uint8Array;
  /** An extension that nobody knows. */
  readonly strange?: { readonly critical: boolean };
}

/** An OCSP request, DER (RFC 6960 §4.1). */
export function ocspRequest({ issuing, serials, hash = 'sha1', nonce, strange }: OcspAsk): Bytes {
  const { subject, publicKey } = parseCertificate(issuing) ?? { subject: issuing, publicKey: issuing };
  const digest = (bytes: Uint8Array): Bytes => octetString(createHash(hash).update(bytes).digest());
  const bits = readPublicKeyKind(publicKey)?.bits ?? publicKey;
  const list = serials.map((serial) =>
    sequence(
      sequence(sequence(oid(oids[hash]), nil()), digest(subject), digest(bits), integer(Buffer.from(serial, 'hex'))),
    ),
  );
  const extensions = [
    ...(nonce === undefined ? [] : [sequence(oid(oids.ocspNonce), octetString(octetString(nonce)))]),
    ...(strange === undefined
      ? []
      : [sequence(oid('1.2.3.4'), ...(strange.critical ? [boolean(true)] : []), octetString(nil()))]),
  ];
  return sequence(
    sequence(sequence(...list), ...(extensions.length === 0 ? [] : [explicit(2, sequence(...extensions))])),
  );
}
