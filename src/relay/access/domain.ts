/** Domains and addresses of recipients, as the policy compares them. */
import { toASCII } from 'tr46';
import type { Address } from '../../protocol/smtp/address.ts';

/** Lower case, A-labels, no dot at the end: the form in which policies and access maps hold domains. */
export function domainKey(domain: string): string {
  const name = domain.length > 1 && domain.endsWith('.') ? domain.slice(0, -1) : domain;
  // oxlint-disable-next-line no-control-regex -- the range is ASCII
  if (/^[\u0000-\u007f]*$/.test(name)) return name.toLowerCase();
  // What has no A-labels, or nothing that counts in it, stays as it is: '' would be "no domain", and that is ours.
  return toASCII(name) || name;
}

/**
 * The address inside the local part, as a next hop that still routes by it would read it: `u@other`, `other!u` or
 * `u%other`, the last one of several (RFC 5321 §5.1 leaves such parts to the host of the domain). Its domain may be ''.
 * Undefined when there is none.
 */
export function innerAddress(local: string): Address | undefined {
  const at = local.lastIndexOf('@');
  if (at >= 0) return { local: local.slice(0, at), domain: local.slice(at + 1) };
  const bang = local.indexOf('!');
  if (bang >= 0) {
    const host = local.slice(0, bang);
    // A host without a dot is one of UUCP, which is never ours.
    return { local: local.slice(bang + 1), domain: host === '' || host.includes('.') ? host : `${host}.UUCP` };
  }
  const percent = local.lastIndexOf('%');
  return percent >= 0 ? { local: local.slice(0, percent), domain: local.slice(percent + 1) } : undefined;
}
