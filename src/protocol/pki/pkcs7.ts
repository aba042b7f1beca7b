/** Writes the one form of PKCS#7 that carries certificates and nothing else: "certs-only" (RFC 5652 §5.1, RFC 8951 §3). */
import type { Bytes } from '../../base/bytes.ts';
import { contextTag, element, integer, oid, sequence, setOf } from './der.ts';
import { explicit } from './der-write.ts';
import { oids } from './oid.ts';

/** SignedData without content or signer. Each certificate is DER, and they stay in the order given: readers take the first for the one asked for. */
export function certsOnly(certificates: readonly Uint8Array[]): Bytes {
  const signedData = sequence(
    integer(1),
    setOf(),
    sequence(oid(oids.data)),
    element(contextTag(0), ...certificates),
    setOf(),
  );
  return sequence(oid(oids.signedData), explicit(0, signedData));
}
