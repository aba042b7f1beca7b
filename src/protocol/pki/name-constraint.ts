/**
 * Name constraints (RFC 5280 §4.2.1.10): the domains a CA may certify names of. A host in `emails` means its mailboxes,
 * one with a dot in front those of all hosts below it, and likewise in `uris`; in `dnsNames` a name means itself and all
 * names below it. A kind whose list is empty is not constrained.
 */
import { fromLatin1, latin1, type Bytes } from '../../base/bytes.ts';
import { DerError, type DerReader, contextTag, element, orEmpty, sequence, tags } from './der.ts';
import { implicit } from './der-write.ts';
import type { GeneralName } from './general-name.ts';

export interface NameConstraints {
  readonly emails: readonly string[];
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  /** Whether all IP addresses are excluded. */
  readonly noAddresses: boolean;
}

/** The constraints that keep a CA to mail domains and hosts, all in lower-case ASCII. */
export function constraintsOf(domains: readonly string[], hosts: readonly string[]): NameConstraints {
  const mail = [...domains, ...domains.filter(isInternational).map(encodedTwice)];
  const withBelow = [...domains, ...domains.map((domain) => `.${domain}`)];
  return {
    emails: [...mail, ...mail.map((domain) => `.${domain}`)],
    dnsNames: [...new Set([...domains, ...hosts.filter((host) => !domains.some((domain) => below(host, domain)))])],
    uris: withBelow,
    noAddresses: true,
  };
}

function isInternational(domain: string): boolean {
  return /(?:^|\.)xn--/.test(domain);
}

/**
 * The domain in the form that OpenSSL (3.0 to 4.0 at least) compares with SmtpUTF8Mailbox: it takes the A-labels of
 * the constraint for U-labels, as RFC 8398 §6 had it, and the mailbox as it stands, which by RFC 9598 §3 has A-labels. So
 * the labels are encoded once more: nobody can have a domain with such labels (RFC 5891 §4.2.3.1), and nothing
 * else comes to be allowed by them.
 */
function encodedTwice(domain: string): string {
  return domain
    .split('.')
    .map((label) => (label.startsWith('xn--') ? `xn--${label}-` : label))
    .join('.');
}

/** Whether a base stands for a domain itself, and is not another form of one, or for what is below it. */
export function isDomainItself(base: string): boolean {
  return !base.startsWith('.') && !/(?:^|\.)xn--xn--/.test(base);
}

/** NameConstraints, DER: what is in the extension. */
export function encodeNameConstraints(constraints: NameConstraints): Bytes {
  const subtree = (tag: number, base: Uint8Array): Bytes => sequence(implicit(tag, base));
  const permitted = [
    ...constraints.emails.map((base) => subtree(1, fromLatin1(base))),
    ...constraints.dnsNames.map((base) => subtree(2, fromLatin1(base))),
    ...constraints.uris.map((base) => subtree(6, fromLatin1(base))),
  ];
  // An address and its mask, all zero: every address of IPv4 and of IPv6.
  const excluded = constraints.noAddresses ? [8, 32].map((length) => subtree(7, new Uint8Array(length))) : [];
  return sequence(
    ...(permitted.length === 0 ? [] : [element(contextTag(0), ...permitted)]),
    ...(excluded.length === 0 ? [] : [element(contextTag(1), ...excluded)]),
  );
}

/** Reads constraints of the kinds that we write. Throws `DerError` for others, which would not be kept to here. */
export function readNameConstraints(value: DerReader): NameConstraints {
  const bases: Readonly<Record<number, string[]>> = { 0x81: [], 0x82: [], 0x86: [] };
  const outer = value.read(tags.sequence);
  const permitted = orEmpty(outer.optional(contextTag(0)));
  const excluded = orEmpty(outer.optional(contextTag(1)));
  outer.end();
  while (!permitted.done) {
    const { tag, content } = permitted.read(tags.sequence).next();
    const list = bases[tag];
    if (list === undefined) throw new DerError('name constraint of a kind that is not known here', content.offset);
    list.push(latin1(content.bytes).toLowerCase());
  }
  let addresses = 0;
  while (!excluded.done) {
    const { tag, content } = excluded.read(tags.sequence).next();
    if (tag !== 0x87 || content.bytes.some((octet) => octet !== 0))
      throw new DerError('excluded name of a kind that is not known here', content.offset);
    addresses += 1;
  }
  return {
    emails: bases[0x81] ?? [],
    dnsNames: bases[0x82] ?? [],
    uris: bases[0x86] ?? [],
    noAddresses: addresses > 0,
  };
}

/**
 * Whether a CA under these constraints may certify the name. Mailboxes of RFC 9598 are kept to the constraints of
 * rfc822Name (its §6), and to hosts that these name: OpenSSL to 3.5 at least finds no mailbox below a base with a dot in front,
 * so a certificate with one would be refused everywhere.
 */
export function permits(constraints: NameConstraints, { kind, text }: GeneralName): boolean {
  switch (kind) {
    case 'email':
      return allows(constraints.emails, (base) => matchesHost(domainOf(text), base));
    case 'mailbox':
      return allows(constraints.emails, (base) => !base.startsWith('.') && matchesHost(domainOf(text), base));
    case 'dns':
      return allows(constraints.dnsNames, (base) => below(text.toLowerCase().replace(/^\*\./, ''), base));
    case 'uri':
      return allows(constraints.uris, (base) => matchesHost(hostOf(text), base));
    case 'other':
      break;
  }
  // An address has tag 7; other kinds are not constrained.
  return !(constraints.noAddresses && text === '[7]');
}

function allows(bases: readonly string[], matches: (base: string) => boolean): boolean {
  return bases.length === 0 || bases.some(matches);
}

function matchesHost(host: string, base: string): boolean {
  const lower = host.toLowerCase();
  return base.startsWith('.') ? lower.endsWith(base) && lower.length > base.length : lower === base;
}

function below(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

function domainOf(mailbox: string): string {
  return mailbox.slice(mailbox.lastIndexOf('@') + 1);
}

function hostOf(uri: string): string {
  const authority = /^[^:]*:\/\/([^/?#]*)/.exec(uri)?.[1] ?? '';
  return authority.slice(authority.lastIndexOf('@') + 1).replace(/:\d*$/, '');
}
