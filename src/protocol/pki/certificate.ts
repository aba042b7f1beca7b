/** X.509 certificates (RFC 5280 §4.1): the fields that say whose they are. No signature is checked here. */
import { latin1, sameBytes } from '../../base/bytes.ts';
import type { Ms } from '../../base/clock.ts';
import { DerError, DerReader, contextPrimitiveTag, contextTag, tags } from './der.ts';
import { readExtension } from './extension.ts';
import { readGeneralNames, type GeneralName } from './general-name.ts';
import { readName } from './name.ts';

/** What a certificate says. The arrays are views into the DER that was parsed. */
export interface Certificate {
  /** Lower-case hexadecimal, whole octets, without leading zero octets; `-` before the octets of a negative one. */
  readonly serial: string;
  /** DER of the Name; known to be one. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: Ms;
  readonly notAfter: Ms;
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** rfc822Name, dNSName and uniformResourceIdentifier of subjectAltName; those with octets that do not print are left out. */
  readonly emails: readonly string[];
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  /** How many uniformResourceIdentifier there are, those left out of `uris` counted. */
  readonly uriCount: number;
  /** SmtpUTF8Mailbox of subjectAltName (RFC 9598 §3): local part in UTF-8, domain in A-labels. */
  readonly mailboxes: readonly string[];
  /** Dotted; undefined without the extension. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** The first octet of the bits of keyUsage, digitalSignature as 0x80; undefined without the extension. */
  readonly keyUsage: number | undefined;
  /** cA of basicConstraints. */
  readonly isCa: boolean;
  /** Octets of the key identifiers; undefined without the extension. */
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
}

/** Larger ones no TLS library takes, and a small bound makes every cost a small one. */
const MAX_CERTIFICATE = 100_000;

/** The certificate, or undefined when `der` is not the DER of one. */
export function parseCertificate(der: Uint8Array): Certificate | undefined {
  if (der.length > MAX_CERTIFICATE) return undefined;
  try {
    return readCertificate(new DerReader(der));
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** What is in one extension of a certificate that `parseCertificate` could read; undefined without it. */
export function extensionValue(der: Uint8Array, type: string): DerReader | undefined {
  const signed = new DerReader(der).read(tags.sequence).read(tags.sequence);
  while (!signed.done) {
    const { tag, content } = signed.next();
    if (tag === contextTag(3)) return readExtensions(content).get(type);
  }
  return undefined;
}

/** A serial number as the ledger, directories and logs hold it, from its octets. */
export function serialText(octets: Uint8Array): string {
  let start = 0;
  while (start < octets.length - 1 && octets[start] === 0) start += 1;
  let text = '';
  for (let i = start; i < octets.length; i++) text += (octets[i] as number).toString(16).padStart(2, '0');
  return text;
}

function readCertificate(outer: DerReader): Certificate {
  const certificate = outer.read(tags.sequence);
  outer.end();
  const signed = certificate.read(tags.sequence);
  const algorithm = certificate.readWhole(tags.sequence);
  certificate.readBitString();
  certificate.end();

  const explicit = signed.optional(contextTag(0));
  const version = explicit === undefined ? 0 : explicit.readSmallInteger();
  explicit?.end();
  const serial = signed.readInteger();
  // RFC 5280 §4.1.1.2: both places name the same algorithm.
  if (!sameBytes(signed.readWhole(tags.sequence), algorithm))
    throw new DerError('two signature algorithms', signed.offset);
  const issuer = signed.readWhole(tags.sequence);
  const validity = signed.read(tags.sequence);
  const notBefore = readTime(validity);
  const notAfter = readTime(validity);
  validity.end();
  const subject = signed.readWhole(tags.sequence);
  const publicKey = signed.readWhole(tags.sequence);
  signed.optional(contextPrimitiveTag(1));
  signed.optional(contextPrimitiveTag(2));
  const extensions = readExtensions(signed.optional(contextTag(3)));
  signed.end();
  if (version > 2 || (extensions.size > 0 && version !== 2)) throw new DerError('extensions and version do not fit', 0);

  // Nobody needs to look for a DerError in a name again.
  readName(issuer);
  readName(subject);
  const names = readAlternativeNames(extensions.get('2.5.29.17'));
  return {
    serial: (serial[0] as number) >= 0x80 ? `-${serialText(serial)}` : serialText(serial),
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey,
    ...names,
    extendedKeyUsage: readUsages(extensions.get('2.5.29.37')),
    keyUsage: extensions.get('2.5.29.15')?.readBitString(true)[0],
    isCa: readIsCa(extensions.get('2.5.29.19')),
    subjectKeyId: extensions.get('2.5.29.14')?.read(tags.octetString).bytes,
    authorityKeyId: extensions.get('2.5.29.35')?.read(tags.sequence).optional(contextPrimitiveTag(0))?.bytes,
  };
}

/** The value of each extension by its identifier. */
function readExtensions(explicit: DerReader | undefined): Map<string, DerReader> {
  const values = new Map<string, DerReader>();
  if (explicit === undefined) return values;
  const list = explicit.read(tags.sequence);
  explicit.end();
  while (!list.done) {
    const { id, value } = readExtension(list);
    // RFC 5280 §4.2: no extension twice. With two, each reader could believe another one.
    if (values.has(id)) throw new DerError(`extension ${id} twice`, list.offset);
    values.set(id, value);
  }
  return values;
}

function readAlternativeNames(
  value: DerReader | undefined,
): Pick<Certificate, 'emails' | 'dnsNames' | 'uris' | 'uriCount' | 'mailboxes'> {
  const names = value === undefined ? [] : readGeneralNames(value);
  const of = (kind: GeneralName['kind'], fit: RegExp): string[] =>
    names.filter((name) => name.kind === kind && fit.test(name.text)).map(({ text }) => text);
  return {
    emails: of('email', /^[\x21-\x7e]+$/),
    dnsNames: of('dns', /^[\x21-\x7e]+$/),
    uris: of('uri', /^[\x21-\x7e]+$/),
    uriCount: names.filter(({ kind }) => kind === 'uri').length,
    mailboxes: of('mailbox', /^[^\p{C}\p{Z}]+$/u),
  };
}

function readUsages(value: DerReader | undefined): string[] | undefined {
  if (value === undefined) return undefined;
  const usages: string[] = [];
  const list = value.read(tags.sequence);
  while (!list.done) usages.push(list.readOid());
  return usages;
}

function readIsCa(value: DerReader | undefined): boolean {
  const constraints = value?.read(tags.sequence);
  return constraints?.tag === tags.boolean ? constraints.readBoolean() : false;
}

/** UTCTime up to 2049, GeneralizedTime after (RFC 5280 §4.1.2.5); seconds always, always UTC. */
export function readTime(validity: DerReader): Ms {
  const { tag, content } = validity.next();
  let text = latin1(content.bytes);
  if (tag === tags.utcTime) text = (text < '50' ? '20' : '19') + text;
  else if (tag !== tags.generalizedTime) throw new DerError('no time', content.offset);
  if (!/^\d{14}Z$/.test(text)) throw new DerError('bad time', content.offset);
  const [year, month, day, hour, minute, second] = [
    Number(text.slice(0, 4)),
    Number(text.slice(4, 6)),
    Number(text.slice(6, 8)),
    Number(text.slice(8, 10)),
    Number(text.slice(10, 12)),
    Number(text.slice(12, 14)),
  ];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) {
    throw new DerError('no such time', content.offset);
  }
  return (((dayNumber(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Days from 1970-01-01, counting years from March so that the leap day is the last of its year. */
function dayNumber(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const days = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + days - 719_468;
}
