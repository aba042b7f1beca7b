/**
 * Step 4, policy: from who the peer is and what it asks to a verdict, with the trail of all tests on the way. Pure: the
 * same facts give the same verdict; nothing is looked up outside the policy it is given, and nothing ever throws.
 * It never reads content, and no address grants relaying unless the policy names it.
 * Before it: `relay/identity/identify.ts`. After it: the session answers with the verdict's reply, or takes the message.
 */
import { clientName, reject, verdictOf } from './answer.ts';
import { domainKey } from './domain.ts';
import type { AccessFacts, AccessRecipient, AccessSender } from './facts.ts';
import { Lookup, addressPrefixes, sendmailAddress } from './lookup.ts';
import { canonicalRecipient, checkMailbox } from './mailbox.ts';
import type { AccessPolicy } from './policy.ts';
import { checkRecipient, type RecipientCheck } from './recipient.ts';
import { isWord } from './rule.ts';
import { checkSender, malformedSender } from './sender.ts';
import { connect } from './tags/connect.ts';
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
  const malformed = malformedSender(policy, sender, trail);
  if (malformed !== undefined) return malformed;
  if (policy.delayChecks) return delayed(trail);
  return checkSender(policy, facts, sender, trail, undefined).verdict;
}

/** Whether mail for this recipient is taken, and whether that is relaying. */
export function decideRecipient(
  policy: AccessPolicy,
  facts: AccessFacts,
  sender: AccessSender,
  recipient: AccessRecipient,
): Verdict {
  const trail: TrailStep[] = [];
  const { verdict, overrides } = checkRecipient(policy, facts, sender, recipient, trail);
  if (verdict.kind === 'reject') return verdict;
  const asked =
    verdict.kind === 'accept' && policy.delayChecks
      ? checkDelayed(policy, facts, sender, recipient, { verdict, overrides }, trail)
      : verdict;
  if (asked.kind === 'reject' || asked.kind === 'discard' || recipient.discarded === true) return asked;
  return checkMailbox(policy, recipient, trail) ?? asked;
}

/** FEATURE(delay_checks): the checks of MAIL and of the connection, for a recipient that was taken. */
function checkDelayed(
  policy: AccessPolicy,
  facts: AccessFacts,
  sender: AccessSender,
  recipient: AccessRecipient,
  { verdict: taken, overrides }: RecipientCheck,
  trail: TrailStep[],
): Verdict {
  if (overrides || isSpared(policy, recipient, trail)) {
    // What TLS must be like is asked of them too, here and for the others at the head of the reverse-path's checks.
    const tls = checkTls(policy, facts, trail);
    return tls.kind === 'reject' ? tls : taken;
  }
  const mail = checkSender(policy, facts, sender, trail, recipient.typed);
  if (mail.final) return mail.verdict.kind === 'accept' ? taken : mail.verdict;
  const connection = checkConnect(policy, facts, trail, recipient.typed);
  return connection.kind === 'accept' ? taken : connection;
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
  const look = new Lookup(policy.map, trail, policy);
  if (policy.mapMissing) {
    look.note('access map', 'missingMap', 'cannot be read');
    return reject('map-missing', typed ?? '', trail);
  }
  const address = sendmailAddress(facts.address);
  const value = look.host(connect, clientName(facts, address)) ?? look.address(connect, address);
  if (value !== undefined) return verdictOf(policy, value, trail, { status: 'access-denied', typed });
  return checkReverseName(policy, facts, address, look, trail, typed);
}

/** FEATURE(require_rdns). */
function checkReverseName(
  policy: AccessPolicy,
  { name }: AccessFacts,
  peer: string,
  look: Lookup,
  trail: TrailStep[],
  typed: string | undefined,
): Verdict {
  const accept: Verdict = { kind: 'accept', relay: false, trail };
  if (!policy.features.has('require_rdns') || name.state === 'ok') return accept;
  if (addressPrefixes(peer).some((octets) => policy.relayDomains.has(octets.toLowerCase()))) return accept;
  look.note('client name', 'require_rdns', name.state);
  const where = typed === undefined ? '' : `${typed}... `;
  if (name.state === 'temporary') return reject('reverse-name-unanswered', '', trail, { peer });
  if (name.state === 'forged') return reject('reverse-name-forged', '', trail, { peer });
  return reject('reverse-name-missing', '', trail, { where, peer });
}

/** FEATURE(delay_checks) with `friend` or `hater`. */
function isSpared(policy: AccessPolicy, recipient: AccessRecipient, trail: TrailStep[]): boolean {
  if (policy.spam === undefined) return false;
  const { local, domain } = canonicalRecipient(policy, recipient) ?? recipient.address;
  const host = domain === '' ? policy.hostname : domainKey(domain);
  const look = new Lookup(policy.map, trail, policy);
  const value =
    look.user(spam, local, host) ??
    look.host(spam, host) ??
    (domain === '' || policy.localDomains.has(host) ? look.user(spam, local, '') : undefined);
  const word = policy.spam === 'friend' ? 'FRIEND' : 'HATER';
  const found = value !== undefined && isWord(value, word);
  return policy.spam === 'friend' ? found : !found;
}
