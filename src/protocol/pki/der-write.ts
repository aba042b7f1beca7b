/**
 * Values in DER that a certificate authority writes, over the writer of der.ts. Parts that are DER already, such as the
 * name of a request, go in as they stand, so nothing is decoded and encoded anew.
 */
import { utf8, type Bytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { contextPrimitiveTag, contextTag, element, tags } from './der.ts';

export function boolean(value: boolean): Bytes {
  return element(tags.boolean, Uint8Array.of(value ? 0xff : 0));
}

export function nil(): Bytes {
  return element(tags.null);
}

/** ENUMERATED below 128. */
export function enumerated(value: number): Bytes {
  return element(tags.enumerated, Uint8Array.of(value));
}

export function octetString(bytes: Uint8Array): Bytes {
  return element(tags.octetString, bytes);
}

/** BIT STRING of whole octets. */
export function bitString(bytes: Uint8Array): Bytes {
  return element(tags.bitString, Uint8Array.of(0), bytes);
}

/** BIT STRING of named bits, trailing zeros left out (X.690 §11.2.2); bit 0 is the first. Bits 0 to 7. */
export function namedBits(bits: readonly number[]): Bytes {
  let octet = 0;
  for (const bit of bits) octet |= 0x80 >> bit;
  if (octet === 0) return element(tags.bitString, Uint8Array.of(0));
  const unused = 31 - Math.clz32(octet & -octet);
  return element(tags.bitString, Uint8Array.of(unused, octet));
}

export function utf8String(text: string): Bytes {
  return element(tags.utf8String, utf8(text));
}

/** BMPString: UTF-16 with the high octet first. */
export function bmpString(text: string): Bytes {
  return element(tags.bmpString, utf16be(text));
}

/** Text as UTF-16, high octet first, without a mark. */
export function utf16be(text: string): Bytes {
  const bytes = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) {
    bytes[2 * i] = text.charCodeAt(i) >> 8;
    bytes[2 * i + 1] = text.charCodeAt(i) & 0xff;
  }
  return bytes;
}

/** `[number] EXPLICIT`, number below 31. */
export function explicit(number: number, inner: Uint8Array): Bytes {
  return element(contextTag(number), inner);
}

/** `[number] IMPLICIT` of a primitive type: the contents stand below the new tag. */
export function implicit(number: number, contents: Uint8Array): Bytes {
  return element(contextPrimitiveTag(number), contents);
}

/** Time as RFC 5280 §4.1.2.5 has it: UTCTime to 2049, GeneralizedTime from 2050, whole seconds, Z. */
export function time(at: Ms): Bytes {
  const text = timeText(at);
  return text < '2050' ? element(tags.utcTime, utf8(text.slice(2))) : element(tags.generalizedTime, utf8(text));
}

/** GeneralizedTime in whole seconds, Z, whatever the year: OCSP has no other (RFC 6960 §4.2.2.1). */
export function generalizedTime(at: Ms): Bytes {
  return element(tags.generalizedTime, utf8(timeText(at)));
}

const DAY: Ms = 86_400_000;

/** `YYYYMMDDHHMMSSZ`. Reckoned here, because this layer has no clock and so no Date. */
function timeText(at: Ms): string {
  const days = Math.floor(at / DAY);
  const seconds = Math.floor((at - days * DAY) / 1000);
  // Days are counted from 0000-03-01, so that a leap day is the last of its year; 146,097 days make 400 years.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  if (year < 1950 || year > 9999) throw new RangeError(`year ${year} cannot be written in a certificate`);
  const two = (n: number): string => String(n).padStart(2, '0');
  return (
    String(year).padStart(4, '0') +
    two(month) +
    two(day) +
    two(Math.floor(seconds / 3600)) +
    two(Math.floor(seconds / 60) % 60) +
    two(seconds % 60) +
    'Z'
  );
}
