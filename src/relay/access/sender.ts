/**
 * The reverse-path as policy sees it (check_mail): which address it is, what its domain has to be asked, and whether mail
 * from it is taken.
 */
import type { Address } from '../../protocol/smtp/address.ts';
import { ownDomain, plainLocal, readAddress } from './address-form.ts';
import { clientName, reject, verdictOf } from './answer.ts';
import { domainKey } from './domain.ts';
import type { AccessFacts, AccessSender } from './facts.ts';
import { Lookup, sendmailAddress } from './lookup.ts';
import { isLocalhost } from './network.ts';
import type { AccessPolicy } from './policy.ts';
import { isWord } from './rule.ts';
import { from } from './tags/from.ts';
import { checkTls } from './tls.ts';
import type { Rejection, TrailStep, Verdict } from './verdict.ts';

export interface SenderCheck {
  readonly verdict: Verdict;
  /** The map spoke of this reverse-path: where checks are delayed, the connection is not asked any more. */
  readonly final: boolean;
}

/** The address of a reverse-path as the policy reads it; undefined: the null one, or none that can be read. */
export function canonicalSender(policy: AccessPolicy, sender: AccessSender): Address | undefined {
  const address = readSender(policy, sender);
  return address === undefined || sender.mapped === undefined ? address : { ...address, domain: sender.mapped };
}

function readSender(policy: AccessPolicy, sender: AccessSender): Address | undefined {
  if (!policy.features.has('sendmail')) return sender.address;
  const form = readAddress(policy, sender.typed);
  return form.kind === 'address' ? form.address : undefined;
}

/** The domain that the name service has to be asked about before MAIL is decided; undefined: no rule needs to know. */
export function domainToResolve(policy: AccessPolicy, sender: AccessSender): string | undefined {
  const { features, hostname } = policy;
  if (!features.has('sendmail') || features.has('accept_unresolvable_domains')) return undefined;
  const address = canonicalSender(policy, sender);
  const domain = address === undefined ? '' : domainKey(address.domain);
  return domain === '' || domain === hostname ? undefined : domain;
}

/** Why an address is none, which Sendmail says at once, whether checks are delayed or not. */
export function malformedSender(policy: AccessPolicy, sender: AccessSender, trail: TrailStep[]): Rejection | undefined {
  if (!policy.features.has('sendmail')) return undefined;
  const form = readAddress(policy, sender.typed);
  if (form.kind !== 'refused') return undefined;
  trail.push({ asked: `address ${sender.typed}`, source: 'sendmail', answer: 'cannot be read' });
  return reject(form.status, sender.typed, trail, { sign: form.sign });
}

/**
 * Whether mail from this reverse-path is taken. `recipient` is the address that stands in a refusal when the check is a
 * delayed one.
 */
export function checkSender(
  policy: AccessPolicy,
  facts: AccessFacts,
  sender: AccessSender,
  trail: TrailStep[],
  recipient: string | undefined,
): SenderCheck {
  const address = canonicalSender(policy, sender);
  const open = (verdict: Verdict): SenderCheck => ({ verdict, final: verdict.kind !== 'accept' });
  const tls = checkTls(policy, facts, trail);
  if (tls.kind === 'reject') return open(tls);
  // RFC 5321 §4.5.5: the null reverse-path is always taken.
  if (address === undefined) return open({ kind: 'accept', relay: false, trail });
  const look = new Lookup(policy.map, trail, policy);
  const typed = recipient ?? sender.typed;
  const delayed = recipient !== undefined;
  const pretender = pretendsToBeHere(policy, facts, sender, address, delayed);
  if (pretender !== undefined) {
    look.note(`reverse-path of ${pretender} from ${facts.address}`, 'RFC 5321 §2.3.5', 'real domain name required');
    return open(reject('real-domain-required', typed, trail));
  }
  const local = policy.features.has('sendmail') ? plainLocal(address.local) : address.local;
  const host = domainKey(address.domain);
  const value =
    host === ''
      ? look.user(from, local, '')
      : (look.user(from, local, host) ?? look.user(from, local, '') ?? look.host(from, host));
  const shown = shownSender(address);
  if (value === undefined || isState(policy, value)) {
    if (host === '' && value === undefined) {
      if (policy.features.has('accept_unqualified_senders')) return open({ kind: 'accept', relay: false, trail });
      look.note('reverse-path without a domain', 'RFC 5321 §2.3.5', 'domain name required');
      return open(reject('unqualified-sender', typed, trail, { sender: shown }));
    }
    return open(resolved(policy, sender, host, value, look, trail, typed, shown));
  }
  return { verdict: verdictOf(policy, value, trail, { status: 'address-access-denied', typed }), final: true };
}

/**
 * An address at localhost from another machine; its domain. Native policy goes by the address of the client, Sendmail by
 * its name, and by the domain as it was typed.
 */
function pretendsToBeHere(
  policy: AccessPolicy,
  facts: AccessFacts,
  sender: AccessSender,
  address: Address,
  delayed: boolean,
): string | undefined {
  if (!policy.features.has('sendmail')) {
    const host = domainKey(address.domain);
    return (host === 'localhost' || host === '[127.0.0.1]') && !isLocalhost(facts.address) ? host : undefined;
  }
  // What Sendmail has kept of the reverse-path when RCPT comes has this host's own name for localhost.
  if (delayed || policy.features.has('accept_unqualified_senders')) return undefined;
  const host = /@([^@<>]*)>?$/.exec(sender.typed)?.[1]?.toLowerCase() ?? '';
  const here = ['localhost', '[127.0.0.1]', '[ipv6:0:0:0:0:0:0:0:1]', '[ipv6:::1]'];
  here.push(`localhost.${ownDomain(policy.hostname)}`);
  if (!policy.features.has('nouucp_reject') && !policy.features.has('nouucp_nospecial')) here.push('localhost.uucp');
  const client = clientName(facts, sendmailAddress(facts.address));
  return here.includes(host) && !policy.localDomains.has(client) ? host : undefined;
}

/** Values that Sendmail's rules take for what the name service said, because they use these words for it. */
function isState(policy: AccessPolicy, value: string): boolean {
  return policy.features.has('sendmail') && ['TEMP', 'PERM', 'OKR'].some((word) => isWord(value, word));
}

/** By what the name service said of the domain. */
function resolved(
  policy: AccessPolicy,
  sender: AccessSender,
  host: string,
  value: string | undefined,
  look: Lookup,
  trail: TrailStep[],
  typed: string,
  shown: string,
): Verdict {
  const asked =
    value === undefined ? (domainToResolve(policy, sender) === undefined ? 'unasked' : sender.domain) : value;
  if (asked === undefined || asked === 'unasked' || asked === 'exists') return { kind: 'accept', relay: false, trail };
  const word = asked.toUpperCase();
  if (word === 'OKR') return { kind: 'accept', relay: false, trail };
  if (value === undefined) look.note(`domain ${host}`, 'sendmail', asked);
  return word.startsWith('TEMP')
    ? reject('sender-domain-unanswered', typed, trail, { sender: shown })
    : reject('bad-sender-domain', typed, trail, { sender: shown });
}

/** As Sendmail keeps it: addresses of UUCP with the host before the user. */
function shownSender({ local, domain }: Address): string {
  const uucp = /^([^.]+)\.UUCP$/i.exec(domain);
  if (uucp !== null) return `${uucp[1]}!${local}`;
  return domain === '' ? local : `${local}@${domain}`;
}
