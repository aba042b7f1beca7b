/**
 * What a certificate of each kind is for, how long it lives, and what names it carries. A profile decides; the
 * request chooses only the key and the subject.
 */
import { domainToASCII, domainToUnicode } from 'node:url';
import type { Ms } from '../base/clock.ts';
import type { GeneralName } from '../protocol/pki/general-name.ts';
import { isDomainItself, permits, type NameConstraints } from '../protocol/pki/name-constraint.ts';
import { oids } from '../protocol/pki/oid.ts';
import type { ProfileName } from './ledger.ts';
import { RequestRefused } from './refusal.ts';

const DAY: Ms = 86_400_000;

export interface Profile {
  /** Extended key usages, dotted: a client certificate never serves, nor the other way round. */
  readonly purposes: readonly string[];
  /** Usual life, and what the configuration may make of it at most. */
  readonly life: Ms;
  readonly longest: Ms;
  readonly names: 'address' | 'dns' | 'none';
  /** Whether a certificate may carry a SPIFFE ID. */
  readonly workload: boolean;
}

/** Systems of Apple take no server certificate that lives longer. */
const LONGEST_OF_SERVERS = 825 * DAY;
const LONGEST = 1826 * DAY;
const client = { purposes: [oids.clientAuth], longest: LONGEST };

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  server: { purposes: [oids.serverAuth], life: 397 * DAY, longest: LONGEST_OF_SERVERS, names: 'dns', workload: true },
  person: { ...client, life: 397 * DAY, names: 'address', workload: false },
  device: { ...client, life: 730 * DAY, names: 'dns', workload: true },
  service: { ...client, life: 730 * DAY, names: 'dns', workload: true },
  /** OCSP responder, delegated (RFC 6960 §4.2.2.2): nobody can revoke it, so it lives short. */
  responder: { purposes: [oids.ocspSigning], life: 30 * DAY, longest: 90 * DAY, names: 'none', workload: false },
};

/** Up to this life a certificate carries noRevAvail and is on no list (RFC 9608; the bound is that of public CAs). */
export const SHORT_LIFE: Ms = 7 * DAY;

/** How long certificates of a profile live at most, by the operator's wish and within the bound of the profile. */
export function lifeOf(profile: ProfileName, lifetimes: Readonly<Partial<Record<ProfileName, Ms>>>): Ms {
  const { life, longest } = profiles[profile];
  return Math.min(lifetimes[profile] ?? life, longest);
}

/** What is asked for to be certified, besides the key. */
export interface WantedNames {
  readonly holder: string;
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
}

/**
 * The names that go into subjectAltName. Throws `RequestRefused` when one is no name of the profile's kind, or outside
 * of what the CA may certify.
 */
export function certifiedNames(
  profile: ProfileName,
  wanted: WantedNames,
  constraints: NameConstraints | undefined,
): GeneralName[] {
  const names = namesOf(profile, wanted, constraints);
  for (const name of names) refuseOutside(name, constraints);
  return names;
}

function namesOf(
  profile: ProfileName,
  { holder, dnsNames, uris }: WantedNames,
  constraints: NameConstraints | undefined,
): GeneralName[] {
  const kind = profiles[profile];
  if (kind.names !== 'dns' && dnsNames.length > 0)
    throw new RequestRefused(`a ${profile} certificate carries no DNS names`, 'RFC 5280 §4.2.1.6');
  if (!kind.workload && uris.length > 0)
    throw new RequestRefused(`a ${profile} certificate carries no URI`, 'RFC 5280 §4.2.1.6');
  if (kind.names === 'none') return [];
  if (kind.names === 'address') return [mailboxOf(holder)];
  if (uris.length > 1) throw new RequestRefused('a certificate carries one SPIFFE ID at most', 'RFC 5280 §4.2.1.6');
  for (const uri of uris) checkSpiffeId(uri);
  const hosts =
    dnsNames.length > 0 ? [...new Set(dnsNames)] : uris.length > 0 ? [] : hostsOf(holder, profile, constraints);
  for (const host of hosts) checkDnsName(host, profile === 'server');
  return [
    ...hosts.map((text): GeneralName => ({ kind: 'dns', text })),
    ...uris.map((text): GeneralName => ({ kind: 'uri', text })),
  ];
}

/**
 * The holder is the DNS name where none is given. Under name constraints a bare word such as `printer-2` is no name of
 * the domains: then the subject alone says whose the certificate is.
 */
function hostsOf(holder: string, profile: ProfileName, constraints: NameConstraints | undefined): string[] {
  const bare = profile !== 'server' && !holder.includes('.');
  if (bare && constraints !== undefined && constraints.dnsNames.length > 0) {
    checkDnsName(holder, false);
    return [];
  }
  return [holder];
}

/** Whether a holder's name is a person's address; else it is a host, device or service. */
export function isAddress(holder: string): boolean {
  return holder.includes('@');
}

/** Throws `RequestRefused`, which says what would be allowed. */
function refuseOutside(name: GeneralName, constraints: NameConstraints | undefined): void {
  const outside = outsideConstraints(name, constraints);
  if (outside !== undefined) throw new RequestRefused(outside.what, outside.section);
}

/** What is wrong with a name under the constraints of the CA; undefined when nothing is. */
export function outsideConstraints(
  name: GeneralName,
  constraints: NameConstraints | undefined,
): { readonly what: string; readonly section: string } | undefined {
  if (constraints === undefined || permits(constraints, name)) return undefined;
  const bases =
    name.kind === 'dns' ? constraints.dnsNames : name.kind === 'uri' ? constraints.uris : constraints.emails;
  const domains = bases.filter(isDomainItself).map((base) => domainToUnicode(base));
  return {
    what: `"${name.text}" is outside of what this CA may certify: only names of ${domains.join(', ')}${name.kind === 'mailbox' ? ', and addresses beyond ASCII not of their subdomains' : ''}`,
    section: name.kind === 'mailbox' ? 'RFC 9598 §6' : 'RFC 5280 §4.2.1.10',
  };
}

const ATEXT = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** The same with characters beyond ASCII that print (RFC 6531 §3.3). */
const UTF8_ATEXT =
  /^(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|(?![\p{ASCII}\p{C}\p{Z}])\p{Any})+(?:\.(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|(?![\p{ASCII}\p{C}\p{Z}])\p{Any})+)*$/u;

/**
 * An address as a certificate holds it: rfc822Name (RFC 5280 §4.2.1.6) when the local part is ASCII, else
 * SmtpUTF8Mailbox; the domain in A-labels in both (RFC 9549 §2.2, RFC 9598 §3).
 */
function mailboxOf(address: string): GeneralName {
  const at = address.lastIndexOf('@');
  if (at < 1) throw new RequestRefused(`"${address}" is no mail address`, 'RFC 5321 §4.1.2');
  const local = address.slice(0, at).normalize('NFC');
  if (Buffer.byteLength(local) > 64)
    throw new RequestRefused(`"${local}" has more than the 64 octets of a local part`, 'RFC 5321 §4.5.3.1.1');
  const domain = asciiDomain(address.slice(at + 1));
  checkDnsName(domain, false);
  if (ATEXT.test(local)) return { kind: 'email', text: `${local}@${domain}` };
  if (!UTF8_ATEXT.test(local))
    throw new RequestRefused(`"${local}" is no local part without quotes, blanks and controls`, 'RFC 5321 §4.1.2');
  return { kind: 'mailbox', text: `${local}@${domain}` };
}

/** The domain in A-labels. Throws `RequestRefused` when it has none. */
export function asciiDomain(domain: string): string {
  if (/^[\x21-\x7e]+$/.test(domain)) return domain;
  const ascii = /[\p{C}\p{Z}]/u.test(domain) ? '' : domainToASCII(domain);
  if (ascii === '') throw new RequestRefused(`"${domain}" is no domain`, 'RFC 5891 §5.4');
  return ascii;
}

/** Letters, digits, hyphens (RFC 1123 §2.1); a wildcard only as the whole leftmost label (RFC 9525 §6.3). */
export function checkDnsName(name: string, wildcard: boolean): void {
  const host = wildcard && name.startsWith('*.') ? name.slice(2) : name;
  const labels = host.split('.');
  if (name.length > 253 || !labels.every((label) => /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/.test(label))) {
    throw new RequestRefused(`"${name}" is no DNS name`, 'RFC 5280 §4.2.1.6');
  }
  // Clients take all-digit last labels for addresses, and match no address against dNSName (RFC 9525 §6.5).
  if (/^\d+$/.test(labels.at(-1) ?? ''))
    throw new RequestRefused(`"${name}" is an address and not a DNS name`, 'RFC 5280 §4.2.1.6');
}

/** `spiffe://trust-domain/path` by the SPIFFE ID standard, §2; a certificate of a workload has a path. */
const SPIFFE_ID = /^spiffe:\/\/(?=[^/]{1,255}\/)[a-z0-9._-]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/;

export function isSpiffeId(uri: string): boolean {
  return uri.length <= 2048 && SPIFFE_ID.test(uri);
}

function checkSpiffeId(uri: string): void {
  if (isSpiffeId(uri)) return;
  throw new RequestRefused(
    `"${uri}" is no SPIFFE ID; write spiffe://trust-domain/path in letters, digits, dots, dashes and underscores`,
    'RFC 5280 §4.2.1.6',
  );
}
