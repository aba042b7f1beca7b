/**
 * What a certificate of each kind is for, how long it lives, and what names it carries. A profile decides; the
 * request chooses only the key and, with a CSR, the subject.
 */
import type { Ms } from '../base/clock.ts';
import { encodeNameOf } from '../protocol/pki/certificate-write.ts';
import { oids } from '../protocol/pki/oid.ts';
import type { ProfileName } from './ledger.ts';
import { RequestRefused } from './refusal.ts';

const DAY: Ms = 86_400_000;

export interface Profile {
  /** Extended key usages, dotted: a client certificate never serves, nor the other way round. */
  readonly purposes: readonly string[];
  readonly life: Ms;
  readonly names: 'address' | 'dns' | 'none';
}

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  server: { purposes: [oids.serverAuth], life: 397 * DAY, names: 'dns' },
  person: { purposes: [oids.clientAuth], life: 397 * DAY, names: 'address' },
  device: { purposes: [oids.clientAuth], life: 730 * DAY, names: 'dns' },
  service: { purposes: [oids.clientAuth], life: 730 * DAY, names: 'dns' },
  /** OCSP responder, delegated (RFC 6960 §4.2.2.2). */
  responder: { purposes: [oids.ocspSigning], life: 30 * DAY, names: 'none' },
};

export interface CertifiedNames {
  readonly emails: readonly string[];
  readonly dnsNames: readonly string[];
}

/** The names that go into subjectAltName. Throws `RequestRefused` when the holder is no name of the profile's kind. */
export function certifiedNames(profile: ProfileName, holder: string, dnsNames: readonly string[]): CertifiedNames {
  if (profiles[profile].names === 'address') {
    if (dnsNames.length > 0)
      throw new RequestRefused(`a ${profile} certificate carries no DNS names`, 'RFC 5280 §4.2.1.6');
    checkAddress(holder);
    return { emails: [holder], dnsNames: [] };
  }
  const names = dnsNames.length > 0 ? [...new Set(dnsNames)] : [holder];
  for (const name of names) checkDnsName(name, profile === 'server');
  return { emails: [], dnsNames: names };
}

/** Whether a holder's name is a person's address; else it is a host, device or service. */
export function isAddress(holder: string): boolean {
  return holder.includes('@');
}

/** rfc822Name is an ASCII Mailbox without angle brackets (RFC 5280 §4.2.1.6). */
function checkAddress(address: string): void {
  const at = address.lastIndexOf('@');
  if (at < 1) throw new RequestRefused(`"${address}" is no mail address`, 'RFC 5321 §4.1.2');
  if (/[^\x21-\x7e]/.test(address)) {
    throw new RequestRefused(
      `"${address}" is not ASCII without blanks; write the domain as xn--, and use an ASCII local part`,
      'RFC 5280 §4.2.1.6',
    );
  }
  const local = address.slice(0, at);
  if (!/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(local) || local.length > 64) {
    throw new RequestRefused(`"${local}" is no local part of up to 64 characters without quotes`, 'RFC 5321 §4.1.2');
  }
  checkDnsName(address.slice(at + 1), false);
}

/** Letters, digits, hyphens (RFC 1123 §2.1); a wildcard only as the whole leftmost label (RFC 9525 §6.3). */
function checkDnsName(name: string, wildcard: boolean): void {
  const host = wildcard && name.startsWith('*.') ? name.slice(2) : name;
  const labels = host.split('.');
  if (name.length > 253 || !labels.every((label) => /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/.test(label))) {
    throw new RequestRefused(`"${name}" is no DNS name`, 'RFC 5280 §4.2.1.6');
  }
  // Clients take all-digit last labels for addresses, and match no address against dNSName (RFC 9525 §6.5).
  if (/^\d+$/.test(labels.at(-1) ?? ''))
    throw new RequestRefused(`"${name}" is an address and not a DNS name`, 'RFC 5280 §4.2.1.6');
}

/** Upper bound of common name and organization, in characters (RFC 5280 §A.1). */
const NAME_BOUND = 64;

/** The subject of a certificate whose key was made here, DER: the holder as common name. */
export function holderName(holder: string): Uint8Array {
  if (holder.length > NAME_BOUND) {
    throw new RequestRefused(
      `"${holder}" has ${holder.length} characters, more than the ${NAME_BOUND} of a common name; send a CSR with a subject of your own`,
      'RFC 5280 §A.1',
    );
  }
  return encodeNameOf([[oids.commonName, holder]]);
}

/** The name of a CA, DER: `O=hostname, CN=title hostname`. A host name too long for both is cut in the common name, at the end. */
export function caName(title: string, hostname: string): Uint8Array {
  return encodeNameOf([
    [oids.organizationName, hostname.slice(0, NAME_BOUND)],
    [oids.commonName, `${title} ${hostname}`.slice(0, NAME_BOUND)],
  ]);
}
