/**
 * Distinguished names in the form in which Sendmail shows them and access maps hold them: OpenSSL's one-line form,
 * at most 255 octets, then xtext. Two different names can print alike (a backslash is not escaped, what is too
 * long is left out): compare names by their DER where it matters who issued a certificate.
 */
import { attributeName } from './attribute.ts';
import { DerError, DerReader, tags } from './der.ts';

/** One attribute of a name. `set` counts the RDNs: attributes of one multi-valued RDN have the same. */
export interface NameAttribute {
  /** Dotted. */
  readonly type: string;
  readonly set: number;
  /** Identifier octet of the value's string type. */
  readonly tag: number;
  /** The octets of the string, whatever its type (of a BIT STRING without the count of unused bits). */
  readonly value: Uint8Array;
}

/** Sendmail's buffer for a name holds 256 octets, one of them the end. */
export const MAX_ONELINE = 255;
/** OpenSSL prints an unknown type into 80 octets, one of them the end. */
const MAX_TYPE = 79;
const COMMON_NAME = '2.5.4.3';

/** The attributes of a Name (RFC 5280 §4.1.2.4) in DER order. Throws `DerError`. */
export function readName(name: Uint8Array): NameAttribute[] {
  const outer = new DerReader(name);
  const rdns = outer.read(tags.sequence);
  outer.end();
  const attributes: NameAttribute[] = [];
  for (let set = 0; !rdns.done; set++) {
    const rdn = rdns.read(tags.set);
    while (!rdn.done) {
      const pair = rdn.read(tags.sequence);
      const type = pair.readOid();
      const { tag, content } = pair.next();
      pair.end();
      // Strings are primitive types of the universal class; of anything else it is not clear what its octets say.
      if ((tag & 0xe0) !== 0) throw new DerError('attribute value is no string', content.offset);
      attributes.push({ type, set, tag, value: tag === tags.bitString ? content.bytes.subarray(1) : content.bytes });
    }
  }
  return attributes;
}

/**
 * The name as `/C=JP/O=Example+20Org/CN=alice`. From the first attribute with which the one-line form would be
 * longer than 255 octets, that and all later ones are left out. Throws `DerError` when `name` is no Name.
 */
export function encodeName(name: Uint8Array): string {
  return xtext(oneline(readName(name)));
}

/** OpenSSL's one-line form as it is, ASCII, cut as in `encodeName`: what `openssl ca` keeps in its database. */
export function printName(name: Uint8Array): string {
  return Buffer.from(oneline(readName(name))).toString('latin1');
}

/**
 * The first common name, raw octets, as xtext; Sendmail's words where there is none, or none to rely on.
 * Throws `DerError` when `name` is no Name.
 */
export function commonName(name: Uint8Array): string {
  const first = readName(name).find((attribute) => attribute.type === COMMON_NAME);
  if (first === undefined) return 'BadCertificateUnknown';
  if (first.value.length >= MAX_ONELINE) return 'BadCertificateTooLong';
  if (first.value.includes(0)) return 'BadCertificateContainsNUL';
  return xtext(first.value);
}

/** One value as OpenSSL's one-line form has it: what would part attributes, or does not print, is escaped. */
export function printValue(value: Uint8Array): string {
  let text = '';
  for (const octet of value) {
    if (octet < 0x20 || octet > 0x7e) text += `\\x${hexPair(octet)}`;
    else if (octet === 0x2f || octet === 0x2b) text += `\\${String.fromCharCode(octet)}`;
    else text += String.fromCharCode(octet);
  }
  return text;
}

/** xtext (RFC 3461 §4) as Sendmail writes certificate names: also `\ ( < > " )` become `+HH`, `=` does not. */
export function xtext(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets)
    text += octet < 0x21 || octet > 0x7e || isSpecial(octet) ? `+${hexPair(octet)}` : String.fromCharCode(octet);
  return text;
}

function isSpecial(octet: number): boolean {
  switch (octet) {
    case 0x22: // "
    case 0x28: // (
    case 0x29: // )
    case 0x2b: // +
    case 0x3c: // <
    case 0x3e: // >
    case 0x5c: // \
      return true;
    default:
      return false;
  }
}

function oneline(attributes: readonly NameAttribute[]): Uint8Array {
  let line = '';
  let previous = -1;
  for (const attribute of attributes) {
    const type = attributeName(attribute.type) ?? attribute.type.slice(0, MAX_TYPE);
    // No value is printed shorter than it is, so a long one needs no printing.
    if (attribute.value.length > MAX_ONELINE) break;
    const part = `${attribute.set === previous ? '+' : '/'}${type}=${printValue(attribute.value)}`;
    if (line.length + part.length > MAX_ONELINE) break;
    line += part;
    previous = attribute.set;
  }
  return Buffer.from(line, 'latin1');
}

function hexPair(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}
