/**
 * What a CA from outside has revoked: its CRL, sorted for look-up, in memory that all threads share. The signature was
 * checked by whoever made it (`admin/trust-check.ts`); here it is only asked.
 */
import type { Ms } from '../../base/clock.ts';
import { entryAt, serialAt, type RevocationListContent } from '../../protocol/pki/crl-read.ts';

/** Crosses to other threads without being copied. */
export interface RevocationList {
  /** Whose list: `keyId` of the CA's certificate, the same for all certificates of one name and key. */
  readonly issuer: string;
  readonly thisUpdate: Ms;
  readonly nextUpdate: Ms;
  /** cRLNumber, decimal; undefined without. */
  readonly number: string | undefined;
  readonly scope: RevocationListContent['scope'];
  readonly der: Uint8Array;
  /** Starts of entries in `der`, in the order of their serial numbers' octets. */
  readonly sorted: Uint32Array;
}

/** Clocks differ: a list may be so much newer than we think it is. */
const SKEW: Ms = 300_000;

/** A list for look-up. Copies `der` once. */
export function revocationList(der: Uint8Array, content: RevocationListContent, issuer: string): RevocationList {
  const shared = new Uint8Array(new SharedArrayBuffer(der.length));
  shared.set(der);
  const starts = content.entries;
  const serials = Array.from(starts, (start) => serialAt(shared, start));
  const order = Uint32Array.from(starts, (_, index) => index);
  order.sort((a, b) => compare(serials[a] as Uint8Array, serials[b] as Uint8Array));
  const sorted = new Uint32Array(new SharedArrayBuffer(starts.length * Uint32Array.BYTES_PER_ELEMENT));
  order.forEach((from, to) => (sorted[to] = starts[from] as number));
  const { thisUpdate, nextUpdate, number, scope } = content;
  return { issuer, thisUpdate, nextUpdate, number: number?.toString(), scope, der: shared, sorted };
}

/** What the list says of a serial number as certificates have it (Certificate.serial). */
export function revocationOf(list: RevocationList, serial: string): 'revoked' | 'suspended' | undefined {
  const wanted = octetsOf(serial);
  let [low, high] = [0, list.sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(serialAt(list.der, list.sorted[middle] as number), wanted) < 0) low = middle + 1;
    else high = middle;
  }
  let found: 'revoked' | 'suspended' | undefined;
  // A number may stand there more than once: on hold, later revoked.
  for (let at = low; at < list.sorted.length; at++) {
    const start = list.sorted[at] as number;
    if (compare(serialAt(list.der, start), wanted) !== 0) break;
    // certificateHold (RFC 5280 §5.3.1) can be taken back.
    if (entryAt(list.der, start).reason !== 6) return 'revoked';
    found = 'suspended';
  }
  return found;
}

/** Whether the list can be gone by at this time. */
export function isCurrent(list: Pick<RevocationList, 'thisUpdate' | 'nextUpdate'>, now: Ms): boolean {
  return list.thisUpdate <= now + SKEW && now <= list.nextUpdate;
}

/** Whether `next` may take the place of `list`: an older one is what an attacker would play back. */
export function isNoOlder(
  next: Pick<RevocationList, 'number' | 'thisUpdate'>,
  list: Pick<RevocationList, 'number' | 'thisUpdate'>,
): boolean {
  if (next.number !== undefined && list.number !== undefined) return BigInt(next.number) >= BigInt(list.number);
  return next.thisUpdate >= list.thisUpdate;
}

/** Content octets of the INTEGER. */
function octetsOf(serial: string): Uint8Array {
  if (serial.startsWith('-')) return Buffer.from(serial.slice(1), 'hex');
  // X.690 §8.3: the first bit is the sign.
  return Buffer.from((serial.charCodeAt(0) >= 0x38 ? '00' : '') + serial, 'hex');
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
