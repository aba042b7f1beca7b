/**
 * Names as people write them into access files: as Sendmail prints them, as it printed them in 2003, or as a certificate
 * is shown. They are taken apart, so that they can be compared with a certificate's attribute by attribute.
 */
import { fromLatin1, fromUtf8, latin1, utf8 } from '../../base/bytes.ts';
import { attributeName, attributeType } from '../../protocol/pki/attribute.ts';
import { MAX_ONELINE, printValue, readName, xtext } from '../../protocol/pki/name.ts';
import { stringText } from '../../protocol/pki/string-value.ts';

export interface WrittenPart {
  /** OpenSSL's short name where the type is known, else as written. */
  readonly type: string;
  readonly value: string;
  /** OpenSSL's one-line form, with the separator before it. */
  readonly printed: string;
}

/** The attributes of a name of the map; what is written wrongly is taken as it was meant. */
export function readWrittenName(text: string): WrittenPart[] {
  const parts: WrittenPart[] = [];
  const line = decode(text);
  // A separator only counts where a type follows: values of old files have bare slashes and plus signs in them.
  const pattern = /(?:^|(?<!\\))([/+])([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)=/g;
  const starts = [...line.matchAll(pattern)];
  for (const [number, match] of starts.entries()) {
    const end = starts[number + 1]?.index ?? line.length;
    const value = unescape(line.slice(match.index + match[0].length, end));
    const [, separator = '/', written = ''] = match;
    const oid = attributeType(written);
    const type = (oid === undefined ? undefined : attributeName(oid)) ?? written;
    parts.push({ type, value: fromUtf8(value) ?? latin1(value), printed: `${separator}${type}=${printValue(value)}` });
  }
  return parts;
}

/** The name as Sendmail would print it, cut where it cuts. */
export function encodeWritten(parts: readonly WrittenPart[]): string {
  let line = '';
  for (const { printed } of parts) {
    if (line.length + printed.length > MAX_ONELINE) break;
    line += printed;
  }
  return xtext(fromLatin1(line));
}

/** A certificate's name (DER) in parts. */
export function partsOfName(name: Uint8Array): WrittenPart[] {
  let previous = -1;
  return readName(name).map(({ type: oid, set, tag, value }) => {
    const type = attributeName(oid) ?? oid;
    const separator = set === previous ? '+' : '/';
    previous = set;
    return {
      type,
      value: stringText(tag, value) ?? latin1(value),
      printed: `${separator}${type}=${printValue(value)}`,
    };
  });
}

/** An attribute that only one of two names has, or that they have with other values. */
export type Difference =
  | { readonly kind: 'line-only' | 'certificate-only'; readonly part: string }
  | { readonly kind: 'other'; readonly part: string; readonly instead: string };

/** What keeps a written name from being the other; none: they say the same. */
export function compareNames(line: readonly WrittenPart[], certificate: readonly WrittenPart[]): Difference[] {
  const found: Difference[] = [];
  const rest = [...certificate];
  for (const part of line) {
    const same = rest.findIndex((one) => sameType(one, part) && sameValue(one, part));
    const near =
      same >= 0
        ? same
        : rest.findIndex(
            (one) => sameType(one, part) && !line.some((other) => sameType(other, one) && sameValue(other, one)),
          );
    const [other] = near >= 0 ? rest.splice(near, 1) : [];
    if (other === undefined) found.push({ kind: 'line-only', part: shown(part) });
    else if (same < 0) found.push({ kind: 'other', part: shown(part), instead: shown(other) });
  }
  for (const part of rest) found.push({ kind: 'certificate-only', part: shown(part) });
  return found;
}

/** How alike two names are: shared attributes less differences. */
export function likeness(line: readonly WrittenPart[], certificate: readonly WrittenPart[]): number {
  const shared = line.filter((part) => certificate.some((other) => sameType(part, other) && sameValue(part, other)));
  const weight = shared.reduce((sum, { type }) => sum + (type === 'CN' || type === 'emailAddress' ? 3 : 1), 0);
  return weight - compareNames(line, certificate).length;
}

/** Whether both have the same common name. */
export function sameCommonName(line: readonly WrittenPart[], certificate: readonly WrittenPart[]): boolean {
  const [one, other] = [line, certificate].map((parts) => parts.find(({ type }) => type === 'CN'));
  return one !== undefined && other !== undefined && sameValue(one, other);
}

/** `CN=alice`. */
function shown({ type, value }: WrittenPart): string {
  return `${type}=${value}`;
}

function sameType(one: WrittenPart, other: WrittenPart): boolean {
  return one.type.toLowerCase() === other.type.toLowerCase();
}

function sameValue(one: WrittenPart, other: WrittenPart): boolean {
  return one.value.toLowerCase() === other.value.toLowerCase();
}

/** xtext undone, each octet a character; a plus sign that starts no pair stays. */
function decode(text: string): string {
  return latin1(utf8(text)).replace(/\+([0-9A-Fa-f]{2})/g, (_, pair: string) =>
    String.fromCharCode(Number.parseInt(pair, 16)),
  );
}

/** The octets of a value, OpenSSL's escapes undone. */
function unescape(value: string): Uint8Array {
  const plain = value
    .replace(/\\x([0-9A-Fa-f]{2})/g, (_, pair: string) => String.fromCharCode(Number.parseInt(pair, 16)))
    .replace(/\\([/+])/g, '$1');
  return fromLatin1(plain);
}
