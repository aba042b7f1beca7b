/** The texts of string types that names are made of (RFC 5280 §4.1.2.4, X.680 §41). */
import { fromUtf8, latin1 } from '../../base/bytes.ts';
import { tags } from './der.ts';

const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;

/** Whether every character is one of PrintableString's. */
export function isPrintable(text: string): boolean {
  return PRINTABLE.test(text);
}

/**
 * The text that the octets of a string are, or undefined when they are none of that type. T61String is taken as Latin-1,
 * which is what programs that still write it mean.
 */
export function stringText(tag: number, octets: Uint8Array): string | undefined {
  switch (tag) {
    case tags.utf8String:
      return fromUtf8(octets);
    case tags.printableString:
      return matching(latin1(octets), PRINTABLE);
    case tags.numericString:
      return matching(latin1(octets), /^[0-9 ]*$/);
    case tags.ia5String:
      return octets.every((octet) => octet < 0x80) ? latin1(octets) : undefined;
    case tags.t61String:
      return latin1(octets);
    case tags.bmpString:
      return octets.length % 2 === 0 ? fromUtf16(octets) : undefined;
    case tags.universalString:
      return octets.length % 4 === 0 ? fromUtf32(octets) : undefined;
    default:
      return undefined;
  }
}

function matching(text: string, pattern: RegExp): string | undefined {
  return pattern.test(text) ? text : undefined;
}

function fromUtf16(octets: Uint8Array): string | undefined {
  let text = '';
  for (let i = 0; i < octets.length; i += 2)
    text += String.fromCharCode(((octets[i] as number) << 8) | (octets[i + 1] as number));
  return text.isWellFormed() ? text : undefined;
}

function fromUtf32(octets: Uint8Array): string | undefined {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  let text = '';
  for (let i = 0; i < octets.length; i += 4) {
    const point = view.getUint32(i);
    if (point > 0x10_ff_ff || (point >= 0xd8_00 && point <= 0xdf_ff)) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}
