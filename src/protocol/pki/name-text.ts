/**
 * Distinguished names as people write them: RFC 4514 with its escapes, `C=JP, O=Example\, Inc., CN=alice`. One
 * departure: RDNs stand in the order in which the certificate has them, the most general first, and not backwards as
 * RFC 4514 §2.1 has it, so that what is written looks as certificates are shown everywhere.
 */
import { fromUtf8, utf8, type Bytes } from '../../base/bytes.ts';
import { attributeType } from './attribute.ts';
import { element, oid, sequence, setOf, tags } from './der.ts';
import { upperBound } from './name-bound.ts';
import { oids } from './oid.ts';
import { isPrintable } from './string-value.ts';

/** The text is no name. The message says at which character. */
export class NameTextError extends Error {
  override readonly name = 'NameTextError';
}

/** One attribute as it was written. */
export interface WrittenAttribute {
  /** Dotted. */
  readonly type: string;
  readonly value: string;
  /** Where it begins, counted from 1 in characters. */
  readonly at: number;
  /** Whether it belongs to the same RDN as the one before. */
  readonly joined: boolean;
}

function fault(at: number, what: string): NameTextError {
  return new NameTextError(`character ${at}: ${what}`);
}

/** The attributes of a name. Throws `NameTextError`. */
export function parseNameText(text: string): WrittenAttribute[] {
  const characters = Array.from(text);
  const attributes: WrittenAttribute[] = [];
  let at = 0;
  let joined = false;
  for (;;) {
    while (characters[at] === ' ') at += 1;
    const start = at;
    let type = '';
    for (; at < characters.length && /[A-Za-z0-9.-]/.test(characters[at] as string); at++) type += characters[at];
    while (characters[at] === ' ') at += 1;
    if (type === '' || characters[at] !== '=')
      throw fault(
        start + 1,
        attributes.length === 0
          ? 'expected an attribute, such as CN=alice'
          : 'expected an attribute such as CN= after the separator; write \\, for a comma in a value',
      );
    const known = attributeType(type);
    if (known === undefined)
      throw fault(
        start + 1,
        `"${type}" is no attribute that is known here; write its dotted identifier, or one of C, O, OU, CN, L, ST, DC, UID, emailAddress`,
      );
    const read = readValue(characters, at + 1);
    if (read.value === '') throw fault(start + 1, `${type} has an empty value`);
    attributes.push({ type: known, value: read.value, at: start + 1, joined });
    if (read.end >= characters.length) return attributes;
    joined = characters[read.end] === '+';
    at = read.end + 1;
  }
}

interface ReadValue {
  readonly value: string;
  readonly end: number;
}

/** A value up to the separator or the end. Blanks around it do not count unless they are escaped (RFC 4514 §2.4). */
function readValue(characters: readonly string[], from: number): ReadValue {
  let at = from;
  while (characters[at] === ' ') at += 1;
  if (characters[at] === '#') throw fault(at + 1, 'values in hexadecimal are not taken; write \\# for a number sign');
  let value = '';
  let kept = 0;
  while (at < characters.length) {
    const character = characters[at] as string;
    if (character === ',' || character === '+' || character === ';') break;
    if (character === '"' || character === '<' || character === '>' || character === '\0')
      throw fault(at + 1, `write \\ before ${JSON.stringify(character)}`);
    if (character === '\\') {
      const escaped = readEscape(characters, at);
      value += escaped.value;
      at = escaped.end;
      kept = value.length;
      continue;
    }
    value += character;
    if (character !== ' ') kept = value.length;
    at += 1;
  }
  return { value: value.slice(0, kept), end: at };
}

/** `\` and a special character, or pairs of hexadecimal digits that are UTF-8 together. */
function readEscape(characters: readonly string[], from: number): ReadValue {
  const next = characters[from + 1];
  if (next !== undefined && /[ "#+,;<=>\\]/.test(next)) return { value: next, end: from + 2 };
  const octets: number[] = [];
  let at = from;
  while (characters[at] === '\\') {
    const pair = `${characters[at + 1] ?? ''}${characters[at + 2] ?? ''}`;
    if (!/^[0-9A-Fa-f]{2}$/.test(pair)) break;
    octets.push(Number.parseInt(pair, 16));
    at += 3;
  }
  const value = octets.length === 0 ? undefined : fromUtf8(Uint8Array.from(octets));
  if (value === undefined)
    throw fault(from + 1, 'after \\ a special character or two hexadecimal digits of UTF-8 are expected');
  return { value, end: at };
}

/** The Name, DER. Throws `NameTextError` when a value does not fit its attribute. */
export function encodeWrittenName(attributes: readonly WrittenAttribute[]): Bytes {
  const rdns: Bytes[][] = [];
  for (const attribute of attributes) {
    const pair = sequence(oid(attribute.type), encodeValue(attribute));
    const last = rdns.at(-1);
    if (attribute.joined && last !== undefined) last.push(pair);
    else rdns.push([pair]);
  }
  return sequence(...rdns.map((rdn) => setOf(...rdn)));
}

/** String types by RFC 5280 §A.1: where it leaves a choice, UTF8String (§4.1.2.4). */
function encodeValue({ type, value, at }: WrittenAttribute): Bytes {
  // oxlint-disable-next-line no-control-regex -- just these
  if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) throw fault(at, 'the value has a control character');
  const most = upperBound(type);
  const length = Array.from(value).length;
  if (length > most && type !== oids.countryName)
    throw fault(at, `the value has ${length} characters, more than the ${most} of RFC 5280 §A.1`);
  switch (type) {
    case oids.countryName:
      if (!/^[A-Za-z]{2}$/.test(value)) throw fault(at, `"${value}" is no country code of two letters, such as JP`);
      return element(tags.printableString, utf8(value.toUpperCase()));
    case oids.serialNumber:
    case oids.dnQualifier:
      if (!isPrintable(value)) throw fault(at, `"${value}" has characters other than those of PrintableString`);
      return element(tags.printableString, utf8(value));
    case oids.emailAddress:
    case oids.domainComponent:
      if (/[^\x21-\x7e]/.test(value))
        throw fault(at, `"${value}" is not ASCII without blanks, as this attribute must be`);
      return element(tags.ia5String, utf8(value));
    default:
      return element(tags.utf8String, utf8(value));
  }
}
