/** One element of Extensions (RFC 5280 §4.2), which certificates, requests, CRLs and OCSP requests have in common. */
import { tags, type DerReader } from './der.ts';

export interface Extension {
  /** Dotted. */
  readonly id: string;
  readonly critical: boolean;
  /** Over the octets of extnValue. */
  readonly value: DerReader;
}

/** The next extension of a list. Throws `DerError`. Whether one may come twice is the caller's to say. */
export function readExtension(list: DerReader): Extension {
  const extension = list.read(tags.sequence);
  const id = extension.readOid();
  const critical = extension.tag === tags.boolean && extension.readBoolean();
  const value = extension.read(tags.octetString);
  extension.end();
  return { id, critical, value };
}
