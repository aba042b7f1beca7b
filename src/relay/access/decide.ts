/**
 * Step 4, policy: from who the peer is and what it asks to a verdict, with the trail of all tests on the way. Pure: the
 * same facts give the same verdict; nothing is looked up outside the policy it is given, and nothing ever throws.
 * It never reads content, and no address grants relaying unless the policy names it.
 * Before it: `relay/identity/identify.ts`. After it: the session answers with the verdict's reply, or takes the message.
 */
import type { Address } from '../../protocol/smtp/address.ts';
import { clientName, reject, verdictOf } from './answer.ts';
import { domainKey } from './domain.ts';
import type { AccessFacts, AccessRecipient, AccessSender } from './facts.ts';
import { Lookup, sendmailAddress } from './lookup.ts';
import { isLocalhost } from './network.ts';
import type { AccessPolicy } from './policy.ts';
import { checkRecipient } from './recipient.ts';
import { isWord } from './rule.ts';
import { connect } from './tags/connect.ts';
import { from } from './tags/from.ts';
import { spam } from './tags/spam.ts';
import { checkTls } from './tls.ts';
import type { TrailStep, Verdict } from './verdict.ts';

/** Whether the peer may speak to us at all. Ask once the name is known, before the greeting. */
export function decideConnect(policy: AccessPolicy, facts: AccessFacts): Verdict {
  const trail: TrailStep[] = [];
  if (policy.delayChecks) return delayed(trail);
  return checkConnect(policy, facts, trail, undefined);
}

/** Whether mail with this reverse-path is taken. */
export function decideMail(policy: AccessPolicy, facts: AccessFacts, sender: AccessSender): Verdict {
  const trail: TrailStep[] = [];
  if (policy.delayChecks) return delayed(trail);
  return checkMail(policy, facts, sender, trail, sender.typed);
}

/** Whether mail for this recipient is taken, and whether that is relaying. */
export function decideRecipient(
  policy: AccessPolicy,
  facts: AccessFacts,
  sender: AccessSender,
  recipient: AccessRecipient,
): Verdict {
  const trail: TrailStep[] = [];
  const { verdict, overrides } = checkRecipient(policy, facts, recipient, trail);
  if (verdict.kind !== 'accept' || !policy.delayChecks) return verdict;
  if (overrides || isSpared(policy, recipient.address, trail)) {
    // What TLS must be like is asked of them too, here and for the others at the head of the reverse-path's checks.
    const tls = checkTls(policy, facts, trail);
    return tls.kind === 'reject' ? tls : verdict;
  }
  const mail = checkMail(policy, facts, sender, trail, recipient.typed);
  if (mail.kind === 'reject' || mail.kind === 'discard') return mail;
  const connection = checkConnect(policy, facts, trail, recipient.typed);
  if (connection.kind !== 'accept') return connection;
  return mail.kind === 'accept' ? verdict : mail;
}

function delayed(trail: TrailStep[]): Verdict {
  trail.push({ asked: 'delayed until RCPT', source: 'delayChecks', answer: 'go on' });
  return { kind: 'accept', relay: false, trail };
}

/** The name is asked before the address and wins in both directions. A name that is not confirmed is `[address]`. */
function checkConnect(
  policy: AccessPolicy,
  facts: AccessFacts,
  trail: TrailStep[],
  typed: string | undefined,
): Verdict {
  const look = new Lookup(policy.map, trail);
  const address = sendmailAddress(facts.address);
  const value = look.host(connect, clientName(facts, address)) ?? look.address(connect, address);
  return verdictOf(value, trail, 'access-denied', typed);
}

/** `typed` is the address that stands in a refusal: the recipient's when the check is a delayed one. */
function checkMail(
  policy: AccessPolicy,
  facts: AccessFacts,
  sender: AccessSender,
  trail: TrailStep[],
  typed: string,
): Verdict {
  const tls = checkTls(policy, facts, trail);
  if (tls.kind === 'reject') return tls;
  // RFC 5321 §4.5.5: the null reverse-path is always taken.
  if (sender.address === undefined) return { kind: 'accept', relay: false, trail };
  const { local, domain } = sender.address;
  const host = domainKey(domain);
  const look = new Lookup(policy.map, trail);
  if ((host === 'localhost' || host === '[127.0.0.1]') && !isLocalhost(facts.address)) {
    look.note(`reverse-path of ${host} from ${facts.address}`, 'RFC 5321 §2.3.5', 'real domain name required');
    return reject('real-domain-required', typed, trail);
  }
  const value =
    host === ''
      ? look.user(from, local, '')
      : (look.user(from, local, host) ?? look.user(from, local, '') ?? look.host(from, host));
  if (value === undefined && host === '') {
    look.note('reverse-path without a domain', 'RFC 5321 §2.3.5', 'domain name required');
    return reject('unqualified-sender', typed, trail, { sender: local });
  }
  return verdictOf(value, trail, 'address-access-denied', typed);
}

/** FEATURE(delay_checks) with `friend` or `hater`. */
function isSpared(policy: AccessPolicy, { local, domain }: Address, trail: TrailStep[]): boolean {
  if (policy.spam === undefined) return false;
  const host = domainKey(domain);
  const look = new Lookup(policy.map, trail);
  const value = look.user(spam, local, host) ?? look.user(spam, local, '') ?? look.host(spam, host);
  const word = policy.spam === 'friend' ? 'FRIEND' : 'HATER';
  const found = value !== undefined && isWord(value, word);
  return policy.spam === 'friend' ? found : !found;
}
