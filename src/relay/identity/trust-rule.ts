/**
 * Which certificates of a CA from outside may relay: one rule is one line of text, `email:alice@example.net`,
 * `spiffe://example.org/ns/mail/*`. A rule fits a certificate exactly or not at all; a `*` stands only where it is
 * written, for one whole part.
 */
import { attributeName } from '../../protocol/pki/attribute.ts';
import { parseCertificate, type Certificate } from '../../protocol/pki/certificate.ts';
import { encodeName, readName } from '../../protocol/pki/name.ts';
import { parseNameText } from '../../protocol/pki/name-text.ts';
import { stringText } from '../../protocol/pki/string-value.ts';
import { isSpiffeId, spiffeId } from './spiffe.ts';

/** Plain data: it crosses to the front threads. */
export type TrustMatch =
  /** No certificate by itself: the access map is asked. */
  | { readonly kind: 'access' }
  /** `*`: every local part of this domain. */
  | { readonly kind: 'email'; readonly local: string; readonly domain: string }
  /** With `wildcard` exactly one label stands before the name. */
  | { readonly kind: 'dns'; readonly name: string; readonly wildcard: boolean }
  | { readonly kind: 'uri'; readonly uri: string }
  /** With `below` the id ends in `/` and more follows. */
  | { readonly kind: 'spiffe'; readonly id: string; readonly below: boolean }
  /** Sendmail's form. */
  | { readonly kind: 'subject'; readonly oneline: string }
  /** The same name from its text: values by type, in the order of the certificate. */
  | { readonly kind: 'name'; readonly attributes: readonly NamePart[] }
  /** SHA-256 of SubjectPublicKeyInfo, of the certificate; lower-case hexadecimal. */
  | { readonly kind: 'key'; readonly digest: string }
  | { readonly kind: 'certificate'; readonly digest: string };

export interface NamePart {
  readonly type: string;
  readonly value: string;
  /** Counts the RDNs. */
  readonly set: number;
}

export interface TrustRule {
  /** As it was written. */
  readonly text: string;
  /** `trust/NAME/trust.yaml:LINE`. */
  readonly source: string;
  readonly match: TrustMatch;
}

export type TrustRuleReading =
  | { readonly kind: 'match'; readonly match: TrustMatch }
  | { readonly kind: 'bad'; readonly why: string; readonly todo: string };

/** What rules look at in a certificate. */
export interface RuledCertificate {
  readonly certificate: Certificate;
  readonly fingerprint: string;
  /** SHA-256 of its SubjectPublicKeyInfo. */
  readonly key: string;
}

const KINDS = 'access, email:, dns:, uri:, spiffe://, subject:, key:, certificate:';

/** A rule from its text. */
export function parseTrustRule(text: string): TrustRuleReading {
  if (text === 'access') return { kind: 'match', match: { kind: 'access' } };
  if (text.startsWith('spiffe://')) return spiffeRule(text);
  const colon = text.indexOf(':');
  const [word, rest] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
  switch (word) {
    case 'spiffe':
      return spiffeRule(rest);
    case 'email':
      return emailRule(rest);
    case 'dns':
      return dnsRule(rest);
    case 'uri':
      return rest.startsWith('spiffe://') ? spiffeRule(rest) : uriRule(rest);
    case 'subject':
      return rest.startsWith('/') ? onelineRule(rest) : nameRule(rest);
    case 'key':
    case 'certificate':
      return digestRule(word, rest);
    default:
      return bad(`"${text}" is no rule`, `rules are ${KINDS}`);
  }
}

function bad(why: string, todo: string): TrustRuleReading {
  return { kind: 'bad', why, todo };
}

function emailRule(address: string): TrustRuleReading {
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, Math.max(at, 0)), address.slice(at + 1)];
  if (local === '' || /[\p{C}\p{Z}]/u.test(local) || !isDnsName(domain))
    return bad(
      `"${address}" is no address`,
      'write email:alice@example.net, or email:*@example.net for a whole domain',
    );
  if (local !== '*' && local.includes('*'))
    return bad(`"${address}" has a * beside other characters`, 'write email:*@example.net for a whole domain');
  return { kind: 'match', match: { kind: 'email', local, domain: domain.toLowerCase() } };
}

function dnsRule(written: string): TrustRuleReading {
  const wildcard = written.startsWith('*.');
  const name = wildcard ? written.slice(2) : written;
  if (!isDnsName(name) || (wildcard && !name.includes('.')))
    return bad(`"${written}" is no DNS name`, 'write dns:host.example.net, or dns:*.example.net for one label more');
  return { kind: 'match', match: { kind: 'dns', name: name.toLowerCase(), wildcard } };
}

/** In A-labels, as certificates have it. */
function isDnsName(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/.test(label));
}

function uriRule(uri: string): TrustRuleReading {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/.test(uri))
    return bad(`"${uri}" is no URI`, 'write it whole, as the certificate has it');
  if (uri.includes('*')) return bad(`"${uri}" has a *`, 'only spiffe:// rules may end in /*');
  return { kind: 'match', match: { kind: 'uri', uri } };
}

function spiffeRule(written: string): TrustRuleReading {
  const below = written.endsWith('/*');
  const id = below ? written.slice(0, -2) : written;
  if (!isSpiffeId(id))
    return bad(
      `"${written}" is no SPIFFE id`,
      'write spiffe://trust.domain/path, or spiffe://trust.domain/path/* for all below a path',
    );
  return { kind: 'match', match: { kind: 'spiffe', id: below ? `${id}/` : id, below } };
}

function onelineRule(oneline: string): TrustRuleReading {
  if (/[^\x21-\x7e]|[()"<>\\]/.test(oneline) || !oneline.includes('='))
    return bad(
      `"${oneline}" is no name in the form of access maps`,
      'write +20 for a blank and +HH for other special characters, or the name as subject:C=JP, O=Example, CN=alice',
    );
  // What is longer is cut when it is printed, so that two names could look alike.
  if (oneline.replaceAll(/\+[0-9A-Fa-f]{2}/g, '_').length > 255)
    return bad('the name is too long for this form', 'write it as subject:C=JP, O=Example, CN=alice');
  return { kind: 'match', match: { kind: 'subject', oneline } };
}

function nameRule(text: string): TrustRuleReading {
  let set = -1;
  try {
    const attributes = parseNameText(text).map(({ type, value, joined }) => {
      if (!joined) set += 1;
      return { type, value, set };
    });
    return { kind: 'match', match: { kind: 'name', attributes } };
  } catch (error) {
    return bad(
      `"${text}" is no name (${error instanceof Error ? error.message : String(error)})`,
      'write subject:C=JP, O=Example, CN=alice, or subject:/C=JP/O=Example/CN=alice',
    );
  }
}

function digestRule(kind: 'key' | 'certificate', written: string): TrustRuleReading {
  const digest = written.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(digest))
    return bad(`"${written}" is no SHA-256 fingerprint`, `write ${kind}: and 64 hexadecimal digits`);
  return { kind: 'match', match: { kind, digest } };
}

/** What rules look at; undefined when the certificate cannot be read. */
export function ruledCertificate(
  der: Uint8Array,
  fingerprint: string,
  digest: (bytes: Uint8Array) => string,
): RuledCertificate | undefined {
  const certificate = parseCertificate(der);
  return certificate && { certificate, fingerprint, key: digest(certificate.publicKey) };
}

/**
 * The name that a rule finds in a certificate; undefined when it does not fit. What is found is printable and has no
 * blank in it.
 */
export function nameByRule(match: TrustMatch, ruled: RuledCertificate): string | undefined {
  const { certificate } = ruled;
  switch (match.kind) {
    case 'access':
      return undefined;
    case 'email':
      return [...certificate.emails, ...certificate.mailboxes].find((address) => isSameMailbox(address, match));
    case 'dns':
      return certificate.dnsNames.find((name) => isSameHost(name, match.name, match.wildcard));
    case 'uri':
      return certificate.uris.find((uri) => uri === match.uri);
    case 'spiffe': {
      const id = spiffeId(certificate);
      if (id === undefined) return undefined;
      return (match.below ? id.startsWith(match.id) : id === match.id) ? id : undefined;
    }
    case 'subject':
      return isPlain(certificate.subject) && encodeName(certificate.subject) === match.oneline
        ? match.oneline
        : undefined;
    case 'name':
      return isSameName(certificate.subject, match.attributes) ? encodeName(certificate.subject) : undefined;
    case 'key':
      return match.digest === ruled.key ? usualName(ruled) : undefined;
    default:
      return match.digest === ruled.fingerprint ? usualName(ruled) : undefined;
  }
}

/** What a certificate is called when no name of it was asked for. */
function usualName({ certificate, key }: RuledCertificate): string {
  const subject = encodeName(certificate.subject);
  return (
    spiffeId(certificate) ??
    certificate.emails[0] ??
    certificate.mailboxes[0] ??
    certificate.dnsNames[0] ??
    (subject === '' ? `key:${key.slice(0, 16)}` : subject)
  );
}

/** The local part exactly (RFC 5321 §2.4), the domain without regard to case. */
function isSameMailbox(address: string, { local, domain }: Extract<TrustMatch, { kind: 'email' }>): boolean {
  const at = address.lastIndexOf('@');
  if (at < 1 || address.slice(at + 1).toLowerCase() !== domain) return false;
  return local === '*' || address.slice(0, at) === local;
}

function isSameHost(name: string, wanted: string, wildcard: boolean): boolean {
  const lower = name.toLowerCase();
  // A certificate for *.example.net is none for a host: whoever has it could be any of them.
  if (!isDnsName(lower)) return false;
  return wildcard ? lower.slice(lower.indexOf('.') + 1) === wanted && lower.includes('.') : lower === wanted;
}

/** Whether no other name prints alike: see protocol/pki/name.ts for those that do. */
function isPlain(name: Uint8Array): boolean {
  let length = 0;
  for (const { value, type, tag } of readName(name)) {
    const printed = attributeName(type) ?? type;
    if (printed.length > 79 || value.includes(0x5c) || stringText(tag, value) === undefined) return false;
    length += printed.length + 2;
    for (const octet of value) length += octet < 0x20 || octet > 0x7e ? 4 : octet === 0x2f || octet === 0x2b ? 2 : 1;
  }
  return length <= 255;
}

/** Each value is the same text, whatever its string type; RDNs in this order, or all the other way round (RFC 4514 §2.1). */
function isSameName(name: Uint8Array, wanted: readonly NamePart[]): boolean {
  const found: NamePart[] = [];
  for (const { type, tag, value, set } of readName(name)) {
    const text = stringText(tag, value);
    if (text === undefined) return false;
    found.push({ type, value: text, set });
  }
  const last = found.at(-1)?.set ?? 0;
  const key = (parts: readonly NamePart[]): string =>
    JSON.stringify(parts.map(({ type, value, set }) => JSON.stringify([set + 1_000, type, value])).toSorted());
  const backwards = found.map((part) => ({ ...part, set: last - part.set }));
  return key(found) === key(wanted) || key(backwards) === key(wanted);
}
