/** Addresses in the header section of a message written otherwise, each in its place: names, comments and folding stay as they are. */
import { fromUtf8, latin1 } from '../../base/bytes.ts';
import { addressSpans } from '../../protocol/mime/address-list.ts';
import { formatAddress, parseAddress, type Address } from '../../protocol/smtp/address.ts';
import type { AddressField, ByteRange } from './header.ts';

/** How addresses are written; one that stays as it is comes back the same. */
export interface HeaderRewriter {
  readonly sender: (address: Address) => Address;
  readonly recipient: (address: Address) => Address;
}

/** Octets to stand in a place instead of what is there. */
export interface Edit extends ByteRange {
  readonly text: Uint8Array;
}

/** What changes in these fields, in order. */
export function addressEdits(bytes: Buffer, fields: readonly AddressField[], rewriter: HeaderRewriter): Edit[] {
  return fields.flatMap(({ kind, from, to }) => {
    const value = bytes.toString('latin1', from, to);
    return addressSpans(value).flatMap((span): Edit[] => {
      const written = rewritten(span.address, rewriter[kind]);
      return written === undefined ? [] : [{ from: from + span.from, to: from + span.to, text: Buffer.from(written) }];
    });
  });
}

/** `text` has one character for each octet; undefined when it stays as it is. */
function rewritten(text: string, write: (address: Address) => Address): string | undefined {
  const octets = Buffer.from(text, 'latin1');
  const address = parseAddress(fromUtf8(octets) ?? latin1(octets));
  if (address === undefined) return undefined;
  const written = write(address);
  return written.local === address.local && written.domain === address.domain ? undefined : formatAddress(written);
}
