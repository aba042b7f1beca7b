/** Domains and addresses of recipients, as the policy compares them. */
import { toASCII } from 'tr46';
import type { Address } from '../../protocol/smtp/address.ts';

/** Lower case, A-labels, no dot at the end: the form in which policies and access maps hold domains. */
export function domainKey(domain: string): string {
  const name = domain.endsWith('.') ? domain.slice(0, -1) : domain;
  // oxlint-disable-next-line no-control-regex -- the range is ASCII
  if (/^[\u0000-\u007f]*$/.test(name)) return name.toLowerCase();
  return toASCII(name) ?? name;
}

/**
 * The address inside the local part, as a next hop that still routes by it would read it: `u@other`, `other!u` or
 * `u%other` (the last one, RFC 5321 §5.1 leaves such parts to the host of the domain). Undefined when there is none.
 */
export function innerAddress(local: string): Address | undefined {
  const at = local.lastIndexOf('@');
  if (at >= 0) return split(local.slice(0, at), local.slice(at + 1));
  const bang = local.indexOf('!');
  if (bang >= 0) {
    const host = local.slice(0, bang);
    // A host without a dot is one of UUCP, which is never ours.
    return split(local.slice(bang + 1), host === '' || host.includes('.') ? host : `${host}.UUCP`);
  }
  const percent = local.lastIndexOf('%');
  return percent >= 0 ? split(local.slice(0, percent), local.slice(percent + 1)) : undefined;
}

function split(local: string, domain: string): Address | undefined {
  return domain === '' ? undefined : { local, domain };
}
