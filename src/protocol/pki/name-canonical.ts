/**
 * Names in the form whose hash OpenSSL uses to find certificates and lists in directories: other string types as
 * UTF8String, ASCII in lower case, blanks at the ends left out and in the middle made one, and no SEQUENCE around.
 */
import { latin1, utf8, type Bytes } from '../../base/bytes.ts';
import { element, oid, sequence, setOf, tags } from './der.ts';
import { readName, type NameAttribute } from './name.ts';
import { stringText } from './string-value.ts';

/** The octets that are hashed; empty for an empty name. Throws `DerError` when `name` is no Name. */
export function canonicalName(name: Uint8Array): Bytes {
  const sets: Bytes[][] = [];
  for (const attribute of readName(name))
    (sets[attribute.set] ??= []).push(sequence(oid(attribute.type), canonicalValue(attribute)));
  const rdns = sets.map((pairs) => setOf(...pairs));
  const all = new Uint8Array(rdns.reduce((length, rdn) => length + rdn.length, 0));
  let at = 0;
  for (const rdn of rdns) {
    all.set(rdn, at);
    at += rdn.length;
  }
  return all;
}

/** What is of another type, or no text, stays as it is. */
function canonicalValue({ tag, value }: NameAttribute): Bytes {
  // OpenSSL does not ask whether the characters of these types are among those that the type has.
  const text = ONE_OCTET.has(tag) ? latin1(value) : WIDE.has(tag) ? stringText(tag, value) : undefined;
  if (text === undefined) return element(tag, value);
  const folded = text
    .replaceAll(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '')
    .replaceAll(/[ \t\n\v\f\r]+/g, ' ')
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  return element(tags.utf8String, utf8(folded));
}

const VISIBLE_STRING = 0x1a;
const ONE_OCTET: ReadonlySet<number> = new Set([tags.printableString, tags.ia5String, tags.t61String, VISIBLE_STRING]);
const WIDE: ReadonlySet<number> = new Set([tags.utf8String, tags.bmpString, tags.universalString]);
