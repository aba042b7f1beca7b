/** Writes certificate revocation lists of version 2 (RFC 5280 §5). Signs nothing. */
import type { Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { authorityKeyIdentifier, crlNumber } from './certificate-write.ts';
import { header, integer, oid, sequence, tags } from './der.ts';
import { boolean, enumerated, explicit, implicit, octetString, time } from './der-write.ts';
import { oids } from './oid.ts';

export interface RevokedEntry {
  /** Lower-case hexadecimal, whole octets, 1 to 20. */
  readonly serial: string;
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
  /** As `encodeCrlEntries` gives them. */
  readonly entries: Uint8Array;
  /** It speaks of certificates of end entities alone. */
  readonly onlyUsers?: boolean;
}

/** TBSCertList. */
export function encodeTbsCrl(content: CrlContent): Bytes {
  return sequence(
    integer(1),
    content.algorithm,
    content.issuer,
    time(content.thisUpdate),
    time(content.nextUpdate),
    // RFC 5280 §5.1.2.6: without entries the list must be absent, not empty.
    ...(content.entries.length === 0 ? [] : [header(tags.sequence, content.entries.length), content.entries]),
    explicit(
      0,
      sequence(
        authorityKeyIdentifier(content.issuerKeyId),
        crlNumber(content.number),
        ...(content.onlyUsers === true ? [issuingDistributionPoint()] : []),
      ),
    ),
  );
}

/**
 * Critical, as RFC 5280 §5.2.5 has it. It names no distribution point: the list is complete for all certificates of end
 * entities, those too that were issued before there was an address to name.
 */
function issuingDistributionPoint(): Bytes {
  const onlyContainsUserCerts = implicit(1, Uint8Array.of(0xff));
  return sequence(oid(oids.issuingDistributionPoint), boolean(true), octetString(sequence(onlyContainsUserCerts)));
}

/** The longest entry, with room: headers, 21 octets of serial number, a time, the reason. */
const LONGEST_ENTRY = 64;
const DAY: Ms = 86_400_000;

/**
 * The entries, one after the other in the order given. A hundred thousand take a tenth of a second: what repeats is
 * written once, and all of them into one array.
 */
export function encodeCrlEntries(revoked: Iterable<RevokedEntry>, count: number): Bytes {
  const reasons = new Map<number, Bytes>();
  const days = new Map<number, Bytes>();
  const whole = new Uint8Array(count * LONGEST_ENTRY);
  let at = 0;
  for (const { serial, at: when, reason } of revoked) {
    const start = at;
    at = putSerial(whole, at + 2, serial);
    const day = Math.floor(when / DAY);
    const midnight = memo(days, day, () => time(day * DAY));
    whole.set(midnight, at);
    at += midnight.length;
    putClock(whole, at - 7, Math.floor((when - day * DAY) / 1000));
    const extensions = memo(reasons, reason, () => entryExtensions(reason));
    whole.set(extensions, at);
    at += extensions.length;
    whole[start] = tags.sequence;
    // Always below 128, so that the length stands in one octet.
    whole[start + 1] = at - start - 2;
  }
  return whole.subarray(0, at);
}

/** A positive INTEGER; gives where it ends. */
function putSerial(whole: Uint8Array, at: number, serial: string): number {
  let start = 0;
  while (start < serial.length - 2 && serial.startsWith('00', start)) start += 2;
  const length = (serial.length - start) / 2;
  if (!Number.isInteger(length) || length < 1 || length > 20) throw badSerial(serial);
  const sign = hexDigit(serial, start) >= 8 ? 1 : 0;
  whole[at] = tags.integer;
  whole[at + 1] = length + sign;
  for (let i = 0; i < length; i++)
    whole[at + 2 + sign + i] = 16 * hexDigit(serial, start + 2 * i) + hexDigit(serial, start + 2 * i + 1);
  return at + 2 + sign + length;
}

function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  throw badSerial(text);
}

function badSerial(serial: string): RangeError {
  return new RangeError(`"${serial}" is no serial number`);
}

/** `HHMMSS` over that of a midnight. */
function putClock(whole: Uint8Array, at: number, seconds: number): void {
  putTwo(whole, at, Math.floor(seconds / 3600));
  putTwo(whole, at + 2, Math.floor(seconds / 60) % 60);
  putTwo(whole, at + 4, seconds % 60);
}

function putTwo(whole: Uint8Array, at: number, number: number): void {
  whole[at] = 0x30 + Math.floor(number / 10);
  whole[at + 1] = 0x30 + (number % 10);
}

function memo<K>(known: Map<K, Bytes>, key: K, make: () => Bytes): Bytes {
  let value = known.get(key);
  if (value === undefined) known.set(key, (value = make()));
  return value;
}

function entryExtensions(reason: number): Bytes {
  if (reason === 0) return new Uint8Array(0);
  return sequence(sequence(oid(oids.reasonCode), octetString(enumerated(reason))));
}
