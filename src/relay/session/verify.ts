/**
 * VRFY and EXPN (RFC 5321 §3.5), where the manner shows anything: who is known here, by the rules that RCPT goes by, and
 * for EXPN whom a name stands for. Addresses elsewhere are told as they were asked for: mail for them would be tried.
 */
import type { StatusKey } from '../../base/status.ts';
import { formatAddress, parseAddress, type Address } from '../../protocol/smtp/address.ts';
import { domainKey } from '../access/domain.ts';
import type { AccessPolicy } from '../access/policy.ts';
import { expandRecipient } from '../recipients/expand.ts';
import type { RecipientRules } from '../recipients/rules.ts';

/** What is said, a line for each address. */
export interface Verified {
  readonly status: StatusKey;
  readonly addresses: readonly string[];
}

/** The answer to a question; `typed` as it stood behind the verb. */
export function verify(
  verb: 'VRFY' | 'EXPN',
  typed: string,
  policy: Pick<AccessPolicy, 'localDomains' | 'localUsers' | 'hostname'>,
  rules: RecipientRules,
): Verified {
  const unknown: Verified = { status: 'user-unknown', addresses: [typed] };
  const written = parseAddress(typed.replace(/^<(.*)>$/, '$1'));
  if (written === undefined) return unknown;
  const host = domainKey(written.domain);
  const local = host === '' || policy.localDomains.has(host);
  const address = { local: written.local, domain: written.domain || policy.hostname };
  const expansion = expandRecipient(rules, address, typed);
  if (verb === 'EXPN' && expansion.kind === 'others')
    return expansion.to.length === 0 ? unknown : known(expansion.to, policy.hostname);
  const isUser = policy.localUsers?.has(address.local.toLowerCase()) ?? true;
  if (local && !isUser && expansion.kind === 'same') return unknown;
  if (local) return known([{ local: address.local, domain: '' }], policy.hostname);
  return { ...known([address], policy.hostname), status: verb === 'VRFY' ? 'verified-elsewhere' : 'verified' };
}

function known(addresses: readonly Address[], hostname: string): Verified {
  const shown = addresses.map(({ local, domain }) => `<${formatAddress({ local, domain: domain || hostname })}>`);
  return { status: 'verified', addresses: shown };
}
