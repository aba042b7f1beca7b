/**
 * How addresses of our own are written to the world, in the order of Sendmail's rules: domaintable, genericstable, then the
 * name of the masquerade (cf/README, ADDRESS MASQUERADING).
 */
import type { Address } from '../../protocol/smtp/address.ts';
import { findGeneric } from './generic.ts';
import { canonical, isAmong, type RecipientRules } from './rules.ts';

/** The author of a message, and whoever else answers for it: From:, Sender:, Reply-To: and so on. */
export function writtenSender(rules: RecipientRules, address: Address): Address {
  const given = canonical(rules, address);
  const generic = findGeneric(rules, given);
  if (generic !== undefined && generic.domain !== '') return canonical(rules, generic);
  const written = masqueraded(rules, generic ?? given);
  // A name from the table without a domain is one of this host.
  return written.domain === '' && generic !== undefined ? { ...written, domain: rules.hostname } : written;
}

/** A recipient in To: or Cc:. */
export function writtenRecipient(rules: RecipientRules, address: Address): Address {
  if (rules.senders.recipients) return writtenSender(rules, address);
  return qualified(rules, canonical(rules, address));
}

/** The reverse-path. */
export function writtenReversePath(rules: RecipientRules, address: Address): Address {
  return rules.senders.envelope ? writtenSender(rules, address) : qualified(rules, canonical(rules, address));
}

/** What the header section of a message is rewritten by; undefined: it stays as it is. */
export function headerRewriter(
  rules: RecipientRules,
): { readonly sender: (address: Address) => Address; readonly recipient: (address: Address) => Address } | undefined {
  const { headers, masquerade, qualify } = rules.senders;
  const changesNothing = (rules.generic ?? rules.domains ?? masquerade) === undefined && !qualify;
  if (!headers || changesNothing) return undefined;
  return {
    sender: (address) => writtenSender(rules, address),
    recipient: (address) => writtenRecipient(rules, address),
  };
}

function masqueraded(rules: RecipientRules, address: Address): Address {
  const { masquerade } = rules.senders;
  if (masquerade === undefined) return qualified(rules, address);
  const { as, domains, exceptions, exposed } = masquerade;
  const isHome = address.domain === '';
  if (!isHome && isAmong(exceptions, address.domain)) return address;
  if (!isHome && !isAmong(domains, address.domain)) return address;
  if (exposed.has(address.local.toLowerCase())) return isHome ? { ...address, domain: rules.hostname } : address;
  return { ...address, domain: as };
}

function qualified(rules: RecipientRules, address: Address): Address {
  return address.domain === '' && rules.senders.qualify ? { ...address, domain: rules.hostname } : address;
}
