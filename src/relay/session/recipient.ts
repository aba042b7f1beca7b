/** A recipient between RCPT and the envelope: as it was written, as the tables have it, and whom it stands for. */
import type { Address } from '../../protocol/smtp/address.ts';
import type { ServerEvent } from '../../protocol/smtp/server-event.ts';
import { canonicalRecipient } from '../access/mailbox.ts';
import type { AccessPolicy } from '../access/policy.ts';
import { originalRecipient, recipientOf, reversePathOf, type Recipient } from '../message/envelope.ts';
import { expandRecipient, type Expansion } from '../recipients/expand.ts';
import { canonical, type RecipientRules } from '../recipients/rules.ts';

type RecipientEvent = Extract<ServerEvent, { kind: 'recipient' }>;

export interface ReadRecipient {
  /** As policy reads it. */
  readonly read: Address;
  /** The same with the domain that the domaintable has for its own. */
  readonly address: Address;
  readonly expansion: Expansion;
  /** It stands for nobody else. */
  readonly isItself: boolean;
}

export function readRecipient(policy: AccessPolicy, rules: RecipientRules, event: RecipientEvent): ReadRecipient {
  const read = canonicalRecipient(policy, event) ?? event.address;
  const address = canonical(rules, read);
  const expansion = withDomain(expandRecipient(rules, address, event.typed), read, address);
  const isItself = expansion.kind === 'same' || (expansion.kind === 'others' && expansion.moved === true);
  return { read, address, expansion, isItself };
}

/** A recipient that stands for itself goes to the domain that the domaintable has for its own. */
function withDomain(expansion: Expansion, read: Address, mapped: Address): Expansion {
  if (expansion.kind !== 'same' || read.domain.toLowerCase() === mapped.domain.toLowerCase()) return expansion;
  return { kind: 'others', to: [mapped], moved: true };
}

/** What the envelope has of it, with the recipients that it stands for; undefined when one of all these is no address. */
export function envelopeRecipient(
  { read, expansion }: ReadRecipient,
  { parameters }: RecipientEvent,
  hostname: string,
): Recipient | undefined {
  const recipient = recipientOf(read, parameters, hostname);
  if (recipient === undefined) return undefined;
  const others = othersOf(expansion, recipient, hostname);
  return others === null ? undefined : { ...recipient, others };
}

/** The recipients that this one stands for, undefined when for itself; null when one of them is no address. */
function othersOf(
  expansion: Expansion,
  recipient: Recipient,
  hostname: string,
): readonly Recipient[] | undefined | null {
  if (expansion.kind !== 'others') return undefined;
  const { notify, address } = recipient;
  // Reports name the address that the sender wrote (RFC 3461 §5.2.7.1).
  const orcpt = recipient.orcpt ?? originalRecipient(address);
  const others = expansion.to.map(({ owner, ...one }) => {
    if (owner === undefined) return recipientOf(one, { notify, orcpt }, hostname);
    // RFC 3461 §5.2.7.3: what the sender asked to be told of ends at the list.
    const member = recipientOf(one, { notify: undefined, orcpt: undefined }, hostname);
    return member && { ...member, reversePath: reversePathOf(owner) };
  });
  return others.some((one) => one === undefined) ? null : (others as Recipient[]);
}

/** What our grammar does not take is an address only where policy reads it as Sendmail does. */
export function isUnread({ features }: AccessPolicy, { unread }: { readonly unread?: boolean }): boolean {
  return unread === true && !features.has('sendmail');
}
